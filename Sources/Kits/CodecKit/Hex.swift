/// Bytes and numbers as hexadecimal digits (RFC 4648, section 8), lower case when written.
package enum Hex {
    /// The digits by their value.
    package static let digits = Array("0123456789abcdef".utf8)

    /// Two digits for each byte.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(2 * bytes.underestimatedCount)
        append(bytes, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// All digits of a number, with leading zeros.
    package static func text(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
        let digits = stride(from: number.bitWidth - 4, through: 0, by: -4).map { Self.digits[Int((number >> $0) & 15)] }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Appends two digits for each byte.
    package static func append(_ bytes: some Sequence<UInt8>, to out: inout [UInt8]) {
        for byte in bytes {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
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
