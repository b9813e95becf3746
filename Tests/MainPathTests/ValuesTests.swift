import Foundation
import Testing
import TwinModel

/// What one cell holds decides over its record, never over its file, its plugin or its source.
@Suite(.serialized) struct `A bad value` {
    private static func source(_ plugin: String, _ more: String = "") -> String {
        "sources:\n  s:\n    plugin: \(plugin)\n    ready: {rule: rename}\n    guard: {rejects: 100%}\n\(more)"
    }

    private static func mapping(_ property: String, dialect: String = "{delimiter: \"|\", quoting: none}") -> String {
        "dialect: \(dialect)\nshowValues: true\ntwins:\n  - id: \"w-{id}\"\n    properties: {v: \(property)}\n"
    }

    @Test func `of JSON refuses its record and leaves the next one`() throws {
        let home = try Home(Self.source("mapping", "    mapping: m.yaml\n"), mappings: ["m.yaml": Self.mapping("{type: json}")])
        let bad = [
            #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, "1e999", #""\ud800""#, "12345678901234567890", "[[1,2", "NaN",
        ]
        for round in 1...6 {
            let rows = bad.map { "1|\($0)\n" }.joined()
            let receipt = try home.drop("f\(round).csv", "id|v\n\(rows)\(round)|[\(round)]\n", to: "s")
            #expect(receipt[path: "books/records/rejected"] == .int(Int64(bad.count)))
            #expect(receipt[path: "books/records/used"] == 1)
            let reasons = try home.text(of: "receipts/s/" + (receipt[path: "rejects/reasons"]?.string ?? ""))
            let first = try JSON(parsing: String(try #require(reasons.split(separator: "\n").first)))
            #expect(first["code"] == "not-json" && first["record"] == 1 && first["offset"] == 5)
        }
        #expect(try home.twins().count == 6, "the source was never suspended")
    }

    @Test func `that makes a record larger than a frame refuses that record only`() throws {
        let cells = String(repeating: "x", count: 400_000)
        let mapping =
            "twins:\n  - id: \"w-{id}\"\n    properties: {a: a, b: b, c: c}\n"
        let home = try Home(Self.source("mapping", "    mapping: m.yaml\n"), mappings: ["m.yaml": mapping])
        let receipt = try home.drop("f.csv", "id,a,b,c\n1,a,b,c\n2,\(cells),\(cells),\(cells)\n3,a,b,c\n", to: "s")
        #expect(receipt[path: "books/records/rejected"] == 1)
        #expect(try home.twins().compactMap { $0["$dtId"]?.string }.sorted() == ["w-1", "w-3"])
        let reasons = try home.text(of: "receipts/s/" + (receipt[path: "rejects/reasons"]?.string ?? ""))
        #expect(reasons.contains("record-too-large") && reasons.contains("\"record\":2"))
    }

    /// A plugin in C that hands on whatever a line says: the host judges it, and the plugin is not blamed.
    @Test func `of another plugin refuses its record only`() throws {
        let home = try Home(Self.source("asset-inventory"))
        try home.replaceAssetInventory(by: "values.c")
        let lines = [
            "good-1", "infinite", "json", "text", "id", "long-id", "no-target", "time", "offset", "duration", "date", "edge",
            "good-2",
        ]
        for round in 1...6 {
            let receipt = try home.drop("f\(round).txt", lines.joined(separator: "\n") + "\nround-\(round)\n", to: "s")
            #expect(receipt[path: "books/records/rejected"] == .int(Int64(lines.count - 2)))
            let reasons = try home.text(of: "receipts/s/" + (receipt[path: "rejects/reasons"]?.string ?? ""))
            let numbers = try reasons.split(separator: "\n").map { try JSON(parsing: String($0))["record"]?.int }
            #expect(numbers == (2...12).map { Int64($0) })
        }
        let ids = try home.twins().compactMap { $0["$dtId"]?.string }.sorted()
        #expect(ids == ["good-1", "good-2"] + (1...6).map { "round-\($0)" })
        let status = try home.run("status")
        #expect(!status.out.contains("suspended"))
    }

    @Test func `of a local time follows the zone that the mapping names`() throws {
        let mapping = Self.mapping("{type: dateTime, format: yyyy-MM-dd HH:mm, zone: Europe/Berlin}")
        let home = try Home(Self.source("mapping", "    mapping: m.yaml\n"), mappings: ["m.yaml": mapping])
        let rows = ["2026-07-01 12:00", "2026-01-01 12:00", "2026-03-29 02:30", "2026-10-25 02:30"]
        let receipt = try home.drop("f.csv", "id|v\n" + rows.enumerated().map { "\($0)|\($1)\n" }.joined(), to: "s")
        #expect(receipt[path: "books/records/rejected"] == 2)
        #expect(try home.twins().map { $0["v"] } == ["2026-07-01T12:00:00+02:00", "2026-01-01T12:00:00+01:00"])
        let reasons = try home.text(of: "receipts/s/" + (receipt[path: "rejects/reasons"]?.string ?? ""))
        #expect(reasons.contains("time-gap") && reasons.contains("time-overlap"))
        try home.write("mappings/m.yaml", mapping.replacing("zone:", with: "gap: later, overlap: earlier, zone:"))
        let next = try home.drop("g.csv", "id|v\n9|2026-03-29 02:30\n8|2026-10-25 02:30\n", to: "s")
        #expect(next[path: "books/records/used"] == 2)
        let values = try home.twins().compactMap { $0["v"]?.string }
        #expect(values.contains("2026-03-29T03:30:00+02:00") && values.contains("2026-10-25T02:30:00+02:00"))
    }

    @Test func `of a zone that does not exist is a mistake of the mapping with its line`() throws {
        let mapping = Self.mapping("{type: dateTime, zone: Europe/Berln}")
        let home = try Home(Self.source("mapping", "    mapping: m.yaml\n"), mappings: ["m.yaml": mapping])
        let ended = try home.run("source", "check")
        #expect(ended.code != 0)
        let text = ended.out + ended.err
        #expect(
            text.contains("m.yaml:5") && text.contains("Europe/Berln") && text.contains("Did you mean Europe/Berlin?"), "\(text)")
    }

    @Test func `of a number is not read a thousand times too large`() throws {
        let mapping = "decimal: \",\"\ngroup: \".\"\n" + Self.mapping("{type: double}")
        let home = try Home(Self.source("mapping", "    mapping: m.yaml\n"), mappings: ["m.yaml": mapping])
        let cells = ["0.500", "-0.250", "0.001", "1.234,5", "1.23", "0,5"]
        let receipt = try home.drop("f.csv", "id|v\n" + cells.enumerated().map { "\($0)|\($1)\n" }.joined(), to: "s")
        #expect(receipt[path: "books/records/rejected"] == 4)
        #expect(try home.twins().map { $0["v"] } == [.double(1234.5), .double(0.5)])
    }
}
