/// The parts around the records of a file, as far as it was read.
struct Frame {
    /// A part that may continue with the next line.
    struct Part {
        enum Kind { case blank, footer }

        let kind: Kind
        let offset: UInt64
        var length: UInt64
    }

    /// Each line must be checked before its quotation marks are interpreted.
    var looksAtLines: Bool
    var pending: Part?
    /// There is a byte order mark before the current record.
    var isDoubted = false
    /// Globs of a footer's lines; empty if it is not recognised by globs.
    let footerGlobs: [Glob]
    /// Place of the footer's first line, if it is recognised by globs.
    var footerStart: UInt64?
    /// The last lines are in memory, and some may be footer.
    var isInTail = false
    var hasFooter = false
    /// The shape of the last record's first cell, where lines are counted as footer; 0: none is known.
    var recordShape: UInt64 = 0
    let keepsShape: Bool
    var knowsShape: Bool { recordShape != 0 && recordShape != Self.emptyShape }
    /// Cells of the preamble's lines, and the place of such a line, for a file without header.
    var preambleCells: [Int: UInt64] = [:]
    /// The first lines of the preamble that are not blank. They occur again before the header of a second export.
    var preambleLines: [[UInt8]] = []
    /// The current record is one of them.
    var saysPreamble = false
    static let preambleLinesMax = 64

    init(_ dialect: Dialect) {
        if case .from(let globs) = dialect.footer { footerGlobs = globs.map { Glob($0) } } else { footerGlobs = [] }
        if case .lines(let lines) = dialect.footer { keepsShape = lines > 0 } else { keepsShape = false }
        looksAtLines = dialect.comment?.isEmpty == false || !footerGlobs.isEmpty
    }
}

extension Frame {
    /// Words that start a line of sums or the end of an export, in no record's first cell.
    private static let totals = [
        "total", "totals", "subtotal", "totale", "sum", "summe", "gesamt", "gesamtsumme", "summa", "somme", "suma", "count",
        "anzahl", "end", "ende", "eof", "trailer", "footer",
    ].map { Array($0.utf8) }
    private static let wordEnds = Array(" \t\",;:=|".utf8)
    private static let cellEnds = Array(" \t\":=.*".utf8)

    /// Whether a line starts with such a word, whatever its case and the marks before it. What follows it ends a word: `End-7`
    /// may be an id.
    static func saysTotal(_ line: Bytes) -> Bool {
        var start = 0
        while start < line.count, line[start] < 0x30 { start += 1 }  // Blanks, quotation marks, '#', '*', '-'.
        var word: [UInt8] = []
        while start < line.count, word.count < 16, (line[start] | 0x20) &- 0x61 < 26 {
            word.append(line[start] | 0x20)
            start += 1
        }
        return (start == line.count || wordEnds.contains(line[start])) && totals.contains(word)
    }

    /// Whether the first cell is such a word and nothing more, but for marks that may stand behind it.
    static func isTotalAlone(_ line: Bytes, stop: UInt8) -> Bool {
        guard saysTotal(line) else { return false }
        var at = 0
        while at < line.count, line[at] < 0x30 { at += 1 }
        while at < line.count, (line[at] | 0x20) &- 0x61 < 26 { at += 1 }
        while at < line.count, line[at] != stop {
            guard cellEnds.contains(line[at]) else { return false }
            at += 1
        }
        return true
    }

    /// The shape of a cell without text, which says nothing about other cells.
    static let emptyShape: UInt64 = 0xCBF2_9CE4_8422_2325

    /// What a cell looks like, as a number: runs of digits and runs of letters count as one each, `AST-017` and `FX-9` are alike.
    /// `text` may go on behind the cell, which ends before `stop` and quotation marks.
    static func shape(of text: Bytes, stop: UInt8) -> UInt64 {
        var shape = emptyShape
        var last: UInt8 = 0
        for index in 0..<text.count {
            let byte = text[index]
            if byte == stop { break }
            if byte == UInt8(ascii: "\"") { continue }
            let isLetter = (byte | 0x20) &- 0x61 < 26 || byte >= 0x80
            let kind = byte &- 0x30 < 10 ? UInt8(ascii: "9") : isLetter ? UInt8(ascii: "A") : byte
            if kind != last { shape = (shape ^ UInt64(kind)) &* 0x100_0000_01B3 }
            last = kind
        }
        return shape | 1
    }
}

extension DelimitedReader {
    // MARK: - Parts

    /// Accounts for bytes that are not a record; parts of one kind that follow each other become one.
    mutating func addPart(_ kind: Frame.Part.Kind, at offset: UInt64, length: UInt64) {
        if frame.pending?.kind == kind {
            frame.pending?.length += length
        } else {
            flushParts()
            frame.pending = Frame.Part(kind: kind, offset: offset, length: length)
        }
        if kind == .footer { frame.hasFooter = true }
    }

    mutating func flushParts() {
        guard let part = frame.pending else { return }
        switch part.kind {
        case .blank: output.span(.remainder, at: part.offset, length: part.length, name: "blank lines")
        case .footer: output.span(.footer, at: part.offset, length: part.length, name: "footer")
        }
        frame.pending = nil
    }

    /// Takes the line at the window's position as a separate part.
    private mutating func takeLine(_ line: (end: Int, next: Int), _ kind: SpanKind, _ name: StaticString) {
        flushParts()
        let length = window.fileLength(window.position, line.next)
        output.span(kind, at: window.fileOffset, length: length, name: name)
        window.consume(to: line.next, fileLength: length)
    }

    private mutating func takeLine(_ line: (end: Int, next: Int), _ kind: Frame.Part.Kind) {
        let length = window.fileLength(window.position, line.next)
        addPart(kind, at: window.fileOffset, length: length)
        window.consume(to: line.next, fileLength: length)
    }

    private func text(_ line: (end: Int, next: Int)) -> Bytes {
        unsafe Bytes(start: UnsafePointer(window.memory) + window.position, count: line.end - window.position)
    }

    // MARK: - Lines

    /// Takes a byte order mark in the place where a record would start. The record after it is doubted.
    mutating func takeMark() throws(PluginError) -> Bool {
        while window.limit - window.position < 3, !window.isComplete { try window.fill() }
        let at = window.position
        guard window.limit - at >= 3, unsafe window.memory[at + 1] == 0xBB, unsafe window.memory[at + 2] == 0xBF else {
            return false
        }
        flushParts()
        let length = window.fileLength(at, at + 3)
        output.span(.remainder, at: window.fileOffset, length: length, name: "byte order mark")
        window.consume(to: at + 3, fileLength: length)
        frame.isDoubted = true
        return true
    }

    /// Checks the next line before its quotation marks are interpreted. True when it was taken as a comment or as footer.
    mutating func takeLineApart() throws(PluginError) -> Bool {
        guard let line = try nextLine() else { return false }
        if marks.comment.count > 0, frame.footerStart == nil, text(line).prefix(marks.comment.count) == marks.comment {
            takeLine(line, .remainder, "comment")
            return true
        }
        if frame.isInTail { return try takeTailLine(line) }
        guard !frame.footerGlobs.isEmpty else { return false }
        return try takeFooterLine(line)
    }

    /// Whether a glob fits the line as it is, or with the quotation marks of its first cell taken off: an export that quotes
    /// all cells writes `"Total","3"`.
    private func isFooter(_ line: Bytes) -> Bool {
        if frame.footerGlobs.contains(where: { $0.matches(line) }) { return true }
        guard marks.quotes, let bare = bareLine(line) else { return false }
        return unsafe bare.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return false }
            let text = unsafe Bytes(start: start, count: bytes.count)
            return frame.footerGlobs.contains { $0.matches(text) }
        }
    }

    /// The line with its first cell unquoted; nil if that cell has no quotation marks.
    private func bareLine(_ line: Bytes) -> [UInt8]? {
        var at = 0
        if marks.skipsBlanks { while at < line.count, line[at] == 0x20 || line[at] == 0x09 { at += 1 } }
        guard at < line.count, line[at] == marks.quote else { return nil }
        at += 1
        guard at < line.count else { return nil }
        // Nearly every line of such an export is a record, and one byte shows it.
        let isMark = line[at] == marks.quote || marks.escapes && line[at] == marks.escape
        guard isMark || frame.footerGlobs.contains(where: { $0.mayStart(with: line[at]) }) else { return nil }
        var bare: [UInt8] = []
        while at < line.count {
            if marks.escapes, line[at] == marks.escape, at + 1 < line.count {
                at += 1
            } else if line[at] == marks.quote {
                guard !marks.escapes, at + 1 < line.count, line[at + 1] == marks.quote else { break }
                at += 1
            }
            bare.append(line[at])
            at += 1
        }
        while at + 1 < line.count {
            at += 1
            bare.append(line[at])
        }
        return bare
    }

    /// A line of a footer that globs recognise. After the first one, no record may come.
    private mutating func takeFooterLine(_ line: (end: Int, next: Int)) throws(PluginError) -> Bool {
        let bytes = text(line)
        let fits = isFooter(bytes)
        guard let start = frame.footerStart else {
            guard fits else { return false }
            frame.footerStart = window.fileOffset
            takeLine(line, .footer)
            return true
        }
        let count = fits || window.isBlank(window.position, line.end) ? 0 : cells()
        if count > 1 || (count == 1 && width == 1), canBeRecord(count) {
            throw PluginError(
                .refused,
                "The footer starts at byte \(start), and the line at byte \(window.fileOffset) behind it has \(count) cells as a "
                    + "record has. Are two exports joined? If the line is part of the footer, add its pattern to dialect.footerFrom.",
                offset: window.fileOffset)
        }
        takeLine(line, .footer)
        return true
    }

    /// One of the last lines, which may be footer, blank or a record.
    private mutating func takeTailLine(_ line: (end: Int, next: Int)) throws(PluginError) -> Bool {
        if window.isBlank(window.position, line.end) {
            takeLine(line, .blank)
            return true
        }
        if let why = doubt(about: line) {
            throw PluginError(
                .refused,
                "The line at byte \(window.fileOffset), after record \(record), may be the footer or a record, whole or cut off: \(why). "
                    + "Is the footer missing, or the file cut off? If the line is the footer, say what it looks like: "
                    + "dialect.footerFrom in place of footerLines.",
                offset: window.fileOffset)
        }
        takeLine(line, .footer)
        return true
    }

    /// Why one of the last lines may be a record; nil if it certainly is not. A line in which the file is cut off can look like
    /// anything, so only a line with its end can be distinguished from a record.
    private mutating func doubt(about line: (end: Int, next: Int)) -> StaticString? {
        if line.next == line.end { return "it has no line end" }
        let count = cells()
        let text = text(line)
        let looksAlike = Frame.shape(of: text, stop: marks.delimiter[0]) == frame.recordShape
        if width > 0, count == width {
            // A totals line may be as wide as the table, if it has only such a word in the place of an id, and ids look
            // different. An empty id has no look.
            let isTotal = !looksAlike && frame.knowsShape && Frame.isTotalAlone(text, stop: marks.delimiter[0])
            return isTotal ? nil : "it has as many cells as a record"
        }
        if looksAlike { return "it starts as the record before" }
        if Frame.saysTotal(text) { return nil }
        // One cell in a table of several columns is text about the table. A line with several cells may be a record that lost
        // some.
        if count > 1 || width < 2 || canBeRecord(count) { return "it has cells, and starts with no word of totals" }
        return nil
    }

    /// Begins to check the last lines, which were kept back so far. False when they were checked already, or there are none.
    mutating func startTail() -> Bool {
        guard !frame.isInTail, window.limit < window.end else { return false }
        window.hold(lines: 0)
        frame.isInTail = true
        frame.looksAtLines = true
        return true
    }

    func checkFooter() throws(PluginError) {
        guard dialect.footerRequired, !frame.hasFooter else { return }
        throw PluginError(
            .refused, "The file has no footer: it may be cut off. Deliver it again, or leave dialect.footerRequired out.",
            offset: window.fileOffset)
    }

    /// Whether a line with so many cells may be a record of this table; while its width is unknown, none is.
    private func canBeRecord(_ count: Int) -> Bool {
        guard width > 0 else { return false }
        switch dialect.ragged {
        case .reject, .fail: return count == width
        case .pad: return count > 0 && count <= width
        case .keep: return count > 0
        }
    }

    /// How many cells the record at the window's position has; 0 if it does not end in memory, for example because of an open
    /// quotation mark. The line is in memory.
    private mutating func cells() -> Int {
        defer { fault = nil }
        if case .record = scan() { return fieldCount }
        return 0
    }

    /// The line at the window's position, whatever quotation marks are in it; nil at the end.
    func nextLineInWindow() -> (end: Int, next: Int)? {
        var index = window.position
        while index < window.limit {
            switch terminator(at: index) {
            case .none: index += 1
            case .length(let length): return (index, index + length)
            case .needsMore: index = window.limit
            }
        }
        return window.isComplete && window.position < window.limit ? (window.limit, window.limit) : nil
    }

    private mutating func nextLine() throws(PluginError) -> (end: Int, next: Int)? {
        while true {
            if let line = nextLineInWindow() { return line }
            if window.isComplete { return nil }
            try window.fill()
        }
    }

    /// Notes whether the line that ends at `end` is one of the preamble.
    mutating func lookForPreamble(_ end: Int) {
        let line = text((end: end, next: end))
        frame.saysPreamble = frame.preambleLines.contains { known in
            guard known.count == line.count else { return false }
            for index in 0..<known.count where known[index] != line[index] { return false }
            return true
        }
    }

    /// A record that equals a line of the preamble starts a second export, so the lines after it are not records either.
    func refusePreambleAgain() throws(PluginError) {
        throw PluginError(
            .refused,
            "The line at byte \(recordOffset), after record \(record), says the same as a line of the preamble. Are two exports joined? "
                + "Deliver them one by one.",
            offset: recordOffset)
    }

    // MARK: - Before the first record

    mutating func skipPreamble() throws(PluginError) {
        let start = window.fileOffset
        switch dialect.preamble {
        case .lines(let count):
            for _ in 0..<count {
                guard let line = try nextLine() else { break }
                takePreambleLine(line)
            }
        case .until(let text):
            let glob = Glob(text)
            while true {
                guard let line = try nextLine() else {
                    if let kind = window.kind { throw PluginError(.refused, kind.sentence) }
                    throw PluginError(.refused, "No line fits '\(text)', which starts the table. Is this another kind of file?")
                }
                if glob.matches(self.text(line)) { break }
                takePreambleLine(line)
            }
        }
        let length = window.fileOffset - start
        if length > 0 { output.span(.header, at: start, length: length, name: "preamble") }
    }

    private mutating func takePreambleLine(_ line: (end: Int, next: Int)) {
        if frame.preambleLines.count < Frame.preambleLinesMax, !window.isBlank(window.position, line.end) {
            frame.preambleLines.append(text(line).array)
        }
        switch dialect.header {
        case .present, .replaced: break  // The header shows whether the preamble had the right length.
        case .named, .none:
            if !window.isBlank(window.position, line.end) { frame.preambleCells[cells()] = window.fileOffset }
        }
        window.consume(to: line.next, fileLength: window.fileLength(window.position, line.next))
    }
}
