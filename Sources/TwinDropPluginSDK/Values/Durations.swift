extension Bytes {
    /// A number of `unit`, written as `format` says, as a duration of whole microseconds.
    ///
    /// What is finer than a microsecond is rounded where `format` rounds, and refused else. Errors: as `double(_:)` has them, and
    /// `not-a-duration`.
    public func duration(in unit: TimeUnit, _ format: NumberFormat = .plain) throws(ValueError) -> TimeSpan {
        let number = try writtenNumber(format)
        guard let (mantissa, exponent) = number.short else {
            guard format.rounds else { throw ValueError.tooFine }
            let microseconds = (try double(format) * Double(unit.rawValue)).rounded()
            guard abs(microseconds) < 9.2e18 else { throw ValueError.tooLong }
            return TimeSpan(months: 0, microseconds: Int64(microseconds))
        }
        let microseconds = try ExactAmount(mantissa, exponent).microseconds(unit.rawValue, rounding: format.rounds)
        return TimeSpan(months: 0, microseconds: number.isNegative ? -microseconds : microseconds)
    }

    /// An ISO 8601 duration such as `P1Y2M3DT4H5M6.5S`, `P2W` or `-PT15M`. A fraction stands in the last part only, weeks stand
    /// without years and months, and all is whole months and microseconds: what is finer is refused, or rounded with `rounding`.
    ///
    /// Errors: `not-a-duration`.
    public func isoDuration(rounding: Bool = false) throws(ValueError) -> TimeSpan {
        let wrong = ValueError("not-a-duration", "an ISO 8601 duration such as PT1H30M")
        var reader = DurationReader(field: self, rounding: rounding)
        var sign: Int64 = 1
        if reader.take("-") { sign = -1 }
        guard reader.take("P") else { throw wrong }
        while reader.index < count {
            if !reader.isInTime, reader.take("T") {
                reader.isInTime = true
                guard reader.index < count else { throw wrong }
            } else if try !reader.part() {
                throw wrong
            }
        }
        guard reader.hasParts else { throw wrong }
        guard let months = Int32(exactly: reader.months * sign) else { throw ValueError.tooLong }
        return TimeSpan(months: months, microseconds: reader.microseconds * sign)
    }
}

/// Mantissa × 10^exponent of some unit.
private struct ExactAmount {
    let mantissa: UInt64
    let exponent: Int

    init(_ mantissa: UInt64, _ exponent: Int) { (self.mantissa, self.exponent) = (mantissa, exponent) }

    /// The same in microseconds, where there are `unit` of them in one.
    func microseconds(_ unit: Int64, rounding: Bool) throws(ValueError) -> Int64 {
        var product = UInt128(mantissa) * UInt128(unit)
        guard product != 0 else { return 0 }
        guard exponent <= 19 else { throw ValueError.tooLong }
        if exponent > 0 {
            for _ in 0..<exponent {
                product *= 10
                guard product <= UInt128(UInt64.max) else { throw ValueError.tooLong }
            }
        } else if exponent < 0 {
            guard exponent > -38 else {
                guard rounding else { throw ValueError.tooFine }
                return 0
            }
            var divisor: UInt128 = 1
            for _ in 0..<(-exponent) { divisor *= 10 }
            let (quotient, rest) = product.quotientAndRemainder(dividingBy: divisor)
            guard rest == 0 || rounding else { throw ValueError.tooFine }
            product = quotient + (rest >= divisor - rest ? 1 : 0)
        }
        guard let value = Int64(exactly: product) else { throw ValueError.tooLong }
        return value
    }
}

/// The parts of an ISO duration, one after the other.
private struct DurationReader {
    let field: Bytes
    let rounding: Bool
    var index = 0
    var isInTime = false
    private(set) var months: Int64 = 0
    private(set) var microseconds: Int64 = 0
    private var lastRank = 0
    private var hasFraction = false
    private var hasWeeks = false

    init(field: Bytes, rounding: Bool) { (self.field, self.rounding) = (field, rounding) }

    var hasParts: Bool { lastRank > 0 }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < field.count, field[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// The next number and its designator; false where they do not follow the form.
    mutating func part() throws(ValueError) -> Bool {
        guard !hasFraction else { return false }
        var mantissa: UInt64 = 0
        var decimals = 0
        guard try digits(&mantissa) > 0 else { return false }
        if take(".") || take(",") {
            hasFraction = true
            decimals = try digits(&mantissa)
            guard decimals > 0 else { return false }
        }
        guard index < field.count else { return false }
        let designator = field[index]
        index += 1
        let unit: Int64
        let rank: Int
        switch (designator, isInTime) {
        case (UInt8(ascii: "Y"), false): (rank, unit) = (1, 12)
        case (UInt8(ascii: "M"), false): (rank, unit) = (2, 1)
        case (UInt8(ascii: "W"), false): (rank, unit) = (3, 7 * TimeUnit.days.rawValue)
        case (UInt8(ascii: "D"), false): (rank, unit) = (4, TimeUnit.days.rawValue)
        case (UInt8(ascii: "H"), true): (rank, unit) = (5, TimeUnit.hours.rawValue)
        case (UInt8(ascii: "M"), true): (rank, unit) = (6, TimeUnit.minutes.rawValue)
        case (UInt8(ascii: "S"), true): (rank, unit) = (7, TimeUnit.seconds.rawValue)
        default: return false
        }
        guard rank > lastRank, !(rank <= 2 && hasFraction), !(rank == 3 && lastRank > 0) else { return false }
        lastRank = rank
        guard rank > 2 else { return try addMonths(mantissa, unit) }
        let amount = try ExactAmount(mantissa, -decimals).microseconds(unit, rounding: rounding)
        let (sum, over) = microseconds.addingReportingOverflow(amount)
        guard !over else { throw ValueError.tooLong }
        microseconds = sum
        return true
    }

    private mutating func addMonths(_ mantissa: UInt64, _ unit: Int64) throws(ValueError) -> Bool {
        guard mantissa <= UInt64(Int32.max) else { throw ValueError.tooLong }
        months += Int64(mantissa) * unit
        return true
    }

    private mutating func digits(_ value: inout UInt64) throws(ValueError) -> Int {
        let start = index
        while index < field.count, field[index] &- 0x30 < 10 {
            let (product, high) = value.multipliedReportingOverflow(by: 10)
            let (sum, over) = product.addingReportingOverflow(UInt64(field[index] - 0x30))
            guard !high, !over else { throw ValueError.tooFine }
            value = sum
            index += 1
        }
        return index - start
    }
}

extension ValueError {
    static let tooFine = ValueError(
        "not-a-duration", "a duration of whole microseconds", remark: "It has more digits, and would be rounded.")
    static let tooLong = ValueError("not-a-duration", "a duration of at most 292,000 years")
}
