import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `After a power cut` {
    /// A lock file as a run leaves it that doubted every file there is: the times a real cut makes doubtful lie before this boot.
    private static func cut(_ home: Home) throws {
        let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try FileManager.default.createDirectory(atPath: home.path + "/state", withIntermediateDirectories: true)
        try home.write("state/lock", "1 \(boot) running 1-99999999999999\n")
    }

    @Test func `a file that nothing vouches for is quarantined, and runs when a person retries it`() throws {
        let home = try Home(Sample.sources)
        try Self.cut(home)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        let why = try home.ask("why", home.path + "/dropzone/assets/a.csv")
        // It is complete, and why says what becomes of it.
        #expect(why["code"] == "ready")
        let sentences = (why["sentences"]?.elements ?? []).compactMap(\.string)
        #expect(sentences.contains { $0.contains("nothing vouches for its being whole. It goes to quarantine.") }, "\(sentences)")
        let ended = try home.run("run", "--once")
        #expect(ended.code == 1)
        #expect(ended.err.contains("a.csv (quarantined)"))
        #expect(try home.list("twin", "--all") == [])
        let receipt = try JSON(parsing: try home.text(of: "receipts/assets/a.csv.receipt.json"))
        #expect(receipt[path: "reason/code"] == "suspect-truncated")
        #expect(try home.shown("archive", "cat", "a.csv") == Sample.assets(1...3))
        _ = try home.ask("retry", "a.csv")
        #expect(try home.list("twin", "--all").count == 3)
    }

    @Test func `a file with a marker and one that proves its end are processed`() throws {
        let home = try Home(
            "sources:\n  assets:\n    plugin: asset-inventory\n    ready: {rule: marker}\n"
                + "  doors:\n    plugin: door-counter\n    ready: {rule: rename, proves-end: true}\n")
        try Self.cut(home)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        try home.deliver("a.csv.done", "", to: "assets")
        try home.deliver("d.cnt", Sample.doors, to: "doors")
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("drops").allSatisfy { $0["state"] == "done" })
    }

    @Test func `status says which files are doubted`() throws {
        let home = try Home(Sample.sources)
        try Self.cut(home)
        let daemon = try Daemon(home)
        #expect(try home.ask("status")[path: "daemon/doubted"]?.elements?.count == 1)
        #expect(try home.shown("status").contains("are doubted"))
        #expect(try daemon.end() == 0)
    }
}

@Suite(.serialized) struct `A file that its writer keeps open` {
    @Test func `is quarantined with what it holds, and applied when it is closed`() throws {
        let home = try Home(
            "sources:\n  assets:\n    plugin: asset-inventory\n    ready: {rule: close, settle: 10ms, writer-timeout: 1s}\n")
        let daemon = try Daemon(home)
        let path = home.path + "/dropzone/assets/a.csv"
        try #require(FileManager.default.createFile(atPath: path, contents: nil))
        let writer = try #require(FileHandle(forWritingAtPath: path))
        writer.write(Data(Sample.assets(1...2).utf8))
        try daemon.wait(for: "A drop was quarantined.")
        #expect(FileManager.default.fileExists(atPath: path))
        writer.write(Data(Sample.asset(3).utf8))
        try writer.close()
        try daemon.wait(for: "A drop was applied.")
        #expect(try home.list("twin", "--all").count == 3)
        let drops = try home.list("drops")
        let states = drops.compactMap { $0["state"]?.string }
        #expect(states.count == 2 && states.last == "resolved")
        #expect(try home.shown("archive", "cat", drops.last?["drop"]?.string ?? "") == Sample.assets(1...2))
        #expect(try daemon.end() == 0)
        #expect(try home.run("verify", "--full").code == 0)
    }

    @Test func `is applied when it is closed without another change`() throws {
        let home = try Home(
            "sources:\n  assets:\n    plugin: asset-inventory\n    ready: {rule: close, settle: 10ms, writer-timeout: 1s}\n")
        let daemon = try Daemon(home)
        let path = home.path + "/dropzone/assets/a.csv"
        try #require(FileManager.default.createFile(atPath: path, contents: nil))
        let writer = try #require(FileHandle(forWritingAtPath: path))
        writer.write(Data(Sample.assets(1...2).utf8))
        try daemon.wait(for: "A drop was quarantined.")
        try writer.close()
        try daemon.wait(for: "A drop was applied.")
        #expect(try home.list("twin", "--all").count == 2)
        #expect(try daemon.end() == 0)
    }

    @Test func `and a marker without data goes to quarantine`() throws {
        let home = try Home(
            "sources:\n  assets:\n    plugin: asset-inventory\n    ready: {rule: marker, writer-timeout: 1s}\n")
        let daemon = try Daemon(home)
        try home.deliver("a.csv.done", "", to: "assets")
        var states: [JSON] = []
        for _ in 0..<600 where states != ["quarantined"] {  // It is claimed for a moment before.
            _ = try home.run("status")
            states = try home.list("drops").compactMap { $0["state"] }
            if states.isEmpty { _ = try home.ask("why", home.path + "/dropzone/assets/a.csv.done") }
        }
        #expect(states == ["quarantined"])
        #expect(try daemon.end() == 0)
    }
}
