/// The limits of values, for both sides of the wire.
package enum ValueLimits {
    /// Microseconds since 1970-01-01T00:00:00Z of the years 1 to 9999.
    package static let microseconds: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999
    /// Days since 1970-01-01 of the same years.
    package static let days: ClosedRange<Int64> = -719_162...2_932_896
    /// How far an offset may be from UTC.
    package static let offsetMinutes: ClosedRange<Int64> = -1439...1439
    /// Microseconds of a day.
    package static let day: Int64 = 86_400_000_000

    /// Whether a moment can be written as RFC 3339 has it: in UTC, and as the clocks at its offset show it, it lies in the years
    /// 1 to 9999.
    package static func holds(microseconds: Int64, offsetMinutes: Int64) -> Bool {
        guard self.microseconds.contains(microseconds), self.offsetMinutes.contains(offsetMinutes) else { return false }
        return self.microseconds.contains(microseconds + offsetMinutes * 60_000_000)
    }
}
