import DropCore

/// How the records of a drop are marked in its file of rejects. It depends only on the dialect that the source states, or else on
/// the header and the refused records, so the reader of a corrected file gets the same result.
struct RejectsForm: Equatable {
    /// How many of the first refused records are examined.
    static let samples = 64

    let encoding: TextEncoding
    let dialect: TextDialect
    /// The source states it; otherwise it is a guess.
    let isStated: Bool
    /// Whether the last header line names the columns, so that it gets one more.
    let hasHeading: Bool
    /// Cells of that line, or columns that the settings name; 0 where neither is known.
    let width: Int

    /// Nil for text without cells: lines of fixed columns, JSON, XML.
    ///
    /// - Parameters:
    ///   - start: the first bytes of the file.
    ///   - headers: the bytes of its headers, in order, marks left out.
    ///   - rows: the first refused records.
    ///   - stated: the dialect that the source states.
    init?(start: ArraySlice<UInt8>, headers: [[UInt8]], rows: [[UInt8]], stated: TextDialect? = nil) {
        let encoding = TextEncoding(start: start, declared: stated?.encoding)
        self.encoding = encoding
        isStated = stated != nil
        if let stated {
            dialect = stated
            hasHeading = stated.hasHeader && !headers.isEmpty
            let heading = headers.last.flatMap { CellText.rows(encoding.narrow($0), stated).last }
            width = hasHeading ? heading?.cells.count ?? 0 : stated.columns
            return
        }
        let heading = headers.last.map { Self.lastLine(encoding.narrow($0)) } ?? []
        let rows = rows.map { encoding.narrow($0) }
        var guessed = TextDialect()
        if let found = CellText.delimiter(of: heading) {
            guessed.delimiter = [found]
            hasHeading = true
            width = CellText.rows(heading, guessed).first?.cells.count ?? 0
        } else {
            guard rows.allSatisfy({ CellText.delimiter(of: $0) != nil }),
                let found = CellText.delimiter(of: Array(rows.joined()))
            else { return nil }
            // A header without cells above records with cells: the line of the header does not change.
            guessed.delimiter = [found]
            hasHeading = false
            width = 0
        }
        dialect = guessed
    }

    /// The record's bytes, with its mark in a new last cell.
    func marked(_ record: [UInt8], _ mark: RejectMark) -> [UInt8] {
        let content = encoding.narrow(parted(record).content)
        return insert(pads(content) + dialect.delimiter + Array(mark.description.utf8), into: record)
    }

    /// The delimiters that a record of too few cells needs to reach the column of the marks.
    func pads(_ content: [UInt8]) -> [UInt8] {
        Array(repeatElement(dialect.delimiter, count: max(0, width - cellCount(content))).joined())
    }

    /// Cells of a record's text.
    func cellCount(_ content: [UInt8]) -> Int { CellText.rows(content, dialect).last?.cells.count ?? 1 }

    /// The header's bytes with one more column name on its last line.
    func headed(_ header: [UInt8]) -> [UInt8] {
        guard hasHeading else { return header }
        return insert(dialect.delimiter + Array(RejectMark.column.utf8), into: header)
    }

    /// The last line of a header as it is given out, in eight-bit characters, and its line end.
    func heading(_ header: [UInt8]) -> (line: [UInt8], lineEnd: [UInt8]) {
        let (content, lineEnd) = parted(headed(header))
        let text = encoding.narrow(content)
        guard isStated else { return (Self.lastLine(text), encoding.narrow(lineEnd)) }
        let row = CellText.rows(text, dialect).last
        return (row.map { Array(text[$0.range]) } ?? [], encoding.narrow(lineEnd))
    }

    /// `bytes` with `more` before the line end; nothing else changes.
    private func insert(_ more: [UInt8], into bytes: [UInt8]) -> [UInt8] {
        let (content, lineEnd) = parted(bytes)
        return content + (encoding.encoded(more) ?? more) + lineEnd
    }

    /// The bytes of a record before its line end, and those of the line end.
    func parted(_ bytes: [UInt8]) -> (content: [UInt8], lineEnd: [UInt8]) {
        if let terminator = dialect.terminator.map({ encoding.encoded($0) ?? $0 }) {
            guard bytes.count >= terminator.count, bytes.suffix(terminator.count).elementsEqual(terminator) else {
                return (bytes, [])
            }
            return (Array(bytes.dropLast(terminator.count)), terminator)
        }
        let unit = encoding.unit
        var end = bytes.count
        func isThere(_ character: UInt8) -> Bool {
            end >= unit && Array(bytes[end - unit..<end]) == encoding.wide([character])
        }
        if isThere(0x0A) {
            end -= unit
            if isThere(0x0D) { end -= unit }
        } else if isThere(0x0D) {
            end -= unit
        }
        return (Array(bytes[..<end]), Array(bytes[end...]))
    }

    private static func lastLine(_ text: [UInt8]) -> [UInt8] {
        let content = text[..<CellText.contentEnd(text)]
        return Array(content[(content.lastIndex { $0 == 0x0A || $0 == 0x0D }.map { $0 + 1 } ?? 0)...])
    }
}
