import DropCore

/// Reads `chain.log` line by line, in constant memory, and says whether each line is whole.
struct ChainReader {
    /// One line, or the bytes in the place of a line.
    struct Line {
        /// First byte in the file, and the number of bytes with the newline.
        let offset: UInt64
        let bytes: UInt64
        /// The record's text if length and checksum fit; nil if the line is damaged.
        let text: ArraySlice<UInt8>?
        /// The line has its newline.
        let isEnded: Bool
        /// A damaged line holds NUL bytes: pages that never reached the medium.
        let hasNUL: Bool

        var end: UInt64 { offset + bytes }
    }

    private static let blockBytes = 1 << 20

    private let file: StorageFile
    private var position: UInt64
    let end: UInt64
    private var buffer: [UInt8] = []
    private var at = 0
    private var loaded: UInt64

    /// Reads from `offset`, the start of a line, up to the size the file has now, or to `end` when that comes first.
    init(_ file: StorageFile, from offset: UInt64 = 0, end: UInt64? = nil) throws(DropError) {
        self.file = file
        position = offset
        loaded = offset
        self.end = min(try file.size(), end ?? .max)
    }

    /// Nil at the end.
    mutating func next() throws(DropError) -> Line? {
        guard position < end else { return nil }
        var searched = at
        while true {
            if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                return take(through: newline, isEnded: true)
            }
            searched = buffer.count - at
            let lineIsTooLong = buffer.count - at > ChainLine.textBytesMax + ChainLine.prefixBytes
            guard loaded < end, !lineIsTooLong else { return take(through: buffer.count - 1, isEnded: false) }
            try fill()
        }
    }

    private mutating func take(through last: Int, isEnded: Bool) -> Line {
        let whole = buffer[at...last]
        let text = isEnded ? ChainLine.text(of: whole.dropLast()) : nil
        let line = Line(
            offset: position, bytes: UInt64(whole.count), text: text, isEnded: isEnded,
            hasNUL: text == nil && whole.contains(0))
        at = last + 1
        position += line.bytes
        return line
    }

    private mutating func fill() throws(DropError) {
        buffer.removeFirst(at)
        at = 0
        var block = [UInt8](repeating: 0, count: Int(min(UInt64(Self.blockBytes), end - loaded)))
        let count = try file.read(into: &block, at: loaded)
        guard count == block.count else { throw .unsound("\(file.path) became shorter while it was read.") }
        buffer += block
        loaded += UInt64(count)
    }
}
