internal import ValueRules

extension Bytes {
    /// A number of `unit`, written as `format` says, as a duration of whole microseconds.
    ///
    /// Parts below a microsecond are rounded if `format` rounds, and refused otherwise. Errors: as `double(_:)` has them, and
    /// `not-a-duration`.
    public func duration(in unit: TimeUnit, _ format: NumberFormat = .plain) throws(ValueError) -> TimeSpan {
        let number = try writtenNumber(format)
        let amount: ExactAmount
        if let (mantissa, exponent) = number.short {
            amount = ExactAmount(UInt128(mantissa), exponent)
        } else {
            guard format.rounds else { throw ValueError.tooFine }
            // Digits after the 27th decide nothing, because a half is rounded up whatever follows.
            let (digits, exponent) = (number.decimal.digits.prefix(27), number.decimal.exponent)
            let rest = number.decimal.digits.count - digits.count
            amount = ExactAmount(digits.reduce(0) { $0 * 10 + UInt128($1) }, exponent + rest)
        }
        let microseconds = try amount.microseconds(unit.rawValue, rounding: format.rounds)
        return TimeSpan(months: 0, microseconds: number.isNegative ? -microseconds : microseconds)
    }

    /// An ISO 8601 duration such as `P1Y2M3DT4H5M6.5S`, `P2W` or `-PT15M`. Only the last part may have a fraction, and weeks come
    /// without years and months. The result is whole months and microseconds; smaller parts are refused, or rounded with
    /// `rounding`.
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
        guard reader.months <= DurationReader.monthsMax, let months = Int32(exactly: reader.months * sign) else {
            throw ValueError.tooLong
        }
        return TimeSpan(months: months, microseconds: reader.microseconds * sign)
    }
}

/// Mantissa × 10^exponent of some unit.
private struct ExactAmount {
    /// At most 27 digits.
    let mantissa: UInt128
    let exponent: Int

    init(_ mantissa: UInt128, _ exponent: Int) { (self.mantissa, self.exponent) = (mantissa, exponent) }

    /// The same in microseconds, if a microsecond has `unit` of them.
    func microseconds(_ unit: Int64, rounding: Bool) throws(ValueError) -> Int64 {
        var product = mantissa * UInt128(unit)
        guard product != 0 else { return 0 }
        guard exponent <= 19 else { throw ValueError.tooLong }
        if exponent > 0 {
            guard product <= UInt128(UInt64.max) else { throw ValueError.tooLong }
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
    /// 292,000 years: the range of microseconds.
    static let monthsMax: Int64 = 292_000 * 12

    let field: Bytes
    let rounding: Bool
    var index = 0
    var isInTime = false
    private(set) var months: Int64 = 0
    private(set) var microseconds: Int64 = 0
    private var lastRank = 0
    private var hasFraction = false
    private var isCut = false

    init(field: Bytes, rounding: Bool) { (self.field, self.rounding) = (field, rounding) }

    var hasParts: Bool { lastRank > 0 }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < field.count, field[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// The next number and its designator; false if they do not follow the form.
    mutating func part() throws(ValueError) -> Bool {
        guard !hasFraction else { return false }
        var mantissa: UInt128 = 0
        guard digits(&mantissa) != nil else { return false }
        guard !isCut else { throw ValueError.tooLong }
        var decimals = 0
        if take(".") || take(",") {
            hasFraction = true
            guard let count = digits(&mantissa) else { return false }
            guard !isCut || rounding else { throw ValueError.tooFine }
            decimals = count
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

    private mutating func addMonths(_ mantissa: UInt128, _ unit: Int64) throws(ValueError) -> Bool {
        guard mantissa <= UInt128(Int32.max) else { throw ValueError.tooLong }
        months += Int64(mantissa) * unit
        return true
    }

    /// Adds digits to `value`, up to 27 of them; a rest other than zeros of a fraction sets `isCut`. How many were added; nil
    /// where there are none at all.
    private mutating func digits(_ value: inout UInt128) -> Int? {
        let start = index
        var added = 0
        while index < field.count, field[index] &- 0x30 < 10 {
            let digit = UInt128(field[index] - 0x30)
            if value < 100_000_000_000_000_000_000_000_000 {
                value = value * 10 + digit
                added += 1
            } else if digit != 0 || !hasFraction {
                isCut = true
            }
            index += 1
        }
        return index > start ? added : nil
    }
}

extension ValueError {
    static let tooFine = ValueError(
        "not-a-duration", "a duration of whole microseconds", remark: "It has more digits, and would be rounded.")
    static let tooLong = ValueError("not-a-duration", "a duration of at most 292,000 years")
}
