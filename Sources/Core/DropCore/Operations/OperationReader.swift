import CodecKit

/// A bounds-checked cursor over the operation stream (`OperationStream.swift`), which is hostile. Every length, number and text
/// is checked before it is used. A stream that breaks the form is the error `protocol` with the position in the stream.
///
/// The reader holds only a position. The bytes are passed to each call, so no lifetime outlives the call that lent them. It
/// allocates nothing (except for JSON values) and does not read ahead.
package struct OperationReader {
    /// Offset of the next byte in the span; `end` is where reading stops.
    package var at: Int
    package var end: Int
    /// Position of the span's first byte in the whole stream of the drop; for messages.
    package var base: UInt64

    @inlinable package init(at: Int = 0, end: Int, base: UInt64 = 0) {
        self.at = at
        self.end = end
        self.base = base
    }

    @inlinable package var isAtEnd: Bool { at >= end }

    /// One byte.
    @inlinable package mutating func byte(_ bytes: borrowing Span<UInt8>) throws(DropError) -> UInt8 {
        guard at < end else { throw Self.failure("it ends in the middle of an entry", base, at) }
        let value = bytes[at]
        at += 1
        return value
    }

    /// A LEB128 number of at most 64 bits, in its shortest form.
    @inlinable package mutating func varint(_ bytes: borrowing Span<UInt8>) throws(DropError) -> UInt64 {
        guard at < end else { throw Self.failure("it ends in the middle of a number", base, at) }
        let first = bytes[at]
        if first < 0x80 {
            at += 1
            return UInt64(first)
        }
        return try longVarint(bytes)
    }

    @usableFromInline mutating func longVarint(_ bytes: borrowing Span<UInt8>) throws(DropError) -> UInt64 {
        do throws(Varint.Fault) { return try Varint.read(bytes, at: &at, end: end) } catch {
            switch error {
            case .torn: throw Self.failure("it ends in the middle of a number", base, at)
            case .tooLarge: throw Self.failure("a number has more than 64 bits", base, at)
            case .notShortest: throw Self.failure("a number is not in its shortest form", base, at)
            }
        }
    }

    @inlinable package mutating func zigzag(_ bytes: borrowing Span<UInt8>) throws(DropError) -> Int64 {
        let value = try varint(bytes)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A text: its range, without the length. Checked to be UTF-8 without NUL when `validating`.
    @inlinable package mutating func text(
        _ bytes: borrowing Span<UInt8>, validating: Bool = true
    ) throws(DropError) -> Range<Int> {
        let length = try varint(bytes)
        guard length <= UInt64(end - at) else { throw Self.failure("a text is longer than what is left", base, at) }
        let range = at..<at + Int(length)
        if validating, let bad = Self.firstInvalid(bytes, range) {
            throw Self.failure("a text is not UTF-8, or has a NUL", base, bad)
        }
        at = range.upperBound
        return range
    }

    /// The offset of the first byte that breaks strict UTF-8 (Unicode 15, table 3-7) or is NUL; nil when there is none.
    @inlinable package static func firstInvalid(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            guard byte &- 1 < 0x7F else { return firstInvalidBeyondASCII(bytes, index..<range.upperBound) }
            index &+= 1
        }
        return nil
    }

    @usableFromInline static func firstInvalidBeyondASCII(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            let lead = bytes[index]
            let count: Int
            let second: ClosedRange<UInt8>
            switch lead {
            case 0x01...0x7F: (count, second) = (1, 0...0)
            case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
            case 0xE0: (count, second) = (3, 0xA0...0xBF)
            case 0xED: (count, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
            case 0xF0: (count, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
            case 0xF4: (count, second) = (4, 0x80...0x8F)
            default: return index
            }
            guard index + count <= range.upperBound else { return index }
            if count > 1 {
                guard second.contains(bytes[index + 1]) else { return index }
                for tail in 2..<max(count, 2) where bytes[index + tail] & 0xC0 != 0x80 { return index }
            }
            index += count
        }
        return nil
    }

    /// The error for a stream that breaks its form at `offset` of the span.
    @usableFromInline package static func failure(_ what: String, _ base: UInt64, _ offset: Int) -> DropError {
        DropError(
            .protocol,
            "The plugin's output breaks its form at byte \(base + UInt64(max(offset, 0))) of the operation stream: \(what).",
            hint: "This is a defect of the plugin: try its newest version, or report it with this message.", remedy: .quarantine)
    }

    /// A `protocol` error at the present position.
    package func failure(_ what: String) -> DropError { Self.failure(what, base, at) }
}
