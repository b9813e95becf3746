import CodecKit
import DropCore

/// A corrected file as a program saved it: its rows, and the places of the original's columns in them.
struct CorrectedSheet {
    let rows: [CellText.Row]
    /// Its form is unchanged: its cells are bytes of the original's dialect.
    let isAsGiven: Bool
    let delimiter: [UInt8]
    /// The row with the heading of the marks; nil if there is none.
    let heading: Int?

    private let text: [UInt8]
    private let firstMarked: Int

    /// - Parameters:
    ///   - text: in eight-bit characters.
    ///   - marks: where marks begin in it.
    init(_ text: [UInt8], _ marks: [Int], _ frame: AmendedFrame, _ form: RejectsForm) {
        self.text = text
        let given = Self.rows(text, marks, form.dialect)
        isAsGiven = Self.isAsGiven(given, text, frame, form)
        if isAsGiven {
            (rows, delimiter) = (given, form.dialect.delimiter)
        } else {
            // A program that saves a table in another dialect quotes by RFC 4180.
            var dialect = TextDialect()
            dialect.quoting = .lenient
            dialect.delimiter = Self.delimiter(text, marks, form.dialect.delimiter)
            (rows, delimiter) = (Self.rows(text, marks, dialect), dialect.delimiter)
        }
        heading = rows.firstIndex { $0.cells.contains { Self.isHeading($0) } }
        firstMarked = rows.firstIndex { !Self.marks($0).isEmpty } ?? rows.count
    }

    static func marks(_ row: CellText.Row) -> [Int] {
        row.cells.indices.filter { RejectMark(row.cells[$0].value) != nil }
    }

    static func isHeading(_ cell: CellText.Cell) -> Bool {
        String(decoding: cell.value, as: UTF8.self).lowercased().filter { $0 != " " } == RejectMark.column
    }

    private static func rows(_ text: [UInt8], _ marks: [Int], _ dialect: TextDialect) -> [CellText.Row] {
        let rows = CellText.rows(text, dialect)
        guard rows.contains(where: { Self.marks($0).count > 1 }) || rows.reduce(0, { $0 + Self.marks($1).count }) < marks.count
        else { return rows }
        // A quotation mark that a person left open includes the next rows.
        return CellText.rows(text, dialect, literal: true)
    }

    /// If the line of column names is unchanged, with its line end, no other program wrote the file again.
    private static func isAsGiven(
        _ rows: [CellText.Row], _ text: [UInt8], _ frame: AmendedFrame, _ form: RejectsForm
    ) -> Bool {
        guard form.hasHeading else {
            guard let row = rows.first(where: { !marks($0).isEmpty }) else { return false }
            let end = frame.lineEnd.map { frame.encoding.narrow(part: $0) } ?? []
            return row.lineEnd.isEmpty || end.isEmpty || Array(text[row.lineEnd]) == end
        }
        return rows.contains { row in
            Array(text[row.range]) == frame.heading.line
                && (frame.heading.lineEnd.isEmpty || Array(text[row.lineEnd]) == frame.heading.lineEnd)
        }
    }

    /// The character beside most marks, without quotation marks: the original's delimiter, or a usual one.
    private static func delimiter(_ text: [UInt8], _ marks: [Int], _ own: [UInt8]) -> [UInt8] {
        let known = [own] + CellText.delimiters.map { [$0] }.filter { $0 != own }
        var counts = [Int](repeating: 0, count: known.count)
        for mark in marks {
            var before = mark
            if before > 0, text[before - 1] == 0x22 { before -= 1 }
            var after = mark
            while after < text.count, after < mark + 80, text[after] == UInt8(ascii: "-") || isWord(text[after]) { after += 1 }
            if after < text.count, text[after] == 0x22 { after += 1 }
            for (index, delimiter) in known.enumerated() {
                let isBefore = before >= delimiter.count && text[before - delimiter.count..<before].elementsEqual(delimiter)
                if isBefore || text[after...].starts(with: delimiter) { counts[index] += 1 }
            }
        }
        guard let most = counts.max(), most > 0 else { return own }
        return known[counts.firstIndex(of: most) ?? 0]
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
    }

    // MARK: What is not a record

    /// Whether a row without a mark is not a refused record: the line of column names, a line above it in the original, or
    /// `sep=;`, which spreadsheets read.
    func isFurniture(_ index: Int, _ frame: AmendedFrame) -> Bool {
        if index == heading { return true }
        let row = rows[index]
        if let heading, row.cells.map(\.value) == rows[heading].cells.map(\.value) { return true }
        guard index < min(heading ?? firstMarked, firstMarked) else { return false }
        if index == 0, text[row.range].starts(with: Array("sep=".utf8)), row.range.count <= 5 { return true }
        let line = Array(text[row.range])
        let letters = Self.letters(line)
        return frame.headerLines.contains { letters.isEmpty ? $0 == line : Self.letters($0) == letters }
    }

    /// The part that every program leaves unchanged.
    private static func letters(_ text: [UInt8]) -> [UInt8] { text.filter { $0 < 0x80 && isWord($0) } }

    // MARK: Columns

    /// Where the columns of the original stand.
    struct Columns {
        /// By column of the original: its cell in a row.
        let places: [Int]
        /// The cell of the marks.
        let mark: Int
    }

    /// Nil if the columns have their old places, ignoring the column of the marks. Throws words about a header that does not name
    /// each of them once.
    func columns(_ frame: AmendedFrame, _ form: RejectsForm) throws(Words) -> Columns? {
        guard form.hasHeading else { return nil }
        guard let heading else {
            throw Words("it has no line of column names with \(RejectMark.column) in it, as it was given out with.")
        }
        let names = rows[heading].cells.map { Self.name($0.value) }
        let marks = rows[heading].cells.indices.filter { Self.isHeading(rows[heading].cells[$0]) }
        guard marks.count == 1 else { throw Words("its column \(RejectMark.column) is in it \(marks.count) times.") }
        var found = names
        found.remove(at: marks[0])
        let wanted =
            CellText.rows(frame.heading.line, form.dialect).first.map { $0.cells.dropLast().map { Self.name($0.value) } } ?? []
        while found.count > wanted.count, found.last?.isEmpty == true { found.removeLast() }
        if found == wanted { return nil }
        var places: [Int] = []
        for name in wanted {
            let all = names.indices.filter { names[$0] == name }
            guard all.count == 1 else {
                let shown = name.isEmpty ? "a column without a name" : "the column \(Escaping.visible(name, scalarsMax: 60))"
                throw Words(
                    "its first line names \(shown) \(all.isEmpty ? "not at all" : "\(all.count) times"). Columns may stand in another "
                        + "order, but each has to be there once, under the name it was given out with.")
            }
            places.append(all[0])
        }
        return Columns(places: places, mark: marks[0])
    }

    struct Words: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private static func name(_ value: [UInt8]) -> [UInt8] {
        let text = Windows1252.utf8(value)
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        return Array(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
