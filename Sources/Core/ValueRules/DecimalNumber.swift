/// A decimal number as it was written: a sign, its digits, and the power of ten of the last one. Nothing of it is rounded.
///
/// Zeros at both ends are not kept, so that equal numbers are equal: `010.50` is 105 × 10⁻¹.
package struct DecimalNumber: Equatable {
    /// 0 to 9, the first and the last not 0; empty for zero.
    package private(set) var digits: [UInt8]
    /// The power of ten of the last digit; 0 for zero.
    package private(set) var exponent: Int
    package private(set) var isNegative: Bool

    /// - Parameters:
    ///   - digits: values 0 to 9, zeros at the ends allowed.
    ///   - exponent: of the last of them.
    package init(digits written: [UInt8], exponent: Int, isNegative: Bool = false) {
        let first = written.firstIndex { $0 != 0 } ?? written.endIndex
        let last = written.lastIndex { $0 != 0 } ?? written.startIndex
        guard first < written.endIndex else {
            (digits, self.exponent, self.isNegative) = ([], 0, false)
            return
        }
        digits = Array(written[first...last])
        self.exponent = exponent + (written.endIndex - 1 - last)
        self.isNegative = isNegative
    }

    /// How the nearest double relates to a number.
    package enum Double64: Equatable {
        /// Written with as many significant digits as the number has, the double gives these digits again.
        case whole(Double)
        /// It loses digits of the number.
        case rounded(Double)
        /// No double is that large.
        case tooLarge
    }

    /// Up to 15 digits always come back from a double, 16 and 17 often do, longer ones only if they were printed from a double.
    package var double: Double64 {
        guard !digits.isEmpty else { return .whole(0) }
        let point = digits.count + exponent  // The number is 0.ddd × 10^point.
        if point > 400 { return .tooLarge }
        if point < -400 { return .rounded(0) }
        var text = isNegative ? "-" : ""
        for digit in digits { text.unicodeScalars.append(Unicode.Scalar(digit + 0x30)) }
        guard let value = Double(text + "e\(exponent)"), value.isFinite else { return .tooLarge }
        if value == 0 { return .rounded(0) }
        let isUsual = digits.count <= 15 && point > -300
        return isUsual || isWhole(in: value.magnitude) ? .whole(value) : .rounded(value)
    }

    /// No double has more digits than that.
    private static let digitsMax = 767

    /// Whether `value` differs from the number by at most half a unit of the number's last digit: with D the digits and m·2^e
    /// the double, |m·2^e − D·10^k| ≤ 10^k / 2. Both sides are made whole by the powers they lack.
    private func isWhole(in value: Double) -> Bool {
        guard digits.count <= Self.digitsMax else { return false }
        let mantissa = value.isNormal ? value.significandBitPattern | 1 << 52 : value.significandBitPattern
        let power = value.isNormal ? Int(value.exponent) - 52 : -1074
        var unit = BigNatural(1)
        var double = BigNatural(mantissa)
        if exponent > 0 { unit.multiply(by: 10, times: exponent) } else { double.multiply(by: 10, times: -exponent) }
        if power > 0 { double.multiply(by: 2, times: power) } else { unit.multiply(by: 2, times: -power) }
        var written = BigNatural(0)
        for digit in digits {
            written.multiply(by: 10)
            written.add(UInt32(digit))
        }
        var twice = written.multiplied(by: unit)
        twice.multiply(by: 2)
        double.multiply(by: 2)
        return twice.distance(to: double) <= unit
    }
}

/// A natural number of any size, for a few products and one comparison.
private struct BigNatural {
    /// The lowest first; the last is not 0.
    private var limbs: [UInt32] = []

    init(_ value: UInt64) {
        limbs = [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
        trim()
    }

    private mutating func trim() {
        while limbs.last == 0 { limbs.removeLast() }
    }

    mutating func multiply(by factor: UInt32, times: Int) {
        for _ in 0..<times { multiply(by: factor) }
    }

    mutating func multiply(by factor: UInt32) {
        var carry: UInt64 = 0
        for index in limbs.indices {
            let product = UInt64(limbs[index]) * UInt64(factor) + carry
            limbs[index] = UInt32(truncatingIfNeeded: product)
            carry = product >> 32
        }
        if carry > 0 { limbs.append(UInt32(carry)) }
    }

    mutating func add(_ value: UInt32) {
        var carry = UInt64(value)
        var index = 0
        while carry > 0 {
            if index == limbs.count { limbs.append(0) }
            let sum = UInt64(limbs[index]) + carry
            limbs[index] = UInt32(truncatingIfNeeded: sum)
            carry = sum >> 32
            index += 1
        }
    }

    func multiplied(by other: BigNatural) -> BigNatural {
        var product = BigNatural(0)
        product.limbs = [UInt32](repeating: 0, count: limbs.count + other.limbs.count)
        for (low, left) in limbs.enumerated() {
            var carry: UInt64 = 0
            for (high, right) in other.limbs.enumerated() {
                let sum = UInt64(left) * UInt64(right) + UInt64(product.limbs[low + high]) + carry
                product.limbs[low + high] = UInt32(truncatingIfNeeded: sum)
                carry = sum >> 32
            }
            product.limbs[low + other.limbs.count] = UInt32(carry)
        }
        product.trim()
        return product
    }

    func distance(to other: BigNatural) -> BigNatural {
        var (large, small) = self < other ? (other, self) : (self, other)
        var borrow: Int64 = 0
        for index in large.limbs.indices {
            let part = index < small.limbs.count ? Int64(small.limbs[index]) : 0
            var difference = Int64(large.limbs[index]) - part - borrow
            borrow = difference < 0 ? 1 : 0
            if difference < 0 { difference += 1 << 32 }
            large.limbs[index] = UInt32(difference)
        }
        large.trim()
        return large
    }

    static func < (left: BigNatural, right: BigNatural) -> Bool {
        guard left.limbs.count == right.limbs.count else { return left.limbs.count < right.limbs.count }
        for index in left.limbs.indices.reversed() where left.limbs[index] != right.limbs[index] {
            return left.limbs[index] < right.limbs[index]
        }
        return false
    }

    static func <= (left: BigNatural, right: BigNatural) -> Bool { !(right < left) }
}
