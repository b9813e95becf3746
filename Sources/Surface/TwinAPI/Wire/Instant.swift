/// Times as the service prints them: UTC, seven fractional digits (docs/azure-contract.md, "Times").
enum Instant {
    /// `2022-05-26T07:28:48.7212600Z`. Unit: microseconds since 1970.
    static func text(microseconds: Int64) -> String { date(microseconds) + "." + fraction(microseconds) + "Z" }

    /// `2022-05-26T07:28:48.652186+00:00`: trailing zeros trimmed, as for models' upload times.
    static func offsetText(microseconds: Int64) -> String {
        var digits = fraction(microseconds)[...]
        while digits.last == "0" { digits.removeLast() }
        return date(microseconds) + (digits.isEmpty ? "" : "." + digits) + "+00:00"
    }

    private static func fraction(_ microseconds: Int64) -> String {
        let part = String((microseconds % 1_000_000 + 1_000_000) % 1_000_000)
        return String(repeating: "0", count: 6 - part.count) + part + "0"
    }

    private static func date(_ microseconds: Int64) -> String {
        let seconds = (Double(microseconds) / 1_000_000).rounded(.down)
        let days = Int((seconds / 86_400).rounded(.down))
        let rest = Int(seconds) - days * 86_400
        let (year, month, day) = civil(days)
        return
            "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
            + "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))"
    }

    /// The date of a day counted from 1970-01-01 (proleptic Gregorian calendar; eras of 400 years begin in March).
    private static func civil(_ days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

extension Instant {
    /// The first moment of a day given as `YYYY-MM-DD`; nil where it is none. Unit: microseconds since 1970.
    static func microseconds(day text: String) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month), day >= 1
        else { return nil }
        // Days from civil, the inverse of the formula above.
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        let instant = Int64(days) * 86_400_000_000
        return self.text(microseconds: instant).hasPrefix(text) ? instant : nil
    }
}
