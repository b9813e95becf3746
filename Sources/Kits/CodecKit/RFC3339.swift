/// Dates and times as RFC 3339 writes them, piece by piece: `2026-11-21`, `T`, `08:54:00`, a fraction, `Z` or an offset. Each
/// caller combines the pieces that it needs.
package enum RFC3339 {
    /// Seconds of a day.
    package static let day = 86_400

    /// `2026-11-21T08:54:00`, in UTC, from seconds since 1970.
    package static func dateTime(seconds: Int) -> String { text(24) { append(seconds: seconds, to: &$0) } }

    /// `08:54:00`, from seconds since midnight.
    package static func clock(seconds: Int) -> String { text(8) { append(clock: seconds, to: &$0) } }

    /// `Z`, `+01:00`, `-09:30`.
    package static func offset(minutes: Int) -> String {
        guard minutes != 0 else { return "Z" }
        let size = Int(minutes.magnitude)
        return text(6) {
            $0.append(UInt8(ascii: minutes < 0 ? "-" : "+"))
            append(size / 60, 2, to: &$0)
            $0.append(UInt8(ascii: ":"))
            append(size % 60, 2, to: &$0)
        }
    }

    /// `number` with leading zeros up to `width` digits.
    package static func padded(_ number: Int, _ width: Int) -> String { text(width) { append(number, width, to: &$0) } }

    /// Seconds since 1970 as `2026-11-21T08:54:00`.
    static func append(seconds: Int, to out: inout [UInt8]) {
        let days = (seconds >= 0 ? seconds : seconds - (day - 1)) / day
        CivilDate(daysSince1970: days).append(to: &out)
        out.append(UInt8(ascii: "T"))
        append(clock: seconds - days * day, to: &out)
    }

    /// Seconds since midnight as `08:54:00`.
    static func append(clock seconds: Int, to out: inout [UInt8]) {
        append(seconds / 3600, 2, to: &out)
        out.append(UInt8(ascii: ":"))
        append(seconds / 60 % 60, 2, to: &out)
        out.append(UInt8(ascii: ":"))
        append(seconds % 60, 2, to: &out)
    }

    /// Appends `number` with leading zeros up to `width` digits.
    static func append(_ number: Int, _ width: Int, to out: inout [UInt8]) {
        if number < 0 { out.append(UInt8(ascii: "-")) }
        let size = number.magnitude
        var count = 1
        var power: UInt = 10
        while count < width || size / power > 0 {
            count += 1
            power *= 10
        }
        while power > 1 {
            power /= 10
            out.append(UInt8(ascii: "0") + UInt8(size / power % 10))
        }
    }

    static func text(_ capacity: Int, _ body: (inout [UInt8]) -> Void) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(capacity)
        body(&out)
        return String(decoding: out, as: UTF8.self)
    }
}
