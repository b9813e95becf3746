import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A landing folder that is away` {
    private let files = FileManager.default

    /// Groups of waiting files, and what is not served, as `command` tells them.
    private func waiting(_ home: Home, _ command: String) throws -> (files: [JSON], unserved: [JSON]) {
        let ended = try Program.run(command, "--json", home: home)
        let waiting = try #require(try ended.json().first)["waiting"]
        return (waiting?["files"]?.elements ?? [], waiting?["unserved"]?.elements ?? [])
    }

    private func wait(for what: String, _ isSo: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: 30)
        while try !isSo(), deadline > .now { usleep(100_000) }
        #expect(try isSo(), "waited in vain for \(what)")
    }

    /// `drop` made a new folder in the place of a mount point, and `doctor` went on naming what went with the folder.
    @Test func `is not made anew by drop, and its files are named no more`() throws {
        let home = try Home(Sample.assetsSource("patterns: [\"*.csv\"]"))
        let (folder, away) = (home.path + "/dropzone/assets", home.path + "/files/away")
        let daemon = try Daemon(home)
        try home.deliver("b.txt", "x", to: "assets")
        try daemon.wait(for: "reason\":\"unmatched-name")
        try files.moveItem(atPath: folder, toPath: away)
        try wait(for: "the folder's reason") {
            try waiting(home, "status").unserved.contains { $0["code"] == "folder-missing" }
        }
        for command in ["status", "doctor"] {
            let told = try waiting(home, command)
            #expect(told.files.isEmpty, "\(command): \(told.files)")
        }
        let file = try home.file("a.csv", Sample.assets(1...2))
        let refused = try home.run("drop", file, "--source", "assets", "--wait")
        #expect(refused.code == 1 && refused.err.contains("[folder-missing]"), "\(refused.err)")
        #expect(!files.fileExists(atPath: folder))
        try files.moveItem(atPath: away, toPath: folder)
        try wait(for: "the file") { try waiting(home, "status").files.contains { $0["code"] == "unmatched-name" } }
        #expect(try home.drop(file: file, to: "assets")["state"] == "done")
        #expect(try daemon.end() == 0)
    }

    @Test func `is not made anew where no daemon runs, but for one that no start has made yet`() throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        try files.removeItem(atPath: home.path + "/dropzone/assets")
        let refused = try home.run("drop", home.file("b.csv", Sample.assets(1...3)), "--source", "assets")
        #expect(refused.code == 1 && refused.err.contains("[folder-missing]"), "\(refused.err)")
        #expect(!files.fileExists(atPath: home.path + "/dropzone/assets"))
    }

    /// A file that is put into an empty mount point is out of sight once the file system is mounted.
    @Test func `is not filled where it is a mount point without its file system`() throws {
        let home = try Home(Sample.assetsSource())
        for folder in ["state", "dropzone/assets"] {
            try files.createDirectory(atPath: home.path + "/" + folder, withIntermediateDirectories: true)
        }
        try home.write("state/landing-folders.json", #"[{"folder": "\#(home.path)/dropzone/assets", "mount": "other"}]"#)
        let refused = try home.run("drop", home.file("a.csv", Sample.assets(1...2)), "--source", "assets", "--wait")
        #expect(refused.code == 1 && refused.err.contains("[folder-unmounted]"), "\(refused.err)")
        #expect(home.names(in: "dropzone/assets") == [])
    }
}
