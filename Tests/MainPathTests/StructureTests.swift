import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A file that is not as configured` {
    private static func sources(_ more: String = "") -> String {
        "sources:\n  lifts:\n    plugin: mapping\n    mapping: lifts.yaml\n" + (more.isEmpty ? "" : "    \(more)\n")
    }

    private static func home(_ mapping: String, _ more: String = "") throws -> Home {
        try Home(sources(more), mappings: ["lifts.yaml": mapping])
    }

    private static let plain = "twins:\n  - id: \"w-{id}\"\n    properties: {name: name}\n"

    @Test func `shows what was skipped, in plan, show and the receipt`() throws {
        let home = try Self.home("dialect: {comment: \"#\", footerFrom: \"Total*\"}\n" + Self.plain)
        let text = "id,name\n# night shift\n1,a\nid,name\n\n2,b\nTotal,2\n"
        let shown = try home.shown("plan", home.file("a.csv", text), "--source", "lifts")
        let line =
            "header (8 bytes), comment (14 bytes), repeated header (8 bytes), blank lines (1 bytes), footer (8 bytes)"
        #expect(shown.contains(line), "\(shown)")
        let receipt = try home.drop("a.csv", text, to: "lifts")
        let id = try #require(receipt["drop"]?.string)
        let parts = receipt[path: "books/skipped"]?.elements ?? []
        #expect(parts.map { $0["name"] } == ["header", "comment", "repeated header", "blank lines", "footer"])
        #expect(parts.map { $0["offset"] } == [0, 8, 26, 34, 39])
        #expect(receipt[path: "books/bytes/unaccounted"] == 0)
        #expect(try home.shown("show", id).contains("skipped     \(line)"))
        #expect(try home.twins().map { $0["$dtId"] } == ["w-1", "w-2"])
    }

    @Test func `keeps the twins of other sites where the scope stands in the records`() throws {
        let home = try Self.home(
            "scope: \"{Werk}\"\ntwins:\n  - id: \"w-{Werk}-{id}\"\n", "mode: snapshot\n    guard: {deletes: 100%}")
        try home.drop("1.csv", "Werk,id\nHAM,1\nHAM,2\n", to: "lifts")
        try home.drop("2.csv", "Werk,id\nMUC,1\n", to: "lifts")
        try home.drop("3.csv", "Werk,id\nHAM,2\n", to: "lifts")
        let ids = try home.twins().compactMap { $0["$dtId"]?.string }
        #expect(ids.sorted() == ["w-HAM-2", "w-MUC-1"])
        let both = try home.run("drop", home.file("4.csv", "Werk,id\nHAM,3\nMUC,4\n"), "--source", "lifts", "--wait")
        #expect(both.code != 0)
        #expect((both.out + both.err).contains("Record 2 gives another scope than record 1"), "\(both.out)\(both.err)")
        _ = try home.run("drop", home.file("5.csv", "Werk,id\n"), "--source", "lifts", "--wait")
        #expect(try home.twins().compactMap { $0["$dtId"]?.string }.sorted() == ids.sorted())
    }

    @Test func `is corrected by its rejects where it has a footer`() throws {
        let home = try Self.home("dialect: {footerFrom: \"Total*\"}\n" + Self.plain, "guard: {rejects: 100%}")
        let receipt = try home.drop("a.csv", "id,name\n1,a\n2,b\"x\nTotal,2\n", to: "lifts")
        #expect(try home.twins().map { $0["$dtId"] } == ["w-1"])
        let file = try #require(receipt[path: "rejects/file"]?.string)
        let rejects = try home.text(of: "receipts/lifts/" + file)
        try home.drop(file, rejects.replacingOccurrences(of: "b\"x", with: "bx"), to: "lifts")
        #expect(try home.twins().map { $0["$dtId"] } == ["w-1", "w-2"])
    }

    @Test func `has no names that no model can have, and the mapping's line is named`() throws {
        let home = try Self.home(
            """
            twins:
              - id: "w-{id}"
                model: Thing
                properties:
                  name: name
                  $dtId: name
                  "names/{locale}": name
            relationships:
              - {source: "w-{id}", name: is in, target: "x-{id}"}

            """)
        let ended = try home.run("source", "check")
        #expect(ended.code == 64)
        for place in [":3:", ":6:7", ":7:7", ":9:"] { #expect(ended.err.contains("lifts.yaml" + place), "\(ended.err)") }
        #expect(ended.err.contains("'$dtId'"))
        #expect(ended.err.contains("names are not templates"))
    }

    @Test func `is named for what it is, and no name is shown as another`() throws {
        let home = try Self.home(Self.plain)
        let cases: [(String, String)] = [
            (
                "id,name\u{A0}\n1,a\n",
                #"Its columns are: id, name\u{a0}. Column 2 is another only by what cannot be seen: U+00A0"#
            ),
            ("id\tname\n1\ta\n", #"Its columns are: id\u{9}name. Cut at tabs they would have it: set dialect.delimiter: tab."#),
            ("PK\u{3}\u{4}  xl/workbook.xml", "The file is an Excel workbook (xlsx), not delimited text."),
        ]
        for (number, (text, words)) in cases.enumerated() {
            let ended = try home.run("drop", home.file("\(number).csv", text), "--source", "lifts", "--wait", "--json")
            #expect(ended.code == 1)
            let reason = try #require(try home.list("drops").first { $0["file"] == .string("\(number).csv") }?["reason"])
            #expect(reason["message"]?.string?.contains(words) == true, "\(reason["message"]?.string ?? "")")
            #expect(reason["hint"]?.string?.contains("correct the source's mapping") == true)
        }
    }
}
