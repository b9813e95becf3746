import Testing

/// One way to write a table, and what is in it.
struct DialectCase: Sendable, CustomTestStringConvertible {
    let name: String
    let settings: String
    let bytes: [UInt8]
    let rows: [[String]]
    var rejected: [String] = []
    var columns: String?
    var spans: [String] = []

    init(
        _ name: String, _ settings: String, _ text: String, _ rows: [[String]], rejected: [String] = [], columns: String? = nil,
        spans: [String] = []
    ) {
        self.init(name, settings, bytes: Array(text.utf8), rows, rejected: rejected, columns: columns, spans: spans)
    }

    init(
        _ name: String, _ settings: String, bytes: [UInt8], _ rows: [[String]], rejected: [String] = [], columns: String? = nil,
        spans: [String] = []
    ) {
        (self.name, self.settings, self.bytes, self.rows) = (name, settings, bytes, rows)
        (self.rejected, self.columns, self.spans) = (rejected, columns, spans)
    }

    var testDescription: String { name }

    static func utf16(_ text: String, bigEndian: Bool = false, mark: Bool = true) -> [UInt8] {
        ((mark ? [0xFEFF] : []) + Array(text.utf16)).flatMap { unit in
            bigEndian ? [UInt8(unit >> 8), UInt8(unit & 255)] : [UInt8(unit & 255), UInt8(unit >> 8)]
        }
    }

    static let all: [DialectCase] = plain + quoting + frames + encodings + faults

    private static let plain: [DialectCase] = [
        DialectCase("the plain form", "{}", "a,b\n1,2\n3,4\n", [["1", "2"], ["3", "4"]], columns: "a|b", spans: ["header"]),
        DialectCase("no final line end", "{}", "a,b\n1,2\n3,4", [["1", "2"], ["3", "4"]]),
        DialectCase("CR LF, LF and CR mixed", "{}", "a,b\r\n1,2\n3,4\r5,6\r\n", [["1", "2"], ["3", "4"], ["5", "6"]]),
        DialectCase("an empty last cell", "{}", "a,b\n1,\n,2\n,\n", [["1", ""], ["", "2"], ["", ""]]),
        DialectCase("a tab by name", #"{"delimiter":"tab"}"#, "a\tb\n1\t2\n", [["1", "2"]]),
        DialectCase(
            "separator and terminator of several characters",
            #"{"delimiter":"+|","terminator":"&|\n","quoting":"none","header":false}"#,
            "1+|a\nb+|&|\n2++|c|+|d&&|\n", [["1", "a\nb", ""], ["2+", "c|", "d&"]]),
        DialectCase(
            "a separator that repeats its first character", #"{"delimiter":"||","header":false,"quoting":"none"}"#, "a||b|c||d\n",
            [["a", "b|c", "d"]]),
        DialectCase("a delimiter that is no ASCII", #"{"delimiter":"¦","header":false}"#, "a¦\"b¦c\"¦d\n", [["a", "b¦c", "d"]]),
        DialectCase(
            "a custom terminator leaves CR in the cell", #"{"terminator":"\n","header":false}"#, "a,b\r\nc,d\r\n",
            [["a", "b\r"], ["c", "d\r"]]),
        DialectCase(
            "rows wider than one block", #"{"header":false}"#, String(repeating: "abcdefghij,", count: 20) + "z\n",
            [Array(repeating: "abcdefghij", count: 20) + ["z"]]),
    ]

    private static let quoting: [DialectCase] = [
        DialectCase(
            "quoted delimiters, line ends and doubled marks", "{}", "a,b\n\"x,y\",\"1\r\n2\"\n\"say \"\"hi\"\"\",\"\"\n",
            [["x,y", "1\r\n2"], ["say \"hi\"", ""]]),
        DialectCase("a mark at the very end", #"{"header":false}"#, "a,\"b\"", [["a", "b"]]),
        DialectCase("nothing but doubled marks", #"{"header":false}"#, "\"\"\"\",\"\"\"\"\"\"\n", [["\"", "\"\""]]),
        DialectCase("another mark", #"{"header":false,"quote":"'"}"#, "'a,b',\"c\n", [["a,b", "\"c"]]),
        DialectCase("no quoting", #"{"header":false,"quoting":"none"}"#, "\"a,b\"\n", [["\"a", "b\""]]),
        DialectCase(
            "lenient marks", #"{"header":false,"quoting":"lenient"}"#, "5\" pipe,\"a\"b\"c,\"x\"\"y\"z\n",
            [["5\" pipe", "ab\"c", "x\"yz"]]),
        DialectCase(
            "backslash escapes", #"{"header":false,"quoting":"backslash"}"#, "a\\,b,\"c\\\"d\\\\\",e\\\nf\n",
            [["a,b", "c\"d\\", "e\nf"]]),
        DialectCase(
            "trimming unquoted cells", #"{"header":false,"trim":"unquoted"}"#, " a ,  \" b \"  ,\tc\n", [["a", " b ", "c"]]),
        DialectCase("trimming all cells", #"{"header":false,"trim":"all"}"#, " a ,\" b \"\n", [["a", "b"]]),
    ]

    private static let frames: [DialectCase] = [
        DialectCase(
            "preamble, header and footer by count", #"{"skipLines":2,"footerLines":2}"#,
            "Report\n\"open\na,b\n1,2\nTotal\nEnd\n",
            [["1", "2"]], columns: "a|b", spans: ["preamble", "header", "footer"]),
        DialectCase(
            "a footer by pattern without a final line end", #"{"footerFrom":"end*","header":false}"#, "1,2\n3,4\nend",
            [["1", "2"], ["3", "4"]],
            spans: ["footer"]),
        DialectCase("nothing but a footer", #"{"footerLines":3,"header":false}"#, "end\nend\n", [], spans: ["footer"]),
        DialectCase(
            "preamble and footer by pattern", #"{"skipUntil":"id,*","footerFrom":"TOTAL*"}"#,
            "x\ny\nid,n\n1,2\nTOTAL \"3\nmore\n",
            [["1", "2"]], columns: "id|n", spans: ["preamble", "header", "footer"]),
        DialectCase(
            "comments and blank lines", ##"{"comment":"#"}"##, "# top\na,b\n\n\r\n1,2\n#\"x\n\n3,4\n",
            [["1", "2"], ["3", "4"]],
            spans: ["comment", "header", "blank lines", "comment", "blank lines"]),
        DialectCase("blank lines as records", #"{"header":false,"blankLines":"record"}"#, "a\n\nb\n", [["a"], [""], ["b"]]),
        DialectCase("given names", #"{"header":false,"columns":["x","y"]}"#, "1,2\n", [["1", "2"]], columns: "x|y"),
        DialectCase(
            "replaced names", #"{"columns":["x","y"],"headerNames":["a","a"]}"#, "a,a\n1,2\n", [["1", "2"]], columns: "x|y",
            spans: ["header"]),
        DialectCase(
            "doubled and blank headers, numbered", #"{"duplicateHeaders":"number","blankHeaders":"number"}"#,
            "a,,a,a_2,a\n1,2,3,4,5\n",
            [["1", "2", "3", "4", "5"]], columns: "a|column_2|a_2|a_2_2|a_3"),
        DialectCase(
            "short rows padded", #"{"ragged":"pad"}"#, "a,b,c\n1\n1,2,3,\n1,2,3,4\n", [["1"], ["1", "2", "3"]],
            rejected: ["too-many-cells"]),
        DialectCase("an empty file without a header", #"{"header":false}"#, "", []),
    ]

    private static let encodings: [DialectCase] = [
        DialectCase(
            "a byte order mark", "{}", bytes: [0xEF, 0xBB, 0xBF] + Array("a,b\n1,ü\n".utf8), [["1", "ü"]], columns: "a|b",
            spans: ["byte order mark", "header"]),
        DialectCase("UTF-16 little endian", "{}", bytes: utf16("a,b\r\n1,ü€😀\r\n\"2\n\",x\r\n"), [["1", "ü€😀"], ["2\n", "x"]]),
        DialectCase("UTF-16 big endian", "{}", bytes: utf16("a,b\n1,😀\n", bigEndian: true), [["1", "😀"]]),
        DialectCase(
            "UTF-16 without a mark", #"{"encoding":"utf-16le"}"#, bytes: utf16("a,b\n1,é\n", mark: false), [["1", "é"]]),
        DialectCase(
            "Windows-1252", #"{"encoding":"windows-1252"}"#, bytes: Array("a,b\n".utf8) + [0x80, 0x2C, 0xFC, 0x0A], [["€", "ü"]]),
        DialectCase("ISO-8859-1", #"{"encoding":"iso-8859-1","header":false}"#, bytes: [0xE9, 0x2C, 0xFF, 0x0A], [["é", "ÿ"]]),
        DialectCase(
            "a byte Windows-1252 does not have", #"{"encoding":"windows-1252","header":false}"#, bytes: [0x81, 0x0A, 0x41, 0x0A],
            [["A"]],
            rejected: ["bad-text"]),
        DialectCase(
            "half a surrogate pair", #"{"encoding":"utf-16le","header":false}"#, bytes: [0x3D, 0xD8, 0x0A, 0x00, 0x41, 0x00],
            [["A"]],
            rejected: ["bad-text"]),
        DialectCase(
            "half a unit at the end", #"{"encoding":"utf-16le","header":false}"#, bytes: [0x41, 0x00, 0x0A, 0x00, 0x42], [["A"]],
            rejected: ["bad-text"]),
    ]

    private static let faults: [DialectCase] = [
        DialectCase("ragged rows", "{}", "a,b\n1\n1,2\n1,2,3\n", [["1", "2"]], rejected: ["too-few-cells", "too-many-cells"]),
        DialectCase("ragged rows kept", #"{"ragged":"keep"}"#, "a,b\n1\n1,2,3\n", [["1"], ["1", "2", "3"]]),
        DialectCase(
            "a mark inside a cell", "{}", "a,b\n5\",2\n\"x\"y,2\n3,4\n", [["3", "4"]],
            rejected: ["stray-quote", "text-after-quote"]),
        DialectCase("NUL", "{}", "a,b\n1,\0\n3,4\n", [["3", "4"]], rejected: ["nul"]),
        DialectCase(
            "NUL behind an escape at the end of a block", #"{"header":false,"quoting":"backslash"}"#,
            String(repeating: "a", count: 31) + "\\\0\nb\n", [["b"]], rejected: ["nul"]),
        DialectCase(
            "invalid UTF-8", "{}", bytes: Array("a,b\n1,".utf8) + [0xC3, 0x28, 0x0A] + Array("3,4\n".utf8), [["3", "4"]],
            rejected: ["bad-text"]),
        DialectCase(
            "overlong UTF-8", #"{"header":false}"#, bytes: [0xC0, 0xAF, 0x0A, 0xED, 0xA0, 0x80, 0x0A], [],
            rejected: ["bad-text", "bad-text"]),
        DialectCase(
            "a cell over the limit", #"{"header":false,"fieldBytesMax":4}"#, "12345,1\n1234,\"12\n4\"\n", [["1234", "12\n4"]],
            rejected: ["cell-too-long"]),
        DialectCase(
            "too many columns", #"{"header":false,"columnsMax":3}"#, "1,2,3\n1,2,3,4,5\n1,2,3\n",
            [["1", "2", "3"], ["1", "2", "3"]],
            rejected: ["too-many-columns"]),
    ]
}
