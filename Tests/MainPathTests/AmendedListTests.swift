import Foundation
import Testing
import TwinModel

/// What corrected rejects of a complete list delete (docs/decisions/0025-amendments.md).
@Suite(.serialized) struct `Corrected rejects of a list` {
    private static func home(_ id: String) throws -> Home {
        try Home(
            "sources:\n  s:\n    plugin: mapping\n    mapping: s.yaml\n    ready: {rule: rename}\n    mode: snapshot\n",
            mappings: ["s.yaml": mapping(id)])
    }

    private static func mapping(_ id: String) -> String {
        "twins:\n  - id: \"\(id)\"\n    properties: {v: {column: v, type: double}, n: n}\n"
    }

    private static func list(_ row: (Int) -> String) -> String { "id,v,n\n" + (1...20).map { row($0) + "\n" }.joined() }

    /// `001`, `a20`.
    private static func key(_ value: Int) -> String { value < 10 ? "00\(value)" : "a\(value)" }

    private static func ids(_ home: Home) throws -> [String] { try home.twins().compactMap { $0["$dtId"]?.string }.sorted() }

    /// The rows of a file of rejects as a spreadsheet saves them.
    private static func saved(_ text: String, _ cell: (String) -> String) -> String {
        text.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map { cell(String($0)) }.joined(separator: ";") + "\r\n"
        }.joined()
    }

    @Test func `refuse a row whose id lost its zeros, and delete nothing`() throws {
        let home = try Self.home("t-{id}")
        try home.drop("0.csv", Self.list { "\(Self.key($0)),0,a" }, to: "s")
        let dirty = try home.drop("1.csv", Self.list { "\(Self.key($0)),\($0 == 3 || $0 == 20 ? "1x" : "1"),a" }, to: "s")
        let before = try Self.ids(home)
        let drop = try #require(dirty["drop"]?.string)
        let given = try home.text(of: "receipts/s/\(drop).rejects.csv")
        let receipt = try home.drop("fix.csv", Self.saved(given) { $0 == "003" ? "3" : $0 == "1x" ? "1.5" : $0 }, to: "s")
        #expect(receipt[path: "books/records/rejected"] == 1)
        #expect(try Self.ids(home) == before)
        let fix = try #require(receipt["drop"]?.string)
        let reasons = try home.text(of: "receipts/s/\(fix).rejects.reasons.ndjson")
        #expect(reasons.contains("cell-changed") && reasons.contains("leading zeros in its cell 1"), "\(reasons)")
        // It is given out as it was, to be corrected still.
        #expect(try home.text(of: "receipts/s/\(fix).rejects.csv").contains("003,1x,a,"))
        try home.drop("again.csv", given.replacingOccurrences(of: "1x", with: "1.5"), to: "s")
        #expect(try Self.ids(home) == before)
        #expect(try home.list("drops", "--open-rejects").isEmpty)
    }

    @Test func `are held where another mapping reads the list, and delete nothing`() throws {
        let home = try Self.home("t-{id}")
        let drop = try #require(
            try home.drop("1.csv", Self.list { "A\($0),\($0 == 3 ? "x" : "1"),a" }, to: "s")["drop"]?.string)
        let before = try Self.ids(home)
        try home.write("mappings/s.yaml", Self.mapping("t-{id|lower}"))
        let corrected = try home.text(of: "receipts/s/\(drop).rejects.csv").replacingOccurrences(of: ",x,", with: ",2,")
        let held = try home.drop("fix.csv", corrected, to: "s", code: 1)
        #expect(held[path: "reason/code"] == "amended-otherwise", "\(held.text())")
        #expect(try Self.ids(home) == before)
        _ = try home.ask("release", "fix.csv")
        #expect(try Self.ids(home) == (before + ["t-a3"]).sorted())
    }

    @Test func `are taken where another mapping reads the list and nothing would go`() throws {
        let home = try Self.home("t-{id}")
        let drop = try #require(
            try home.drop("1.csv", Self.list { "A\($0),\($0 == 3 ? "x" : "1"),a" }, to: "s")["drop"]?.string)
        try home.write("mappings/s.yaml", Self.mapping("t-{id}").replacingOccurrences(of: "type: double", with: "type: string"))
        let given = try home.text(of: "receipts/s/\(drop).rejects.csv")
        #expect(try home.drop("fix.csv", given, to: "s")["state"] == "done")
        #expect(try Self.ids(home).count == 20)
    }

    @Test func `give a row out as it was sent where its record was corrected before`() throws {
        let home = try Self.home("t-{id}")
        let drop = try #require(
            try home.drop("1.csv", Self.list { "\(Self.key($0)),\($0 == 3 || $0 == 20 ? "1x" : "1"),a" }, to: "s")["drop"]?.string
        )
        let given = try home.text(of: "receipts/s/\(drop).rejects.csv")
        try home.drop("fix.csv", given.replacingOccurrences(of: "003,1x", with: "003,2"), to: "s")
        let again = try home.drop(
            "again.csv", given.replacingOccurrences(of: "003,1x", with: "003,7").replacingOccurrences(of: "1x", with: "4"),
            to: "s")
        let id = try #require(again["drop"]?.string)
        #expect(try home.text(of: "receipts/s/\(id).rejects.csv").contains("003,7,a,TDR-\(drop)-3-"))
        let shown = try home.shown("show", id)
        #expect(shown.contains("as a delivery of its own") && !shown.contains("correct them there"), "\(shown)")
    }
}
