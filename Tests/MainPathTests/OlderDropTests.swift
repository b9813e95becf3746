import Foundation
import Testing
import TwinModel

/// Drops that go on behind newer ones, and what is told of them (docs/decisions/0025-amendments.md, 0026-order-and-lateness.md).
@Suite(.serialized) struct `An older drop that goes on` {
    private static let strict = "guard: {rejects: 0%, rejects-free: 0}"

    private func status(_ home: Home, _ asset: Int) throws -> JSON? { try home.ask("twin", "asset-FL-\(asset)")["status"] }

    @Test(arguments: ["order: none", "order: none, sequence: \"{n}.csv\""])
    func `by release overwrites nothing newer, and says whose word stands`(keys: String) throws {
        let home = try Home(Sample.assetsSource([Self.strict] + keys.components(separatedBy: ", ")))
        try home.drop("1.csv", Sample.assets(1...2), to: "assets")
        let old = Sample.assets(1...3, status: "maintenance") + Sample.asset(4, status: "lost")
        try home.drop("2.csv", old, to: "assets", code: 1)
        let newer = try home.drop("3.csv", Sample.assets(1...2), to: "assets")
        #expect(newer["state"] == "done")
        let released = try home.ask("release", "2.csv", "--reason", "known")
        #expect(released["state"] == "done")
        #expect(released[path: "books/operations/superseded"] == 2)
        let message = released[path: "reason/message"]?.string ?? ""
        #expect(message.contains("2 of its operations were not applied") && message.contains("3.csv"), "\(message)")
        #expect(try status(home, 1) == "active" && status(home, 3) == "maintenance")
    }

    @Test func `by release with force is the newest`() throws {
        let home = try Home(Sample.assetsSource(Self.strict))
        let old = Sample.assets(1...2, status: "maintenance") + Sample.asset(4, status: "lost")
        try home.drop("2.csv", old, to: "assets", code: 1)
        try home.drop("3.csv", Sample.assets(1...2), to: "assets")
        let released = try home.ask("release", "2.csv", "--force", "--reason", "known")
        #expect(released["reason"] == nil)
        #expect(try status(home, 1) == "maintenance")
    }

    private static let mapping = "twins:\n  - id: \"a-{id}\"\n    properties: {name: name, v: {column: v, type: int}}\n"

    /// A home whose mapping reads no file without the column `v` until `mend`.
    private func mapped(_ keys: String) throws -> Home {
        try Home(
            "sources:\n  assets:\n    plugin: mapping\n    mapping: m.yaml\n    ready: {rule: rename}\n    \(keys)\n",
            mappings: ["m.yaml": Self.mapping])
    }

    private func mend(_ home: Home) throws { try home.write("mappings/m.yaml", "missingColumns: empty\n" + Self.mapping) }

    private func name(_ home: Home, _ id: Int) throws -> JSON? { try home.ask("twin", "a-\(id)")["name"] }

    @Test(arguments: ["none", "arrival", "name"])
    func `by retry overwrites nothing newer, in whichever order its source is`(order: String) throws {
        let home = try mapped("order: \(order)")
        try home.drop("1.csv", "id,name,v\n1,x,1\n2,x,1\n", to: "assets")
        let bad = try home.drop("2.csv", "id,name\n1,old\n2,old\n3,old\n", to: "assets", code: 1)
        #expect(bad["state"] == "quarantined")
        try home.deliver("3.csv", "id,name,v\n1,new,21\n2,new,22\n", to: "assets")
        _ = try home.run("run", "--once")
        try mend(home)
        #expect(try home.ask("retry", "2.csv", "--reason", "mapping mended")["state"] == "done")
        #expect(try home.run("run", "--once").code == 0)
        #expect(try name(home, 1) == "new" && name(home, 2) == "new" && name(home, 3) == "old")
    }

    @Test(arguments: ["quarantined", "held"])
    func `and a corrected file in its place overwrite nothing newer`(state: String) throws {
        let home = try mapped("order: arrival")
        try home.drop("1.csv", "id,name,v\n1,x,1\n2,x,1\n", to: "assets")
        let wrong = state == "held" ? "id,name,v\n1,old,?\n" : "id,name\n1,old\n2,old\n3,old\n"
        let bad = try home.drop("2.csv", wrong, to: "assets", code: 1)
        #expect(bad["state"]?.string == state)
        let id = try #require(bad["drop"]?.string)
        try home.deliver("3.csv", "id,name,v\n1,new,21\n2,new,22\n", to: "assets")
        _ = try home.run("run", "--once")
        // What is advised, and what is said of a delivery instead.
        let advice = try home.shown("show", id)
        #expect(advice.contains("twindrop retry \(id) --with FILE") && !advice.contains("twindrop drop FILE"), "\(advice)")
        let fixed = try home.file("2.csv", "id,name,v\n1,old,1\n2,old,1\n3,old,1\n")
        let plan = try home.shown("plan", fixed, "--source", "assets")
        #expect(plan.contains("wait behind drop \(id)") && plan.contains("twindrop retry \(id) --with FILE"), "\(plan)")
        #expect(try home.ask("plan", fixed, "--source", "assets")[path: "place/behind"] == bad["drop"])

        let replaced = try home.ask("retry", "2.csv", "--with", fixed, "--reason", "header corrected")
        #expect(try home.shown("show", replaced["drop"]?.string ?? "").contains("\(id), with a corrected file in its place"))
        #expect(replaced["state"] == "done" && replaced["file"] == "2.csv" && replaced[path: "link/drop"] == bad["drop"])
        #expect(try name(home, 1) == "new" && name(home, 2) == "new" && name(home, 3) == "old")
        let old = try home.ask("show", id)
        #expect(old["state"]?.string == (state == "held" ? "discarded" : "resolved"))
        #expect(old[path: "closedBy/drop"] == replaced["drop"])
        #expect(old["acts"]?.elements?.last?["corrected"] == .bool(true), "\(old)")
        #expect(home.names(in: "dropzone/assets").allSatisfy { !$0.hasSuffix(".part") }, "the copy is gone")
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.run("verify", "--full").code == 0)
    }

    @Test func `and is wholly out of date is unchanged, as the glossary says, and names the newer drop`() throws {
        let home = try mapped("order: none")
        try home.drop("1.csv", "id,name\n1,old\n", to: "assets", code: 1)
        try home.drop("2.csv", "id,name,v\n1,new,21\n", to: "assets")
        let late = try home.ask("retry", "1.csv", "--with", home.file("f.csv", "id,name,v\n1,old,1\n"))
        #expect(late["outcome"] == "unchanged" && late[path: "books/operations/superseded"] == 1, "\(late)")
        #expect(late[path: "reason/code"] == "superseded" && late[path: "reason/message"]?.string?.contains("2.csv") == true)
        #expect(try name(home, 1) == "new")
        let glossary = try String(contentsOfFile: package + "/docs/glossary.md", encoding: .utf8)
        let row = glossary.split(separator: "\n").first { $0.hasPrefix("| `unchanged` |") }
        #expect(row?.contains("`superseded`") == true)
    }

    @Test(arguments: [false, true]) func `is not retried while it only waits`(besideDaemon: Bool) throws {
        let home = try mapped("order: arrival")
        let bad = try home.drop("1.csv", "id,name\n1,old\n", to: "assets", code: 1)
        try home.deliver("2.csv", "id,name,v\n1,new,21\n", to: "assets")
        _ = try home.run("run", "--once")
        let daemon = besideDaemon ? try Daemon(home) : nil
        let refused = try home.run("retry", "2.csv", "--reason", "impatience")
        #expect(refused.code == 1 && refused.err.contains("twindrop discard \(bad["drop"]?.string ?? "?")"), "\(refused.err)")
        #expect(try home.ask("show", "2.csv")["acts"]?.elements?.isEmpty != false, "an act that did nothing leaves no record")
        #expect(try home.run("discard", "1.csv").code == 0)
        if let daemon { #expect(try daemon.end() == 0) }
    }

    @Test func `by retry needs force where it is a list behind a newer one`() throws {
        let home = try mapped("mode: snapshot")
        try home.drop("1.csv", "id,name\n1,old\n2,old\n", to: "assets", code: 1)
        try home.drop("2.csv", "id,name,v\n1,new,1\n2,new,1\n", to: "assets")
        try mend(home)
        let refused = try home.run("retry", "1.csv")
        #expect(refused.code == 1 && refused.err.contains("--force"), "\(refused.err)")
        #expect(try home.ask("retry", "1.csv", "--force")["state"] == "done")
        #expect(try name(home, 1) == "old")
    }

    /// The file of rejects of a drop, with a word in place of another.
    private func corrected(_ home: Home, _ drop: JSON, _ wrong: String, _ right: String) throws -> String {
        let id = drop["drop"]?.string ?? ""
        let name = try #require(
            home.names(in: "receipts/assets").first { $0.contains(id) && $0.contains(".rejects.") && !$0.contains("reasons") })
        return try home.text(of: "receipts/assets/" + name).replacingOccurrences(of: wrong, with: right)
    }

    @Test func `as a correction leaves a later record of its file as it is, and is closed by the last one`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 100%}"))
        let text =
            Sample.assetHeader + Sample.asset(1, status: "lost") + Sample.asset(1, status: "retired")
            + Sample.asset(2, status: "stolen")
        let first = try home.drop("a.csv", text, to: "assets")
        #expect(try home.list("drops", "--open-rejects").map { $0["drop"] } == [first["drop"]])
        let second = try home.drop("b.csv", corrected(home, first, "lost", "active"), to: "assets")
        #expect(second[path: "books/records/rejected"] == 1)
        #expect(try status(home, 1) == "retired")
        #expect(try home.list("drops", "--open-rejects").map { $0["drop"] } == [second["drop"]])
        let third = try home.drop("c.csv", corrected(home, second, "stolen", "active"), to: "assets")
        #expect(third["outcome"] == "applied")
        #expect(try home.list("drops", "--open-rejects").isEmpty)
        #expect(try home.ask("show", second["drop"]?.string ?? "")[path: "closedBy/drop"] == third["drop"])
        #expect(try home.ask("status")["sources"]?.elements?.first?["openRejects"] == nil)
    }

    @Test func `late, does not keep a repetition of the newest from being known`() throws {
        let home = try Home(Sample.assetsSource("sequence: \"{n}.csv\"", "mode: snapshot"))
        try home.drop("6.csv", Sample.assets(1...3), to: "assets")
        #expect(try home.drop("3.csv", Sample.assets(1...4), to: "assets")[path: "reason/code"] == "superseded")
        #expect(try home.drop("6.csv", Sample.assets(1...3), to: "assets")["state"] == "duplicate")
    }

    @Test func `is no delivery where it is a correction, also while the daemon runs`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 100%}", "expect: 24h"))
        let daemon = try Daemon(home)
        let first = try home.drop("a.csv", Sample.assets(1...2) + Sample.asset(3, status: "lost"), to: "assets")
        func last() throws -> JSON? { try home.ask("status")["sources"]?.elements?.first?["lastDelivery"] }
        let before = try last()
        try home.drop("b.csv", corrected(home, first, "lost", "active"), to: "assets")
        #expect(try before != nil && last() == before)
        #expect(try daemon.end() == 0)
    }
}
