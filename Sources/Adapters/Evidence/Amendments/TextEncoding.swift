package import DropCore

/// How the characters of a file are written.
enum TextEncoding: Equatable {
    /// UTF-8, or what nobody names.
    case eightBit
    case utf16(bigEndian: Bool)
    case windows1252, latin1

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// - Parameters:
    ///   - start: the first bytes of the file.
    ///   - declared: by the settings; nil if they do not say. A byte order mark overrides it, because a reader refuses a file in
    ///     which the two differ.
    init(start: ArraySlice<UInt8>, declared: TextDialect.Encoding? = nil) {
        let ends = LineEnds(start: start)
        let marked: TextEncoding = ends.isWide ? .utf16(bigEndian: ends.isBigEndian) : .eightBit
        guard ends.markBytes == 0, let declared else {
            self = marked
            return
        }
        self =
            switch declared {
            case .automatic, .utf8: .eightBit
            case .utf16LittleEndian: .utf16(bigEndian: false)
            case .utf16BigEndian: .utf16(bigEndian: true)
            case .windows1252: .windows1252
            case .latin1: .latin1
            }
    }

    /// Bytes of one of its units.
    var unit: Int { if case .utf16 = self { 2 } else { 1 } }

    /// A byte order mark within the file; empty if the encoding has none.
    var byteOrderMark: [UInt8] {
        switch self {
        case .eightBit: Self.mark
        case .utf16(let isBigEndian): isBigEndian ? [0xFE, 0xFF] : [0xFF, 0xFE]
        case .windows1252, .latin1: []
        }
    }

    /// The text in UTF-8, or the bytes unchanged; without the byte order mark at its start.
    func narrow(_ bytes: [UInt8]) -> [UInt8] {
        let mark = byteOrderMark
        return narrow(part: !mark.isEmpty && bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes)
    }

    /// The same of a part of a file: a mark in it is a character.
    func narrow(part bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .eightBit: return bytes
        case .windows1252: return Windows1252.toUTF8(bytes)
        case .latin1: return Array(String(decoding: bytes.map(UInt16.init), as: UTF16.self).utf8)
        case .utf16(let isBigEndian):
            var units: [UInt16] = []
            units.reserveCapacity(bytes.count / 2)
            for index in stride(from: 0, to: bytes.count - 1, by: 2) {
                let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
                units.append(isBigEndian ? first << 8 | second : second << 8 | first)
            }
            return Array(String(decoding: units, as: UTF16.self).utf8)
        }
    }

    /// UTF-8 text in this encoding, without a mark; nil if the encoding lacks a character.
    func encoded(_ text: [UInt8]) -> [UInt8]? {
        switch self {
        case .eightBit: return text
        case .windows1252: return Windows1252.fromUTF8(text)
        case .latin1:
            let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
            guard scalars.allSatisfy({ $0.value < 0x100 }) else { return nil }
            return scalars.map { UInt8($0.value) }
        case .utf16: return wide(text)
        }
    }

    /// UTF-8 text in this encoding, without a mark; only for characters that every encoding has.
    func wide(_ text: [UInt8]) -> [UInt8] {
        guard case .utf16(let isBigEndian) = self else { return text }
        return String(decoding: text, as: UTF8.self).utf16.flatMap { unit in
            isBigEndian ? [UInt8(unit >> 8), UInt8(unit & 255)] : [UInt8(unit & 255), UInt8(unit >> 8)]
        }
    }
}

/// Windows-1252, which spreadsheets write by default.
enum Windows1252 {
    private static let high: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E,
        0x0178,
    ]

    static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// Text in UTF-8, as it is; any other text as Windows-1252.
    static func utf8(_ bytes: [UInt8]) -> [UInt8] { isUTF8(bytes) ? bytes : toUTF8(bytes) }

    static func toUTF8(_ bytes: [UInt8]) -> [UInt8] {
        let units = bytes.map { 0x80...0x9F ~= $0 ? high[Int($0) - 0x80] : UInt16($0) }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    /// Nil if a character has no place in it.
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

extension TextDialect {
    /// A part of a file, in UTF-8 for people, or unchanged if its encoding is not known.
    ///
    /// - Parameter start: the first bytes of the file.
    package static func shown(_ part: [UInt8], of start: [UInt8], _ dialect: TextDialect?) -> [UInt8] {
        TextEncoding(start: start[...], declared: dialect?.encoding).narrow(part: part)
    }
}
