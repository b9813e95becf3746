import Testing
import TwinDropPluginSDK
import TwinDropTesting

@Suite struct `A delimited reader` {
    @Test(arguments: DialectCase.all)
    func `reads each dialect`(_ dialect: DialectCase) throws {
        let recording = try ReaderProbe.read(dialect.bytes, dialect.settings)
        #expect(recording.status == 0, "\(recording.failure ?? "")")
        #expect(recording.rows == dialect.rows)
        #expect(recording.rejectionCodes == dialect.rejected)
        if let columns = dialect.columns { #expect(recording.log == ["info: " + columns]) }
        if !dialect.spans.isEmpty { #expect(recording.allSpans.map(\.name) == dialect.spans) }
    }

    @Test(arguments: DialectCase.all)
    func `accounts for every byte`(_ dialect: DialectCase) throws {
        let recording = try ReaderProbe.read(dialect.bytes, dialect.settings)
        #expect(recording.accountsForEveryByte, "\(recording.lines.joined(separator: "\n"))")
        #expect(recording.bytesRead == UInt64(dialect.bytes.count))
    }

    @Test(arguments: DialectCase.all, [1, 2, 3, 7])
    func `reads the same whatever the pieces`(_ dialect: DialectCase, readBytes: Int) throws {
        let whole = try ReaderProbe.read(dialect.bytes, dialect.settings)
        let pieces = try ReaderProbe.read(dialect.bytes, dialect.settings, readBytes: readBytes)
        #expect(whole.lines == pieces.lines)
    }

    @Test func `states the place of records in a UTF-16 file`() throws {
        let bytes = DialectCase.utf16("id,n\r\n1,😀é\r\n\"2\n2\",€\r\n3,x")
        let records = try ReaderProbe.read(bytes, "{}").allRecords
        let texts = records.map { record in
            let slice = bytes[Int(record.offset)..<Int(record.offset + record.length)]
            let units = stride(from: slice.startIndex, to: slice.endIndex, by: 2).map {
                UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
            }
            return String(decoding: units, as: UTF16.self)
        }
        #expect(texts == ["1,😀é\r\n", "\"2\n2\",€\r\n", "3,x"])
    }

    @Test func `names column and byte of a fault`() throws {
        let recording = try ReaderProbe.read("id,name\n1,ok\n2,a\"b\n", "{}")
        let message = try #require(recording.allRecords[1].rejection?.message)
        #expect(message.hasPrefix("column 'name', byte 16: a quotation mark stands inside a cell."))
    }

    @Test(
        arguments: [
            ("a,b\n1,\"2\n3,4\n", "{}", 6, "never closed"),
            ("", "{}", -1, "no header line"),
            ("a,a\n", "{}", 0, "Two columns are called 'a'"),
            ("a,\n", "{}", 0, "Column 2 has no name"),
            ("a,b\n1\n", #"{"ragged":"fail"}"#, 4, "Record 1, 1 cells; 2 were expected"),
            ("x\ny\n", #"{"skipUntil":"id,*"}"#, -1, "No line fits 'id,*'"),
            ("a,b\n1,\0\n", #"{"badText":"fail"}"#, 6, "NUL"),
        ] as [(String, String, Int64, String)])
    func `refuses a file that is damaged as a whole`(text: String, settings: String, offset: Int64, words: String) throws {
        let recording = try ReaderProbe.read(text, settings)
        #expect(recording.status == PluginError.Kind.refused.rawValue)
        #expect(recording.failureOffset == offset)
        #expect(recording.failure?.contains(words) == true, "\(recording.failure ?? "")")
    }

    @Test func `refuses a record longer than the limit instead of growing`() throws {
        let text = "a,b\n1,\"" + String(repeating: "x", count: 300_000)
        let recording = try ReaderProbe.read(text, #"{"recordBytesMax":100000}"#)
        #expect(recording.status == PluginError.Kind.limit.rawValue)
        #expect(recording.failureOffset == 4)
    }

    @Test func `stops when it is cancelled`() throws {
        let harness = try unsafe PluginHarness(entry: { unsafe exportPlugin(ReaderProbe.self, $0, $1) })
        harness.cancel()
        #expect(harness.transform(Array("a,b\n1,2\n".utf8), name: "x").status == PluginError.Kind.cancelled.rawValue)
    }

    @Test func `keeps the confidence of a probe within 0 and 100`() throws {
        let harness = try unsafe PluginHarness(entry: { unsafe exportPlugin(ReaderProbe.self, $0, $1) })
        #expect(harness.probe(name: "x", head: Array("probe me".utf8)) == 100)
        #expect(harness.probe(name: "x", head: Array("other".utf8)) == 0)
    }

    @Test(arguments: [
        (#"{"delimiter":""}"#, "at least one character"), (#"{"delimiter":"\n"}"#, "line end"),
        (#"{"quoting":"odd"}"#, "quoting: 'odd'"),
        (#"{"quote":","}"#, "quotation mark"), (#"{"delimeter":";"}"#, "delimeter: is unknown"),
        (#"{"footerLines":-1}"#, "footerLines"),
        (#"{"header":false,"header":true}"#, "stands twice"), (#"{"fieldBytesMax":600000}"#, "fieldBytesMax"),
        ("[]", "JSON object"),
        (#"{"delimiter":"+|","terminator":"+|x"}"#, "start alike"),
    ])
    func `refuses settings that make no sense`(settings: String, words: String) throws {
        let error = #expect(throws: HarnessError.self) { try ReaderProbe.read("", settings) }
        // The dialect may also be refused when a file is opened.
        if let error { #expect(error.message.contains(words), "\(error.message)") }
    }

    @Test func `reads a long input in constant memory`() throws {
        let harness = try unsafe PluginHarness(entry: { unsafe exportPlugin(ReaderProbe.self, $0, $1) })
        harness.recordsKept = 0
        let line = Array("AST-0000001,FX-100,HAM1,\"Z0,1\",active,55,123.4,2024-05-01\n".utf8)
        #if DEBUG
            let total = 3_000_000
        #else
            let total = 300_000_000
        #endif
        // Other tests of this process run beside and take memory of their own. A reader that kept its input would need a hundred
        // times the bound on every attempt.
        var least = Int.max
        for _ in 0..<5 where least >= 64 << 20 {
            let before = try MemoryUse.residentBytes()
            var given = 0
            let recording = unsafe harness.transform(name: "long.csv", size: UInt64(total)) { buffer in
                let count = min(buffer.count, total - given)
                for index in 0..<count { unsafe buffer[index] = line[(given + index) % line.count] }
                given += count
                return count
            }
            #expect(recording.status == 0, "\(recording.failure ?? "")")
            #expect(recording.bytesAccounted == UInt64(total))
            least = min(least, try MemoryUse.residentBytes() - before)
        }
        #expect(least < 64 << 20, "\(least) bytes more in use after the best of five attempts")
    }
}

/// What this process uses.
enum MemoryUse {
    /// From `/proc/self/statm`.
    static func residentBytes() throws -> Int {
        let text = String(decoding: try FileBytes.read("/proc/self/statm"), as: UTF8.self)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }
}
