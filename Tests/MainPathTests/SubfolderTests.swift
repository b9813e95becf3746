import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A file in a subfolder that nobody looks into` {
    /// It was told by the next scan, half a minute later, and as a file of the subfolder's name.
    @Test func `is told at once, by its name with the folder's, the same everywhere`() throws {
        let home = try Home(Sample.assetsSource())
        let daemon = try Daemon(home)
        try FileManager.default.createDirectory(atPath: home.path + "/dropzone/assets/sub", withIntermediateDirectories: true)
        try home.write("dropzone/assets/sub/f.csv", "x")
        for command in ["status", "doctor"] {
            let ended = try Program.run(command, "--json", home: home)
            let told = try #require(try ended.json().first)["waiting"]?["files"]?.elements ?? []
            #expect(told.map { $0["code"] } == ["not-watched"] && told.first?["examples"] == ["sub/f.csv"], "\(told)")
        }
        #expect(try home.ask("why", home.path + "/dropzone/assets/sub/f.csv")["code"] == "not-watched")
        #expect(try daemon.end() == 0)
    }
}
