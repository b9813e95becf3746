import TwinDropPluginSDK
import TwinDropTesting

/// The reader of delimited text (TwinDropPluginSDK/Delimited), by way of a plugin. The first four bytes choose the dialect.
///
/// - The file is read or refused, and the plugin breaks no rule of the interface.
/// - Of a file that is read, each byte belongs to one record or span.
/// - The file says the same in one piece and in pieces of one and three bytes.
enum DelimitedCheck {
    static func check(_ bytes: [UInt8]) throws(Unheld) {
        guard bytes.count >= 4 else { return }
        let settings = settings(bytes[0..<4])
        let file = Array(bytes[4...])
        // A dialect that contradicts itself is refused before a file is seen.
        guard
            let harness = try? unsafe PluginHarness(entry: { unsafe exportPlugin(FuzzReader.self, $0, $1) }, settings: settings)
        else { return }
        let whole = harness.transform(file, name: "fuzz.csv")
        try hold(whole.violations.isEmpty, "\(settings): \(whole.violations)")
        try hold(
            whole.status == 0 ? whole.accountsForEveryByte : [1, 5].contains(whole.status),
            "\(settings): status \(whole.status), \(whole.bytesAccounted) of \(whole.bytesRead) bytes")
        for piece in [1, 3] {
            let pieces = harness.transform(file, name: "fuzz.csv", readBytes: piece)
            guard whole.status == 0 || pieces.status == 0 else {
                try hold(pieces.status == whole.status, "\(settings): status \(pieces.status) in pieces of \(piece)")
                continue
            }
            try hold(
                pieces.lines == whole.lines,
                "\(settings): in pieces of \(piece):\n\(pieces.lines.joined(separator: "\n"))\nand whole:\n"
                    + whole.lines.joined(separator: "\n"))
        }
    }

    /// Two bits or more for each part of a dialect.
    private static func settings(_ bytes: ArraySlice<UInt8>) -> String {
        var bits = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        func choose(_ values: [String]) -> String {
            let count = UInt32(values.count)
            defer { bits /= count }
            return values[Int(bits % count)]
        }
        let parts = [
            choose([",", ";", "tab", "||"]).quoted("delimiter"),
            choose(["standard", "lenient", "none", "backslash"]).quoted("quoting"),
            choose(["keep", "reject", "pad", "fail"]).quoted("ragged"),
            choose(["true", "false"]).plain("header"),
            choose(["auto", "utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1"]).quoted("encoding"),
            choose(["skip", "record"]).quoted("blankLines"),
            choose(["none", "unquoted", "all"]).quoted("trim"),
            choose(["0", "1", "2"]).plain("footerLines"),
            choose(["0", "1"]).plain("skipLines"),
            choose(["skip", "reject", "record", "fail"]).quoted("repeatedHeader"),
            choose(["newline", "~~", "\\r\\n"]).quoted("terminator"),
            choose(["number", "fail"]).quoted("duplicateHeaders"),
            choose(["number", "fail"]).quoted("blankHeaders"),
            choose(["524288", "16"]).plain("fieldBytesMax"),
            choose(["", "#"]).quoted("comment"),
        ].filter { $0 != "\"comment\":\"\"" }
        return "{" + parts.joined(separator: ",") + "}"
    }
}

extension String {
    fileprivate func quoted(_ name: String) -> String { "\"\(name)\":\"\(self)\"" }
    fileprivate func plain(_ name: String) -> String { "\"\(name)\":\(self)" }
}

/// Makes a twin of each record, with its cells as properties.
private struct FuzzReader: TransformerPlugin {
    static let id: StaticString = "fuzz-reader"
    static let version: StaticString = "1.0.0"

    private let dialect: Dialect
    private let host: Host

    init(host: Host) throws(PluginError) {
        self.host = host
        dialect = try Dialect(try host.settings())
    }

    func probe(name: Bytes, head: Bytes) -> Int { 0 }

    mutating func transform(_ input: Input, into output: Output) throws(PluginError) {
        var reader = try DelimitedReader(input, dialect: dialect, output: output)
        while try reader.next() {
            output.beginTwin(.upsert, id: Bytes("row"))
            for index in 0..<reader.fieldCount { output.set(try host.key("c\(index + 1)"), to: reader[index]) }
            try output.end()
        }
    }
}
