import Foundation
import Glibc
import Testing
import TwinModel

/// SIGHUP takes over a changed `twindrop.yaml` as a whole, or not at all (decision 0050).
@Suite(.serialized) struct `A twindrop.yaml that is changed under a running daemon` {
    private static func source(_ name: String, _ more: String = "") -> String {
        "  \(name): {plugin: asset-inventory, ready: {rule: rename}\(more.isEmpty ? "" : ", " + more)}\n"
    }

    private static let taken = "The daemon goes on with the changed configuration."
    private static let refused = "The changed configuration is not taken over: the daemon goes on with the one it has."

    /// The number of the process that holds the home.
    private static func process(_ home: Home) throws -> Int {
        try #require(try home.text(of: "state/lock").split(separator: " ").first.flatMap { Int($0) })
    }

    private static func reload(_ daemon: Daemon, _ home: Home, _ text: String, count: Int = 1) throws {
        try home.configure("sources:\n" + text)
        daemon.send(SIGHUP)
        try daemon.wait(for: taken, count: count)
    }

    @Test func `serves a new source, and no longer one that is gone`() throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        try home.drop("1.csv", Sample.assets(1...2), to: "first")
        let process = try Self.process(home)

        try Self.reload(daemon, home, Self.source("first") + Self.source("second"))
        try home.drop("2.csv", Sample.assets(3...4), to: "second")
        try home.drop("3.csv", Sample.assets(5...6), to: "first")
        let status = try home.ask("status")
        #expect(status[path: "daemon/changed"]?.string == nil)
        #expect(try Self.process(home) == process)

        try Self.reload(daemon, home, Self.source("second"), count: 2)
        try home.write("dropzone/first/4.csv", Sample.assets(7...8))
        try home.drop("5.csv", Sample.assets(9...10), to: "second")
        #expect(try home.list("drops").count == 4)
        #expect(home.names(in: "dropzone/first").contains("4.csv"))
        #expect(try home.ask("status")["sources"]?.elements?.count == 1)
        #expect(try home.twins().count == 8)
        #expect(try daemon.end() == 0)
        #expect(try home.run("verify").code == 0)
    }

    @Test func `takes what it did not take before, and the limits that count now`() throws {
        let home = try Home("sources:\n" + Self.source("assets", "patterns: [\"*.csv\"]"))
        let daemon = try Daemon(home)
        try home.write("dropzone/assets/1.txt", Sample.assets(1...2))
        try home.drop("2.csv", Sample.assets(3...4), to: "assets")
        let more = "patterns: [\"*.csv\", \"*.txt\"], guard: {rejects: 0%, rejects-free: 0}"
        try Self.reload(daemon, home, Self.source("assets", more))
        // It lay there; the scan of the new engine finds it.
        try daemon.wait(for: "A drop was applied.", count: 2)
        #expect(try home.twins().count == 4)
        let bad = Sample.assets(5...6) + Sample.asset(7, service: "no day")
        try home.write("dropzone/assets/.3.csv", bad)
        try FileManager.default.moveItem(
            atPath: home.path + "/dropzone/assets/.3.csv", toPath: home.path + "/dropzone/assets/3.csv")
        try daemon.wait(for: "A drop is held.")
        #expect(try daemon.end() == 0)
    }

    @Test(arguments: ["  second: {plugin: nobody}\n", "  second: {plugin: asset-inventory, patterns: 7}\n", "nonsense: 1\n"])
    func `changes nothing where it has a mistake`(mistake: String) throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        try home.configure("sources:\n" + Self.source("first", "guard: {rejects: 0%}") + mistake)
        daemon.send(SIGHUP)
        try daemon.wait(for: "The changed configuration has a mistake.")
        try daemon.wait(for: Self.refused)
        try home.drop("1.csv", Sample.assets(1...2), to: "first")
        #expect(try home.ask("status")[path: "daemon/changed"]?.string?.contains("Correct the mistake, then reload it.") == true)
        // Corrected, it counts.
        try Self.reload(daemon, home, Self.source("first") + Self.source("second"))
        try home.drop("2.csv", Sample.assets(3...4), to: "second")
        #expect(try daemon.end() == 0)
    }

    @Test func `is refused with another archive, which a start takes`() throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        try home.configure("paths: {archive: elsewhere}\nsources:\n" + Self.source("first"))
        daemon.send(SIGHUP)
        try daemon.wait(for: Self.refused)
        #expect(try home.ask("status")[path: "daemon/changed"]?.string?.contains(": restart it, then the change counts.") == true)
        try home.drop("1.csv", Sample.assets(1...2), to: "first")
        #expect(try daemon.end() == 0)
    }

    @Test func `is taken back where it cannot be served`() throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        try home.configure("log: {events: nowhere/at/all}\nsources:\n" + Self.source("first") + Self.source("second"))
        daemon.send(SIGHUP)
        try daemon.wait(for: "The changed configuration cannot be served: the daemon goes on with the one it had.")
        try home.drop("1.csv", Sample.assets(1...2), to: "first")
        #expect(try home.ask("status")["sources"]?.elements?.count == 1)
        #expect(try daemon.end() == 0)
    }

    @Test func `lets drop copy nothing that the daemon would not take`() throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        try home.configure("sources:\n" + Self.source("first") + Self.source("second"))
        let file = try home.file("1.csv", Sample.assets(1...2))
        let refused = try home.run("drop", file, "--source", "second")
        #expect(refused.code == 64 && refused.err.contains("does not watch the folder of source second"), "\(refused)")
        #expect(!home.names(in: "dropzone/second").contains("1.csv"))
        daemon.send(SIGHUP)
        try daemon.wait(for: Self.taken)
        try home.drop(file: file, to: "second")
        #expect(try daemon.end() == 0)
    }

    /// The defect: status and why told people to move the files of a new source into the folder of another one.
    @Test func `says of the folder of a new source that a reload serves it`() throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        try home.configure("sources:\n" + Self.source("first") + Self.source("second"))
        try home.deliver("1.csv", Sample.assets(1...2), to: "second")
        let words = "is the folder of source second, which the daemon does not serve yet"
        let deadline = Date(timeIntervalSinceNow: 30)
        while try !home.shown("status").contains(words), deadline > .now { usleep(100_000) }
        #expect(try home.shown("status").contains(words))
        for said in try [home.run("doctor").out, home.run("why", home.path + "/dropzone/second/1.csv").out] {
            #expect(said.contains(words) && said.contains("Reload the daemon") && !said.contains("Move "), "\(said)")
        }
        daemon.send(SIGHUP)
        try daemon.wait(for: "A drop was applied.")
        #expect(try daemon.end() == 0)
    }

    @Test func `says so where no daemon could start with it`() throws {
        let home = try Home(
            "sources:\n  lifts: {plugin: mapping, mapping: m.yaml, ready: {rule: rename}}\n", mappings: ["m.yaml": "twinz: []\n"])
        let file = try home.file("1.csv", "id,name\n1,One\n")
        for more in [[], ["--wait"]] {
            let refused = try Program.run(Program.twindrop, ["drop", file, "--source", "lifts"] + more + ["--home", home.path])
            #expect(refused.code == 64 && refused.err.contains("m.yaml:1:1: twinz"), "\(refused)")
        }
        #expect(home.names(in: "dropzone/lifts").isEmpty)
        try FileManager.default.createDirectory(atPath: home.path + "/dropzone/lifts", withIntermediateDirectories: true)
        try home.write("dropzone/lifts/2.csv", "id,name\n1,One\n")
        let why = try home.run("why", "2.csv")
        #expect(why.out.contains("`twindrop run` does not start, because of a mistake: "), "\(why)")
        let unserved = try home.ask("status")[path: "waiting/unserved"]?.elements ?? []
        #expect(unserved.contains { $0["source"] == "lifts" && $0["code"] == "source-mistake" }, "\(unserved)")
    }

    @Test func `leaves nothing of the engine before`() throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        try home.drop("1.csv", Sample.assets(1...2), to: "first")
        let process = try Self.process(home)
        func held() throws -> [Int] {
            try ["task", "fd"].map { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/\($0)").count }
        }
        try Self.reload(daemon, home, Self.source("first", "guard: {rejects-free: 1}"))
        try home.drop("2.csv", Sample.assets(3...4), to: "first")
        let before = try held()
        for count in 2...9 {
            try Self.reload(daemon, home, Self.source("first", "guard: {rejects-free: \(count)}"), count: count)
            try home.drop("\(count + 1).csv", Sample.assets((2 * count + 1)...(2 * count + 2)), to: "first")
        }
        let after = try held()
        #expect(zip(before, after).allSatisfy { $1 <= $0 + 3 }, "threads and descriptors: \(before), then \(after)")
        #expect(try daemon.end() == 0)
    }

    @Test func `loses nothing and takes nothing twice, however often it is read while files come`() throws {
        let home = try Home("sources:\n" + Self.source("first"))
        let daemon = try Daemon(home)
        for index in 0..<120 {
            try home.write("dropzone/first/.part", Sample.assets((index * 3 + 1)...(index * 3 + 3)))
            try FileManager.default.moveItem(
                atPath: home.path + "/dropzone/first/.part", toPath: home.path + "/dropzone/first/\(index).csv")
            if index % 12 == 11 {
                try home.configure("sources:\n" + Self.source("first", "guard: {rejects-free: \(index)}"))
                daemon.send(SIGHUP)
            }
            usleep(10_000)
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline,
            try home.list("drops", "--limit", "1000").count(where: { $0["state"] == "done" }) < 120
        {
            usleep(200_000)
        }
        let drops = try home.list("drops", "--limit", "1000")
        #expect(drops.count == 120)
        #expect(Set(drops.compactMap { $0["file"]?.string }).count == 120)
        #expect(try home.twins().count == 360)
        try daemon.wait(for: Self.taken, count: 3)
        #expect(try daemon.end() == 0)
        #expect(try home.run("verify").code == 0)
    }
}
