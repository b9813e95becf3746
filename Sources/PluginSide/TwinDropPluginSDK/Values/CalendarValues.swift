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
        // The same algorithm as CodecKit's CivilDate. This copy is inlined into plugins, so that a column of dates costs no
        // calls, and inlined code of another package may use only what is public. A test compares the two.
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

/// A moment, and the offset from UTC it was written with. With that offset, and in UTC, it lies in the years 1 to 9999.
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
        else { throw ValueError("not-a-date", "a date as yyyy-MM-dd that exists") }
        return date
    }

    /// The number that `length` digits from `start` on write; nil if one of them is not a digit.
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
}
