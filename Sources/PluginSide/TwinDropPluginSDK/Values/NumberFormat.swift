internal import ValueRules

/// How numbers are written: which character starts the decimals, which one groups thousands.
@frozen
public struct NumberFormat: Sendable, Equatable {
    /// Starts the decimals.
    public let point: UInt8
    /// Stands between groups of three digits of the whole part; 0 if no character does.
    public let group: UInt8
    /// A unit may follow the number: `3149.0 ft`. `Bytes.unit(_:)` returns it. A caller that allows units must check that they
    /// are the expected ones.
    public let allowsUnit: Bool
    /// A number with more digits than its type holds is rounded: to a double, or to a whole number (a half away from zero).
    /// Otherwise it is refused.
    public let rounds: Bool

    /// `point` and `group` are ASCII, differ, and are not a digit or sign.
    public init(point: UInt8 = UInt8(ascii: "."), group: UInt8 = 0, allowsUnit: Bool = false, rounds: Bool = false) {
        precondition(point != group && point < 0x80 && group < 0x80, "a decimal mark and a group mark are two ASCII characters")
        self.point = point
        self.group = group
        self.allowsUnit = allowsUnit
        self.rounds = rounds
    }

    /// `1234.5`
    public static let plain = NumberFormat()

    @usableFromInline
    static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ]
}

extension Bytes {
    /// A whole number: digits with an optional sign in front.
    ///
    /// Errors: `not-a-number`, `not-a-whole-number`, `number-too-large` (outside of 64 bits).
    @inlinable
    public func int64() throws(ValueError) -> Int64 {
        if let short = ShortNumber(self) { return short.isNegative ? 0 &- Int64(short.digits) : Int64(short.digits) }
        var index = 0
        var negative = false
        if count > 0, self[0] == 0x2D || self[0] == 0x2B {
            negative = self[0] == 0x2D
            index = 1
        }
        guard index < count, count - index <= 18 else { return try longInt64() }
        var value: Int64 = 0  // Cannot overflow.
        while index < count {
            let digit = self[index] &- 0x30
            guard digit < 10 else { throw ValueError("not-a-number", NumberFormat.wholeWords) }
            value = value &* 10 &+ Int64(digit)
            index += 1
        }
        return negative ? 0 &- value : value
    }

    @usableFromInline
    func longInt64() throws(ValueError) -> Int64 {
        let start = count > 0 && (self[0] == 0x2D || self[0] == 0x2B) ? 1 : 0
        guard start < count, self[start] &- 0x30 < 10 else { throw ValueError("not-a-number", NumberFormat.wholeWords) }
        for index in start..<count where self[index] &- 0x30 >= 10 { throw ValueError("not-a-number", NumberFormat.wholeWords) }
        return try int64(.plain)
    }

    /// A whole number written as `format` says; a decimal part must be zeros (`3.0`), an exponent must leave a whole number
    /// (`1e3`), unless `format` rounds.
    ///
    /// Errors: `not-a-number`, `not-a-whole-number`, `number-too-large`.
    public func int64(_ format: NumberFormat) throws(ValueError) -> Int64 {
        if format.group == 0, !format.allowsUnit, let short = ShortNumber(self) {
            return short.isNegative ? 0 &- Int64(short.digits) : Int64(short.digits)
        }
        var number = try writtenNumber(format)
        if format.rounds { number.roundToWhole() }
        guard var (mantissa, exponent) = number.short else {
            throw number.decimal.exponent < 0
                ? ValueError("not-a-whole-number", format.words(whole: true)) : ValueError.over64Bits
        }
        guard exponent >= 0 else { throw ValueError("not-a-whole-number", format.words(whole: true)) }
        while exponent > 0 {
            let (product, over) = mantissa.multipliedReportingOverflow(by: 10)
            guard !over else { throw ValueError.over64Bits }
            mantissa = product
            exponent -= 1
        }
        if number.isNegative, mantissa == UInt64(Int64.max) + 1 { return .min }
        guard let value = Int64(exactly: mantissa) else { throw ValueError.over64Bits }
        return number.isNegative ? -value : value
    }

    /// A decimal number: the nearest double, if that holds it in full. A double holds a number in full when it gives the same
    /// digits again, written with as many significant digits as the number has. Numbers of up to 15 digits always do.
    /// `NumberFormat.rounds` allows others, too.
    ///
    /// Up to 15 digits with a power of ten within ±22 are exact in one operation (Clinger's fast path); the rest goes through
    /// the standard library. Errors: `not-a-number`, `number-too-large` (not finite), `too-many-digits`.
    @inlinable
    public func double(_ format: NumberFormat = .plain) throws(ValueError) -> Double {
        if let short = ShortNumber(self, point: format.point) {
            let value = short.decimals == 0 ? Double(short.digits) : Double(short.digits) / Bytes.power(short.decimals)
            return short.isNegative && short.digits != 0 ? -value : value
        }
        var index = 0
        var negative = false
        if count > 0, self[0] == 0x2D || self[0] == 0x2B {
            negative = self[0] == 0x2D
            index = 1
        }
        guard count - index <= 16 else { return try slowDouble(format) }
        var mantissa: UInt64 = 0
        let digitsStart = index
        var pointIndex = -1
        while index < count {
            let byte = self[index]
            let digit = byte &- 0x30
            if digit < 10 {
                mantissa = mantissa &* 10 &+ UInt64(digit)
            } else if byte == format.point, pointIndex < 0 {
                pointIndex = index
            } else {
                return try slowDouble(format)
            }
            index += 1
        }
        let digits = count - digitsStart - (pointIndex < 0 ? 0 : 1)
        guard digits > 0, digits <= 15 else { return try slowDouble(format) }
        let decimals = pointIndex < 0 ? 0 : count - pointIndex - 1
        let value = decimals == 0 ? Double(mantissa) : Double(mantissa) / Bytes.power(decimals)
        return negative && mantissa != 0 ? -value : value
    }

    @inlinable @inline(__always)
    static func power(_ exponent: Int) -> Double {
        switch exponent {
        case 1: 1e1
        case 2: 1e2
        case 3: 1e3
        case 4: 1e4
        default: NumberFormat.powers[exponent]
        }
    }

    @usableFromInline
    func slowDouble(_ format: NumberFormat) throws(ValueError) -> Double {
        let number = try writtenNumber(format)
        if let (mantissa, exponent) = number.short, mantissa < 1_000_000_000_000_000, abs(exponent) <= 22 {
            let magnitude = Double(mantissa)
            let power = NumberFormat.powers[abs(exponent)]
            let value = exponent < 0 ? magnitude / power : magnitude * power
            return number.isNegative && mantissa != 0 ? -value : value
        }
        switch number.decimal.double {
        case .whole(let value): return value
        case .rounded(let value):
            guard format.rounds else {
                throw ValueError(
                    "too-many-digits", "a number that a double holds in full: up to 15 digits always are",
                    remark: "It would be rounded.")
            }
            return value == 0 ? 0 : value
        case .tooLarge: throw ValueError("number-too-large", "a number a double can hold: up to 1.7976931348623157e308")
        }
    }

    /// The unit after a number, without the blanks around it; empty if there is none.
    ///
    /// Errors: as `double(_:)` has them for what is no number at all.
    public func unit(_ format: NumberFormat) throws(ValueError) -> Bytes {
        dropFirst(try writtenNumber(format).end).withoutBlanks
    }
}
