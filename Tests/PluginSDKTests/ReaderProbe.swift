import TwinDropPluginSDK
import TwinDropTesting

/// A plugin that shows what the reader reads: each record becomes a twin with the properties `c1`, `c2` … in order, and a
/// property `quoted` with the numbers of the cells in quotation marks.
struct ReaderProbe: TransformerPlugin {
    static let id: StaticString = "reader-probe"
    static let version: StaticString = "1.0.0"

    private let dialect: Dialect
    private let host: Host

    init(host: Host) throws(PluginError) {
        self.host = host
        dialect = try Dialect(try host.settings())
    }

    func probe(name: Bytes, head: Bytes) -> Int { head == "probe me" ? 200 : -5 }

    mutating func transform(_ input: Input, into output: Output) throws(PluginError) {
        var reader = try DelimitedReader(input, dialect: dialect, output: output)
        if !reader.columns.isEmpty { host.log(reader.columns.joined(separator: "|")) }
        while try reader.next() {
            output.beginTwin(.upsert, id: Bytes("row"))
            for index in 0..<reader.fieldCount {
                output.set(try host.key("c\(index + 1)"), to: reader[index])
            }
            try output.end()
        }
    }

    /// Reads `bytes` with the dialect of `settings` (JSON), handed over in pieces of at most `readBytes`.
    static func read(_ bytes: [UInt8], _ settings: String, readBytes: Int = .max) throws -> Recording {
        let harness = try unsafe PluginHarness(entry: { unsafe exportPlugin(ReaderProbe.self, $0, $1) }, settings: settings)
        return harness.transform(bytes, name: "probe.csv", readBytes: readBytes)
    }

    static func read(_ text: String, _ settings: String, readBytes: Int = .max) throws -> Recording {
        try read(Array(text.utf8), settings, readBytes: readBytes)
    }
}

extension Recording {
    /// The cells of each good record.
    var rows: [[String]] {
        allOperations.map { operation in
            operation.properties.map { property in
                if case .text(let text) = property.value { text } else { "?" }
            }
        }
    }

    /// The codes of the rejected records.
    var rejectionCodes: [String] { allRecords.compactMap { $0.rejection?.code } }
}
