import Glibc
import ProgramKit
import Testing
import TwinDropPluginSDK
import TwinDropTesting
import TwinModel

@Suite struct `The structure of a file` {
    /// What becomes of a file: its rows, the codes of refused records, the names of what was skipped; or words of a refusal.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let settings: String
        let text: String
        var rows: [[String]] = []
        var rejected: [String] = []
        var spans: [String]?
        var refused: String?
        var testDescription: String { name }
    }

    static let footers: [Case] = [
        Case(
            name: "a totals line as wide as the table, where ids look otherwise", settings: #"{"footerLines":1}"#,
            text: "id,n\n1,a\nTotal,1\n", rows: [["1", "a"]], spans: ["header", "footer"]),
        Case(
            name: "a totals line as wide as the table may be a record where ids are words", settings: #"{"footerLines":1}"#,
            text: "id,n\nAlpha,a\nTotal,1\n", refused: "it has as many cells as a record"),
        Case(
            name: "a totals line as wide as the table, where the last id is empty", settings: #"{"footerLines":1}"#,
            text: "id,n\n1,a\n,b\nTotal,1\n", refused: "it has as many cells as a record"),
        Case(
            name: "a totals line as wide as the table may be a record where none came before", settings: #"{"footerLines":1}"#,
            text: "id,n\nTotal,1\n", refused: "it has as many cells as a record"),
        Case(
            name: "a totals line as wide as the table is told by a glob", settings: #"{"footerFrom":"Total,*"}"#,
            text: "id,n\n1,a\nTotal,1\n", rows: [["1", "a"]], spans: ["header", "footer"]),
        Case(
            name: "a record whose id starts with a word of totals", settings: #"{"footerLines":1}"#,
            text: "id,n\nA 7,a\nEnd-30,b\n", refused: "it has as many cells as a record"),
        Case(
            name: "a short record whose id starts with a word of totals", settings: #"{"footerLines":1}"#,
            text: "id,n,m\nA 7,a,1\nEnd-30,b\n", refused: "it has cells, and starts with no word of totals"),
        Case(
            name: "a record of too few cells is no footer", settings: #"{"footerLines":1}"#,
            text: "id,n,m\nA1,x,1\n77-B,y\n", refused: "it has cells, and starts with no word of totals"),
        Case(
            name: "a last line without its end may be cut off", settings: #"{"footerLines":1}"#,
            text: "id,n\n1,a\nTotal: 1", refused: "it has no line end"),
        Case(
            name: "totals of fewer cells than the table", settings: #"{"footerLines":1}"#,
            text: "id,n,m\n1,a,b\nTotal:,1\n", rows: [["1", "a", "b"]], spans: ["header", "footer"]),
        Case(
            name: "a missing footer takes no record with it", settings: #"{"footerLines":1}"#, text: "id,n\n1,a\n2,b\n",
            refused: "The line at byte 9, after record 1, may be the footer or a record, whole or cut off"),
        Case(
            name: "a line of numbers is no footer by itself", settings: #"{"footerLines":1}"#, text: "id,n\n1,a\n1,100\n",
            refused: "may be the footer or a record"),
        Case(
            name: "a cut record is no footer", settings: #"{"footerLines":1}"#, text: "id,n\nAST-1,a\nAST-27",
            refused: "may be the footer or a record"),
        Case(
            name: "of two lines of footer one is missing", settings: #"{"footerLines":2}"#, text: "id,n\n1,a\n2,b\nTotal,2\n",
            refused: "The line at byte 9"),
        Case(
            name: "blank lines behind a footer do not count as its lines", settings: #"{"footerLines":1}"#,
            text: "id,n\n1,a\nThe whole list\n\n  \n,\n", rows: [["1", "a"]], spans: ["header", "footer", "blank lines"]),
        Case(
            name: "a totals line before blank lines is no twin", settings: #"{"footerLines":1}"#,
            text: "id,n\n1,a\n\"TOTAL\"\n\n\n", rows: [["1", "a"]], spans: ["header", "footer", "blank lines"]),
        Case(
            name: "a record that starts like a totals line", settings: #"{"footerLines":1}"#,
            text: "id,n\n1,a\nTotalenergies,1\n",
            refused: "may be the footer or a record"),
        Case(
            name: "a header alone is found although the footer has more lines", settings: #"{"footerLines":3}"#,
            text: "id,n\nEnd\n",
            spans: ["header", "footer"]),
        Case(
            name: "rejects without a footer are read where globs tell the footer", settings: #"{"footerFrom":"Total*"}"#,
            text: "id,n\n2,bx\n", rows: [["2", "bx"]], spans: ["header"]),
        Case(
            name: "a footer of several globs", settings: #"{"footerFrom":["Total*","Mean*"]}"#,
            text: "id,n\n1,a\nTotal,1\nMean,1\nmade by the export\n", rows: [["1", "a"]], spans: ["header", "footer"]),
        Case(
            name: "a record behind the footer", settings: #"{"footerFrom":"Total*"}"#, text: "id,n\n1,a\nTotal,1\n2,b\nTotal,1\n",
            refused: "The footer starts at byte 9, and the line at byte 17 behind it has 2 cells"),
        Case(
            name: "a footer that must be there", settings: #"{"footerFrom":"Total*","footerRequired":true}"#, text: "id,n\n1,a\n",
            refused: "The file has no footer: it may be cut off."),
        Case(
            name: "short records are doubted, too, where they are padded", settings: #"{"footerLines":1,"ragged":"pad"}"#,
            text: "id,n\n1,a\n2\n", refused: "may be the footer or a record"),
    ]

    static let headers: [Case] = [
        Case(
            name: "a header again", settings: "{}", text: "id,n\n1,a\nid,n\n2,b\n", rows: [["1", "a"], ["2", "b"]],
            spans: ["header", "repeated header"]),
        Case(
            name: "a header again behind a byte order mark", settings: "{}", text: "\u{FEFF}id,n\n1,a\n\u{FEFF}id,n\n2,b\n",
            rows: [["1", "a"], ["2", "b"]], spans: ["byte order mark", "header", "byte order mark", "repeated header"]),
        Case(
            name: "a header again where none may be", settings: #"{"repeatedHeader":"fail"}"#, text: "id,n\n1,a\nid,n\n2,b\n",
            refused: "after record 1, says the names of the columns again"),
        Case(
            name: "a header again in a table of one column", settings: "{}", text: "id\n1\nid\n2\n", rows: [["1"], ["2"]],
            rejected: ["repeated-header"]),
        Case(
            name: "a record that says the header", settings: #"{"repeatedHeader":"record"}"#, text: "id,n\nid,n\n",
            rows: [["id", "n"]]),
        Case(
            name: "the columns in another order", settings: "{}", text: "id,n\n1,a\nn,id\nb,2\n",
            refused: "is a header that differs from the first"),
        Case(
            name: "the header in other letters", settings: "{}", text: "id,n\n1,a\nID,N\n2,b\n",
            refused: "is a header that differs from the first"),
        Case(
            name: "a header where the settings say there is none", settings: #"{"header":false,"columns":["id","n"]}"#,
            text: "id,n\n1,a\n", rows: [["1", "a"]], spans: ["repeated header"]),
        Case(
            name: "a header that is missing", settings: #"{"columns":["id","n"]}"#, text: "1,a\n2,b\n",
            refused: "The line at byte 0 is not the header that dialect.columns names: id, n. It has 2 cells"),
        Case(
            name: "a header in another order", settings: #"{"columns":["id","n"]}"#, text: "n,id\na,1\n",
            refused: "The columns stand in another order"),
        Case(
            name: "a header of other names than said", settings: #"{"columns":["x","y"],"headerNames":["id","n"]}"#,
            text: "id,m\n1,a\n", refused: "not the header that dialect.headerNames names"),
        Case(
            name: "a byte order mark before a record", settings: "{}", text: "id,n\n1,a\n\u{FEFF}2,b\n3,c\n",
            rows: [["1", "a"], ["3", "c"]], rejected: ["byte-order-mark"], spans: ["header", "byte order mark"]),
        Case(
            name: "two byte order marks at the start", settings: "{}", text: "\u{FEFF}\u{FEFF}id,n\n1,a\n", rows: [["1", "a"]],
            spans: ["byte order mark", "byte order mark", "header"]),
        Case(
            name: "a preamble that is missing", settings: #"{"header":false,"skipLines":1}"#, text: "1,a\n2,b\n",
            refused: "The line at byte 0 would be left out as preamble, and has 2 cells"),
        Case(
            name: "a preamble that is there", settings: #"{"header":false,"skipLines":1}"#, text: "Report\n1,a\n",
            rows: [["1", "a"]],
            spans: ["preamble"]),
    ]

    static let joined: [Case] = [
        Case(
            name: "a narrower header behind records of any width", settings: #"{"ragged":"pad"}"#,
            text: "id,v,n\n1,1,a\nid,v\n2,2\n", refused: "is a header that differs from the first"),
        Case(
            name: "a wider header behind records of any width", settings: #"{"ragged":"keep"}"#,
            text: "id,v\n1,1\nid,v,n\n2,2,b\n", refused: "is a header that differs from the first"),
        Case(
            name: "a header with another delimiter behind padded records", settings: #"{"ragged":"pad"}"#,
            text: "id,v,n\n1,1,a\nid;v;n\n2;2;b\n", refused: "cut at semicolons"),
        Case(
            name: "a header with another delimiter behind records of any width", settings: #"{"ragged":"keep","delimiter":";"}"#,
            text: "id;v;n\n1;1;a\nid\tv\tn\n2\t2\tb\n", refused: "cut at tabs"),
        Case(
            name: "a header of the first column alone", settings: #"{"ragged":"pad"}"#, text: "id,n\n1,a\nid\n2\n",
            rows: [["1", "a"], ["2"]], rejected: ["repeated-header"]),
        Case(
            name: "a short record that starts like a name", settings: #"{"ragged":"pad"}"#, text: "id,v,n\n1,1,a\nid7,v\nix\n",
            rows: [["1", "1", "a"], ["id7", "v"], ["ix"]]),
        Case(
            name: "a narrower header that is a record", settings: #"{"ragged":"pad","repeatedHeader":"record"}"#,
            text: "id,v,n\nid,v\n", rows: [["id", "v"]]),
        Case(
            name: "the preamble again before the header again", settings: #"{"skipLines":2}"#,
            text: "Report,x,y\nDate,1,2\nid,v,n\n1,1,a\nReport,x,y\nDate,1,2\nid,v,n\n2,2,b\n",
            refused: "The line at byte 33, after record 1, says the same as a line of the preamble"),
        Case(
            name: "a part of the preamble again", settings: #"{"skipUntil":"id,*"}"#,
            text: "Report,1,y\nUnit,m,s\nid,v,n\n1,1,a\nReport,2,y\nUnit,m,s\nid,v,n\n2,2,b\n",
            refused: "says the same as a line of the preamble"),
        Case(
            name: "a file cut off within its line end", settings: #"{"terminator":"&|#\n"}"#, text: "id,n&|#\n1,a&|#\n2,c&|",
            rows: [["1", "a"]], rejected: ["cut-off"]),
        Case(
            name: "a file without its last line end", settings: #"{"terminator":"&|#\n"}"#, text: "id,n&|#\n1,a&|#\n2,c|",
            rows: [["1", "a"], ["2", "c|"]]),
        Case(
            name: "a file cut off behind an escape mark", settings: #"{"quoting":"backslash"}"#, text: "id,n\n1,a\n2,b\\",
            rows: [["1", "a"]], rejected: ["cut-off"]),
        Case(
            name: "a totals line in quotation marks", settings: #"{"footerFrom":"Total*"}"#,
            text: "\"id\",\"n\"\n\"1\",\"a\"\n\"Total\",\"1\"\n", rows: [["1", "a"]], spans: ["header", "footer"]),
        Case(
            name: "a totals line with a delimiter behind its quoted word", settings: #"{"footerFrom":"Total \"all\",*"}"#,
            text: "id,n\n1,a\n\"Total \"\"all\"\"\",1\n", rows: [["1", "a"]], spans: ["header", "footer"]),
    ]

    static let others: [Case] = [
        Case(
            name: "a cell that takes records in", settings: #"{"quoting":"lenient"}"#,
            text: "id,n\n1,\"MEGA\n2,ok\n3,\"fine\"\n4,ok\n", rows: [["4", "ok"]], rejected: ["open-cell"]),
        Case(
            name: "a lenient cell that goes on over a line and closes", settings: #"{"quoting":"lenient"}"#,
            text: "id,n\n1,\"a\nb\"\n", rows: [["1", "a\nb"]]),
        Case(name: "JSON", settings: "{}", text: "[{\"id\":1}]\n", refused: "The file is a JSON text, not delimited text."),
        Case(
            name: "JSON without a header", settings: #"{"header":false}"#, text: "{\"id\":1,\"n\":2}\n{\"id\":2}\n",
            refused: "The file is a JSON text"),
        Case(
            name: "HTML", settings: "{}", text: "<!DOCTYPE html>\n<html lang=\"en\">\n", refused: "The file is an HTML page"),
        Case(name: "XML", settings: "{}", text: "<?xml version=\"1.0\"?>\n<a/>\n", refused: "The file is an XML document"),
        Case(
            name: "another delimiter without a header", settings: #"{"header":false,"columns":["id","n"]}"#, text: "1;a\n2;b\n",
            refused: #"Cut at semicolons it would have them: set dialect.delimiter: ";"."#),
    ]

    @Test(arguments: footers + headers + joined + others)
    func `is what it should be, or said`(_ file: Case) throws {
        for readBytes in [Int.max, 1, 3] {
            let recording = try ReaderProbe.read(file.text, file.settings, readBytes: readBytes)
            if let words = file.refused {
                #expect(recording.status == PluginError.Kind.refused.rawValue)
                #expect(recording.failure?.contains(words) == true, "\(recording.failure ?? "read")")
                continue
            }
            #expect(recording.status == 0, "\(recording.failure ?? "")")
            #expect(recording.rows == file.rows)
            #expect(recording.rejectionCodes == file.rejected)
            if let spans = file.spans { #expect(recording.allSpans.map(\.name) == spans) }
            #expect(recording.accountsForEveryByte)
        }
    }

    @Test(
        arguments: [
            ([0x50, 0x4B, 3, 4] + Array("........xl/workbook.xml".utf8), "an Excel workbook (xlsx)"),
            ([0x50, 0x4B, 3, 4, 0, 0], "a zip archive"), ([0x1F, 0x8B, 8, 0], "a gzip archive"),
            ([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], "an old Excel workbook (xls)"),
            (Array("%PDF-1.7\n".utf8), "a PDF document"),
            ([0xFF, 0xFE, 0, 0, 0x61, 0, 0, 0], "a text in UTF-32"),
            (Array("id,name\n1,abcd\n".utf8).flatMap { [$0, 0, 0, 0] }, "a text in UTF-32"),
        ] as [([UInt8], String)])
    func `of a file that is no text is told by its first bytes`(bytes: [UInt8], title: String) throws {
        let recording = try ReaderProbe.read(bytes, "{}")
        #expect(recording.status == PluginError.Kind.refused.rawValue)
        #expect(recording.failure?.contains("The file is \(title)") == true, "\(recording.failure ?? "")")
    }

    @Test(
        arguments: [
            (DialectCase.utf16("id,n\n1,a\n"), "utf-16be", "the byte order mark of UTF-16, little end first"),
            (DialectCase.utf16("id,n\n1,a\n"), "windows-1252", "the byte order mark of UTF-16"),
            ([0xEF, 0xBB, 0xBF] + Array("id,n\n".utf8), "iso-8859-1", "the byte order mark of UTF-8"),
            (DialectCase.utf16("id,n\n1,a\n", mark: false), "auto", "Set encoding: utf-16le."),
            (DialectCase.utf16("id,n\n1,a\n", mark: false), "utf-16be", "Set encoding: utf-16le."),
            (DialectCase.utf16("id,n\n1,a\n", bigEndian: true, mark: false), "utf-8", "Set encoding: utf-16be."),
            (Array("id,name\n1,abc\n".utf8), "utf-16le", "one byte for each character"),
        ] as [([UInt8], String, String)])
    func `is refused where the encoding contradicts it`(bytes: [UInt8], encoding: String, words: String) throws {
        let recording = try ReaderProbe.read(bytes, #"{"encoding":"\#(encoding)"}"#)
        #expect(recording.status == PluginError.Kind.refused.rawValue)
        #expect(recording.failure?.contains(words) == true, "\(recording.failure ?? "")")
    }

    @Test(.enabled(if: PythonReader.isPresent, "needs python3"), arguments: UInt64(1)...4)
    func `is read as an independent reader reads it, whatever is wrong with it`(seed: UInt64) throws {
        var corpus = StructureCorpus(seed: seed)
        let cases = (0..<1500).map { _ in corpus.next() }
        let verdicts = try IndependentReader.read(cases)
        #expect(verdicts.count == cases.count)
        var differences = 0
        for (number, (file, expected)) in zip(cases, verdicts).enumerated() where differences < 5 {
            let recording = try ReaderProbe.read(file.bytes, file.settings, readBytes: number % 7 == 0 ? 3 : .max)
            let found = Self.verdict(of: recording)
            let isEqual = found == expected && (recording.status != 0 || recording.accountsForEveryByte)
            guard !isEqual else { continue }
            differences += 1
            Issue.record(
                """
                seed \(seed), case \(number), \(file.mutation): \(file.settings)
                \(String(decoding: file.bytes, as: UTF8.self).debugDescription)
                read as \(found.text()) \(recording.failure ?? ""), independently as \(expected.text())
                """)
        }
    }

    /// Records of one shape and of several, with ids that start like a footer; each with a footer behind them.
    private static let tables: [(records: [String], footer: String, settings: String)] = {
        let records = [
            ["AST-1,x,1", "AST-2,y,22", "BX-3,z,333"], ["End-1,x,1", "End of line,y,2", "Total 7,z,3", "sum-6,x,1"],
            ["12,x,1", "AST-4,y,2", "\"a,b\",z,3", "total,x,4", "E5,y,6"],
        ]
        let footers = [
            ("Total: 3", #"{"footerLines":1}"#), ("Total: 3", #"{"footerLines":1,"footerRequired":true}"#),
            ("3 rows", #"{"footerLines":1}"#), ("Total;3\nEnd of report", #"{"footerLines":2,"footerRequired":true}"#),
        ]
        return records.flatMap { rows in footers.map { (records: rows, footer: $0.0, settings: $0.1) } }
    }()

    /// Nothing here knows how a footer is told: only where the records are.
    @Test func `never has a record, nor a part of one, as its footer, wherever the file is cut off`() throws {
        for (records, footer, settings) in Self.tables {
            let head = "id,a,n\n"
            let whole = Array((head + records.map { $0 + "\n" }.joined() + footer + "\n").utf8)
            let end = UInt64(whole.count - footer.utf8.count - 1)
            #expect(try ReaderProbe.read(whole, settings).rows.count == records.count, "\(records) \(footer)")
            for cut in head.utf8.count..<whole.count {
                let recording = try ReaderProbe.read(Array(whole[..<cut]), settings)
                guard recording.status == 0 else { continue }
                let shown = "\(settings): \(String(decoding: whole[..<cut], as: UTF8.self).debugDescription)"
                for span in recording.allSpans where span.name == "footer" { #expect(span.offset >= end, "\(shown)") }
                #expect(!settings.contains("Required") || UInt64(cut) > end, "\(shown)")
            }
        }
    }

    /// What the independent reader would print; a refusal counts, its words do not.
    private static func verdict(of recording: Recording) -> JSON {
        guard recording.status == 0 else { return ["refused": true] }
        return [
            "rows": .array(recording.rows.map { .array($0.map { .string($0) }) }),
            "rejected": .int(Int64(recording.rejected)), "parts": .array(recording.allSpans.map { .string($0.name) }),
        ]
    }
}

/// `Readers/structure.py` over many files at once.
private enum IndependentReader {
    static func read(_ cases: [StructureCase]) throws -> [JSON] {
        let path = "/tmp/twindrop-structure-\(getpid())-\(UInt64.random(in: 0 ... .max)).ndjson"
        defer { unsafe unlink(path) }
        guard let file = unsafe fopen(path, "w") else { throw HarnessError("\(path) cannot be written") }
        for one in cases {
            let digits = one.bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
            unsafe fputs("{\"bytes\":\"\(digits)\",\"settings\":\(one.settings)}\n", file)
        }
        unsafe fclose(file)
        let script = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Readers/structure.py"
        guard let pipe = unsafe popen("python3 '\(script)' '\(path)'", "r") else {
            throw HarnessError("python3 cannot be started")
        }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, pipe)
            if count == 0 { break }
            output += buffer[..<count]
        }
        try #require(unsafe pclose(pipe) == 0, "python3 failed")
        return try output.split(separator: 0x0A).map { line in
            let verdict = try JSON(parsing: Array(line))
            return verdict["refused"] == nil ? verdict : ["refused": true]
        }
    }
}
