/// The part of a file that is in memory, as UTF-8, with its place in the original file.
///
/// UTF-8 is read as it is. Other encodings are rewritten as UTF-8 while they are read. One rule then gives every length in the
/// original, without a table. A UTF-16 file has two bytes for each lead byte of UTF-8, and two more if that starts a sequence of
/// four. A one-byte encoding has one. A unit that cannot be decoded becomes the byte FF, which never occurs in UTF-8, and follows
/// the same rule.
@safe
struct TextWindow: ~Copyable {
    /// Readable bytes behind `end`, so that a block can be loaded whole.
    static let slack = 64

    private let input: Input
    private(set) var encoding: TextEncoding
    private(set) var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// The first byte not consumed.
    private(set) var position = 0
    /// One past the last byte in memory.
    private(set) var end = 0
    /// One past the last byte that may be taken: what follows may be the footer.
    private(set) var limit = 0
    /// The whole file is in memory from `position` on.
    private(set) var isComplete = false
    /// Place of `position` in the original file.
    private(set) var fileOffset: UInt64 = 0
    /// Bytes of the original file read.
    private(set) var fileBytesRead: UInt64 = 0
    /// What the file looks like, if that is not delimited text; `open` sets it. Some tables look so, too.
    private(set) var kind: FileKind?
    /// Lines kept back as footer; blank ones do not count.
    private var heldLines = 0
    private let windowBytesMax: Int
    private let terminator: [UInt8]
    /// Bytes of which a blank line may consist: blanks, tabs, delimiters.
    private let blanks: [UInt8]

    private var raw: [UInt8] = []
    private var rawCount = 0

    init(_ input: Input, dialect: Dialect) {
        self.input = input
        encoding = dialect.encoding
        terminator = dialect.terminator.map { Array($0.utf8) } ?? []
        blanks = [0x20, 0x09] + Array(dialect.delimiter.utf8)
        windowBytesMax = dialect.recordBytesMax
        // A small file fits in the first `fill`. To clear more memory for it would cost more than to read it.
        capacity = input.size <= 48 * 1024 ? 72 * 1024 : 256 * 1024
        unsafe memory = .allocate(capacity: capacity + Self.slack)
        unsafe memory.initialize(repeating: 0, count: capacity + Self.slack)
    }

    deinit { unsafe memory.deallocate() }

    /// Decides the encoding and takes a byte order mark. How many bytes that was.
    ///
    /// Errors: `refused` for what is not text at all, or not in the declared encoding.
    mutating func open() throws(PluginError) -> UInt64 {
        let declared = encoding
        encoding = .utf8
        try input.checkCancelled()
        try readMore(until: FileKind.headBytes)
        let head = unsafe Array(UnsafeBufferPointer(start: memory, count: min(end, FileKind.headBytes)))
        if let binary = FileKind.binary(head) { throw PluginError(.refused, binary.sentence, offset: 0) }
        let evidence = EncodingEvidence(head)
        if let contradiction = evidence.contradiction(of: declared) { throw PluginError(.refused, contradiction, offset: 0) }
        let length = evidence.mark?.length ?? 0
        encoding = evidence.mark?.encoding ?? (declared == .automatic ? .utf8 : declared)
        if encoding == .utf8 {
            position = length
        } else {
            // The bytes in memory were read without decoding: decode them again from the start.
            raw = [UInt8](repeating: 0, count: 64 * 1024)
            let count = end - length
            if raw.count < count + 16 { raw = [UInt8](repeating: 0, count: count + 64 * 1024) }
            for index in 0..<count { raw[index] = unsafe memory[length + index] }
            rawCount = count
            end = 0
            decodeRaw()
        }
        fileOffset = UInt64(length)
        kind = unsafe FileKind.text(
            Array(UnsafeBufferPointer(start: memory + position, count: min(end - position, FileKind.headBytes)))[...])
        updateLimit()
        return fileOffset
    }

    /// Reads on, until twice as much is in memory as before, or the file ends.
    ///
    /// Errors: `limit` when a record would be longer than allowed, `input`, `cancelled`.
    mutating func fill() throws(PluginError) {
        try input.checkCancelled()
        let pending = end - position
        if pending > windowBytesMax {
            throw PluginError(
                .limit,
                "A record is longer than \(windowBytesMax) bytes: a quotation mark is open, or the dialect's terminator is wrong.",
                offset: fileOffset)
        }
        if position > 0 {
            unsafe memory.update(from: memory + position, count: pending)
            position = 0
            end = pending
        }
        try readMore(until: max(pending * 2, 64 * 1024))
        updateLimit()
        input.progress(fileBytesRead)
    }

    /// Takes bytes up to `newPosition`, which are `fileLength` bytes of the file.
    mutating func consume(to newPosition: Int, fileLength: UInt64) {
        position = newPosition
        fileOffset += fileLength
    }

    /// How many bytes of the file the memory `low ..< high` was.
    func fileLength(_ low: Int, _ high: Int) -> UInt64 {
        switch encoding {
        case .utf8, .automatic:
            return UInt64(high - low)
        case .latin1, .windows1252:
            var count: UInt64 = 0
            for index in low..<high where unsafe memory[index] & 0xC0 != 0x80 { count += 1 }
            return count
        case .utf16LittleEndian, .utf16BigEndian:
            var count: UInt64 = 0
            for index in low..<high {
                let byte = unsafe memory[index]
                if byte & 0xC0 != 0x80 { count += byte >= 0xF0 && byte < 0xF8 ? 4 : 2 }
            }
            // An odd last byte of the file counts as two here.
            return isComplete && high == end ? min(count, fileBytesRead - fileOffset - fileLengthBefore(low)) : count
        }
    }

    private func fileLengthBefore(_ low: Int) -> UInt64 { low == position ? 0 : fileLength(position, low) }

    // MARK: - Reading

    private mutating func readMore(until wanted: Int) throws(PluginError) {
        while !isComplete, end - position < wanted {
            if encoding == .utf8 || encoding == .automatic {
                if capacity - end < 4096 || capacity < wanted { grow(to: max(capacity * 2, wanted)) }
                let count = try unsafe input.read(into: UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end))
                if count == 0 { isComplete = true }
                end += count
                fileBytesRead += UInt64(count)
            } else {
                let start = rawCount
                let count = try readRaw(from: start)
                if count == 0 { isComplete = true }
                rawCount += count
                fileBytesRead += UInt64(count)
                decodeRaw()
            }
        }
    }

    private mutating func readRaw(from start: Int) throws(PluginError) -> Int {
        var count = 0
        var failure: PluginError?
        unsafe raw.withUnsafeMutableBytes { bytes in
            do throws(PluginError) {
                count = try unsafe input.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
            } catch { failure = error }
        }
        if let failure { throw failure }
        return count
    }

    private mutating func grow(to larger: Int) {
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger + Self.slack)
        unsafe fresh.update(from: memory, count: end)
        unsafe (fresh + end).initialize(repeating: 0, count: larger + Self.slack - end)
        unsafe memory.deallocate()
        unsafe memory = fresh
        capacity = larger
    }

    // MARK: - Decoding

    /// Moves what can be decoded from `raw` to memory; keeps a unit or a pair that is not whole yet.
    private mutating func decodeRaw() {
        if capacity - end < rawCount * 3 + 8 { grow(to: max(capacity * 2, end + rawCount * 3 + 8)) }
        var taken = 0
        switch encoding {
        case .latin1, .windows1252:
            for index in 0..<rawCount { put(single(raw[index])) }
            taken = rawCount
        default:
            taken = decodeUnits()
        }
        for index in taken..<max(taken, rawCount) { raw[index - taken] = raw[index] }
        rawCount -= taken
    }

    private mutating func decodeUnits() -> Int {
        let high = encoding == .utf16BigEndian ? 0 : 1
        var index = 0
        while index + 2 <= rawCount {
            let unit = UInt32(raw[index + high]) << 8 | UInt32(raw[index + 1 - high])
            guard unit & 0xF800 == 0xD800 else {
                put(unit)
                index += 2
                continue
            }
            guard unit < 0xDC00 else {
                putBroken()
                index += 2
                continue
            }
            guard index + 4 <= rawCount else {
                guard isComplete else { return index }
                putBroken()
                index += 2
                continue
            }
            let low = UInt32(raw[index + 2 + high]) << 8 | UInt32(raw[index + 3 - high])
            if low & 0xFC00 == 0xDC00 {
                put(0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF))
                index += 4
            } else {
                putBroken()
                index += 2
            }
        }
        if isComplete, index < rawCount {  // Half a unit at the end of the file.
            putBroken()
            index = rawCount
        }
        return index
    }

    private mutating func put(_ scalar: UInt32) {
        switch scalar {
        case 0..<0x80:
            putByte(UInt8(scalar))
        case 0x80..<0x800:
            putByte(UInt8(0xC0 | scalar >> 6))
            putByte(UInt8(0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            putByte(UInt8(0xE0 | scalar >> 12))
            putByte(UInt8(0x80 | scalar >> 6 & 0x3F))
            putByte(UInt8(0x80 | scalar & 0x3F))
        case 0x10000..<0x110000:
            putByte(UInt8(0xF0 | scalar >> 18))
            putByte(UInt8(0x80 | scalar >> 12 & 0x3F))
            putByte(UInt8(0x80 | scalar >> 6 & 0x3F))
            putByte(UInt8(0x80 | scalar & 0x3F))
        default:
            putBroken()
        }
    }

    private mutating func putByte(_ byte: UInt8) {
        unsafe memory[end] = byte
        end += 1
    }

    private mutating func putBroken() { putByte(0xFF) }

    private func single(_ byte: UInt8) -> UInt32 {
        guard encoding == .windows1252, (0x80...0x9F).contains(byte) else { return UInt32(byte) }
        return Self.windows1252[Int(byte - 0x80)]
    }

    /// The upper control block of Windows-1252; the five bytes it does not define are out of Unicode's range, so not decodable.
    private static let windows1252: [UInt32] = [
        0x20AC, .max, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, .max, 0x017D, .max,
        .max, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, .max, 0x017E,
        0x0178,
    ]

    // MARK: - Footer

    /// From now on keeps back the last `lines` lines that are not blank; 0: keeps back nothing.
    mutating func hold(lines: Int) {
        heldLines = lines
        updateLimit()
    }

    /// Whether the line `low ..< high` has nothing but blanks and delimiters.
    func isBlank(_ low: Int, _ high: Int) -> Bool {
        for index in low..<max(low, high) where unsafe !blanks.contains(memory[index]) { return false }
        return true
    }

    /// Until the file is complete one line more is kept, since the last may not be whole yet.
    private mutating func updateLimit() {
        guard heldLines > 0 else {
            limit = end
            return
        }
        var cut = end
        var lines = 0
        // The terminator at the very end of a complete file closes the last line; it starts no other.
        if isComplete, let start = terminatorStart(endingAt: cut) { cut = start }
        var lineEnd = cut
        while cut > position {
            guard let start = terminatorStart(endingAt: cut) else {
                cut -= 1
                continue
            }
            if !isBlank(cut, lineEnd) { lines += 1 }
            if lines == heldLines + (isComplete ? 0 : 1) {
                limit = cut
                return
            }
            cut = start
            lineEnd = start
        }
        limit = position
    }

    /// Where the terminator starts whose last byte is just before `index`; nil if there is none.
    private func terminatorStart(endingAt index: Int) -> Int? {
        guard index > position else { return nil }
        if !terminator.isEmpty {
            let start = index - terminator.count
            guard start >= position else { return nil }
            for offset in 0..<terminator.count where unsafe memory[start + offset] != terminator[offset] { return nil }
            return start
        }
        let last = unsafe memory[index - 1]
        if last == 0x0A { return unsafe index - 2 >= position && memory[index - 2] == 0x0D ? index - 2 : index - 1 }
        return last == 0x0D ? index - 1 : nil
    }
}
