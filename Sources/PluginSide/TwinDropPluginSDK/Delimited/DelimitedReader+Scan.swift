internal import Glibc

/// The special characters of a dialect, in the form that the scanner needs.
@safe
struct DialectMarks {
    let delimiter: Bytes
    /// Empty: LF, CR LF and CR.
    let terminator: Bytes
    let comment: Bytes
    let quote: UInt8
    let escape: UInt8
    let quotes: Bool
    let escapes: Bool
    let isLenient: Bool
    let skipsBlanks: Bool
    /// First bytes of all marks. Unused marks have the delimiter's byte.
    let first: (UInt8, UInt8, UInt8, UInt8, UInt8)

    init(_ dialect: Dialect) {
        delimiter = Bytes(kept: dialect.delimiter.isEmpty ? "," : dialect.delimiter)  // `check` refuses an empty one.
        terminator = Bytes(kept: dialect.terminator ?? "")
        comment = Bytes(kept: dialect.comment ?? "")
        quote = dialect.quote
        escape = dialect.escape
        quotes = dialect.quoting != .none
        escapes = dialect.quoting == .backslash
        isLenient = dialect.quoting == .lenient
        skipsBlanks = dialect.trim != .none
        let line: (UInt8, UInt8) = terminator.isEmpty ? (0x0A, 0x0D) : (terminator[0], terminator[0])
        first = (delimiter[0], line.0, line.1, quotes ? quote : delimiter[0], escapes ? escape : delimiter[0])
    }

    /// Frees the texts; the reader does it when it ends.
    func free() {
        delimiter.freeKept()
        terminator.freeKept()
        comment.freeKept()
    }
}

extension DelimitedReader {
    /// The result of a scan of the window.
    enum Outcome {
        case record(end: Int, next: Int)
        case needsMore
        case end
        case openQuote(at: Int)
    }

    enum Mark {
        case none
        case length(Int)
        case needsMore
    }

    private enum Closing {
        /// The closing mark is at `at`; `flags` say what is in the field.
        case closed(at: Int, flags: UInt32)
        case needsMore
        case open
    }

    /// The result at a quotation mark that opens a cell.
    private enum QuotedCell {
        case cell(Slot, next: Int)
        case last(Slot, end: Int, next: Int)
        case textFollows(next: Int)
        case needsMore
        case open
    }

    private typealias Block = SIMD32<UInt8>

    /// How far the splitting of a record is.
    private struct Cut {
        var fieldStart: Int
        /// Cells cut.
        var count = 0
        /// Of the current cell.
        var flags: UInt32 = 0
        /// Where the next block is loaded.
        var block: Int
    }

    /// What a rare mark came to.
    private enum Step {
        /// The mark means nothing here.
        case ignore
        /// Load a block at `Cut.block`.
        case reload
        case done(Outcome)
    }

    /// Splits the record at the window's position into slots. Only reads: a record that is not complete is split again later.
    mutating func scan() -> Outcome {
        let memory = unsafe UnsafePointer(window.memory)
        let limit = window.limit
        guard window.position < limit else { return window.isComplete ? .end : .needsMore }
        let first = marks.first
        let isPlain = marks.delimiter.count == 1
        let slots = unsafe slots
        let columnsMax = dialect.columnsMax
        let delimiters = Block(repeating: first.0)
        let lines = Block(repeating: first.1)
        let returns = Block(repeating: first.2)
        let quotes = Block(repeating: first.3)
        let escapes = Block(repeating: first.4)
        let ones = SIMD32<Int8>(repeating: 1)
        var suspects = SIMDMask<SIMD32<Int8>>(repeating: false)
        var cut = Cut(fieldStart: window.position, block: window.position)
        needsCheck = false
        hasFlags = false

        blocks: while cut.block < limit {
            let bytes = unsafe UnsafeRawPointer(memory + cut.block).loadUnaligned(as: Block.self)
            let signed = unsafe unsafeBitCast(bytes, to: SIMD32<Int8>.self)
            suspects .|= signed .< ones  // NUL, or no ASCII.
            let ends = (bytes .== delimiters) .| (bytes .== lines) .| (bytes .== returns)
            var mask = Self.bits(ends .| (bytes .== quotes) .| (bytes .== escapes))
            while mask != 0 {
                let at = cut.block &+ mask.trailingZeroBitCount
                mask &= mask &- 1
                if at >= limit { break blocks }
                let byte = unsafe memory[at]
                if byte == first.0, isPlain {
                    unsafe slots[cut.count] = Slot(cut.fieldStart, at, cut.flags)
                    cut.count &+= 1
                    if cut.count >= columnsMax { return skipWideRecord(from: at) }
                    cut.flags = 0
                    cut.fieldStart = at &+ 1
                    continue
                }
                if byte == first.1 || byte == first.2 {
                    switch terminator(at: at) {
                    case .none: continue
                    case .needsMore: return .needsMore
                    case .length(let length):
                        unsafe slots[cut.count] = Slot(cut.fieldStart, at, cut.flags)
                        fieldCount = cut.count &+ 1
                        needsCheck = needsCheck || Self.bits(suspects) != 0
                        return .record(end: at, next: at &+ length)
                    }
                }
                var next = cut  // A copy, so that the loop's variable stays in registers.
                switch unsafe takeRareMark(byte, at, &next, memory) {
                case .ignore: continue
                case .done(let outcome): return outcome
                case .reload:
                    cut = next
                    continue blocks
                }
            }
            cut.block &+= 32
        }
        guard window.isComplete else { return .needsMore }
        if endsInTerminator(limit) { note(.cutOff, limit, column: cut.count) }
        unsafe slots[cut.count] = Slot(cut.fieldStart, limit, cut.flags)
        fieldCount = cut.count + 1
        needsCheck = true
        return .record(end: limit, next: limit)
    }

    /// A delimiter of several bytes, an escape or a quotation mark at `at`.
    private mutating func takeRareMark(_ byte: UInt8, _ at: Int, _ cut: inout Cut, _ memory: UnsafePointer<UInt8>) -> Step {
        if byte == marks.first.0 {
            switch mark(marks.delimiter, at: at) {
            case .none: return .ignore
            case .needsMore: return .done(.needsMore)
            case .length(let length):
                let slot = Slot(cut.fieldStart, at, cut.flags)
                return append(slot, &cut, next: at + length)
            }
        }
        needsCheck = true
        if marks.escapes, byte == marks.escape {
            guard at + 1 < window.limit else {
                guard window.isComplete else { return .done(.needsMore) }
                note(.cutOff, at, column: cut.count)
                return .ignore
            }
            hasFlags = true
            cut.flags |= Slot.escaped
            cut.block = at + 2
            return .reload
        }
        guard cut.flags & Slot.mixed == 0 else { return .ignore }
        guard unsafe startsField(at, cut.fieldStart, memory) else {
            if !marks.isLenient, !marks.escapes { note(.strayQuote, at, column: cut.count) }
            return .ignore
        }
        hasFlags = true
        switch unsafe quotedCell(at: at, memory) {
        case .needsMore: return .done(.needsMore)
        case .open: return .done(.openQuote(at: at))
        case .cell(let slot, let next): return append(slot, &cut, next: next)
        case .last(let slot, let end, let next):
            unsafe slots[cut.count] = slot
            fieldCount = cut.count + 1
            return .done(.record(end: end, next: next))
        case .textFollows(let next):
            if !marks.isLenient {
                note(.textAfterQuote, next, column: cut.count)
            } else if hasLineEnd(at, next) {
                note(.openCell, at, column: cut.count)
            }
            cut.fieldStart = at
            cut.flags = Slot.quoted | Slot.mixed
            cut.block = next
            return .reload
        }
    }

    /// Whether a record could end within `low ..< high`.
    private func hasLineEnd(_ low: Int, _ high: Int) -> Bool {
        for index in low..<high { if case .length = terminator(at: index) { return true } }
        return false
    }

    private mutating func append(_ slot: Slot, _ cut: inout Cut, next: Int) -> Step {
        unsafe slots[cut.count] = slot
        cut.count += 1
        if cut.count >= dialect.columnsMax { return .done(skipWideRecord(from: next)) }
        cut.flags = 0
        cut.fieldStart = next
        cut.block = next
        return .reload
    }

    /// One bit for each hit. There is no instruction for it in the portable vector types, but a multiplication does eight at a
    /// time: with bytes of 0 or 1, the product's upper byte has the bit of byte i at place i.
    @inline(__always)
    private static func bits(_ hits: SIMDMask<SIMD32<Int8>>) -> UInt32 {
        let words = unsafe unsafeBitCast(hits, to: SIMD4<UInt64>.self) & SIMD4(repeating: 0x0101_0101_0101_0101)
        let magic: UInt64 = 0x0102_0408_1020_4080
        let low = (words[0] &* magic) >> 56 | ((words[1] &* magic) >> 56) << 8
        let high = (words[2] &* magic) >> 56 | ((words[3] &* magic) >> 56) << 8
        return UInt32(truncatingIfNeeded: low | high << 16)
    }

    /// Whether the mark at `at` opens a field that starts at `fieldStart`; with trimming, blanks may be before it.
    private func startsField(_ at: Int, _ fieldStart: Int, _ memory: UnsafePointer<UInt8>) -> Bool {
        if at == fieldStart { return true }
        guard marks.skipsBlanks else { return false }
        for index in fieldStart..<at where unsafe memory[index] != 0x20 && memory[index] != 0x09 { return false }
        return true
    }

    /// The cell whose opening mark is at `at`, up to the delimiter or terminator behind it.
    private func quotedCell(at: Int, _ memory: UnsafePointer<UInt8>) -> QuotedCell {
        let limit = window.limit
        switch unsafe closing(from: at + 1, memory) {
        case .needsMore: return .needsMore
        case .open: return window.isComplete ? .open : .needsMore
        case .closed(let close, let flags):
            var next = close + 1
            // A tab may be the delimiter itself.
            if marks.skipsBlanks {
                while next < limit, unsafe (memory[next] == 0x20 || memory[next] == 0x09) && memory[next] != marks.first.0 {
                    next += 1
                }
            }
            let slot = Slot(start: UInt32(at + 1), end: UInt32(close) | Slot.quoted | flags)
            guard next < limit else { return window.isComplete ? .last(slot, end: limit, next: limit) : .needsMore }
            switch mark(marks.delimiter, at: next) {
            case .length(let length): return .cell(slot, next: next + length)
            case .needsMore: return .needsMore
            case .none: break
            }
            switch terminator(at: next) {
            case .length(let length): return .last(slot, end: next, next: next + length)
            case .needsMore: return .needsMore
            case .none: return .textFollows(next: close + 1)
            }
        }
    }

    /// Finds the quotation mark that closes a field whose content starts at `index`.
    private func closing(from index: Int, _ memory: UnsafePointer<UInt8>) -> Closing {
        var index = index
        var flags: UInt32 = 0
        let limit = window.limit
        while index < limit {
            if marks.escapes {
                while index < limit, unsafe memory[index] != marks.quote {
                    if unsafe memory[index] == marks.escape {
                        flags = Slot.escaped
                        index += 1
                    }
                    index += 1
                }
                return index < limit ? .closed(at: index, flags: flags) : .open
            }
            guard let found = unsafe memchr(memory + index, CInt(marks.quote), limit - index) else { return .open }
            let at = unsafe UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - memory
            guard at + 1 < limit else { return window.isComplete ? .closed(at: at, flags: flags) : .needsMore }
            guard unsafe memory[at + 1] == marks.quote else { return .closed(at: at, flags: flags) }
            flags = Slot.escaped
            index = at + 2
        }
        return .open
    }

    /// Whether the bytes of `mark` are at `at`.
    func mark(_ mark: Bytes, at: Int) -> Mark {
        for offset in 0..<mark.count {
            guard at + offset < window.limit else { return window.isComplete ? .none : .needsMore }
            if unsafe window.memory[at + offset] != mark[offset] { return .none }
        }
        return .length(mark.count)
    }

    /// Whether a record ends at `at`, and how long its terminator is.
    @inline(__always)
    func terminator(at: Int) -> Mark {
        guard marks.terminator.isEmpty else { return mark(marks.terminator, at: at) }
        guard at < window.limit else { return .none }
        let byte = unsafe window.memory[at]
        if byte == 0x0A { return .length(1) }
        guard byte == 0x0D else { return .none }
        guard at + 1 < window.limit else { return window.isComplete ? .length(1) : .needsMore }
        return unsafe .length(window.memory[at + 1] == 0x0A ? 2 : 1)
    }

    /// Whether what is in memory ends with the first bytes of a terminator of several.
    private func endsInTerminator(_ limit: Int) -> Bool {
        let count = marks.terminator.count
        guard count > 1 else { return false }
        for length in 1..<count where limit - length >= window.position {
            var isThere = true
            for offset in 0..<length where unsafe window.memory[limit - length + offset] != marks.terminator[offset] {
                isThere = false
            }
            if isThere { return true }
        }
        return false
    }

    /// The end of a record with too many columns, by its terminator only.
    private mutating func skipWideRecord(from at: Int) -> Outcome {
        note(.tooManyColumns, at, column: dialect.columnsMax)
        fieldCount = 0
        var index = at
        while index < window.limit {
            switch terminator(at: index) {
            case .none: index += 1
            case .needsMore: return .needsMore
            case .length(let length): return .record(end: index, next: index + length)
            }
        }
        return window.isComplete ? .record(end: index, next: index) : .needsMore
    }
}
