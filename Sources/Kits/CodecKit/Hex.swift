/// Bytes and numbers as hexadecimal digits (RFC 4648, section 8), lower case when written.
package enum Hex {
    /// The digit of a value from 0 to 15; of a larger number, that of its last four bits.
    @inlinable
    package static func digit(_ value: UInt8) -> UInt8 {
        let value = value & 15
        return value < 10 ? 0x30 + value : 0x57 + value
    }

    /// Two digits for each byte of an array, which most callers have: the general form is many times slower.
    package static func text(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(2 * bytes.count)
        append(bytes, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// Appends two digits for each byte of an array.
    package static func append(_ bytes: [UInt8], to out: inout [UInt8]) {
        for byte in bytes {
            out.append(digit(byte >> 4))
            out.append(digit(byte))
        }
    }

    /// Two digits for each byte.
    @inlinable
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(2 * bytes.underestimatedCount)
        append(bytes, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// All digits of a number, with leading zeros.
    @inlinable
    package static func text(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
        let digits = stride(from: number.bitWidth - 4, through: 0, by: -4).map { digit(UInt8(truncatingIfNeeded: number >> $0)) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Appends two digits for each byte.
    @inlinable
    package static func append(_ bytes: some Sequence<UInt8>, to out: inout [UInt8]) {
        for byte in bytes {
            out.append(digit(byte >> 4))
            out.append(digit(byte))
        }
    }

    /// The bytes of digits of either case; nil if one is not a digit, or their number is odd.
    package static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count / 2)
        var rest = text.utf8[...]
        while let first = rest.popFirst() {
            guard let high = value(of: first), let low = rest.popFirst().flatMap(value) else { return nil }
            out.append(high << 4 | low)
        }
        return out
    }

    /// The value of a digit of either case; nil for everything else.
    @inlinable
    package static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x57
        case 0x41...0x46: digit - 0x37
        default: nil
        }
    }
}
