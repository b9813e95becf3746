import DropCore

/// Delimited text in eight-bit characters, read leniently: files of rejects as people and spreadsheets save them, and the records
/// of the original file.
struct CellText {
    struct Cell: Equatable {
        /// With its quotation marks.
        var range: Range<Int>
        var value: [UInt8]
        var isQuoted: Bool
        /// It follows the dialect: no quotation mark is in a wrong place.
        var isClean: Bool
    }

    struct Row {
        /// Without the line end.
        var range: Range<Int>
        var lineEnd: Range<Int>
        var cells: [Cell]

        var isBlank: Bool { cells.allSatisfy { $0.value.allSatisfy { $0 == 0x20 } } }
    }

    /// The usual ones.
    static let delimiters: [UInt8] = [0x2C, 0x3B, 0x09, 0x7C]

    /// The rows of `bytes`. A quotation mark counts at the start of a cell only; `literal` ones never do.
    static func rows(_ bytes: [UInt8], _ dialect: TextDialect, literal: Bool = false) -> [Row] {
        var rows: [Row] = []
        var at = 0
        while at < bytes.count {
            let start = at
            var cells: [Cell] = []
            while true {
                cells.append(cell(bytes, &at, dialect, literal))
                guard has(dialect.delimiter, bytes, at) else { break }
                at += dialect.delimiter.count
            }
            let end = at + lineEnd(bytes, at, dialect)
            rows.append(Row(range: start..<at, lineEnd: at..<end, cells: cells))
            at = end
        }
        return rows
    }

    private static func cell(_ bytes: [UInt8], _ at: inout Int, _ dialect: TextDialect, _ literal: Bool) -> Cell {
        let start = at
        var cell = Cell(range: at..<at, value: [], isQuoted: false, isClean: true)
        let quotes = !literal && dialect.quoting != .none
        if quotes {
            var first = at
            if dialect.trims { skipBlanks(bytes, &first, dialect) }
            if first < bytes.count, bytes[first] == dialect.quote {
                cell.isQuoted = true
                at = first + 1
                cell.isClean = takeQuoted(bytes, &at, &cell.value, dialect)
                if dialect.trims { skipBlanks(bytes, &at, dialect) }
            }
        }
        while at < bytes.count, !has(dialect.delimiter, bytes, at), lineEnd(bytes, at, dialect) == 0 {
            if cell.isQuoted || (quotes && dialect.quoting == .standard && bytes[at] == dialect.quote) { cell.isClean = false }
            if dialect.quoting == .backslash, bytes[at] == dialect.escape, at + 1 < bytes.count { at += 1 }
            cell.value.append(bytes[at])
            at += 1
        }
        cell.range = start..<at
        return cell
    }

    /// Reads the content of a cell after its opening mark, through the closing one; false if that is missing.
    private static func takeQuoted(_ bytes: [UInt8], _ at: inout Int, _ value: inout [UInt8], _ dialect: TextDialect) -> Bool {
        let escapes = dialect.quoting == .backslash
        while at < bytes.count {
            if escapes, bytes[at] == dialect.escape, at + 1 < bytes.count {
                at += 1
            } else if bytes[at] == dialect.quote {
                at += 1
                guard !escapes, at < bytes.count, bytes[at] == dialect.quote else { return true }
            }
            value.append(bytes[at])
            at += 1
        }
        return false
    }

    private static func skipBlanks(_ bytes: [UInt8], _ at: inout Int, _ dialect: TextDialect) {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09, !has(dialect.delimiter, bytes, at) { at += 1 }
    }

    private static func has(_ mark: [UInt8], _ bytes: [UInt8], _ at: Int) -> Bool {
        at < bytes.count && bytes[at] == mark[0] && (mark.count == 1 || bytes[at...].starts(with: mark))
    }

    /// How long the line end at `at` is; 0 if there is none.
    private static func lineEnd(_ bytes: [UInt8], _ at: Int, _ dialect: TextDialect) -> Int {
        if let terminator = dialect.terminator { return has(terminator, bytes, at) ? terminator.count : 0 }
        guard at < bytes.count else { return 0 }
        if bytes[at] == 0x0A { return 1 }
        guard bytes[at] == 0x0D else { return 0 }
        return at + 1 < bytes.count && bytes[at + 1] == 0x0A ? 2 : 1
    }

    // MARK: Writing

    /// The cells as one record of the dialect, without a line end; nil if the dialect cannot express one of them. The result is
    /// read again, and must give the same cells.
    static func record(_ values: [[UInt8]], _ dialect: TextDialect) -> [UInt8]? {
        let cells = values.enumerated().map { written($0.element, dialect, isFirst: $0.offset == 0) }
        let text = Array(cells.joined(separator: dialect.delimiter))
        guard !text.isEmpty else { return text }
        let rows = rows(text, dialect)
        guard rows.count == 1, rows[0].range == text.indices, rows[0].cells.allSatisfy(\.isClean),
            rows[0].cells.map(\.value) == values
        else { return nil }
        return text
    }

    private static func written(_ value: [UInt8], _ dialect: TextDialect, isFirst: Bool) -> [UInt8] {
        let escapes = dialect.quoting == .backslash
        guard dialect.quoting != .none, needsQuotes(value, dialect, isFirst: isFirst) else { return value }
        var text = [dialect.quote]
        for byte in value {
            if byte == dialect.quote || (escapes && byte == dialect.escape) {
                text.append(escapes ? dialect.escape : dialect.quote)
            }
            text.append(byte)
        }
        return text + [dialect.quote]
    }

    /// Whether a cell needs quotation marks to be read unchanged, also when a part of a delimiter alone could be read as one.
    private static func needsQuotes(_ value: [UInt8], _ dialect: TextDialect, isFirst: Bool) -> Bool {
        let blanks: [UInt8?] = [0x20, 0x09]
        if blanks.contains(value.first) || blanks.contains(value.last) { return true }
        if isFirst, !dialect.comment.isEmpty, value.starts(with: dialect.comment) { return true }
        let marks = [dialect.delimiter[0], dialect.terminator?[0] ?? 0x0A, 0x0A, 0x0D, dialect.quote]
        return value.contains { marks.contains($0) || (dialect.quoting == .backslash && $0 == dialect.escape) }
    }

    // MARK: Text without a stated dialect

    /// The delimiter of text without a stated dialect: the usual one that occurs most often outside quotation marks in the line;
    /// nil if none occurs.
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
