import DropCore

/// Delimited text in eight-bit characters, read leniently: what people and spreadsheets make of a file of rejects.
struct CellText {
    struct Cell: Equatable {
        /// With its quotation marks.
        var range: Range<Int>
        var value: [UInt8]
        var isQuoted: Bool
    }

    struct Row {
        /// Without the line end.
        var range: Range<Int>
        var cells: [Cell]

        var isBlank: Bool { cells.allSatisfy { $0.value.allSatisfy { $0 == 0x20 } } }
    }

    static let delimiters: [UInt8] = [0x2C, 0x3B, 0x09, 0x7C]

    /// The rows of `bytes`. A quotation mark counts at the start of a cell only; `literal` ones never do.
    static func rows(_ bytes: [UInt8], delimiter: UInt8, literal: Bool = false) -> [Row] {
        var rows: [Row] = []
        var at = 0
        while at < bytes.count {
            let start = at
            var cells: [Cell] = []
            while true {
                let cell = cell(bytes, &at, delimiter, literal)
                cells.append(cell)
                guard at < bytes.count, bytes[at] == delimiter else { break }
                at += 1
            }
            rows.append(Row(range: start..<at, cells: cells))
            if at < bytes.count { at += bytes[at] == 0x0D && at + 1 < bytes.count && bytes[at + 1] == 0x0A ? 2 : 1 }
        }
        return rows
    }

    private static func cell(_ bytes: [UInt8], _ at: inout Int, _ delimiter: UInt8, _ literal: Bool) -> Cell {
        let start = at
        var value: [UInt8] = []
        var isQuoted = false
        if !literal, at < bytes.count, bytes[at] == 0x22 {
            isQuoted = true
            at += 1
            while at < bytes.count {
                if bytes[at] == 0x22 {
                    at += 1
                    guard at < bytes.count, bytes[at] == 0x22 else { break }
                }
                value.append(bytes[at])
                at += 1
            }
        }
        while at < bytes.count, bytes[at] != delimiter, bytes[at] != 0x0A, bytes[at] != 0x0D {
            value.append(bytes[at])
            at += 1
        }
        return Cell(range: start..<at, value: value, isQuoted: isQuoted)
    }

    /// A cell as text of this delimiter, in quotation marks only where it needs them.
    static func written(_ value: [UInt8], delimiter: UInt8) -> [UInt8] {
        let needsQuotes =
            value.contains { $0 == delimiter || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D } || value.first == 0x20
            || value.last == 0x20
        guard needsQuotes else { return value }
        return [0x22] + value.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] } + [0x22]
    }

    /// The delimiter of text whose cells nobody named: what stands most often outside of quotation marks in the line; nil where
    /// none of the usual ones does.
    static func delimiter(of line: [UInt8]) -> UInt8? {
        if let first = line.first(where: { $0 != 0x20 && $0 != 0x09 }), [0x7B, 0x5B, 0x3C].contains(first) { return nil }
        var counts = [Int](repeating: 0, count: delimiters.count)
        var isQuoted = false
        for byte in line {
            if byte == 0x22 { isQuoted.toggle() }
            if !isQuoted, let index = delimiters.firstIndex(of: byte) { counts[index] += 1 }
        }
        guard let most = counts.max(), most > 0 else { return nil }
        return delimiters[counts.firstIndex(of: most) ?? 0]
    }

    /// Where the content of a record ends and its line end begins.
    static func contentEnd(_ bytes: [UInt8]) -> Int {
        var end = bytes.count
        if end > 0, bytes[end - 1] == 0x0A { end -= 1 }
        if end > 0, bytes[end - 1] == 0x0D { end -= 1 }
        return end
    }
}

/// How the characters of a file are written.
enum TextEncoding: Equatable {
    case eightBit
    case utf16(bigEndian: Bool)

    /// - Parameter start: the first bytes of the file.
    init(start: ArraySlice<UInt8>) {
        let ends = LineEnds(start: start)
        self = ends.isWide ? .utf16(bigEndian: ends.isBigEndian) : .eightBit
    }

    /// The text in UTF-8, or the bytes as they stand; without a byte order mark.
    func narrow(_ bytes: [UInt8]) -> [UInt8] {
        guard case .utf16(let isBigEndian) = self else {
            return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        }
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        for index in stride(from: 0, to: bytes.count - 1, by: 2) {
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            units.append(isBigEndian ? first << 8 | second : second << 8 | first)
        }
        if units.first == 0xFEFF { units.removeFirst() }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    /// UTF-8 text in this encoding, without a mark.
    func wide(_ text: [UInt8]) -> [UInt8] {
        guard case .utf16(let isBigEndian) = self else { return text }
        return String(decoding: text, as: UTF8.self).utf16.flatMap { unit in
            isBigEndian ? [UInt8(unit >> 8), UInt8(unit & 255)] : [UInt8(unit & 255), UInt8(unit >> 8)]
        }
    }
}

/// Windows-1252, which spreadsheets write where they are not told otherwise.
enum Windows1252 {
    private static let high: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E,
        0x0178,
    ]

    static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    static func toUTF8(_ bytes: [UInt8]) -> [UInt8] {
        let units = bytes.map { 0x80...0x9F ~= $0 ? high[Int($0) - 0x80] : UInt16($0) }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    /// Nil where a character has no place in it.
    static func fromUTF8(_ bytes: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        for unit in String(decoding: bytes, as: UTF8.self).utf16 {
            if unit < 0x80 || 0xA0...0xFF ~= unit {
                out.append(UInt8(unit))
            } else if let index = high.firstIndex(of: unit) {
                out.append(UInt8(index + 0x80))
            } else {
                return nil
            }
        }
        return out
    }
}
