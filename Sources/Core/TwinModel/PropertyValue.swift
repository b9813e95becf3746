import CodecKit

/// The value of one property of a twin or relationship, typed as DTDL types it.
package enum PropertyValue: Sendable, Equatable {
    /// No value; in an operation: the property is removed.
    case absent
    case bool(Bool)
    case integer(Int64)
    /// Finite.
    case double(Double)
    case string(String)
    /// Microseconds since 1970-01-01T00:00:00Z (years 1 to 9999), and the offset from UTC it was written with.
    case dateTime(microseconds: Int64, offsetMinutes: Int32)
    /// Days since 1970-01-01.
    case date(days: Int32)
    /// Microseconds since midnight, below 86,400,000,000.
    case time(microseconds: Int64)
    /// ISO 8601 duration; both parts have the same sign.
    case duration(months: Int32, microseconds: Int64)
    case json(JSON)

    /// The value as the twin service shows it: dates, times and durations as text (RFC 3339, ISO 8601).
    package var json: JSON {
        switch self {
        case .absent: .null
        case .bool(let value): .bool(value)
        case .integer(let number): .int(number)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .dateTime(let microseconds, let offset): .string(CalendarText.dateTime(microseconds, offsetMinutes: offset))
        case .date(let days): .string(CalendarText.date(days: Int64(days)))
        case .time(let microseconds): .string(CalendarText.time(microseconds))
        case .duration(let months, let microseconds): .string(CalendarText.duration(months: months, microseconds))
        case .json(let value): value
        }
    }
}

/// Dates and times as text, in the proleptic Gregorian calendar, without Foundation.
package enum CalendarText {
    /// RFC 3339: `2026-11-21T08:54:00.25+01:00`; `Z` if the offset is zero; no fraction if it is zero.
    ///
    /// A moment whose local time would lie outside of the years 1 to 9999, which that form cannot write, is shown in UTC.
    package static func dateTime(_ microseconds: Int64, offsetMinutes: Int32 = 0) -> String {
        let local = microseconds + Int64(offsetMinutes) * 60_000_000
        guard offsetMinutes == 0 || (-62_135_596_800_000_000...253_402_300_799_999_999).contains(local) else {
            return dateTime(microseconds)
        }
        let day = floorDivide(local, 86_400_000_000)
        return date(days: day) + "T" + time(local - day * 86_400_000_000) + RFC3339.offset(minutes: Int(offsetMinutes))
    }

    /// `2026-11-21`.
    package static func date(days: Int64) -> String {
        CivilDate(daysSince1970: Int(days)).description
    }

    /// `08:54:00` or `08:54:00.000250`, without trailing zeros.
    package static func time(_ microseconds: Int64) -> String {
        var text = RFC3339.clock(seconds: Int(microseconds / 1_000_000))
        let fraction = microseconds % 1_000_000
        if fraction != 0 { text += "." + trimmed(RFC3339.padded(Int(fraction), 6)) }
        return text
    }

    /// ISO 8601: `P1Y2M`, `PT36H0.5S`, `-P1M`, `PT0S`.
    package static func duration(months: Int32, _ microseconds: Int64) -> String {
        guard months != 0 || microseconds != 0 else { return "PT0S" }
        let sign = months < 0 || microseconds < 0 ? "-" : ""
        let monthCount = UInt64(months.magnitude)
        var date = monthCount >= 12 ? "\(monthCount / 12)Y" : ""
        if monthCount % 12 != 0 { date += "\(monthCount % 12)M" }
        let rest = microseconds.magnitude
        let days = rest / 86_400_000_000
        if days > 0 { date += "\(days)D" }
        let seconds = rest / 1_000_000 % 86400
        var time = seconds >= 3600 ? "\(seconds / 3600)H" : ""
        if seconds / 60 % 60 > 0 { time += "\(seconds / 60 % 60)M" }
        let fraction = rest % 1_000_000
        if seconds % 60 > 0 || fraction > 0 {
            time += "\(seconds % 60)" + (fraction > 0 ? "." + trimmed(RFC3339.padded(Int(fraction), 6)) : "") + "S"
        }
        return sign + "P" + date + (time.isEmpty ? "" : "T" + time)
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func trimmed(_ digits: String) -> String {
        var digits = digits[...]
        while digits.last == "0" { digits.removeLast() }
        return String(digits)
    }
}
