import Foundation
import Testing
import TwinModel

/// Rejects of originals in many dialects, with many kinds of defects, corrected in a text editor or saved by other programs
/// (docs/decisions/0025-amendments.md).
@Suite(.serialized) struct `Rejects corrected` {
    /// An original, how its rejects come back, and what the graph then says; or words of the refusal.
    struct Case: Sendable {
        let name: String
        var keys = ""
        var dialect = ""
        var property = "{column: n, type: int}"
        let original: [UInt8]
        let back: @Sendable (Given) -> [UInt8]
        /// By id: the cells `a` and `n`.
        var twins: [String: [String]] = [:]
        var refused: String?
    }

    /// A file of rejects as it was given out.
    struct Given {
        let bytes: [UInt8]
        /// Its marks, in order.
        let marks: [String]

        /// The bytes with some replaced, as in a text editor.
        func edited(_ pairs: [(String, String)]) -> [UInt8] { pairs.reduce(bytes) { $0.replacing($1.0.utf8, with: $1.1.utf8) } }

        /// The rows as a spreadsheet saves them: with semicolons, CR LF, and quotation marks where they are needed.
        func saved(_ rows: [[String]], head: String = "id;a;n;twindrop_reject", end: String = "\r\n") -> String {
            func cell(_ text: String) -> String {
                guard text.utf8.contains(where: { ";\"\r\n".utf8.contains($0) }) else { return text }
                return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
            }
            let lines = zip(rows, marks).map { ($0 + [$1]).map(cell).joined(separator: ";") }
            return ((head.isEmpty ? [] : [head]) + lines).joined(separator: end) + end
        }
    }

    private static func windows(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

    /// An original of one good record, "2", and a wrong one, "1", whose cell `a` comes back with this text.
    private static func one(
        _ name: String, _ dialect: String, _ original: [UInt8], gives text: String, refused: String? = nil
    ) -> Case {
        Case(
            name: name, dialect: dialect, original: original, back: { Array($0.saved([["1", text, "4"]]).utf8) },
            twins: refused == nil ? ["1": [text, "4"], "2": ["x", "5"]] : ["2": ["x", "5"]], refused: refused)
    }

    private static func csv(_ row: String, delimiter: String = ",", end: String = "\n") -> [UInt8] {
        Array(["id,a,n", row, "2,x,5", ""].joined(separator: end).replacingOccurrences(of: ",", with: delimiter).utf8)
    }

    static let dialects: [Case] = [
        one("comma", "", csv("1,x,bad"), gives: "x,y"),
        one("comma, line end in a cell", "", csv("1,x,bad"), gives: "x\ny"),
        one("tab", "{delimiter: tab}", csv("1,x,bad", delimiter: "\t"), gives: "a\tb \"c\""),
        one("tilde", "{delimiter: \"~\"}", csv("1,x,bad", delimiter: "~"), gives: "a~b"),
        one("two characters", "{delimiter: \"||\"}", csv("1,x,bad", delimiter: "||"), gives: "a|b||c"),
        one("apostrophes", "{quote: \"'\"}", csv("1,x,bad"), gives: "it's, \"so\""),
        one("apostrophes, line end in the cell", "{quote: \"'\"}", csv("1,'x\ny',bad"), gives: "x\ny"),
        one("backslash", "{quoting: backslash}", csv("1,x,bad"), gives: "C:\\tmp\\new, \"so\""),
        one("backslash at the end", "{quoting: backslash}", csv("1,x,bad"), gives: "C:\\"),
        one("no quoting", "{quoting: none, delimiter: \"|\"}", csv("1,x,bad", delimiter: "|"), gives: "5\" pipe; 'x'"),
        one(
            "no quoting, with a delimiter", "{quoting: none, delimiter: \"|\"}", csv("1,x,bad", delimiter: "|"), gives: "a|b",
            refused: "cannot be written as o.csv is"),
        one(
            "a terminator", "{quoting: none, delimiter: \"|#|\", terminator: \"&|\\n\"}",
            csv("1,x,bad", delimiter: "|#|", end: "&|\n"), gives: "a|b#\nc"),
        one("no header", "{header: false, columns: [id, a, n]}", Array("1,x,bad\n2,x,5\n".utf8), gives: "y"),
        one("trimmed", "{trim: unquoted}", csv("1,x,bad"), gives: "  x"),
        one("comments", "{comment: \"#\"}", csv("1,x,bad"), gives: "#x"),
        one("windows-1252", "{encoding: windows-1252}", csv("1,Mueller,bad"), gives: "Müller"),
        one("windows-1252 beyond ASCII", "{encoding: windows-1252}", windows("id,a,n\n1,Müller,bad\n2,x,5\n"), gives: "Größe"),
        one(
            "windows-1252 without the letter", "{encoding: windows-1252}", csv("1,x,bad"), gives: "Łódź",
            refused: "a character that the encoding of o.csv does not have"),
        one("iso-8859-1", "{encoding: iso-8859-1}", csv("1,x,bad"), gives: "Müller"),
        Case(
            name: "a terminator, edited", dialect: "{quoting: none, delimiter: \"|#|\", terminator: \"&|\\n\"}",
            original: csv("1,x,bad", delimiter: "|#|", end: "&|\n"), back: { $0.edited([("bad", "4")]) },
            twins: ["1": ["x", "4"], "2": ["x", "5"]]),
        Case(
            name: "backslash, edited", dialect: "{quoting: backslash}", original: csv("1,\"x\\\"\\,y\",bad"),
            back: { $0.edited([("bad", "4")]) }, twins: ["1": ["x\",y", "4"], "2": ["x", "5"]]),
        Case(
            name: "windows-1252, saved in it", dialect: "{encoding: windows-1252, delimiter: \";\"}",
            original: windows("id;a;n\n1;Müller;bad\n2;x;5\n"), back: { windows($0.saved([["1", "Größe", "4"]])) },
            twins: ["1": ["Größe", "4"], "2": ["x", "5"]]),
        Case(
            name: "windows-1252, edited and saved in UTF-8", dialect: "{encoding: windows-1252}", original: csv("1,Mueller,bad"),
            back: { $0.edited([("bad", "4"), ("Mueller", "Müller")]) }, twins: ["1": ["Müller", "4"], "2": ["x", "5"]]),
    ]

    static let defects: [Case] = [
        Case(
            name: "a stray mark, edited", original: csv("1,5\" pipe,4"), back: { $0.edited([("5\" pipe", "\"5\"\" pipe\"")]) },
            twins: ["1": ["5\" pipe", "4"], "2": ["x", "5"]]),
        one("a stray mark, saved", "", csv("1,5\" pipe,4"), gives: "5\" pipe"),
        Case(
            name: "text behind a mark, edited", original: csv("1,\"z\"q,4"), back: { $0.edited([("\"z\"q", "zq")]) },
            twins: ["1": ["zq", "4"], "2": ["x", "5"]]),
        Case(
            name: "bytes that are no text, edited", original: windows("id,a,n\n1,Müller,4\n2,x,5\n"),
            back: { given in given.bytes.flatMap { $0 == 0xFC ? [0xC3, 0xBC] : [$0] } },
            twins: ["1": ["Müller", "4"], "2": ["x", "5"]]),
        Case(
            name: "bytes that are no text, lost", original: windows("id,a,n\n1,Müller,4\n2,x,5\n"),
            back: { Array($0.saved([["1", "M\u{FFFD}ller", "4"]]).utf8) }, twins: ["2": ["x", "5"]], refused: "U+FFFD"),
        Case(
            name: "bytes that are no text, left", original: windows("id,a,n\n1,Müller,bad\n2,x,5\n"),
            back: { $0.edited([("bad", "4")]) }, twins: ["2": ["x", "5"]]),
        one("a NUL", "", Array("id,a,n\n1,M\u{0}ller,4\n2,x,5\n".utf8), gives: "Mller"),
        Case(
            name: "a byte order mark", original: Array("id,a,n\n2,x,5\n\u{FEFF}1,y,4\n3,z,6\n".utf8),
            back: { $0.edited([("\u{FEFF}", "")]) }, twins: ["1": ["y", "4"], "2": ["x", "5"], "3": ["z", "6"]]),
        one("a short row", "", csv("1,x"), gives: "x"),
        one("a long row", "", csv("1,x,y,4"), gives: "x,y"),
        Case(
            name: "nothing", original: csv("1,\"x\",bad"), back: { $0.bytes }, twins: ["2": ["x", "5"]]),
    ]

    private static let two = Array("id,a,n\n1,x,bad\n2,y,bad\n3,z,5\n".utf8)
    private static let three = ["3": ["z", "5"]]

    static let shapes: [Case] = [
        Case(
            name: "columns in another order", original: two,
            back: { Array($0.saved([["x", "1", "4"], ["y", "2", "6"]], head: "a;id;n;twindrop_reject").utf8) },
            twins: ["1": ["x", "4"], "2": ["y", "6"], "3": ["z", "5"]]),
        Case(
            name: "columns in another order, the dialect kept", original: two,
            back: { given in
                let lines = String(decoding: given.edited([("bad", "4")]), as: UTF8.self).split(separator: "\n")
                return Array(
                    lines.map { line in
                        let cells = line.split(separator: ",", omittingEmptySubsequences: false)
                        return [cells[3], cells[1], cells[0], cells[2]].joined(separator: ",") + "\n"
                    }.joined().utf8)
            }, twins: ["1": ["x", "4"], "2": ["y", "4"], "3": ["z", "5"]]),
        Case(
            name: "a column of another name", original: two,
            back: { Array($0.saved([["1", "x", "4"], ["2", "y", "6"]], head: "id;name;n;twindrop_reject").utf8) },
            twins: three, refused: "names the column a not at all"),
        Case(
            name: "a column named twice", original: two,
            back: { Array($0.saved([["1", "x", "4"], ["2", "y", "6"]], head: "id;id;n;twindrop_reject").utf8) },
            twins: three, refused: "names the column id 2 times"),
        Case(
            name: "no line of names", original: two,
            back: { Array($0.saved([["1", "x", "4"], ["2", "y", "6"]], head: "").utf8) }, twins: three,
            refused: "no line of column names"),
        Case(
            name: "a note in a column of its own", original: two,
            back: { Array($0.saved([["1", "x", "4", "see mail"]], head: "id;a;n;note;twindrop_reject").utf8) }, twins: three,
            refused: "has a cell in column 4, which o.csv does not have"),
        Case(
            name: "a first row without its mark", original: two,
            back: { $0.edited([("bad", "4"), ("," + $0.marks[0], ",")]) }, twins: three, refused: "its line 2 carries no mark"),
        Case(
            name: "a row that was put in at the top", original: two,
            back: { Array($0.saved([["1", "x", "4"]], head: "id;a;n;twindrop_reject\r\n9;new;7;").utf8) }, twins: three,
            refused: "its line 2 carries no mark"),
        Case(
            name: "a mark that was cut", original: two,
            back: { $0.edited([("bad", "4"), ($0.marks[0], String($0.marks[0].dropLast(3)))]) }, twins: three,
            refused: "its line 2 carries no mark"),
        Case(
            name: "marks in small letters", original: two,
            back: { $0.edited([("bad", "4")] + $0.marks.map { ($0, $0.lowercased()) }) },
            twins: ["1": ["x", "4"], "2": ["y", "4"], "3": ["z", "5"]]),
        Case(
            name: "no mark that can be read", keys: "mode: snapshot", original: two,
            back: { $0.edited([("bad", "4")] + $0.marks.map { ($0, "") }) }, twins: three, refused: "no mark that can be read"),
        Case(
            name: "a row that becomes a comment", dialect: "{comment: \"#\", quoting: none}", original: two,
            back: { Array($0.saved([["#1", "x", "4"], ["2", "y", "9"]]).utf8) }, twins: three,
            refused: "is not read as this one record"),
        Case(
            name: "a row that says the header", keys: "mode: snapshot", original: two,
            back: { $0.edited([("1,x,bad", "id,a,n"), ("bad", "4")]) }, twins: three, refused: "is not read as this one record"),
        Case(
            name: "a last row that becomes a footer", dialect: "{footerFrom: \"Total*\"}",
            original: Array("id,a,n\n3,z,5\n1,x,bad\n".utf8), back: { $0.edited([("1,x,bad", "Total,x,4")]) }, twins: three,
            refused: "is not read as this one record"),
        Case(
            name: "a row with a unit that the file has not", property: "{column: n, type: double, unit: true}",
            original: Array("id,a,n\n1,x,bad\n3,z,5 kg\n".utf8), back: { $0.edited([("bad", "4 g")]) }, twins: three,
            refused: "with its corrections record 2 would be refused"),
    ]

    /// Each in a source of its own, so that three runs make all of them.
    @Test func `come to what the corrected file does, or are refused with the reason`() throws {
        let cases = Self.dialects + Self.defects + Self.shapes
        let home = try home(of: cases)
        for (index, one) in cases.enumerated() { try home.place("o.csv", Data(one.original), in: "s\(index)") }
        _ = try home.run("run", "--once")
        for (index, one) in cases.enumerated() {
            let file = try #require(
                home.names(in: "receipts/s\(index)").first { $0.contains(".rejects.") && !$0.contains("reasons") }, "\(one.name)")
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: home.path + "/receipts/s\(index)/" + file)))
            let text = String(decoding: bytes, as: UTF8.self)
            let given = Given(bytes: bytes, marks: text.matches(of: /TDR-[0-9A-Z]+-[0-9]+-[0-9A-F]{8}/).map { String($0.output) })
            try home.place("corrected by hand.csv", Data(one.back(given)), in: "s\(index)")
        }
        _ = try home.run("run", "--once")
        let twins = try home.twins()
        for (index, one) in cases.enumerated() {
            var found: [String: [String]] = [:]
            for twin in twins {
                guard let id = twin["$dtId"]?.string, id.hasPrefix("s\(index)-") else { continue }
                found[String(id.dropFirst("s\(index)-".count))] = [twin["a"]?.string ?? "", Self.number(twin["n"])]
            }
            let last = try home.list("drops", "--source", "s\(index)").filter { $0["file"] == "corrected by hand.csv" }.first
            #expect(found == one.twins, "\(one.name): \((last ?? .null).text())")
            let words = last?[path: "reason/message"]?.string ?? ""
            if let refused = one.refused {
                #expect(last?["state"] == "quarantined", "\(one.name): \((last ?? .null).text())")
                #expect(words.contains(refused), "\(one.name): \(words)")
            } else {
                #expect(last?["state"] == "done", "\(one.name): \(words)")
            }
        }
    }

    private static func number(_ json: JSON?) -> String {
        if case .double(let value)? = json { return String(Int(value)) }
        return (json ?? .null).text()
    }

    private func home(of cases: [Case]) throws -> Home {
        var sources = "sources:\n"
        var mappings: [String: String] = [:]
        for (index, one) in cases.enumerated() {
            sources += "  s\(index):\n    plugin: mapping\n    mapping: s\(index).yaml\n    ready: {rule: rename}\n"
            sources += "    guard: {rejects: 100%, deletes: 100%}\n" + (one.keys.isEmpty ? "" : "    \(one.keys)\n")
            mappings["s\(index).yaml"] =
                (one.dialect.isEmpty ? "" : "dialect: \(one.dialect)\n")
                + "twins:\n  - id: \"s\(index)-{id}\"\n    properties: {a: a, n: \(one.property)}\n"
        }
        return try Home(sources, mappings: mappings)
    }
}
