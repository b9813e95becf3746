import DropCore

/// The rows of a corrected file, by the record each of them stands for, in the form of the file they were refused from.
struct CorrectedRows {
    private(set) var rows: [UInt64: [UInt8]] = [:]

    private let frame: AmendedFrame
    private let record: DropRecord
    private let original: DropRecord

    /// - Parameter bytes: of the corrected file.
    init(_ bytes: [UInt8], _ frame: AmendedFrame, _ record: DropRecord, _ original: DropRecord) throws(DropError) {
        self.frame = frame
        self.record = record
        self.original = original
        let text = TextEncoding(start: bytes.prefix(1 << 16)).narrow(bytes)
        let marks = RejectMark.places(in: text)
        if marks.isEmpty {
            try takeByPlace(text)
        } else {
            try takeMarked(text, marks)
        }
        if rows.isEmpty { throw unfit("no corrected record stands in it.") }
    }

    private func unfit(_ why: String) -> DropError { AmendmentReader.unfit(record, original, why) }

    // MARK: By marks

    private mutating func takeMarked(_ text: [UInt8], _ marks: [Int]) throws(DropError) {
        guard let form = frame.form else { throw unfit("the records of that drop were given out without marks.") }
        let delimiter = Self.delimiter(text, marks) ?? form.delimiter
        var found = CellText.rows(text, delimiter: delimiter)
        if found.contains(where: { Self.marks($0).count > 1 }) || found.reduce(0, { $0 + Self.marks($1).count }) < marks.count {
            // A quotation mark that a person left open swallowed rows.
            found = CellText.rows(text, delimiter: delimiter, literal: true)
        }
        let heading = found.first { row in row.cells.contains { Self.isHeading($0) } }
        let isUntouched =
            delimiter == form.delimiter && (heading.map { Array(text[$0.range]) == frame.heading } ?? !form.hasHeading)
        var isBehindMark = false
        var leading = 0
        for (index, row) in found.enumerated() where !row.isBlank {
            let places = Self.marks(row)
            guard let place = places.first, places.count == 1 else {
                if places.isEmpty {
                    if row.cells.contains(where: { Self.isHeading($0) }) { continue }
                    leading += 1
                    if !isBehindMark, leading <= frame.headerLines { continue }
                }
                throw unfit(
                    "its line \(index + 1) carries \(places.isEmpty ? "no mark" : "several marks"): each row needs the one cell of the "
                        + "column \(RejectMark.column) that it was given out with. New rows belong into a file of their own.")
            }
            isBehindMark = true
            try take(row, place, text, delimiter, isUntouched, line: index + 1)
        }
    }

    private static func isHeading(_ cell: CellText.Cell) -> Bool {
        String(decoding: cell.value, as: UTF8.self).lowercased().filter { $0 != " " } == RejectMark.column
    }

    private static func marks(_ row: CellText.Row) -> [Int] {
        row.cells.indices.filter { RejectMark(row.cells[$0].value) != nil }
    }

    /// The usual delimiter that stands beside most marks, quotation marks aside.
    private static func delimiter(_ text: [UInt8], _ marks: [Int]) -> UInt8? {
        var counts: [UInt8: Int] = [:]
        for mark in marks {
            var before = mark - 1
            if before >= 0, text[before] == 0x22 { before -= 1 }
            var after = mark
            while after < text.count, after < mark + 80, text[after] == UInt8(ascii: "-") || isWord(text[after]) { after += 1 }
            if after < text.count, text[after] == 0x22 { after += 1 }
            for place in [before, after] where text.indices.contains(place) && CellText.delimiters.contains(text[place]) {
                counts[text[place], default: 0] += 1
            }
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
    }

    private mutating func take(
        _ row: CellText.Row, _ place: Int, _ text: [UInt8], _ delimiter: UInt8, _ isUntouched: Bool, line: Int
    ) throws(DropError) {
        guard let form = frame.form, let mark = RejectMark(row.cells[place].value) else { return }
        guard mark.drop == original.id, let refused = frame.byNumber[mark.record] else {
            throw unfit("line \(line) names record \(mark.record), which was not refused.")
        }
        let old = try frame.bytes(of: refused)
        let (oldContent, lineEnd) = form.parted(old)
        let oldText = form.encoding.narrow(oldContent)
        let oldValues = CellText.rows(oldText, delimiter: form.delimiter).first.map { $0.cells.map(\.value) } ?? []
        var cells = row.cells
        cells.remove(at: place)
        // Cells that were only put in to reach the column of the marks, or by a spreadsheet behind it, were never in the record.
        while cells.count > oldValues.count, cells.last?.value.isEmpty == true { cells.removeLast() }
        let values = cells.map(\.value)
        if values == oldValues {
            return try put(mark.record, old, line)
        }
        let content: [UInt8]
        if isUntouched, !row.cells[place].isQuoted {
            content = Array(cells.map { Array(text[$0.range]) }.joined(separator: [delimiter]))
        } else {
            content = Array(values.map { CellText.written($0, delimiter: form.delimiter) }.joined(separator: [form.delimiter]))
        }
        try put(mark.record, try encoded(content, line) + lineEnd, line)
    }

    private mutating func put(_ number: UInt64, _ bytes: [UInt8], _ line: Int) throws(DropError) {
        if let known = rows[number], known != bytes { throw unfit("record \(number) stands in it twice, with different cells.") }
        rows[number] = bytes
    }

    /// Text as the original writes its characters.
    private func encoded(_ content: [UInt8], _ line: Int) throws(DropError) -> [UInt8] {
        let isUTF8 = Windows1252.isUTF8(content)
        if frame.encoding != .eightBit { return frame.encoding.wide(isUTF8 ? content : Windows1252.toUTF8(content)) }
        switch frame.isUTF8 {
        case true where !isUTF8: return Windows1252.toUTF8(content)
        case false where isUTF8 && content.contains(where: { $0 >= 0x80 }):
            if let narrow = Windows1252.fromUTF8(content) { return narrow }
            throw unfit("line \(line) has a character that the file's encoding does not have.")
        default: return content
        }
    }

    // MARK: By their places

    /// Rows of a file without marks, as they are given out where text has no cells: as many lines as records were refused, in
    /// their order.
    private mutating func takeByPlace(_ text: [UInt8]) throws(DropError) {
        var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            Array(line.last == 0x0D ? line.dropLast() : line)
        }
        while lines.last?.allSatisfy({ $0 == 0x20 }) == true { lines.removeLast() }
        let body = lines.dropFirst(frame.headerLines)
        var originals: [(RefusedRecord, content: [UInt8], lineEnd: [UInt8])] = []
        for refused in frame.records {
            let old = try frame.bytes(of: refused)
            let text = frame.encoding.narrow(old)
            let end = CellText.contentEnd(text)
            guard !text[..<end].contains(0x0A), !text[..<end].contains(0x0D) else { throw unclear(body.count) }
            originals.append((refused, Array(text[..<end]), Array(text[end...])))
        }
        guard body.count == originals.count else { throw unclear(body.count) }
        for (line, (refused, content, lineEnd)) in zip(body, originals) {
            if line == content {
                rows[refused.record] = try frame.bytes(of: refused)
            } else {
                rows[refused.record] = try encoded(line, 0) + frame.encoding.wide(lineEnd)
            }
        }
    }

    private func unclear(_ lines: Int) -> DropError {
        DropError(
            "looks-like-rejects",
            "\(record.fileName) is named like corrected rejects of drop \(original.id), of which \(frame.records.count) records were "
                + "refused, but its rows carry no marks and cannot be told apart (\(lines) lines).",
            hint:
                "Keep the column \(RejectMark.column) of the file that was given out and drop that. Released, the drop applies its "
                + "rows as they stand and deletes nothing by absence.", remedy: .hold)
    }
}
