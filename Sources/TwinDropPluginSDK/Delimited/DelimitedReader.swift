/// Reads delimited text record by record, in constant memory.
///
///     var reader = try DelimitedReader(input, dialect: dialect, output: output)
///     guard let name = reader.column("name") else { … }
///     while try reader.next() {
///         output.set(nameKey, to: reader[name])
///     }
///
/// It accounts for every byte of the file: `next` starts each record with `Output.record`, and headers, footers, blank lines and
/// comments become spans. A record that breaks the dialect is rejected (or refuses the file, as the dialect says) and not shown.
///
/// How it goes, per record:
/// 1. Load 32 bytes; compare them with delimiter, line ends, quotation mark and escape at once; make one bit of each hit.
/// 2. Take the hits from left to right: a delimiter ends a field, a line end the record.
/// 3. A quotation mark at the start of a field leaves this path: its end is found with `memchr`, then 1. goes on behind it.
/// 4. Fields are places in the window, not copies. Doubled quotation marks and escapes are taken out in place, when there are
///    any.
@safe
public struct DelimitedReader: ~Copyable {
    /// Where a field is in the window, and what must be done to it.
    @usableFromInline @frozen
    struct Slot {
        @usableFromInline var start: UInt32
        /// The upper three bits are flags.
        @usableFromInline var end: UInt32

        @usableFromInline static let mask: UInt32 = 0x1FFF_FFFF
        static let quoted: UInt32 = 0x8000_0000
        static let escaped: UInt32 = 0x4000_0000
        /// Text follows the closing quotation mark: the slot holds the marks, too.
        static let mixed: UInt32 = 0x2000_0000

        @usableFromInline
        init(start: UInt32, end: UInt32) {
            self.start = start
            self.end = end
        }

        @inline(__always)
        init(_ start: Int, _ end: Int, _ flags: UInt32) {
            self.start = UInt32(truncatingIfNeeded: start)
            self.end = UInt32(truncatingIfNeeded: end) | flags
        }
    }

    /// The names of the columns; empty when the dialect has none.
    public private(set) var columns: [String] = []
    /// Cells of the current record.
    public internal(set) var fieldCount = 0
    /// Number of the current record, from 1; refused records count, too.
    public internal(set) var record: UInt64 = 0
    /// Place of the current record in the file.
    public internal(set) var recordOffset: UInt64 = 0
    /// Its bytes, terminator included.
    public internal(set) var recordLength: UInt64 = 0

    @usableFromInline var slots: UnsafeMutablePointer<Slot>
    @usableFromInline var base: UnsafePointer<UInt8>

    var window: TextWindow
    let dialect: Dialect
    let marks: DialectMarks
    let output: Output
    var fault: RecordFault?
    var needsCheck = false
    var hasFlags = false
    /// Cells a record must have; 0 while unknown.
    var width = 0
    private var pendingBlank: (offset: UInt64, length: UInt64)?
    private let footerGlob: Glob?

    /// Opens the input: takes byte order mark, preamble and header.
    ///
    /// Errors: `settings` when the dialect contradicts itself; `refused` when the header is missing or unusable, with the byte.
    public init(_ input: Input, dialect: Dialect, output: Output) throws(PluginError) {
        self.dialect = dialect
        self.output = output
        marks = DialectMarks(dialect)
        if case .from(let glob) = dialect.footer { footerGlob = Glob(glob) } else { footerGlob = nil }
        unsafe slots = .allocate(capacity: max(0, min(dialect.columnsMax, 100_000)) + 1)
        var heldLines = 0
        if case .lines(let lines) = dialect.footer { heldLines = lines }
        window = TextWindow(
            input, encoding: dialect.encoding, heldLines: heldLines, recordBytesMax: dialect.recordBytesMax,
            terminator: dialect.terminator)
        unsafe base = UnsafePointer(window.memory)
        try dialect.check()
        let markLength = try window.open()
        if markLength > 0 { output.span(.header, at: 0, length: markLength, name: "byte order mark") }
        try skipPreamble()
        try readHeader()
    }

    deinit {
        unsafe slots.deallocate()
        marks.free()
    }

    /// The cell at `index`, from 0: empty where the record has fewer. Valid until `next` is called.
    @inlinable
    public subscript(index: Int) -> Bytes {
        @inline(__always)
        get {
            guard index < fieldCount else { return .empty }
            let slot = unsafe slots[index]
            return unsafe Bytes(start: base + Int(slot.start), count: Int(slot.end & Slot.mask) - Int(slot.start))
        }
    }

    /// True when the cell stood in quotation marks.
    public func isQuoted(_ index: Int) -> Bool {
        guard index < fieldCount else { return false }
        return unsafe slots[index].end & Slot.quoted != 0
    }

    /// The index of the column called `name`, byte by byte the same; nil when there is none.
    public func column(_ name: String) -> Int? {
        columns.firstIndex { $0.utf8.elementsEqual(name.utf8) }
    }

    /// The index of the column called `name`.
    ///
    /// Errors: kind `refused` when there is none, with the names there are.
    public func requiredColumn(_ name: String) throws(PluginError) -> Int {
        if let index = column(name) { return index }
        let shown = columns.prefix(40).joined(separator: ", ") + (columns.count > 40 ? " …" : "")
        throw PluginError(.refused, "The file has no column '\(name)'. Its columns are: \(shown).")
    }

    /// Goes to the next good record; false at the end of the file.
    ///
    /// Errors: `refused` for damage that cannot be limited to one record (an open quotation mark) or that the dialect says
    /// refuses the file; `limit`, `input`, `cancelled`.
    public mutating func next() throws(PluginError) -> Bool {
        while try locate() {
            record += 1
            output.record(at: recordOffset, length: recordLength)
            if fault == nil { finishRecord() }
            guard let fault else { return true }
            try refuse(fault)
        }
        fieldCount = 0
        return false
    }

    // MARK: - Finding records

    /// Finds the next record and takes its bytes; comments, blank lines and the footer are accounted for on the way.
    private mutating func locate() throws(PluginError) -> Bool {
        while true {
            if marks.comment.count > 0 || footerGlob != nil, try takeLineApart() { continue }
            fault = nil
            switch scan() {
            case .needsMore:
                try window.fill()
                continue
            case .end:
                flushBlank()
                let rest = window.fileLength(window.position, window.end)
                if rest > 0 { output.span(.footer, at: window.fileOffset, length: rest, name: "footer") }
                window.consume(to: window.end, fileLength: rest)
                return false
            case .openQuote(let at):
                throw PluginError(
                    .refused, "A quotation mark is never closed. Correct the export, or choose another quoting in the dialect.",
                    offset: fileOffset(of: at))
            case .record(let end, let next):
                let length = window.fileLength(window.position, next)
                let offset = window.fileOffset
                if end == window.position, dialect.blankLines == .skip {
                    pendingBlank = (pendingBlank?.offset ?? offset, (pendingBlank?.length ?? 0) + length)
                    window.consume(to: next, fileLength: length)
                    continue
                }
                flushBlank()
                checkText(end)
                (recordOffset, recordLength) = (offset, length)
                unsafe base = UnsafePointer(window.memory)
                window.consume(to: next, fileLength: length)
                return true
            }
        }
    }

    private mutating func flushBlank() {
        guard let blank = pendingBlank else { return }
        output.span(.remainder, at: blank.offset, length: blank.length, name: "blank lines")
        pendingBlank = nil
    }

    /// Looks at the next line before quotation marks mean anything in it. True when it was a comment or the footer.
    private mutating func takeLineApart() throws(PluginError) -> Bool {
        guard let line = try nextLine() else { return false }
        let text = unsafe Bytes(start: UnsafePointer(window.memory) + window.position, count: line.end - window.position)
        if marks.comment.count > 0, text.prefix(marks.comment.count) == marks.comment {
            flushBlank()
            let length = window.fileLength(window.position, line.next)
            output.span(.remainder, at: window.fileOffset, length: length, name: "comment")
            window.consume(to: line.next, fileLength: length)
            return true
        }
        guard let glob = footerGlob, glob.matches(text) else { return false }
        flushBlank()
        let start = window.fileOffset
        var length: UInt64 = 0
        repeat {
            let part = window.fileLength(window.position, window.end)
            length += part
            window.consume(to: window.end, fileLength: part)
            if !window.isComplete { try window.fill() }
        } while window.position < window.end || !window.isComplete
        output.span(.footer, at: start, length: length, name: "footer")
        return true
    }

    /// The line at the window's position, whatever quotation marks are in it; nil at the end.
    private mutating func nextLine() throws(PluginError) -> (end: Int, next: Int)? {
        while true {
            var index = window.position
            while index < window.limit {
                switch terminator(at: index) {
                case .none: index += 1
                case .length(let length): return (index, index + length)
                case .needsMore: index = window.limit
                }
            }
            if window.isComplete { return window.position < window.limit ? (window.limit, window.limit) : nil }
            try window.fill()
        }
    }

    // MARK: - Before the first record

    private mutating func skipPreamble() throws(PluginError) {
        let start = window.fileOffset
        switch dialect.preamble {
        case .lines(let count):
            for _ in 0..<count {
                guard let line = try nextLine() else { break }
                window.consume(to: line.next, fileLength: window.fileLength(window.position, line.next))
            }
        case .until(let text):
            let glob = Glob(text)
            while true {
                guard let line = try nextLine() else {
                    throw PluginError(.refused, "No line fits '\(text)', which starts the table. Is this another kind of file?")
                }
                let bytes = unsafe Bytes(start: UnsafePointer(window.memory) + window.position, count: line.end - window.position)
                if glob.matches(bytes) { break }
                window.consume(to: line.next, fileLength: window.fileLength(window.position, line.next))
            }
        }
        let length = window.fileOffset - start
        if length > 0 { output.span(.header, at: start, length: length, name: "preamble") }
    }

    private mutating func readHeader() throws(PluginError) {
        switch dialect.header {
        case .none: return
        case .named(let names): columns = names
        case .present, .replaced:
            guard try locate() else { throw PluginError(.refused, "The file has no header line.") }
            if fault == nil { finishRecord(isHeader: true) }
            if let fault {
                throw PluginError(.refused, "The header is unusable: \(fault.message)", offset: fault.offset)
            }
            output.span(.header, at: recordOffset, length: recordLength, name: "header")
            if case .replaced(let names) = dialect.header {
                guard fieldCount == names.count || dialect.ragged == .keep || dialect.ragged == .pad else {
                    throw PluginError(
                        .refused, "The header has \(fieldCount) columns; the settings name \(names.count).", offset: recordOffset)
                }
                columns = names
            } else {
                columns = try headerNames()
            }
        }
        width = columns.count
    }

    private func headerNames() throws(PluginError) -> [String] {
        var names: [String] = []
        var seen: Set<[UInt8]> = []
        for index in 0..<fieldCount {
            var name = self[index].trimmed.text
            if name.isEmpty {
                guard dialect.blankHeaders == .number else {
                    throw PluginError(
                        .refused,
                        "Column \(index + 1) has no name. Set blankHeaders: number, or name the columns in the settings.",
                        offset: recordOffset)
                }
                name = "column_\(index + 1)"
            }
            if seen.contains(Array(name.utf8)) {
                guard dialect.duplicateHeaders == .number else {
                    throw PluginError(
                        .refused, "Two columns are called '\(name)'. Set duplicateHeaders: number, or name the columns.",
                        offset: recordOffset)
                }
                var number = 2
                while seen.contains(Array("\(name)_\(number)".utf8)) { number += 1 }
                name = "\(name)_\(number)"
            }
            seen.insert(Array(name.utf8))
            names.append(name)
        }
        return names
    }
}
