import CodecKit

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
        RFC3339.padded(Int((microseconds % 1_000_000 + 1_000_000) % 1_000_000), 6) + "0"
    }

    private static func date(_ microseconds: Int64) -> String {
        let isBefore = microseconds % 1_000_000 < 0
        return RFC3339.dateTime(seconds: Int(microseconds / 1_000_000) - (isBefore ? 1 : 0))
    }
}

extension Instant {
    /// The first moment of a day given as `YYYY-MM-DD`; nil if it is not valid. Unit: microseconds since 1970.
    static func microseconds(day text: String) -> Int64? {
        CivilDate(text.utf8).map { Int64($0.daysSince1970) * 86_400_000_000 }
    }
}
