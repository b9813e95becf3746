import DropCore

/// The rows of a corrected file, by the record that each corrects, in the form of the original file.
struct CorrectedRows {
    private(set) var rows: [UInt64: [UInt8]] = [:]
    /// For rows with a cell that a program seems to have changed, and not a person: which cell, and what to do.
    private(set) var damage: [UInt64: String] = [:]

    private let frame: AmendedFrame
    private let record: DropRecord
    private let original: DropRecord

    /// - Parameter bytes: of the corrected file.
    init(_ bytes: [UInt8], _ frame: AmendedFrame, _ record: DropRecord, _ original: DropRecord) throws(DropError) {
        self.frame = frame
        self.record = record
        self.original = original
        let text = frame.text(of: bytes)
        let marks = RejectMark.places(in: text)
        if let form = frame.form {
            // Without their marks nobody can know how these rows are written.
            guard !marks.isEmpty else { throw unclear(CellText.rows(text, TextDialect(), literal: true).count) }
            try takeMarked(text, marks, form)
        } else {
            guard marks.isEmpty else { throw unfit("the records of that drop were given out without marks.") }
            try takeByPlace(text)
        }
        if rows.isEmpty { throw unfit("it has no corrected record.") }
    }

    private func unfit(_ why: String) -> DropError { AmendmentReader.unfit(record, original, why) }

    // MARK: By marks

    private mutating func takeMarked(_ text: [UInt8], _ marks: [Int], _ form: RejectsForm) throws(DropError) {
        let sheet = CorrectedSheet(text, marks, frame, form)
        let columns: CorrectedSheet.Columns?
        do throws(CorrectedSheet.Words) { columns = try sheet.columns(frame, form) } catch { throw unfit(error.text) }
        for (index, row) in sheet.rows.enumerated() where !row.isBlank {
            let places = CorrectedSheet.marks(row)
            if places.isEmpty, sheet.isFurniture(index, frame) { continue }
            guard let place = places.first, places.count == 1 else {
                throw unfit(
                    "its line \(index + 1) carries \(places.isEmpty ? "no mark" : "several marks"): each row needs the one cell of the "
                        + "column \(RejectMark.column) that it was given out with. Put new rows into a separate file.")
            }
            guard let mark = RejectMark(row.cells[place].value), mark.drop == original.id,
                let refused = frame.byNumber[mark.record]
            else { throw unfit("its line \(index + 1) has the mark of a record that was not refused.") }
            let old = try frame.bytes(of: refused)
            let cells = try cells(of: row, place, columns, line: index + 1)
            let isAsGiven = sheet.isAsGiven && columns == nil && !row.cells[place].isQuoted
            let bytes = try corrected(cells, old, isAsGiven ? text : nil, form, line: index + 1)
            if let known = rows[mark.record], known != bytes {
                throw unfit("record \(mark.record) is in it twice, with different cells.")
            }
            rows[mark.record] = bytes
            if bytes != old, let found = CellDamage.find(in: cells, of: old, form) { damage[mark.record] = found }
        }
    }

    /// The cells of a row in the order of the original's columns.
    private func cells(
        of row: CellText.Row, _ place: Int, _ columns: CorrectedSheet.Columns?, line: Int
    ) throws(DropError) -> [CellText.Cell] {
        var cells = row.cells
        guard let columns else {
            cells.remove(at: place)
            return cells
        }
        guard place == columns.mark else {
            throw unfit("the mark of its line \(line) is not below \(RejectMark.column).")
        }
        for index in cells.indices where index != place && !columns.places.contains(index) && !cells[index].value.isEmpty {
            throw unfit("its line \(line) has a cell in column \(index + 1), which \(original.fileName) does not have.")
        }
        let none = CellText.Cell(range: 0..<0, value: [], isQuoted: false, isClean: true)
        return columns.places.map { $0 < cells.count ? cells[$0] : none }
    }

    /// A record as the plugin will read it. A record that is unchanged, byte for byte, was not corrected.
    ///
    /// - Parameter text: the text that the cells are places of, if they are written like the original.
    private func corrected(
        _ row: [CellText.Cell], _ old: [UInt8], _ text: [UInt8]?, _ form: RejectsForm, line: Int
    ) throws(DropError) -> [UInt8] {
        let (oldContent, lineEnd) = form.parted(old)
        let oldText = form.encoding.narrow(part: oldContent)
        let width = form.cellCount(oldText)
        var cells = row
        // Some cells were never in the record: those added to reach the column of the marks, and those that a spreadsheet added
        // after it.
        while cells.count > width, cells.last?.value.isEmpty == true { cells.removeLast() }
        let content: [UInt8]
        if let text {
            content = Array(cells.map { Array(text[$0.range]) }.joined(separator: form.dialect.delimiter))
        } else if let written = CellText.record(cells.map { Windows1252.utf8($0.value) }, form.dialect) {
            content = written
        } else {
            throw unfit(
                "its line \(line) has a cell that cannot be written as \(original.fileName) is: with a delimiter, a line end or a "
                    + "quotation mark in it, for which the source's dialect has no form.")
        }
        if content == oldText { return old }
        if Self.hasReplacement(content), !Self.hasReplacement(oldText) {
            throw unfit(
                "its line \(line) has the character U+FFFD: the program that saved it could not read a character there.")
        }
        guard let bytes = encoded(content, hadDefect: !Windows1252.isUTF8(oldText)) else {
            throw unfit("its line \(line) has a character that the encoding of \(original.fileName) does not have.")
        }
        return bytes + lineEnd
    }

    private static func hasReplacement(_ text: [UInt8]) -> Bool {
        text.indices.dropLast(2).contains { text[$0] == 0xEF && text[$0 + 1] == 0xBF && text[$0 + 2] == 0xBD }
    }

    /// Text in the encoding of the original; nil if the encoding lacks a character.
    ///
    /// - Parameter hadDefect: the record was not valid text before. Bytes that are not text stay as they are, and are refused
    ///   again.
    private func encoded(_ content: [UInt8], hadDefect: Bool = false) -> [UInt8]? {
        guard frame.encoding == .eightBit else { return frame.encoding.encoded(Windows1252.utf8(content)) }
        switch frame.isUTF8 {
        case true: return hadDefect ? content : Windows1252.utf8(content)
        case false where content.contains(where: { $0 >= 0x80 }) && Windows1252.isUTF8(content):
            return Windows1252.fromUTF8(content)
        default: return content
        }
    }

    // MARK: By their places

    /// Rows of a file without marks, as text without cells is given out: one line for each refused record, in their order.
    private mutating func takeByPlace(_ text: [UInt8]) throws(DropError) {
        var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            Array(line.last == 0x0D ? line.dropLast() : line)
        }
        while lines.last?.allSatisfy({ $0 == 0x20 }) == true { lines.removeLast() }
        let body = lines.dropFirst(frame.headerLines.count)
        var originals: [(RefusedRecord, content: [UInt8], lineEnd: [UInt8])] = []
        for refused in frame.records {
            let old = try frame.bytes(of: refused)
            let text = frame.encoding.narrow(part: old)
            let end = CellText.contentEnd(text)
            guard !text[..<end].contains(0x0A), !text[..<end].contains(0x0D) else { throw unclear(body.count) }
            originals.append((refused, Array(text[..<end]), Array(text[end...])))
        }
        guard body.count == originals.count else { throw unclear(body.count) }
        for (line, (refused, content, lineEnd)) in zip(body, originals) {
            if line == content {
                rows[refused.record] = try frame.bytes(of: refused)
            } else if let bytes = encoded(line) {
                rows[refused.record] = bytes + frame.encoding.wide(lineEnd)
            } else {
                throw unfit("record \(refused.record) has a character that the encoding of \(original.fileName) does not have.")
            }
        }
    }

    private func unclear(_ lines: Int) -> DropError {
        DropError(
            .looksLikeRejects,
            "\(record.fileName) is named like corrected rejects of drop \(original.id), of which \(frame.records.count) records were "
                + "refused. Its \(lines) lines have no marks, so it is not known which record each of them corrects.",
            hint:
                "Keep the column \(RejectMark.column) of the file that was given out and drop that. Released, the drop applies its "
                + "rows as they are and deletes nothing by absence.", remedy: .hold)
    }
}
