import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A landing folder` {
    private let files = FileManager.default

    @Test(arguments: [true, false]) func `that is made again is taken from as before`(withDaemon: Bool) throws {
        let home = try Home(Sample.assetsSource())
        let folder = home.path + "/dropzone/assets"
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        let daemon = withDaemon ? try Daemon(home) : nil
        try files.removeItem(atPath: folder)
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try home.deliver("b.csv", Sample.assets(3...4), to: "assets")
        if let daemon {
            try daemon.wait(for: "A drop was applied.")
            #expect(try daemon.end() == 0)
        } else {
            #expect(try home.run("run", "--once").code == 0)
        }
        #expect(try home.list("drops").map { $0["file"] } == ["b.csv", "a.csv"])
    }

    @Test func `of a home with a new database is taken from as before`() throws {
        let home = try Home(Sample.assetsSource())
        #expect(try home.run("run", "--once").code == 0)
        for name in home.names(in: "state") where name.hasPrefix("twin.db") {
            try files.removeItem(atPath: home.path + "/state/" + name)
        }
        try home.deliver("b.csv", Sample.assets(3...4), to: "assets")
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("drops").map { $0["file"] } == ["b.csv"])
    }

    @Test func `is shared by several sources, and each has its files`() throws {
        let home = try Home(
            """
            sources:
              one: {plugin: asset-inventory, folder: both, patterns: ["one-*"], ready: {rule: close}}
              two: {plugin: asset-inventory, folder: both, patterns: ["two-*"], ready: {rule: close}}

            """)
        for name in ["one-1.csv", "two-1.csv", "three-1.csv"] {
            try home.deliver(name, Sample.assets(1...1) + Sample.asset(name.count + Int(name.utf8.first!)), to: "both")
        }
        let once = try home.run("run", "--once")
        #expect(once.code == 1 && once.err.contains("three-1.csv [unmatched-name]"), "\(once.err)")
        #expect(try home.list("drops", "--source", "one").map { $0["file"] } == ["one-1.csv"])
        #expect(try home.list("drops", "--source", "two").map { $0["file"] } == ["two-1.csv"])
    }
}

@Suite(.serialized) struct `A mistake in the configuration` {
    private static let sources = """
        sources:
          lifts: {plugin: mapping, mapping: lifts.yaml, ready: {rule: rename}}
          wrong: {plugin: asset-inventory, mode: snapshoot}
          assets: {plugin: asset-inventory, ready: {rule: rename}}

        """

    @Test func `stops the source it is in, and no other, and is told at its place`() throws {
        let home = try Home(Self.sources, mappings: ["lifts.yaml": "twinz: []\n"])
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        let daemon = try Daemon(home)
        try home.deliver("1.csv", "id,name\n1,One\n", to: "lifts")
        try daemon.wait(for: "A source is suspended; its files wait.")
        let doctor = try home.ask("doctor", code: 1).text()
        #expect(doctor.contains("twindrop.yaml:3:") && doctor.contains("mappings/lifts.yaml:1:1"), "\(doctor)")
        try home.write("mappings/lifts.yaml", "twins:\n  - id: \"lift-{id}\"\n    properties: {name: name}\n")
        try daemon.wait(for: "A drop was applied.")
        #expect(try home.ask("twin", "lift-1")["name"] == "One")
        #expect(try daemon.end() == 0)
        #expect(try home.run("drop", home.file("b.csv", "x"), "--source", "wrong").code == 64)
        let check = try home.run("source", "check")
        #expect(check.code == 64 && check.err.contains("snapshoot"), "\(check.err)")
    }

    @Test(arguments: ["limits: {workers: many}\n", "archive: 5\n", "\tnot: [yaml\n", "sources: {x: {plugin: 5}}\n"])
    func `keeps no command from reading`(mistake: String) throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        try home.configure((mistake.hasPrefix("sources") ? "" : Sample.assetsSource()) + mistake)
        #expect(try home.list("twin", "--all").count == 2)
        #expect(try home.list("drops").count == 1)
        #expect(try home.run("verify").code == 0)
        #expect(try home.run("backup", home.path + "/files/b.twindb").code == 0)
        #expect(try home.run("status").code == 0)
        let doctor = try home.ask("doctor", code: 1)
        #expect(doctor["checks"]?.elements?.contains { $0["check"] == "configuration" && $0["findings"]?.elements != [] } == true)
        #expect(try home.run("run", "--once").code == 64)
    }

    @Test func `that the plugin found is over when the mapping is corrected`() throws {
        let home = try Home(
            "sources:\n  lifts: {plugin: mapping, mapping: lifts.yaml, ready: {rule: rename}}\n",
            mappings: ["lifts.yaml": "twins:\n  - id: \"lift-{id\"\n    properties: {name: name}\n"])
        let daemon = try Daemon(home)
        try home.deliver("1.csv", "id,name\n1,One\n", to: "lifts")
        try daemon.wait(for: "A source is suspended; its files wait.")
        try home.write("mappings/lifts.yaml", "twins:\n  - id: \"lift-{id}\"\n    properties: {name: name}\n")
        try daemon.wait(for: "A drop was applied.")
        #expect(try home.ask("status")["waiting"]?["unserved"]?.elements == [])
        #expect(try daemon.end() == 0)
        #expect(!home.names(in: "state").contains("suspended.json"))
    }
}

@Suite(.serialized) struct `A file without a byte` {
    @Test(
        arguments: [
            ("", "done", 0), ("empty: hold", "held", 1), ("empty: refuse", "quarantined", 1), ("mode: snapshot", "held", 1),
        ])
    func `is recorded, held or refused, as its source says`(keys: String, state: String, code: Int32) throws {
        let home = try Home(Sample.assetsSource("order: arrival", keys.isEmpty ? "title: t" : keys))
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try home.run("run", "--once").code == 0)
        try home.deliver("empty.csv", "", to: "assets")
        #expect(try home.run("run", "--once").code == code)
        let drop = try home.ask("show", "empty.csv")
        #expect(drop["state"]?.string == state, "\(drop.text())")
        #expect(try home.list("twin", "--all").count == 3)
        if state == "held" {
            #expect(try home.run("release", "empty.csv").code == 0)
            #expect(try home.list("twin", "--all").count == 3)
        }
        if state == "done" {
            try home.deliver("b.csv", Sample.assets(1...4), to: "assets")
            #expect(try home.run("run", "--once").code == 0)
            #expect(try home.list("twin", "--all").count == 4)
        }
    }
}
