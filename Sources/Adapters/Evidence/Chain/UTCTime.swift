/// Milliseconds since 1970 as the archive writes them: `2026-11-21T09:07:27.123Z`, in the Gregorian calendar,
/// without leap seconds.
struct UTCTime: Equatable, CustomStringConvertible {
    let milliseconds: UInt64

    init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    /// Nil unless `text` has exactly the form above.
    init?(_ text: some Collection<UInt8>) {
        let bytes = Array(text)
        guard bytes.count == 24, bytes[10] == UInt8(ascii: "T"), bytes[23] == UInt8(ascii: "Z"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]), let day = Self.number(bytes[8..<10]),
            let hour = Self.number(bytes[11..<13]), let minute = Self.number(bytes[14..<16]),
            let second = Self.number(bytes[17..<19]), let fraction = Self.number(bytes[20..<23]), year >= 1970
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        let seconds = UInt64(max(0, days)) * 86_400 + UInt64(hour * 3600 + minute * 60 + second)
        milliseconds = seconds * 1000 + UInt64(fraction)
        // Also refuses 30 February and 25 o'clock: they print as another text.
        guard Array(description.utf8) == bytes else { return nil }
    }

    /// `2026-11-21`
    var date: String { String(description.prefix(10)) }

    /// `2026/11/21`
    var folder: String { String(date.map { $0 == "-" ? "/" : $0 }) }

    var description: String { String(decoding: bytes, as: UTF8.self) }

    var bytes: [UInt8] {
        let (year, month, day) = Self.civil(days: Int(milliseconds / 86_400_000))
        let rest = Int(milliseconds % 86_400_000)
        var out = Array("0000-00-00T00:00:00.000Z".utf8)
        Self.put(year, 4, at: 0, into: &out)
        Self.put(month, 2, at: 5, into: &out)
        Self.put(day, 2, at: 8, into: &out)
        Self.put(rest / 3_600_000, 2, at: 11, into: &out)
        Self.put(rest / 60_000 % 60, 2, at: 14, into: &out)
        Self.put(rest / 1000 % 60, 2, at: 17, into: &out)
        Self.put(rest % 1000, 3, at: 20, into: &out)
        return out
    }

    private static func put(_ number: Int, _ digits: Int, at position: Int, into out: inout [UInt8]) {
        var number = number
        for index in stride(from: position + digits - 1, through: position, by: -1) {
            out[index] = UInt8(ascii: "0") + UInt8(number % 10)
            number /= 10
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        digits.reduce(Int?.some(0)) { sum, byte in
            guard let sum, (0x30...0x39).contains(byte) else { return nil }
            return sum * 10 + Int(byte - 0x30)
        }
    }

    /// Days since 1970 and back, after H. Hinnant, "chrono-compatible low-level date algorithms".
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let days = days + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}
