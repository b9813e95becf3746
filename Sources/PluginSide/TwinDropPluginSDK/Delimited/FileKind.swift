/// The kind of a file that is not delimited text, by its first bytes.
struct FileKind: Sendable, Equatable {
    /// How many bytes at the start of a file are looked at.
    static let headBytes = 4096

    /// What it is called in messages, with its article: "a gzip archive".
    let title: String
    /// What to do with it.
    let advice: String

    /// The kind of a file that starts with `head` and cannot be a table in any dialect; nil for all other files.
    static func binary(_ head: [UInt8]) -> FileKind? {
        for signature in signatures where head.starts(with: signature.bytes) {
            return FileKind(title: signature.title, advice: signature.advice)
        }
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) || head.starts(with: [0x50, 0x4B, 0x05, 0x06]) { return zipped(head) }
        if head.starts(with: Array("BZh".utf8)), head.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
            return FileKind(title: "a bzip2 archive", advice: unpack)
        }
        if head.dropFirst(257).starts(with: Array("ustar".utf8)) { return FileKind(title: "a tar archive", advice: unpack) }
        return wide(head)
    }

    /// What a text seems to be; some tables start so, too. `head` is UTF-8 without a byte order mark.
    static func text(_ head: ArraySlice<UInt8>) -> FileKind? {
        let solid = head.drop { " \t\r\n".utf8.contains($0) }
        guard let first = solid.first else { return nil }
        let second = solid.dropFirst().first { !" \t\r\n".utf8.contains($0) } ?? 0
        switch first {
        case UInt8(ascii: "{") where "\"}".utf8.contains(second), UInt8(ascii: "[") where "{[\"]".utf8.contains(second):
            return FileKind(
                title: "a JSON text", advice: "Export delimited text, or name a plugin that reads JSON in the source.")
        case UInt8(ascii: "<"):
            let start = String(decoding: solid.prefix(512), as: UTF8.self).lowercased()
            if start.hasPrefix("<!doctype html") || start.contains("<html") {
                return FileKind(
                    title: "an HTML page",
                    advice: "Perhaps it is a page that says why there is no export. Export delimited text (CSV).")
            }
            guard start.hasPrefix("<?xml") || start.hasPrefix("<!--") || (second | 0x20) &- 0x61 < 26 else { return nil }
            return FileKind(
                title: "an XML document", advice: "Export delimited text, or name a plugin that reads XML in the source.")
        default: return nil
        }
    }

    /// The sentence for a refusal.
    var sentence: String { "The file is \(title), not delimited text. \(advice)" }

    // MARK: - Signatures

    private struct Signature {
        let bytes: [UInt8]
        let title: String
        let advice: String
    }

    private static let unpack = "Deliver the file that is in it."
    private static let export = "Export the sheet as delimited text (CSV)."

    private static let signatures: [Signature] = [
        Signature(bytes: [0x1F, 0x8B], title: "a gzip archive", advice: unpack),
        Signature(bytes: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], title: "an xz archive", advice: unpack),
        Signature(bytes: [0x28, 0xB5, 0x2F, 0xFD], title: "a zstd archive", advice: unpack),
        Signature(bytes: [0x04, 0x22, 0x4D, 0x18], title: "an lz4 archive", advice: unpack),
        Signature(bytes: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], title: "a 7z archive", advice: unpack),
        Signature(bytes: Array("Rar!".utf8) + [0x1A, 0x07], title: "a RAR archive", advice: unpack),
        Signature(
            bytes: [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1],
            title: "an old Excel workbook (xls) or another old Office file", advice: export),
        Signature(bytes: Array("%PDF-".utf8), title: "a PDF document", advice: "Export delimited text (CSV)."),
        Signature(bytes: Array("{\\rtf".utf8), title: "a formatted text (RTF)", advice: "Save it as plain text."),
        Signature(
            bytes: Array("SQLite format 3".utf8) + [0x00], title: "an SQLite database", advice: "Export delimited text (CSV)."),
        Signature(bytes: Array("PAR1".utf8) + [0x15], title: "a Parquet file", advice: "Export delimited text (CSV)."),
        Signature(bytes: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A], title: "a picture (PNG)", advice: "Export delimited text (CSV)."),
        Signature(bytes: [0xFF, 0xD8, 0xFF], title: "a picture (JPEG)", advice: "Export delimited text (CSV)."),
        Signature(bytes: [0x7F, 0x45, 0x4C, 0x46], title: "a program (ELF)", advice: "Deliver delimited text."),
    ]

    /// A zip archive by the names of its first members.
    private static func zipped(_ head: [UInt8]) -> FileKind {
        func has(_ text: String) -> Bool {
            let wanted = Array(text.utf8)
            guard head.count >= wanted.count else { return false }
            return (0...head.count - wanted.count).contains { head[$0...].starts(with: wanted) }
        }
        if has("opendocument.spreadsheet") { return FileKind(title: "an OpenDocument spreadsheet (ods)", advice: export) }
        if has("xl/") { return FileKind(title: "an Excel workbook (xlsx)", advice: export) }
        if has("[Content_Types].xml") || has("_rels/") {
            return FileKind(title: "an Excel workbook (xlsx) or another Office file", advice: export)
        }
        return FileKind(
            title: "a zip archive, perhaps an Excel workbook (xlsx)",
            advice: "Export the sheet as delimited text (CSV), or deliver the files that are in the archive.")
    }

    /// Four bytes a character.
    private static func wide(_ head: [UInt8]) -> FileKind? {
        let isMarked = head.starts(with: [0xFF, 0xFE, 0, 0]) || head.starts(with: [0, 0, 0xFE, 0xFF])
        var zeros = [0, 0, 0, 0]
        for (index, byte) in head.enumerated() where byte == 0 { zeros[index & 3] += 1 }
        let least = head.count / 4 * 3 / 4
        let isLittle = min(zeros[2], zeros[3]) > least && zeros[0] == 0
        let isBig = min(zeros[0], zeros[1]) > least && zeros[3] == 0
        guard isMarked || (head.count >= 16 && (isLittle || isBig)) else { return nil }
        return FileKind(title: "a text in UTF-32", advice: "No encoding of the dialect reads it: export UTF-8.")
    }
}

/// How the start of a file fits the encoding that the dialect declares.
struct EncodingEvidence {
    /// The encoding of a byte order mark, and its length.
    let mark: (encoding: TextEncoding, length: Int)?
    /// UTF-16 by its zero bytes, without a mark.
    private let guess: TextEncoding?
    /// Text of one byte a character, as far as it was seen.
    private let isNarrow: Bool

    init(_ head: [UInt8]) {
        if head.starts(with: [0xEF, 0xBB, 0xBF]) {
            mark = (.utf8, 3)
        } else if head.starts(with: [0xFF, 0xFE]) {
            mark = (.utf16LittleEndian, 2)
        } else if head.starts(with: [0xFE, 0xFF]) {
            mark = (.utf16BigEndian, 2)
        } else {
            mark = nil
        }
        var zeros = [0, 0]
        for (index, byte) in head.enumerated() where byte == 0 { zeros[index & 1] += 1 }
        let (even, odd) = (zeros[0], zeros[1])
        let isOneSided = head.count >= 4 && max(even, odd) > max(1, head.count / 8) && min(even, odd) < head.count / 64 + 1
        guess = isOneSided ? (even > odd ? .utf16BigEndian : .utf16LittleEndian) : nil
        isNarrow = head.count >= 8 && head.allSatisfy { ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
    }

    /// Why the file is not what `declared` says; nil if it may be.
    func contradiction(of declared: TextEncoding) -> String? {
        if let mark {
            guard declared != .automatic, declared != mark.encoding else { return nil }
            return "The file starts with the byte order mark of \(mark.encoding.title), and dialect.encoding says "
                + "\(declared.setting). Leave encoding out, or correct the export."
        }
        let isWide = declared == .utf16LittleEndian || declared == .utf16BigEndian
        if let guess, guess != declared {
            let missing = isWide ? "" : " and has no byte order mark"
            return "The file looks like \(guess.title)\(missing), and dialect.encoding says \(declared.setting). "
                + "Set encoding: \(guess.setting)."
        }
        if isWide, isNarrow {
            return "The file has one byte for each character, and dialect.encoding says \(declared.setting). "
                + "Leave encoding out, or name the right one."
        }
        return nil
    }
}

extension TextEncoding {
    /// As people call it.
    var title: String {
        switch self {
        case .automatic, .utf8: "UTF-8"
        case .utf16LittleEndian: "UTF-16, little end first"
        case .utf16BigEndian: "UTF-16, big end first"
        case .windows1252: "Windows-1252"
        case .latin1: "ISO-8859-1"
        }
    }

    /// As the settings call it.
    var setting: String {
        switch self {
        case .automatic: "auto"
        case .utf8: "utf-8"
        case .utf16LittleEndian: "utf-16le"
        case .utf16BigEndian: "utf-16be"
        case .windows1252: "windows-1252"
        case .latin1: "iso-8859-1"
        }
    }
}
