import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `Queries on the command line` {
    private static let configuration = """
        indexes: [site]
        sources:
          buildings:
            plugin: asset-inventory
            ready: {rule: rename}
            settings: {idPrefix: ""}

        """

    private func home() throws -> Home {
        let home = try Home(Self.configuration)
        try home.drop(
            "1.csv", Sample.assetHeader + "A-1,\"Pump, left\",pump,HAM1,active,\nA-2,Fan,fan,HAM1,idle,\n", to: "buildings")
        try home.drop("2.csv", Sample.assetHeader + "A-2,Fan,fan,MUC2,active,\n", to: "buildings")
        return home
    }

    @Test func `print rows as a table, as JSON and as CSV, of now and of then`() throws {
        let home = try home()
        let query = "SELECT $dtId, site FROM DIGITALTWINS WHERE site = 'HAM1'"
        #expect(try home.list("query", query) == [["$dtId": "A-1", "site": "HAM1"]])
        #expect(try home.list("query", query, "--as-of", "#1").count == 2)
        #expect(try home.shown("query", query, "--format", "csv") == "$dtId,site\nA-1,HAM1\n")
        let lines = try home.shown("query", query).split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines == [["$dtId", "site"], ["A-1", "HAM1"]])
        #expect(try home.ask("query", "SELECT COUNT() FROM DIGITALTWINS") == ["COUNT": 2])
        #expect(try home.shown("query", "SELECT * FROM DIGITALTWINS WHERE site = 'none'") == "No rows.\n")
        let csv = try home.shown("query", "SELECT * FROM DIGITALTWINS WHERE $dtId = 'A-1'", "--format", "csv")
        #expect(csv.contains(",\"Pump, left\""))
    }

    @Test func `say where a query is wrong, and end with 64`() throws {
        let home = try home()
        let ended = try home.run("query", "SELECT * FROM TWINS")
        #expect(ended.code == 64)
        #expect(ended.err.contains("Line=1, Position=14"))
        #expect(ended.out.isEmpty)
    }
}
