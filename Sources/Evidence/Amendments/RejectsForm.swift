import DropCore

/// How the records of a drop are marked in its file of rejects: told from the header and the refused records alone, so that who
/// reads a corrected file comes to the same.
struct RejectsForm: Equatable {
    /// So many of the first refused records are looked at.
    static let samples = 64

    let encoding: TextEncoding
    let delimiter: UInt8
    /// Whether the last header line names the columns, and so gets one more.
    let hasHeading: Bool
    /// Cells of that line; 0 without one.
    let width: Int

    /// Nil for text without cells: lines of fixed columns, JSON, XML.
    ///
    /// - Parameters:
    ///   - start: the first bytes of the file.
    ///   - headers: the bytes of its headers, in order, marks left out.
    ///   - rows: the first refused records.
    init?(start: ArraySlice<UInt8>, headers: [[UInt8]], rows: [[UInt8]]) {
        let encoding = TextEncoding(start: start)
        self.encoding = encoding
        let heading = headers.last.map { Self.lastLine(encoding.narrow($0)) } ?? []
        let rows = rows.map(encoding.narrow)
        if let found = CellText.delimiter(of: heading) {
            delimiter = found
            hasHeading = true
            width = CellText.rows(heading, delimiter: found).first?.cells.count ?? 0
        } else {
            guard rows.allSatisfy({ CellText.delimiter(of: $0) != nil }),
                let found = CellText.delimiter(of: Array(rows.joined()))
            else { return nil }
            // A header without cells above records that have some: its own line stays as it is.
            delimiter = found
            hasHeading = false
            width = 0
        }
    }

    /// The record's bytes with its mark in a cell behind all others.
    func marked(_ record: [UInt8], _ mark: RejectMark) -> [UInt8] {
        let text = encoding.narrow(record)
        let end = CellText.contentEnd(text)
        let content = Array(text[..<end])
        let cells = CellText.rows(content, delimiter: delimiter).last?.cells.count ?? 1
        let pads = [UInt8](repeating: delimiter, count: max(0, width - cells))
        return insert(pads + [delimiter] + Array(mark.description.utf8), into: record)
    }

    /// The header's bytes with one more column name on its last line.
    func headed(_ header: [UInt8]) -> [UInt8] {
        guard hasHeading else { return header }
        return insert([delimiter] + Array(RejectMark.column.utf8), into: header)
    }

    /// `more` before the line end of `bytes`; what stands there stays byte for byte.
    private func insert(_ more: [UInt8], into bytes: [UInt8]) -> [UInt8] {
        let (content, lineEnd) = parted(bytes)
        return content + encoding.wide(more) + lineEnd
    }

    /// The bytes of a record before its line end, and those of the line end.
    func parted(_ bytes: [UInt8]) -> (content: [UInt8], lineEnd: [UInt8]) {
        let unit = encoding == .eightBit ? 1 : 2
        var end = bytes.count
        func isThere(_ character: UInt8) -> Bool {
            end >= unit && encoding.narrow(Array(bytes[end - unit..<end])) == [character]
        }
        if isThere(0x0A) {
            end -= unit
            if isThere(0x0D) { end -= unit }
        } else if isThere(0x0D) {
            end -= unit
        }
        return (Array(bytes[..<end]), Array(bytes[end...]))
    }

    static func lastLine(_ text: [UInt8]) -> [UInt8] {
        let content = text[..<CellText.contentEnd(text)]
        return Array(content[(content.lastIndex { $0 == 0x0A || $0 == 0x0D }.map { $0 + 1 } ?? 0)...])
    }
}
