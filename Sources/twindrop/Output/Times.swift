import DropCore

/// Times as people and JSON see them: RFC 3339 in UTC.
enum Times {
    /// `2026-11-21T08:25:22.123Z`, from milliseconds since 1970.
    static func text(_ milliseconds: UInt64) -> String {
        let day = UTCDay(milliseconds: milliseconds)
        let inDay = milliseconds % 86_400_000
        let clock = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1000 % 60].map { pad($0, 2) }.joined(separator: ":")
        return
            "\(pad(UInt64(day.year), 4))-\(pad(UInt64(day.month), 2))-\(pad(UInt64(day.day), 2))T\(clock).\(pad(inDay % 1000, 3))Z"
    }

    /// Milliseconds since 1970 of `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM[:SS[.fff]][Z]`; a date alone is its first instant. Nil
    /// otherwise.
    static func milliseconds(_ text: String) -> UInt64? {
        let halves = text.split(whereSeparator: { $0 == "T" || $0 == " " })
        guard (1...2).contains(halves.count) else { return nil }
        let date = halves[0].split(separator: "-").map { Int($0) }
        guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], (1...12).contains(month),
            (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        var total = UInt64(days(year, month, day)) * 86_400_000
        guard UTCDay(milliseconds: total).day == day else { return nil }
        if halves.count == 2 {
            var clock = halves[1]
            if clock.hasSuffix("Z") { clock.removeLast() }
            let parts = clock.split(separator: ":")
            guard (2...3).contains(parts.count), let hours = UInt64(parts[0]), let minutes = UInt64(parts[1]),
                let seconds = parts.count == 3 ? Double(parts[2]) : 0, hours < 24, minutes < 60, seconds >= 0, seconds < 60
            else { return nil }
            total += hours * 3_600_000 + minutes * 60_000 + UInt64(seconds * 1000)
        }
        return total
    }

    /// Days since 1970-01-01 (Howard Hinnant's `days_from_civil`).
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func pad(_ number: UInt64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
