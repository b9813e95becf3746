/// How numbers are written: which character starts the decimals, which one groups thousands.
@frozen
public struct NumberFormat: Sendable, Equatable {
    /// Starts the decimals.
    public let point: UInt8
    /// Stands between groups of three digits of the whole part; 0 where no character does.
    public let group: UInt8
    /// Ignores what follows the number, such as a unit: `3149.0ft`.
    public let allowsUnit: Bool

    /// `point` and `group` are ASCII, differ, and are no digit or sign.
    public init(point: UInt8 = UInt8(ascii: "."), group: UInt8 = 0, allowsUnit: Bool = false) {
        precondition(point != group && point < 0x80 && group < 0x80, "a decimal mark and a group mark are two ASCII characters")
        self.point = point
        self.group = group
        self.allowsUnit = allowsUnit
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
    /// A whole number: digits with an optional sign.
    ///
    /// Errors: `not-a-number`, `number-too-large` (outside of 64 bits).
    @inlinable
    public func int64() throws(ValueError) -> Int64 {
        if let short = ShortNumber(self) { return short.isNegative ? 0 &- Int64(short.digits) : Int64(short.digits) }
        var index = 0
        var negative = false
        if count > 0, self[0] == 0x2D || self[0] == 0x2B {
            negative = self[0] == 0x2D
            index = 1
        }
        guard index < count else { throw ValueError("not-a-number", "a whole number") }
        if count - index <= 18 {  // Cannot overflow.
            var value: Int64 = 0
            while index < count {
                let digit = self[index] &- 0x30
                guard digit < 10 else { throw ValueError("not-a-number", "a whole number") }
                value = value &* 10 &+ Int64(digit)
                index += 1
            }
            return negative ? 0 &- value : value
        }
        return try longInt64(from: index, negative: negative)
    }

    @usableFromInline
    func longInt64(from start: Int, negative: Bool) throws(ValueError) -> Int64 {
        var value: Int64 = 0
        for index in start..<count {
            let digit = self[index] &- 0x30
            guard digit < 10 else { throw ValueError("not-a-number", "a whole number") }
            let (product, high) = value.multipliedReportingOverflow(by: 10)
            let (sum, over) =
                negative
                ? product.subtractingReportingOverflow(Int64(digit)) : product.addingReportingOverflow(Int64(digit))
            guard !high, !over else { throw ValueError("number-too-large", "a whole number of at most 64 bits") }
            value = sum
        }
        return value
    }

    /// A whole number written as `format` says; a decimal part must be zeros (`3.0`).
    ///
    /// Errors: `not-a-number`, `number-too-large`.
    public func int64(_ format: NumberFormat) throws(ValueError) -> Int64 {
        if format.group == 0, !format.allowsUnit, let value = try? int64() { return value }
        let number = try scanNumber(format)
        guard number.exponent >= 0 || number.hasZeroDecimals, !number.truncated else {
            throw ValueError("not-a-whole-number", "a whole number")
        }
        var magnitude = number.wholeMagnitude
        var exponent = max(0, number.exponent)
        while exponent > 0, magnitude != 0 {
            let (product, over) = magnitude.multipliedReportingOverflow(by: 10)
            guard !over else { throw ValueError("number-too-large", "a whole number of at most 64 bits") }
            magnitude = product
            exponent -= 1
        }
        if number.negative, magnitude == UInt64(Int64.max) + 1 { return Int64.min }
        guard let value = Int64(exactly: magnitude) else {
            throw ValueError("number-too-large", "a whole number of at most 64 bits")
        }
        return number.negative ? -value : value
    }

    /// A decimal number, correctly rounded to the nearest double.
    ///
    /// Up to 19 digits that fit 53 bits, with a power of ten within ±22, are exact in one operation (Clinger's fast path); the
    /// rest goes through the standard library. Errors: `not-a-number`, `number-too-large` (not finite).
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
        guard digits > 0, digits <= 19, mantissa <= 1 << 53 else { return try slowDouble(format) }
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
        let number = try scanNumber(format)
        if !number.truncated, number.mantissa <= 1 << 53, abs(number.exponent) <= 22 {
            let magnitude = Double(number.mantissa)
            let power = NumberFormat.powers[abs(number.exponent)]
            let value = number.exponent < 0 ? magnitude / power : magnitude * power
            return number.negative && number.mantissa != 0 ? -value : value
        }
        var text = ""
        for index in 0..<number.end where format.group == 0 || self[index] != format.group {
            let byte = self[index]
            text.unicodeScalars.append(Unicode.Scalar(byte == format.point ? UInt8(ascii: ".") : byte))
        }
        guard let value = Double(text), value.isFinite else {
            throw ValueError("number-too-large", "a number a double can hold")
        }
        return value == 0 ? 0 : value
    }

    private struct ScannedNumber {
        var negative = false
        /// The digits, as far as they fit.
        var mantissa: UInt64 = 0
        /// Power of ten of the last digit in `mantissa`.
        var exponent = 0
        /// More digits than fit were left out.
        var truncated = false
        var decimals = 0
        /// The byte after the number.
        var end = 0

        var hasZeroDecimals: Bool { exponent >= 0 || (-exponent < 20 && mantissa % Self.power(-exponent) == 0) }
        var wholeMagnitude: UInt64 { exponent >= 0 ? mantissa : mantissa / Self.power(-exponent) }

        private static func power(_ exponent: Int) -> UInt64 { (0..<exponent).reduce(1) { power, _ in power &* 10 } }
    }

    private func scanNumber(_ format: NumberFormat) throws(ValueError) -> ScannedNumber {
        var number = ScannedNumber()
        var index = 0
        if count > 0, self[0] == 0x2D || self[0] == 0x2B {
            number.negative = self[0] == 0x2D
            index = 1
        }
        var digits = 0
        var sincePoint = -1
        var group = -1  // Digits since the last group mark.
        scan: while index < count {
            let byte = self[index]
            let digit = byte &- 0x30
            if digit < 10 {
                digits += 1
                if sincePoint >= 0 { sincePoint += 1 }
                if group >= 0, sincePoint < 0 { group += 1 }
                let (product, high) = number.mantissa.multipliedReportingOverflow(by: 10)
                let (sum, over) = product.addingReportingOverflow(UInt64(digit))
                if number.truncated || high || over {
                    number.truncated = true
                } else {
                    number.mantissa = sum
                }
            } else if byte == format.point, sincePoint < 0 {
                guard group < 0 || group == 3 else { throw ValueError("not-a-number", "groups of three digits") }
                sincePoint = 0
            } else if format.group != 0, byte == format.group, sincePoint < 0, digits > 0 {
                guard group < 0 ? digits <= 3 : group == 3 else { throw ValueError("not-a-number", "groups of three digits") }
                group = 0
            } else {
                break scan
            }
            index += 1
        }
        guard digits > 0 else { throw ValueError("not-a-number", "a number") }
        guard group < 0 || group == 3 else { throw ValueError("not-a-number", "groups of three digits") }
        number.exponent = -max(0, sincePoint)
        try scanExponent(&number, from: &index)
        guard index == count || format.allowsUnit else { throw ValueError("not-a-number", "a number") }
        number.end = index
        return number
    }

    private func scanExponent(_ number: inout ScannedNumber, from index: inout Int) throws(ValueError) {
        guard index < count, self[index] | 0x20 == UInt8(ascii: "e") else { return }
        var next = index + 1
        var negative = false
        if next < count, self[next] == 0x2D || self[next] == 0x2B {
            negative = self[next] == 0x2D
            next += 1
        }
        guard next < count, self[next] &- 0x30 < 10 else { return }  // A unit may start with an e.
        var exponent = 0
        while next < count, self[next] &- 0x30 < 10 {
            exponent = min(100_000, exponent * 10 + Int(self[next] - 0x30))
            next += 1
        }
        number.exponent += negative ? -exponent : exponent
        index = next
    }
}
