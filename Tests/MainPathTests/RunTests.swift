import DropSpooling
import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `The daemon` {
    @Test func `says exactly ready, and ends with 0 on SIGTERM`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(home)
        try home.drop("a.csv", Sample.assets(1...5), to: "assets")
        #expect(try daemon.end() == 0)
        #expect(daemon.printed() == "")
        #expect(home.names(in: "state/spool/in") == [])
        #expect(!home.names(in: "state").contains("control.sock"))
        #expect(!home.names(in: "state").contains("endpoint"))
        #expect(home.names(in: "dropzone/assets").filter { !$0.hasPrefix(".") } == [])
        #expect(try home.ask("status")["running"] == .bool(false))
    }

    @Test func `takes a file that is renamed into its folder`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(home)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        try daemon.wait(for: "A drop was applied.")
        #expect(try home.list("twin", "--all").count == 3)
        #expect(try daemon.end() == 0)
    }

    @Test func `makes the folders of its sources, and watches them by events`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(home)
        #expect(home.names(in: "dropzone").filter { !$0.hasPrefix(".") } == ["assets", "doors", "fleet", "orders"])
        let alarms = try home.ask("status")["sources"]?.elements?.compactMap { $0["alarms"] }
        #expect(alarms == [])
        #expect(try daemon.end() == 0)
    }

    @Test func `lets no second one into its home`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(home)
        for command in [["run"], ["run", "--once"], ["restore", "nowhere.twindb"]] {
            let second = try Program.run(Program.twindrop, command + ["--home", home.path])
            #expect(second.code == 75, "\(command): \(second.err)")
            #expect(second.out == "")
            #expect(second.err.contains("\(daemon.processID)"), "\(second.err)")
        }
        #expect(try daemon.end() == 0)
    }

    @Test func `is told at once that another daemon runs`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(home)
        let second = try Program.run(Program.twindrop, ["run", "--home", home.path])
        #expect(second.code == 75)
        #expect(!second.err.contains("waiting for its end"), "\(second.err)")
        #expect(try daemon.end() == 0)
    }

    @Test func `waits for a command that holds its home`() throws {
        let home = try Home(Sample.sources)
        try FileManager.default.createDirectory(atPath: home.path + "/state", withIntermediateDirectories: true)
        var lock: HomeLock? = try HomeLock(state: home.path + "/state")
        let daemon = try Daemon(starting: home)
        try daemon.wait(for: "A command holds the home; waiting for its end.")
        try lock?.release()
        lock = nil
        try daemon.waitUntilReady()
        #expect(try daemon.end() == 0)
    }

    @Test func `gives up when a command holds its home for long`() throws {
        let home = try Home(Sample.sources)
        try FileManager.default.createDirectory(atPath: home.path + "/state", withIntermediateDirectories: true)
        let lock = try HomeLock(state: home.path + "/state")
        let daemon = try Daemon(starting: home)
        #expect(try daemon.waitForEnd() == 75)
        try lock.release()
    }

    @Test func `that is stopped at work loses no file`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(home)
        for number in 1...40 { try home.deliver("\(number).csv", Sample.assets(number...number), to: "assets") }
        try daemon.wait(for: "A drop was applied.")
        #expect(try daemon.end() == 0)
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("twin", "--all").count == 40)
        let states = try home.list("drops", "--state", "done").map { $0["file"]?.string ?? "" }
        #expect(Set(states).count == 40)
        #expect(states.count == 40)
    }

    @Test func `that is asked twice to end leaves the drop in hand to the next start`() throws {
        let home = try Home(Sample.assetsSource())
        try home.replaceAssetInventory(by: "slow.c", "-DSECONDS=60")
        let daemon = try Daemon(home)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        let deadline = Date(timeIntervalSinceNow: 60)
        while try home.ask("status")["sources"]?.elements?.first?["worker"] != "busy", deadline > .now { usleep(50_000) }
        // Asked once, it would wait for the drop for twenty seconds.
        daemon.send(SIGTERM)
        var code = daemon.end(within: 0.5)
        try #require(code == nil)
        daemon.send(SIGTERM)
        code = daemon.end(within: 8)
        #expect(code == 0)
        #expect(try home.list("drops").map { $0["state"] } == ["claimed"])
        try home.removePlugins()
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("twin", "--all").count == 3)
    }

    @Test func `is found by a drop that comes while it starts`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(starting: home)
        #expect(try home.drop("a.csv", Sample.assets(1...3), to: "assets")[path: "books/operations/created"] == 3)
        #expect(daemon.isRunning)
    }
}

@Suite(.serialized) struct `run --once` {
    @Test func `ends with 0 when every file was applied`() throws {
        let home = try Home(Sample.sources)
        #expect(try home.run("run", "--once").code == 0)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        try home.deliver("o.csv", Sample.orderHeader + Sample.order(1, battery: 50, order: 7), to: "orders")
        let ended = try home.run("run", "--once")
        #expect(ended.code == 0, "\(ended.err)")
        #expect(ended.out == "")
        #expect(try home.list("twin", "--all").count == 5)
    }

    @Test func `ends with 1 and names the files that a person must look at`() throws {
        let home = try Home(Sample.sources)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        try home.deliver("broken.csv", "<html>\n", to: "assets")
        let ended = try home.run("run", "--once")
        #expect(ended.code == 1)
        #expect(ended.err.contains("broken.csv (quarantined)"))
        #expect(try home.list("twin", "--all").count == 3)
    }

    @Test func `routes a file in the drop zone's root by what it holds`() throws {
        let home = try Home(Sample.sources.replacing("    plugin:", with: "    probe: true\n    plugin:"))
        try FileManager.default.moveItem(atPath: try home.file("x.txt", Sample.fleet), toPath: home.path + "/dropzone/x.txt")
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("drops").map { $0["source"] } == ["fleet"])
    }
}
