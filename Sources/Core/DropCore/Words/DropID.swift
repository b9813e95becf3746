/// The identity of one drop: a ULID (48 bits of milliseconds since 1970, then 80 random bits), assigned at claim.
///
/// Its text is 26 characters of Crockford's base 32, upper case; texts sort as the ids do, by time first.
package struct DropID: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The id of its text; nil unless it is 26 characters of the alphabet (either case) and at most 128 bits.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 26 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            guard let digit = Self.digit(of: byte), index > 0 || digit < 8 else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | digit
        }
        self.init(high: high, low: low)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z at which the id was made.
    package var milliseconds: UInt64 { high >> 16 }

    package var description: String {
        var out = [UInt8](repeating: 0, count: 26)
        var high = high
        var low = low
        for index in stride(from: 25, through: 0, by: -1) {
            out[index] = Self.alphabet[Int(low & 31)]
            low = low >> 5 | high << 59
            high >>= 5
        }
        return String(decoding: out, as: UTF8.self)
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    private static func digit(of byte: UInt8) -> UInt64? {
        let upper = byte >= 0x61 ? byte - 0x20 : byte
        return alphabet.firstIndex(of: upper).map(UInt64.init)
    }
}

/// Makes drop ids that never repeat or run backwards, whatever the clock does.
package struct DropIDGenerator: Sendable {
    private var last = DropID(high: 0, low: 0)

    package init() {}

    /// The next id for `milliseconds` since 1970; within one millisecond, or when the clock runs back, the last id plus one.
    package mutating func next(milliseconds: UInt64, using random: inout some RandomNumberGenerator) -> DropID {
        let fresh = DropID(high: milliseconds << 16 | UInt64.random(in: 0...0xFFFF, using: &random), low: random.next())
        let (low, carry) = last.low.addingReportingOverflow(1)
        let successor = DropID(high: carry ? last.high + 1 : last.high, low: low)
        last = fresh.milliseconds > last.milliseconds ? fresh : successor
        return last
    }
}
