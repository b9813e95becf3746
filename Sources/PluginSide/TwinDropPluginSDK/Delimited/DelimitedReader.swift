/// Reads delimited text record by record, in constant memory.
///
///     var reader = try DelimitedReader(input, dialect: dialect, output: output)
///     guard let name = reader.column("name") else { … }
///     while try reader.next() {
///         output.set(nameKey, to: reader[name])
///     }
///
/// It accounts for every byte of the file: `next` starts each record with `Output.record`, and headers, footers, blank lines and
/// comments become spans. A record that breaks the dialect is rejected (or refuses the file, if the dialect says so) and not
/// returned. The reader never skips something that may be a record (docs/decisions/0024).
///
/// How it goes, per record:
/// 1. Load 32 bytes; compare them with delimiter, line ends, quotation mark and escape at once; make one bit of each hit.
/// 2. Take the hits from left to right: a delimiter ends a field, a line end the record.
/// 3. A quotation mark at the start of a field leaves this path: its end is found with `memchr`, then 1. continues after it.
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
    public internal(set) var columns: [String] = []
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
    /// What is known of preamble, header and footer.
    var frame: Frame
    /// How a repeated header is distinguished from a record.
    var header = HeaderWatch()

    /// Opens the input: takes byte order mark, preamble and header.
    ///
    /// Errors: `settings` when the dialect contradicts itself; `refused` when the header is missing or unusable, with the byte.
    public init(_ input: Input, dialect: Dialect, output: Output) throws(PluginError) {
        self.dialect = dialect
        self.output = output
        marks = DialectMarks(dialect)
        frame = Frame(dialect)
        unsafe slots = .allocate(capacity: max(0, min(dialect.columnsMax, 100_000)) + 1)
        window = TextWindow(input, dialect: dialect)
        unsafe base = UnsafePointer(window.memory)
        try dialect.check()
        let markLength = try window.open()
        if markLength > 0 { output.span(.header, at: 0, length: markLength, name: "byte order mark") }
        try skipPreamble()
        try readHeader()
        if case .lines(let lines) = dialect.footer { window.hold(lines: lines) }
    }

    deinit {
        unsafe slots.deallocate()
        marks.free()
    }

    /// The cell at `index`, from 0: empty if the record has fewer. Valid until `next` is called.
    @inlinable
    public subscript(index: Int) -> Bytes {
        @inline(__always)
        get {
            guard index < fieldCount else { return .empty }
            let slot = unsafe slots[index]
            return unsafe Bytes(start: base + Int(slot.start), count: Int(slot.end & Slot.mask) - Int(slot.start))
        }
    }

    /// True when the cell had quotation marks.
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
        throw missingColumn(name)
    }

    /// The error for a missing column. It says which columns the file has, and what may be wrong: another delimiter, a name that
    /// differs in invisible characters, another kind of file.
    public func missingColumn(_ name: String) -> PluginError {
        let advice = ColumnAdvice(
            columns: columns, header: header.line, delimiter: dialect.delimiter, kind: window.kind)
        return advice.missing(name)
    }

    /// Goes to the next good record; false at the end of the file.
    ///
    /// Errors: `refused` for damage that cannot be limited to one record (an open quotation mark, a header or footer where none
    /// may be) or that the dialect says refuses the file; `limit`, `input`, `cancelled`.
    public mutating func next() throws(PluginError) -> Bool {
        while try locate() {
            if fault == nil { finishRecord() }
            if fault == nil, isLikeHeader, try takeRepeatedHeader() { continue }
            if frame.saysPreamble, fault == nil { try refusePreambleAgain() }
            if frame.isDoubted { noteDoubt() }
            record += 1
            output.record(at: recordOffset, length: recordLength)
            guard let fault else {
                if frame.keepsShape { frame.recordShape = Frame.shape(of: self[0], stop: marks.delimiter[0]) }
                return true
            }
            try refuse(fault)
        }
        fieldCount = 0
        return false
    }

    // MARK: - Finding records

    /// Finds the next record and takes its bytes; comments, blank lines and the footer are accounted for on the way.
    mutating func locate() throws(PluginError) -> Bool {
        while true {
            if unsafe window.memory[window.position] == 0xEF, try takeMark() { continue }
            if frame.looksAtLines, try takeLineApart() { continue }
            fault = nil
            switch scan() {
            case .needsMore:
                try window.fill()
                continue
            case .end:
                if startTail() { continue }
                flushParts()
                try checkFooter()
                return false
            case .openQuote(let at):
                throw openQuote(at)
            case .record(let end, let next):
                let length = window.fileLength(window.position, next)
                let offset = window.fileOffset
                if end == window.position, dialect.blankLines == .skip {
                    addPart(.blank, at: offset, length: length)
                    window.consume(to: next, fileLength: length)
                    continue
                }
                if frame.pending != nil { flushParts() }
                if !frame.preambleLines.isEmpty { lookForPreamble(end) }
                checkText(end)
                (recordOffset, recordLength) = (offset, length)
                unsafe base = UnsafePointer(window.memory)
                window.consume(to: next, fileLength: length)
                return true
            }
        }
    }
}
