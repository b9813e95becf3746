/// A run of bytes somewhere else: a field of a record, or a text that lives as long as the plugin.
///
/// It is two words. It keeps nothing alive and copies nothing. **A field of a record is valid until the reader is asked for the
/// next record; make a `String` of it (`text`) to keep it.**
@safe @frozen
public struct Bytes: @unchecked Sendable {
    // Sendable: read-only memory; whoever made the value says how long it stays (see above).
    @usableFromInline let start: UnsafePointer<UInt8>
    /// How many bytes.
    public let count: Int

    /// `count` readable bytes from `start`, which outlive every use of this value.
    @inlinable @inline(__always)
    public init(start: UnsafePointer<UInt8>, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    /// The bytes of a literal.
    @inlinable
    public init(_ literal: StaticString) {
        if literal.hasPointerRepresentation {
            unsafe self.init(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
        } else {
            self = .empty
        }
    }

    /// A copy of `text` that is never freed: for constants made once, in `init`.
    public init(kept text: String) {
        let utf8 = Array(text.utf8)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, utf8.count))
        for (index, byte) in utf8.enumerated() { unsafe memory[index] = byte }
        unsafe self.init(start: UnsafePointer(memory), count: utf8.count)
    }

    /// Frees what `init(kept:)` made; no copy of this value is used any more.
    func freeKept() { unsafe start.deallocate() }

    /// No bytes.
    public static let empty = Bytes(" ").prefix(0)

    @inlinable @inline(__always)
    public var isEmpty: Bool { count == 0 }

    /// The byte at `index`, which is in `0 ..< count`: checked in debug builds only.
    @inlinable @inline(__always)
    public subscript(index: Int) -> UInt8 {
        assert(index >= 0 && index < count, "a byte outside of the field")
        return unsafe start[index]
    }

    /// The first `length` bytes, or all.
    @inlinable
    public func prefix(_ length: Int) -> Bytes {
        unsafe Bytes(start: start, count: min(length, count))
    }

    /// The bytes after the first `length`, or none.
    @inlinable
    public func dropFirst(_ length: Int) -> Bytes {
        let dropped = min(length, count)
        return unsafe Bytes(start: start + dropped, count: count - dropped)
    }

    /// Without blanks and tabs at both ends.
    @inlinable
    public var trimmed: Bytes {
        var low = 0
        var high = count
        while low < high, self[low] == 0x20 || self[low] == 0x09 { low += 1 }
        while high > low, self[high - 1] == 0x20 || self[high - 1] == 0x09 { high -= 1 }
        return unsafe Bytes(start: start + low, count: high - low)
    }

    /// A copy as text; bytes that are not UTF-8 become U+FFFD.
    public var text: String {
        unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// A copy of the bytes.
    public var array: [UInt8] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }

    /// Byte by byte: no Unicode equivalence, since ids are bytes.
    @inlinable @inline(__always)
    public static func == (left: Bytes, right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        var index = 0
        while index < left.count {
            if left[index] != right[index] { return false }
            index += 1
        }
        return true
    }

    /// True when these are the bytes of `literal`.
    @inlinable
    public static func == (left: Bytes, right: StaticString) -> Bool { left == Bytes(right) }

    /// Calls `body` with the memory, for a C function. It is valid for the call only.
    @inlinable @inline(__always)
    public func withMemory<R>(_ body: (UnsafePointer<UInt8>, Int) -> R) -> R {
        unsafe body(start, count)
    }

    @inlinable @inline(__always)
    static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
}
