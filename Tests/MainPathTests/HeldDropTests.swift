import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A drop that waits for a person` {
    private static let text = Sample.assets(1...12)

    /// A home of 40 twins with a drop that is held because it lists 12 of them.
    private func home() throws -> Home {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        try home.drop("2.csv", Self.text, to: "assets", code: 1)
        return home
    }

    @Test func `can be listed and read`() throws {
        let home = try home()
        let listed = try home.list("archive", "list")
        #expect(listed.map { $0["kind"] } == ["applied", "held"])
        #expect(listed[1]["archivedAt"] == .null)
        #expect(try home.list("archive", "list", "--from", "2020-01-01").count == 1)
        #expect(try home.shown("archive", "list").contains("held"))
        #expect(try home.shown("archive", "cat", "2.csv") == Self.text)
        let path = try #require(try home.ask("archive", "extract", "2.csv", "--into", home.path + "/e")["path"]?.string)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == Self.text)
        #expect(try home.run("archive", "extract", "2.csv", "--into", home.path + "/e").code == 64)
        #expect(try home.run("verify", "--prove", "2.csv").code == 1)
    }

    @Test(arguments: [["plan", "--drop", "2.csv"], ["show", "2.csv", "--diff"]])
    func `shows every change its release would make`(call: [String]) throws {
        let home = try home()
        let ended = try Program.run(Program.twindrop, call + ["--limit", "100", "--home", home.path])
        #expect(ended.code == 0, "\(ended.err)")
        #expect(ended.out.components(separatedBy: "would delete twin").count == 29)
        #expect(ended.out.contains("and also    28 to delete because the snapshot no longer lists them"))
        #expect(ended.out.contains("It is held: ") && ended.out.contains("28 of 40"))
        #expect(ended.out.contains("What is listed is what `twindrop release ") && !ended.out.contains("otherwise"))
        // What is deleted comes first.
        #expect(ended.out.range(of: "would update").map { ended.out[$0.lowerBound...].contains("would delete") } != true)
        let json = try #require(
            try Program.run(Program.twindrop, call + ["--home", home.path, "--json"]).json().first)
        let plan = json["plan"] ?? json
        #expect(plan["changes"]?.elements?.count { $0["cause"] == "absence" } == 28)
        #expect(try home.list("twin", "--all").count == 40)
        let released = try home.run("release", "2.csv")
        #expect(released.code == 0 && released.out.contains("; 28 deleted because the snapshot no longer lists them"))
        #expect(try home.list("twin", "--all").count == 12)
    }

    /// The defects: show called that what a release would do which was refused without --force, and the refusal of a corrected
    /// file named a release, which would have applied the old one.
    @Test func `behind a newer one says which command does what`() throws {
        let home = try home()
        try home.drop("3.csv", Sample.assets(1...39), to: "assets")
        let id = try #require(try home.ask("show", "2.csv")["drop"]?.string)
        #expect(
            try home.shown("show", "2.csv", "--diff").contains("What is listed is what `twindrop release \(id) --force` would do")
        )
        let refused = try home.run("release", "2.csv")
        #expect(refused.code == 1 && refused.err.contains("`twindrop release \(id) --force`"), "\(refused.err)")
        let replaced = try home.run("retry", "2.csv", "--with", home.file("fixed.csv", Sample.assets(1...38)))
        #expect(replaced.code == 1 && replaced.err.contains("`twindrop retry \(id) --force --with FILE`"), "\(replaced.err)")
        #expect(!replaced.err.contains("release"))
    }

    @Test func `is released behind newer ones without force where it has no byte, for it deletes nothing`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...4), to: "assets")
        #expect(try home.drop("2.csv", "", to: "assets", code: 1)["state"] == "held")
        try home.drop("3.csv", Sample.assets(1...5), to: "assets")
        let released = try home.run("release", "2.csv")
        #expect(released.code == 0, "\(released.err)")
        #expect(try home.list("twin", "--all").count == 5)
    }

    @Test func `is quarantined when it is released behind the end of its source`() throws {
        let home = try home()
        try home.configure("sources:\n  doors:\n    plugin: door-counter\n    ready: {rule: rename}\n")
        let released = try home.run("release", "2.csv")
        #expect(released.code == 1, "\(released.out)\(released.err)")
        let shown = try home.ask("show", "2.csv")
        #expect(shown[path: "state"] == "quarantined", "\(shown.text())")
        #expect(shown[path: "reason/code"] == "no-source", "\(shown.text())")
        #expect(try home.list("twin", "--all").count == 40)
    }

    @Test func `is planned in full before it is dropped, too`() throws {
        let home = try home()
        let plan = try home.ask("plan", home.file("3.csv", Self.text), "--source", "assets")
        #expect(plan["held"]?.string?.contains("28 of 40") == true)
        #expect(plan["changes"]?.elements?.count == 28)
    }

    @Test func `shows refused rows in letters, where their source says how it writes them`() throws {
        let mapping = "twins:\n  - id: \"a-{id}\"\n    properties: {name: name, v: {column: v, type: int}}\n"
        let home = try Home(
            "sources:\n  s:\n    plugin: mapping\n    mapping: s.yaml\n    ready: {rule: rename}\n    guard: {rejects: 100%}\n",
            mappings: ["s.yaml": "dialect: {encoding: windows-1252}\n" + mapping])
        let text = "id,name,v\n1,Straße,5\n2,Müller,bad\n"
        try home.drop(file: home.file("u.csv", Data(text.unicodeScalars.map { UInt8($0.value) })), to: "s")
        let shown = try home.shown("show", "u.csv")
        #expect(shown.contains("2,Müller,bad") && !shown.contains("\\x"), "\(shown)")
    }

    @Test func `keeps what was corrected in its file of rejects when it is released`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 1%, rejects-free: 2}"))
        let text = Sample.assets(1...5) + (6...20).map { Sample.asset($0, status: "lost") }.joined()
        let held = try home.drop("bad.csv", text, to: "assets", code: 1)
        let file = try #require(held[path: "rejects/file"]?.string)
        let corrected = try home.text(of: "receipts/assets/" + file).replacing("lost", with: "active")
        try home.write("receipts/assets/" + file, corrected)
        #expect(try home.run("release", "bad.csv").code == 0)
        let receipt = try JSON(parsing: try home.text(of: "receipts/assets/bad.csv.receipt.json"))
        let kept = try #require(receipt[path: "rejects/kept"]?.elements?.first?.string, "\(receipt.text())")
        #expect(try home.text(of: "receipts/assets/" + kept) == corrected)
        #expect(try home.shown("show", "bad.csv").contains(kept))
        // Its marks are those of the drop, whatever it is called.
        try home.drop(kept, corrected, to: "assets")
        #expect(try home.list("twin", "--all").count == 20)
    }

    @Test func `says why records were refused, where they are, and how they come back`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 1%, rejects-free: 2}"))
        let text = Sample.assets(1...5) + (6...20).map { Sample.asset($0, status: "lost") }.joined()
        let ended = try home.run("drop", home.file("bad.csv", text), "--source", "assets", "--wait")
        #expect(ended.code == 1)
        let shown = try home.shown("show", "bad.csv")
        for output in [ended.out, shown] {
            #expect(output.contains("15 ×"), "\(output)")
            #expect(output.contains("record 6 (line 7, byte "), "\(output)")
            #expect(output.contains("FL-6,Forklift 6,forklift,HAM1,lost"), "\(output)")
            #expect(output.contains("and 5 more reasons"), "\(output)")
        }
        let facts = try home.ask("show", "bad.csv")
        let file = try #require(facts[path: "rejects/file"]?.string)
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains("FL-20"))
        #expect(facts[path: "rejects/first"]?.elements?.count == 10)
        #expect(shown.contains("twindrop drop \(file) --source assets"))
        // The way back works as it stands there, once the drop is released and the rows are right.
        #expect(shown.contains("Corrections are applied once this drop is released"))
        #expect(try home.run("release", "bad.csv").code == 0)
        let corrected = try String(contentsOfFile: file, encoding: .utf8).replacing("lost", with: "idle")
        try Data(corrected.utf8).write(to: URL(fileURLWithPath: file))
        try home.drop(file: file, to: "assets")
        #expect(try home.ask("twin", "asset-FL-20")["status"] == "idle")
    }

    @Test func `of records that were refused within the limits says the same`() throws {
        let home = try Home(Sample.sources)
        let shown = try home.run(
            "drop", home.file("a.csv", Sample.assets(1...200) + Sample.asset(201, status: "lost")), "--source", "assets", "--wait"
        )
        #expect(shown.code == 0)
        #expect(shown.out.contains("1 ×") && shown.out.contains("record 201"), "\(shown.out)")
    }
}

@Suite(.serialized) struct `A file that the command line hands over` {
    @Test func `is complete, whatever its source waits for`() throws {
        let home = try Home("sources:\n  assets:\n    plugin: asset-inventory\n    ready: {rule: stable, settle: 10m}\n")
        #expect(try home.drop("a.csv", Sample.assets(1...3), to: "assets")[path: "books/operations/created"] == 3)
    }
}

@Suite(.serialized) struct `A plan` {
    @Test func `says what becomes of a file before its plugin is asked`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot", "order: name"))
        let first = try home.drop("b.csv", Sample.assets(1...3), to: "assets")
        let again = try home.ask("plan", home.file("c.csv", Sample.assets(1...3)), "--source", "assets")
        #expect(again["duplicateOf"] == first["drop"], "\(again)")
        #expect(try home.drop("c.csv", Sample.assets(1...3), to: "assets")["state"] == "duplicate")
        let late = try home.ask("plan", home.file("a.csv", Sample.assets(1...4)), "--source", "assets")
        #expect(late["heldCode"] == "late" && late["changes"]?.elements?.count == 1, "\(late)")
        let empty = try home.ask("plan", home.file("d.csv", ""), "--source", "assets")
        #expect(empty["heldCode"] == "empty-file" && empty["changes"] == [], "\(empty)")
        // And so it is.
        #expect(try home.drop("a.csv", Sample.assets(1...4), to: "assets", code: 1)[path: "reason/code"] == "late")
        #expect(try home.drop("d.csv", "", to: "assets", code: 1)[path: "reason/code"] == "empty-file")
        #expect(try home.run("show", "d.csv", "--diff").code == 0)
        #expect(try home.run("plan", "--drop", "d.csv").code == 0)
        let shown = try home.shown("show", "a.csv")
        #expect(shown.contains("--force"), "\(shown)")
    }

    @Test func `says that a file would be quarantined for its name, and speaks of no drop`() throws {
        let home = try Home(Sample.assetsSource("sequence: \"inv_{n}.csv\""))
        let ended = try home.run("plan", home.file("other.csv", Sample.assets(1...3)), "--source", "assets")
        #expect(ended.code == 1 && ended.err.contains("[no-place]"), "\(ended.err)")
        let html = try home.run("plan", home.file("inv_1.csv", "<html>\n"), "--source", "assets")
        #expect(html.code == 1 && html.err.contains("would be quarantined") && !html.err.contains("retry"), "\(html.err)")
    }

    @Test func `lists what goes with a twin, names targets, and closes`() throws {
        let home = try Home(
            "sources:\n  fleet:\n    plugin: fleet-hierarchy\n    mode: snapshot\n    ready: {rule: rename}\n")
        try home.drop("1.csv", Sample.fleet, to: "fleet")
        let fewer = Sample.fleet.split(separator: "\n").dropLast().joined(separator: "\n") + "\n"
        let file = try home.file("2.csv", fewer + "C1,Nordfracht,D1,Hamburg,V300,Van 300,van\n")
        let plan = try home.ask("plan", file, "--source", "fleet")
        let changes = plan["changes"]?.elements ?? []
        func one(_ id: String) -> JSON? { changes.first { $0["id"]?.string == id } }
        #expect(one("vehicle-V200")?["cause"] == "absence")
        #expect(changes.contains { $0["kind"] == "relationship" && $0["outcome"] == "deleted" && $0["target"] == "vehicle-V200" })
        #expect(
            changes.contains { $0["kind"] == "relationship" && $0["outcome"] == "created" && $0["target"] == "vehicle-V300" })
        let books = try #require(plan[path: "books/operations"]?.members)
        let made = changes.count { $0["cause"] == "record" && $0["outcome"] == "created" }
        #expect(plan[path: "books/operations/created"]?.int == Int64(made))
        #expect(!books.isEmpty)
        let shown = try home.shown("plan", file, "--source", "fleet", "--limit", "1000")
        #expect(shown.contains("would create twin vehicle-V300") && shown.contains("→ vehicle-V300"), "\(shown)")
        #expect(!shown.contains("\ncreated "))
        // What was planned is what comes about.
        let twins = try home.list("twin", "--all").count
        let receipt = try home.drop(file: file, to: "fleet")
        let gone = changes.count { $0["kind"] == "twin" && $0["outcome"] == "deleted" }
        let new = changes.count { $0["kind"] == "twin" && $0["outcome"] == "created" }
        #expect(try home.list("twin", "--all").count == twins - gone + new)
        #expect(receipt[path: "books/operations/created"] == plan[path: "books/operations/created"])
    }

    @Test func `says which relationships would wait, and for what`() throws {
        let home = try Home(Sample.sources)
        let file = try home.file("doors.cnt", Sample.doors)
        let plan = try home.ask("plan", file, "--source", "doors")
        let waiting = (plan["changes"]?.elements ?? []).filter { $0["outcome"] == "waiting" }
        #expect(waiting.count == 2)
        #expect(waiting.allSatisfy { $0["waitsFor"] == ["HQ-EAST"] })
        #expect(try home.shown("plan", file, "--source", "doors").contains("there is no HQ-EAST"))
    }
}

@Suite(.serialized) struct `Relationships` {
    @Test func `that wait are listed with what they wait for`() throws {
        let home = try Home(Sample.sources)
        let receipt = try home.drop("doors.cnt", Sample.doors, to: "doors")
        let waiting = try home.list("waiting")
        #expect(waiting.count == 2)
        #expect(waiting.allSatisfy { $0["missing"] == ["HQ-EAST"] && $0["drop"] == receipt["drop"] && $0["source"] == "doors" })
        #expect(waiting.allSatisfy { ($0["expires"]?.string ?? "") > ($0["since"]?.string ?? "~") })
        #expect(try home.list("waiting", "--source", "doors", "--drop", "doors.cnt", "--limit", "1").count == 1)
        #expect(try home.list("waiting", "--source", "assets").isEmpty)
        #expect(try home.shown("waiting").contains("HQ-EAST"))
        let name = (waiting.first?["twin"]?.string ?? "") + "/" + (waiting.first?["relationship"]?.string ?? "")
        for command in ["explain", "history", "twin"] {
            let ended = try home.run(command, name)
            #expect(ended.code == 1 && ended.err.contains("`twindrop waiting`"), "\(command): \(ended.err)")
        }
        #expect(try home.shown("status").contains("2 relationships wait for a twin: twindrop waiting --source doors"))
        let sources = try home.ask("status")["sources"]?.elements ?? []
        #expect(sources.compactMap { $0["waitingRelationships"]?.int } == [2])
        #expect(try home.shown("show", "doors.cnt").contains("twindrop waiting --drop"))
        #expect(try home.shown("drops").contains("2 wait"))
    }

    @Test func `tell who made, moved and deleted them`() throws {
        let home = try Home(Sample.sources)
        func deliver(_ name: String, order: Int?) throws {
            try home.drop(name, Sample.orderHeader + Sample.order(1, battery: 80, order: order), to: "orders")
        }
        try deliver("0800.csv", order: 11)
        let id = try #require(
            try home.ask("twin", "forklift-FL-1")["$relationships"]?.elements?.first?["$relationshipId"]?.string)
        let name = "forklift-FL-1/" + id
        let made = try home.list("explain", name)
        let target = try #require(made.first { $0["pointer"] == "/$targetId" })
        #expect(target["value"] == "order-11" && target[path: "setBy/file"] == "0800.csv")
        #expect(target["relationship"] == .string(id))
        try deliver("0820.csv", order: nil)
        let life = try home.list("history", name)
        #expect(life.map { $0["kind"] } == ["deleted", "created"])
        #expect(life[0][path: "by/file"] == "0820.csv")
        let ended = try home.list("explain", name, "/$targetId")
        #expect(ended.first?[path: "deletedBy/file"] == "0820.csv")
        #expect(try home.shown("explain", name).contains("DELETED by"))
        #expect(try home.run("explain", "forklift-FL-1/nothing").code == 1)
    }

    @Test func `and deleted twins are explained`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        try home.drop("b.csv", Sample.assets(1...2), to: "assets")
        for call in [["asset-FL-3", "/status"], ["asset-FL-3.status"]] {
            let facts = try #require(
                try Program.run(
                    Program.twindrop, ["explain"] + call + ["--home", home.path, "--json"]
                ).json().first)
            #expect(facts["value"] == "active")
            #expect(facts[path: "setBy/file"] == "a.csv")
            #expect(facts[path: "deletedBy/file"] == "b.csv")
        }
    }
}
