import CodecKit

extension CalendarText {
    /// The date of a text that `date(days:)` would write just so; nil for every other text.
    package static func exactDate(_ text: String) -> Int32? {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, let days = days(bytes[...]) else { return nil }
        return date(days: days).utf8.elementsEqual(bytes) ? Int32(days) : nil
    }

    /// The date and time of a text that `dateTime(_:offsetMinutes:)` would write just so; nil for every other text.
    package static func exactDateTime(_ text: String) -> (microseconds: Int64, offsetMinutes: Int32)? {
        let bytes = Array(text.utf8)
        guard (20...33).contains(bytes.count), bytes[10] == UInt8(ascii: "T"), let days = days(bytes[..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
        else { return nil }
        var rest = bytes[19...]
        var fraction: Int64 = 0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard (1...6).contains(digits.count), let value = number(digits) else { return nil }
            fraction = value * [100_000, 10_000, 1000, 100, 10, 1][digits.count - 1]
            rest = rest[digits.endIndex...]
        }
        var offset: Int64 = 0
        if rest.elementsEqual([UInt8(ascii: "Z")]) {
            // UTC.
        } else {
            guard rest.count == 6, let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
                let hours = number(rest.dropFirst().prefix(2)), let minutes = number(rest.suffix(2)), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
        }
        guard hour < 24, minute < 60, second < 60 else { return nil }
        let local = days * 86_400_000_000 + (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction
        let time = local - offset * 60_000_000
        guard (-62_135_596_800_000_000...253_402_300_799_999_999).contains(time) else { return nil }
        return dateTime(time, offsetMinutes: Int32(offset)).utf8.elementsEqual(bytes) ? (time, Int32(offset)) : nil
    }

    /// RFC 3339 of units of 100 nanoseconds since 1970, in UTC, always with seven digits: what the twin service shows.
    package static func ticks(_ ticks: Int64) -> String {
        let fraction = String(10_000_000 + ticks % 10_000_000).dropFirst()
        return dateTime(ticks / 10_000_000 * 1_000_000).dropLast() + "." + fraction + "Z"
    }

    /// Days since 1970-01-01 of `yyyy-mm-dd`, from the year 1 on.
    private static func days(_ bytes: ArraySlice<UInt8>) -> Int64? {
        CivilDate(bytes).flatMap { $0.year > 0 ? Int64($0.daysSince1970) : nil }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
}
