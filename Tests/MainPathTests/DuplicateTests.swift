import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A repeated file` {
    private let a = Sample.assets(1...3, status: "active")
    private let b = Sample.assets(1...3, status: "idle")

    @Test func `is a duplicate of the drop before it`() throws {
        let home = try Home(Sample.sources)
        let first = try home.drop("a.csv", a, to: "assets")
        let second = try home.drop("again.csv", a, to: "assets")
        #expect(second["state"] == "duplicate")
        #expect(second[path: "link/kind"] == "duplicates")
        #expect(second[path: "link/drop"] == first["drop"])
        #expect(try home.list("history", "asset-FL-1").count == 1)
        #expect(try home.list("archive", "list").count == 2)
    }

    @Test func `is applied when another one came between`() throws {
        let home = try Home(Sample.sources)
        for (name, text) in [("1.csv", a), ("2.csv", b), ("3.csv", a)] {
            #expect(try home.drop(name, text, to: "assets")["state"] == "done")
        }
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "active")
        #expect(try home.list("history", "asset-FL-1").count == 3)
    }

    @Test func `is applied when somebody else changed its twins since`() throws {
        let home = try Home(Sample.sources + "  others:\n    plugin: asset-inventory\n    ready: {rule: rename}\n")
        try home.drop("1.csv", a, to: "assets")
        try home.drop("2.csv", b, to: "others")
        #expect(try home.drop("3.csv", a, to: "assets")["state"] == "done")
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "active")
    }

    @Test func `is applied when its mapping was corrected since`() throws {
        let mapping = "twins:\n  - id: \"lift-{id}\"\n    properties: {load: {column: load, type: string}}\n"
        let home = try Home(
            "sources:\n  lifts:\n    plugin: mapping\n    ready: {rule: rename}\n    mapping: lifts.yaml\n",
            mappings: ["lifts.yaml": mapping])
        let file = "id,load\n1,500\n"
        try home.drop("1.csv", file, to: "lifts")
        #expect(try home.drop("again.csv", file, to: "lifts")["state"] == "duplicate")
        try home.write("mappings/lifts.yaml", mapping.replacingOccurrences(of: "string", with: "int"))
        #expect(try home.drop("2.csv", file, to: "lifts")["state"] == "done")
        #expect(try home.ask("twin", "lift-1")["load"] == .int(500))
        #expect(try home.drop("3.csv", file, to: "lifts")["state"] == "duplicate")
    }

    @Test func `is judged anew when the rules of its source changed since`() throws {
        let home = try Home(Sample.assetsSource("validation: off"))
        try home.drop("1.csv", a, to: "assets")
        try home.configure(Sample.assetsSource("validation: strict"))
        #expect(try home.drop("2.csv", a, to: "assets", code: 1)[path: "reason/code"] == "nothing-usable")
        try home.configure(Sample.assetsSource("validation: off", "mode: snapshot"))
        #expect(try home.drop("3.csv", a, to: "assets")["state"] == "done")
        #expect(try home.drop("4.csv", a, to: "assets")["state"] == "duplicate")
    }

    @Test func `is skipped for ever where the source says skip-any`() throws {
        let home = try Home(Sample.assetsSource("duplicates: skip-any"))
        let first = try home.drop("1.csv", a, to: "assets")
        try home.drop("2.csv", b, to: "assets")
        let third = try home.drop("3.csv", a, to: "assets")
        #expect(third["state"] == "duplicate")
        #expect(third[path: "link/drop"] == first["drop"])
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "idle")
    }

    @Test func `is applied, and changes nothing, where the source says process`() throws {
        let home = try Home(Sample.assetsSource("duplicates: process"))
        try home.drop("1.csv", a, to: "assets")
        let second = try home.drop("2.csv", a, to: "assets")
        #expect(second["state"] == "done")
        #expect(second[path: "books/operations/unchanged"] == 3)
        #expect(second[path: "books/operations/updated"] == 0)
        #expect(try home.list("history", "asset-FL-1").count == 1)
    }

    @Test func `in two folders is two drops`() throws {
        let home = try Home(
            Sample.sources
                + "  others:\n    plugin: asset-inventory\n    ready: {rule: rename}\n    settings: {idPrefix: other-}\n")
        #expect(try home.drop("a.csv", a, to: "assets")["state"] == "done")
        #expect(try home.drop("a.csv", a, to: "others")["state"] == "done")
        #expect(try home.list("twin", "--all").count == 6)
    }

    @Test func `that came twice at once is applied once`() throws {
        let home = try Home(Sample.sources)
        for number in 1...5 { try home.deliver("\(number).csv", a, to: "assets") }
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("drops", "--state", "duplicate").count == 4)
        #expect(try home.list("history", "asset-FL-1").count == 1)
    }
}

@Suite(.serialized) struct `A file of a known name` {
    @Test func `with other bytes is a new drop`() throws {
        let home = try Home(Sample.sources)
        let first = try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        let second = try home.drop("a.csv", Sample.assets(1...4), to: "assets")
        #expect(second["state"] == "done")
        #expect(second["drop"] != first["drop"])
        #expect(try home.ask("show", "a.csv")["drop"] == second["drop"])
        #expect(try JSON(parsing: try home.text(of: "receipts/assets/a.csv.receipt.json"))["drop"] == second["drop"])
    }
}
