/// Milliseconds since 1970, as they are written everywhere but in twins' values: `2026-11-21T09:07:27.123Z`, in the Gregorian
/// calendar, without leap seconds.
package struct UTCTime: Sendable, Hashable, CustomStringConvertible {
    package let milliseconds: UInt64

    package init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    /// Nil unless `text` has exactly the form above.
    package init?(_ text: some Collection<UInt8>) {
        var digits = DigitReader(text)
        guard let year = digits.number(4), digits.take("-"), let month = digits.number(2), digits.take("-"),
            let day = digits.number(2), digits.take("T"), let hour = digits.number(2), digits.take(":"),
            let minute = digits.number(2), digits.take(":"), let second = digits.number(2), digits.take("."),
            let fraction = digits.number(3), digits.take("Z"), digits.isAtEnd,
            year >= 1970, hour < 24, minute < 60, second < 60, let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        let seconds = date.daysSince1970 * RFC3339.day + hour * 3600 + minute * 60 + second
        milliseconds = UInt64(seconds) * 1000 + UInt64(fraction)
    }

    /// The day that holds it.
    package var day: CivilDate { CivilDate(daysSince1970: Int(milliseconds / 86_400_000)) }

    /// `2026-11-21`
    package var date: String { day.description }

    /// `2026/11/21`
    package var folder: String { String(date.map { $0 == "-" ? "/" : $0 }) }

    package var description: String { String(decoding: bytes, as: UTF8.self) }

    package var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(24)
        RFC3339.append(seconds: Int(milliseconds / 1000), to: &out)
        out.append(UInt8(ascii: "."))
        RFC3339.append(Int(milliseconds % 1000), 3, to: &out)
        out.append(UInt8(ascii: "Z"))
        return out
    }
}
