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
            #expect(try home.drop(name, text, to: "assets")["state"] == "archived")
        }
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "active")
        #expect(try home.list("history", "asset-FL-1").count == 3)
    }

    @Test func `is applied when somebody else changed its twins since`() throws {
        let home = try Home(Sample.sources + "  others:\n    plugin: asset-inventory\n    ready: {rule: rename}\n")
        try home.drop("1.csv", a, to: "assets")
        try home.drop("2.csv", b, to: "others")
        #expect(try home.drop("3.csv", a, to: "assets")["state"] == "archived")
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "active")
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
        #expect(second["state"] == "archived")
        #expect(second[path: "books/operations/unchanged"] == 3)
        #expect(second[path: "books/operations/updated"] == 0)
        #expect(try home.list("history", "asset-FL-1").count == 1)
    }

    @Test func `in two folders is two drops`() throws {
        let home = try Home(
            Sample.sources
                + "  others:\n    plugin: asset-inventory\n    ready: {rule: rename}\n    settings: {idPrefix: other-}\n")
        #expect(try home.drop("a.csv", a, to: "assets")["state"] == "archived")
        #expect(try home.drop("a.csv", a, to: "others")["state"] == "archived")
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
        #expect(second["state"] == "archived")
        #expect(second["drop"] != first["drop"])
        #expect(try home.ask("show", "a.csv")["drop"] == second["drop"])
        #expect(try JSON(parsing: try home.text(of: "receipts/assets/a.csv.receipt.json"))["drop"] == second["drop"])
    }
}
