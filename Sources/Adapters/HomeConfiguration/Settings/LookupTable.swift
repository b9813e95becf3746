import CodecKit
import DropCore

/// A read-only table that a plugin may ask: keys to values, in the order of its file. Keys are compared by their bytes.
package struct LookupTable: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package let key: String
        package let value: String
    }

    package let name: String
    package let rows: [Row]

    /// The table in which a plugin finds the time zones that its settings name; part of the transform digest, as every table is.
    package init(zones: [Row]) { self.init(name: "org.twindrop.zones", rows: zones) }

    init(name: String, rows: [Row]) { (self.name, self.rows) = (name, rows) }

    static let fileBytesMax = 64 << 20
    static let rowsMax = 1_000_000
}

extension LookupTable {
    /// Reads the columns `key` and `value` of a delimited text with a header line: UTF-8, RFC 4180 quoting, lines that end
    /// in LF or CRLF. Blank lines are skipped. Everything wrong is in `errors`, at most 20 of one file.
    static func read(
        _ bytes: [UInt8], name: String, file: String, delimiter: UInt8, key: String, value: String
    ) -> (table: LookupTable, errors: [ConfigurationError]) {
        var reader = Reader(bytes: bytes, file: file, delimiter: delimiter)
        let rows = reader.rows(key: key, value: value)
        return (LookupTable(name: name, rows: rows), reader.errors)
    }

    private struct Reader {
        let bytes: [UInt8]
        let file: String
        let delimiter: UInt8
        var at = 0
        var line = 1
        var errors: [ConfigurationError] = []

        init(bytes: [UInt8], file: String, delimiter: UInt8) {
            self.bytes = bytes
            self.file = file
            self.delimiter = delimiter
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        }

        mutating func rows(key: String, value: String) -> [Row] {
            guard String(validating: bytes, as: UTF8.self) != nil else {
                report(.unreadable, 1, "the file is not UTF-8.", hint: "Save it as UTF-8.")
                return []
            }
            guard let header = record() else {
                report(.missingKey, 1, "the file is empty, expected a header line with \(key) and \(value).")
                return []
            }
            guard let keyColumn = column(key, of: header), let valueColumn = column(value, of: header) else { return [] }
            var rows: [Row] = []
            var lines: [[UInt8]: Int] = [:]
            while errors.count < 20 {
                let start = line
                guard let fields = record() else { break }
                if fields == [[]] { continue }
                guard fields.count == header.count else {
                    report(.badValue, start, "found \(fields.count) columns, expected \(header.count) as in the header.")
                    continue
                }
                if let first = lines.updateValue(start, forKey: fields[keyColumn]) {
                    let shown = Escaping.visible(fields[keyColumn], scalarsMax: 60)
                    report(.duplicateKey, start, "the key \"\(shown)\" stands on line \(first) already.", hint: "Keep one.")
                    continue
                }
                guard rows.count < LookupTable.rowsMax else {
                    report(.tooLarge, start, "a lookup table has at most \(LookupTable.rowsMax) rows.")
                    break
                }
                rows.append(Row(key: text(fields[keyColumn]), value: text(fields[valueColumn])))
            }
            return rows
        }

        private mutating func column(_ name: String, of header: [[UInt8]]) -> Int? {
            let matches = header.indices.filter { header[$0].elementsEqual(name.utf8) }
            if matches.count == 1 { return matches[0] }
            let names = header.map { Escaping.visible($0, scalarsMax: 60) }
            let found = matches.isEmpty ? "has no column \(name)" : "has the column \(name) \(matches.count) times"
            report(
                .badValue, 1, "the header \(found); its columns are \(names.joined(separator: ", ")).",
                hint: matches.isEmpty ? Suggestion.hint(for: name, among: names) : "Rename one of them.")
            return nil
        }

        /// The next record's fields; nil at the end.
        private mutating func record() -> [[UInt8]]? {
            guard at < bytes.count else { return nil }
            var fields: [[UInt8]] = []
            while true {
                fields.append(field())
                guard at < bytes.count else { return fields }
                let end = bytes[at]
                at += 1
                if end == 0x0A {
                    line += 1
                    return fields
                }
            }
        }

        /// The next field; stops at the delimiter or the line's LF.
        private mutating func field() -> [UInt8] {
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
                let start = at
                while at < bytes.count, bytes[at] != delimiter, bytes[at] != 0x0A { at += 1 }
                let isLast = at == bytes.count || bytes[at] == 0x0A
                let end = isLast && at > start && bytes[at - 1] == 0x0D ? at - 1 : at
                return Array(bytes[start..<end])
            }
            return quotedField()
        }

        private mutating func quotedField() -> [UInt8] {
            let start = line
            var out: [UInt8] = []
            at += 1
            while at < bytes.count {
                if bytes[at] == UInt8(ascii: "\"") {
                    guard at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "\"") else { break }
                    at += 1
                }
                if bytes[at] == 0x0A { line += 1 }
                out.append(bytes[at])
                at += 1
            }
            guard at < bytes.count else {
                report(.syntax, start, "the quote that opens here is not closed.")
                return out
            }
            at += 1
            if at < bytes.count, bytes[at] == 0x0D { at += 1 }
            if at < bytes.count, bytes[at] != delimiter, bytes[at] != 0x0A {
                report(.syntax, line, "there is text after a closing quote.", hint: "Double quotes inside a quoted value.")
                while at < bytes.count, bytes[at] != delimiter, bytes[at] != 0x0A { at += 1 }
            }
            return out
        }

        private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

        private mutating func report(_ code: ConfigurationError.Code, _ line: Int, _ message: String, hint: String = "") {
            errors.append(ConfigurationError(code, at: Place(file: file, line: line), message, hint: hint))
        }
    }
}
