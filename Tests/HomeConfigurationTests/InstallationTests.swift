import Foundation
import Testing

@testable import HomeConfiguration

@Suite struct `An installation` {
    private func program(_ home: Home, _ path: String) throws {
        try home.write(path, "")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: home.path + "/" + path)
    }

    @Test func `under a prefix is found from its executable`() throws {
        let home = try Home()
        try program(home, "usr/libexec/twindrop/twindrop-watch")
        try program(home, "usr/libexec/twindrop/twindrop-worker")
        try home.write("usr/lib/twindrop/plugins/a.so", "")
        let installation = Installation(executable: home.path + "/usr/bin/twindrop")
        #expect(installation.watch == home.path + "/usr/libexec/twindrop/twindrop-watch")
        #expect(installation.worker == home.path + "/usr/libexec/twindrop/twindrop-worker")
        #expect(installation.plugins == [home.path + "/usr/lib/twindrop/plugins"])
    }

    @Test func `in a build folder is found from its executable`() throws {
        let home = try Home()
        try program(home, "build/any/release/twindrop-worker")
        try home.write("build/plugins/a.so", "")
        let installation = Installation(executable: home.path + "/build/any/release/twindrop")
        #expect(installation.worker == home.path + "/build/any/release/twindrop-worker")
        #expect(installation.watch == nil)
        #expect(installation.plugins == [home.path + "/build/plugins"])
    }
}
