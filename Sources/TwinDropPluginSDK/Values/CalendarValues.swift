/// A day: days since 1970-01-01, in the proleptic Gregorian calendar.
@frozen
public struct CalendarDate: Sendable, Hashable {
    public let days: Int32

    @inlinable
    public init(days: Int32) { self.days = days }

    /// Nil unless the day exists; years 1 to 9999.
    @inlinable
    public init?(year: Int, month: Int, day: Int) {
        guard year >= 1, year <= 9999, month >= 1, month <= 12, day >= 1, day <= Self.lastDay(month, of: year) else { return nil }
        // Days from civil (H. Hinnant): the year starts in March, so that the leap day is its last.
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        days = Int32(truncatingIfNeeded: era * 146_097 + dayOfEra - 719_468)
    }

    @inlinable
    static func lastDay(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// A time of day: microseconds since midnight, below 86,400,000,000.
@frozen
public struct TimeOfDay: Sendable, Hashable {
    public let microseconds: Int64

    @inlinable
    public init(microseconds: Int64) { self.microseconds = microseconds }
}

/// A moment, and the offset from UTC it was written with.
@frozen
public struct Timestamp: Sendable, Hashable {
    /// Since 1970-01-01T00:00:00Z.
    public let microseconds: Int64
    /// -1439 … 1439.
    public let offsetMinutes: Int32

    @inlinable
    public init(microseconds: Int64, offsetMinutes: Int32) {
        self.microseconds = microseconds
        self.offsetMinutes = offsetMinutes
    }

    /// The moment that `date` and `time` name where clocks are `offsetMinutes` ahead of UTC.
    @inlinable
    public init(date: CalendarDate, time: TimeOfDay, offsetMinutes: Int32) {
        microseconds = Int64(date.days) * 86_400_000_000 + time.microseconds - Int64(offsetMinutes) * 60_000_000
        self.offsetMinutes = offsetMinutes
    }
}

/// An ISO 8601 duration: months and microseconds apart, of one sign.
@frozen
public struct TimeSpan: Sendable, Hashable {
    public let months: Int32
    public let microseconds: Int64

    @inlinable
    public init(months: Int32, microseconds: Int64) {
        self.months = months
        self.microseconds = microseconds
    }
}

/// A unit of durations that are written as a number.
public enum TimeUnit: Int64, Sendable {
    case microseconds = 1
    case milliseconds = 1_000
    case seconds = 1_000_000
    case minutes = 60_000_000
    case hours = 3_600_000_000
    case days = 86_400_000_000
}

extension Bytes {
    /// `yyyy-MM-dd`.
    ///
    /// Errors: `not-a-date`.
    @inlinable
    public func isoDate() throws(ValueError) -> CalendarDate {
        guard count == 10, self[4] == 0x2D, self[7] == 0x2D,
            let year = digits(0, 4), let month = digits(5, 2), let day = digits(8, 2),
            let date = CalendarDate(year: year, month: month, day: day)
        else { throw ValueError("not-a-date", "a date as yyyy-MM-dd") }
        return date
    }

    /// The number that `length` digits from `start` on write; nil where one of them is no digit.
    @inlinable @inline(__always)
    func digits(_ start: Int, _ length: Int) -> Int? {
        var value = 0
        for index in start..<start + length {
            let digit = self[index] &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int(digit)
        }
        return value
    }

    /// An ISO 8601 duration such as `P1Y2M3DT4H5M6.5S`, `P2W` or `-PT15M`.
    ///
    /// Errors: `not-a-duration`.
    public func isoDuration() throws(ValueError) -> TimeSpan {
        let wrong = ValueError("not-a-duration", "an ISO 8601 duration such as PT1H30M")
        var index = 0
        var sign: Int64 = 1
        if count > 0, self[0] == UInt8(ascii: "-") {
            sign = -1
            index = 1
        }
        guard index < count, self[index] == UInt8(ascii: "P") else { throw wrong }
        index += 1
        var months: Int64 = 0
        var microseconds: Int64 = 0
        var inTime = false
        var lastRank = 0
        var parts = 0
        while index < count {
            if !inTime, self[index] == UInt8(ascii: "T") {
                inTime = true
                index += 1
                guard index < count else { throw wrong }
                continue
            }
            guard let part = durationPart(from: &index, inTime: inTime), part.rank > lastRank else { throw wrong }
            lastRank = part.rank
            parts += 1
            let (monthSum, monthsOver) = months.addingReportingOverflow(part.months)
            let (sum, over) = microseconds.addingReportingOverflow(part.microseconds)
            guard !monthsOver, !over else { throw wrong }
            months = monthSum
            microseconds = sum
        }
        guard parts > 0, let whole = Int32(exactly: months * sign) else { throw wrong }
        return TimeSpan(months: whole, microseconds: microseconds * sign)
    }

    private func durationPart(from index: inout Int, inTime: Bool) -> (rank: Int, months: Int64, microseconds: Int64)? {
        var whole: Int64 = 0
        var fraction: Int64 = 0  // In millionths.
        var weight: Int64 = 0
        var digits = 0
        while index < count {
            let byte = self[index]
            if byte &- 0x30 < 10 {
                digits += 1
                if weight == 0 {
                    guard whole < 100_000_000_000 else { return nil }
                    whole = whole * 10 + Int64(byte - 0x30)
                } else if weight > 1 {
                    weight /= 10
                    fraction += weight * Int64(byte - 0x30)
                }
            } else if weight == 0, digits > 0, byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",") {
                weight = 1_000_000
            } else {
                break
            }
            index += 1
        }
        guard digits > 0, index < count else { return nil }
        let designator = self[index]
        index += 1
        let unit: Int64
        let rank: Int
        switch (designator, inTime) {
        case (UInt8(ascii: "Y"), false) where weight == 0: return whole < 1 << 30 ? (1, whole * 12, 0) : nil
        case (UInt8(ascii: "M"), false) where weight == 0: return (2, whole, 0)
        case (UInt8(ascii: "W"), false): (rank, unit) = (3, 7 * TimeUnit.days.rawValue)
        case (UInt8(ascii: "D"), false): (rank, unit) = (4, TimeUnit.days.rawValue)
        case (UInt8(ascii: "H"), true): (rank, unit) = (5, TimeUnit.hours.rawValue)
        case (UInt8(ascii: "M"), true): (rank, unit) = (6, TimeUnit.minutes.rawValue)
        case (UInt8(ascii: "S"), true): (rank, unit) = (7, TimeUnit.seconds.rawValue)
        default: return nil
        }
        let (product, over) = whole.multipliedReportingOverflow(by: unit)
        guard !over else { return nil }
        return (rank, 0, product + fraction * (unit / 1_000_000))
    }
}
