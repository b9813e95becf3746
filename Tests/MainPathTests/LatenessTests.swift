import Foundation
import Testing
import TwinModel

/// Files that come after files they belong before (docs/decisions/0026-order-and-lateness.md).
@Suite(.serialized) struct `A file that comes late` {
    @Test(arguments: ["incremental", "snapshot"])
    func `to a source ordered by name is held, stops nobody, and is released by force only`(mode: String) throws {
        let home = try Home(Sample.assetsSource("order: name", "mode: \(mode)"))
        try home.drop("inv_20261122.csv", Sample.assets(1...3, status: "retired"), to: "assets")
        let late = try home.drop("inv_20261121.csv", Sample.assets(1...3), to: "assets", code: 1)
        #expect(late["state"] == "held")
        #expect(late[path: "reason/code"] == "late")
        #expect(late[path: "reason/message"]?.string?.contains("inv_20261122.csv") == true)
        try home.drop("inv_20261123.csv", Sample.assets(1...4, status: "retired"), to: "assets")
        #expect(try home.run("release", "inv_20261121.csv").code == 1)
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "retired")
        #expect(try home.run("release", "inv_20261121.csv", "--force").code == 0)
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "active")
    }

    @Test func `is put in its place where the source says what in a name counts`() throws {
        let home = try Home(Sample.assetsSource("sequence: \"inv_{dd}.{MM}.{yyyy}.csv\"", "mode: snapshot"))
        try home.drop("inv_02.12.2026.csv", Sample.assets(1...3, status: "retired"), to: "assets")
        let late = try home.drop("inv_30.11.2026.csv", Sample.assets(1...5), to: "assets")
        #expect(late["state"] == "done")
        #expect(late[path: "reason/code"] == "superseded")
        #expect(late[path: "books/operations/superseded"] == 5)
        #expect(try home.list("twin", "--all").count == 3)
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "retired")
        let nameless = try home.drop("inv.csv", Sample.assets(1...6), to: "assets", code: 1)
        #expect(nameless[path: "reason/code"] == "no-place")
    }
}
