import Glibc
import Testing
import TwinDropTesting
import TwinModel

/// Public files beside the package; tests that need them say so when they are missing.
enum SharedFiles {
    static let folder: String = {
        let parts = #filePath.split(separator: "/").dropLast(4)
        return "/" + parts.joined(separator: "/") + "/shared/data"
    }()

    static let isPresent = unsafe access(folder, R_OK) == 0

    static func facts(_ family: String) throws -> JSON {
        try JSON(parsing: try FileBytes.read("\(folder)/\(family)/facts.json"))["facts"] ?? .null
    }
}

/// Python's csv module, the independent reader.
enum PythonReader {
    static let isPresent = unsafe system("python3 -c 'import csv' >/dev/null 2>&1") == 0

    static func rows(_ path: String, encoding: String, delimiter: String) throws -> [[String]] {
        try output("python_csv.py", "'\(path)' '\(encoding)' '\(delimiter)'").split(separator: 0x0A).map { line in
            try JSON(parsing: Array(line)).elements?.map { $0.string ?? "?" } ?? []
        }
    }

    /// What a script of `Readers` prints.
    static func output(_ script: String, _ arguments: String) throws -> [UInt8] {
        let script = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Readers/\(script)"
        guard let pipe = unsafe popen("python3 '\(script)' \(arguments)", "r") else {
            throw HarnessError("python3 cannot be started")
        }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, pipe)
            if count == 0 { break }
            output += buffer[..<count]
        }
        let status = unsafe pclose(pipe)
        try #require(status == 0, "python3 failed with \(script) \(arguments)")
        return output
    }
}

@Suite(.enabled(if: SharedFiles.isPresent && PythonReader.isPresent, "needs ../shared/data and python3"))
struct `Public files that break readers` {
    struct File: Sendable, CustomTestStringConvertible {
        let name: String
        let delimiter: String
        let encoding: String
        let pythonEncoding: String
        let records: Int64
        var testDescription: String { name }
    }

    static let files: [File] = {
        // Without facts the suite is skipped, loudly.
        guard SharedFiles.isPresent, let facts = try? SharedFiles.facts("csv-torture").members else { return [] }
        return facts.compactMap { member in
            guard let records = member.value["python_csv_records"]?.int, let delimiter = member.value["delimiter"]?.string,
                ![".gz", ".bz2", ".zip"].contains(where: member.name.hasSuffix)
            else { return nil }
            let (ours, python): (String, String) =
                switch member.value["decoded_as"]?.string {
                case "utf-16": ("auto", "utf-16")
                case "cp1252": ("windows-1252", "cp1252")
                case "big5": ("iso-8859-1", "latin-1")  // Cells are compared as bytes: neither knows Big5 then.
                default: ("auto", "utf-8-sig")
                }
            return File(name: member.name, delimiter: delimiter, encoding: ours, pythonEncoding: python, records: records)
        }
    }()

    @Test(arguments: files)
    func `are read as Python reads them`(_ file: File) throws {
        let path = "\(SharedFiles.folder)/csv-torture/files/\(file.name)"
        let delimiter = file.delimiter == "\t" ? "tab" : file.delimiter
        let settings =
            #"{"header":false,"ragged":"keep","quoting":"lenient","encoding":"\#(file.encoding)","delimiter":"\#(delimiter)"}"#
        let bytes = try FileBytes.read(path)
        let recording = try ReaderProbe.read(bytes, settings)
        #expect(recording.status == 0, "\(recording.failure ?? "")")
        let expected = try PythonReader.rows(path, encoding: file.pythonEncoding, delimiter: file.delimiter)
        let rows = recording.rows
        // Python 3.11 passes NUL on; here it refuses the record, since no twin may hold one.
        #expect(rows.count + recording.rejectionCodes.count { $0 == "nul" } == expected.count)
        if !recording.rejectionCodes.isEmpty { return }
        for (index, pair) in zip(rows, expected).enumerated() where pair.0 != pair.1 {
            Issue.record("record \(index + 1): \(pair.0) is \(pair.1) to Python")
            break
        }
        #expect(recording.accountsForEveryByte)
        let pieces = try ReaderProbe.read(bytes, settings, readBytes: bytes.count > 50_000 ? 4096 : 3)
        #expect(pieces.lines == recording.lines)
    }

    @Test func `are all there`() {
        #expect(Self.files.count > 70)
    }

    @Test(arguments: [
        "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf", "simple",
        "simple_crlf", "utf8",
    ])
    func `of csv-spectrum are what their JSON says`(name: String) throws {
        let folder = "\(SharedFiles.folder)/csv-torture/files/csv-spectrum"
        let recording = try ReaderProbe.read(try FileBytes.read("\(folder)/csvs/\(name).csv"), "{}")
        let truth = try JSON(parsing: try FileBytes.read("\(folder)/json/\(name).json"))
        let expected = truth.elements?.map { $0.members?.map { $0.value.string ?? "?" } ?? [] } ?? []
        // In this copy of newlines_crlf.csv the line end inside the cell is LF, in its JSON CR LF.
        #expect(
            recording.rows == expected.map { row in row.map { name == "newlines_crlf" ? $0.replacing("\r\n", with: "\n") : $0 } })
    }
}
