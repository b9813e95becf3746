import CodecKit

/// The text forms of values that JSON carries as strings (DTDL v4, "Primitive schemas"; XML Schema 1.1 part 2).
package enum ValueText {
    /// `yyyy-mm-dd`, a day of the calendar in the years 0001 to 9999.
    package static func isDate(_ text: some Collection<UInt8>) -> Bool {
        let text = Array(text)
        guard text.count == 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let year = number(text[0..<4]), let month = number(text[5..<7]), let day = number(text[8..<10]),
            year >= 1, (1...12).contains(month)
        else { return false }
        return (1...days(in: month, of: year)).contains(day)
    }

    /// `hh:mm:ss`, a fraction of a second if need be, and `Z` or an offset such as `+01:00`.
    package static func isTime(_ text: some Collection<UInt8>) -> Bool {
        let text = Array(text)
        guard text.count >= 9, isClock(text[0..<5]), text[5] == UInt8(ascii: ":"),
            let second = number(text[6..<8]), second < 60
        else { return false }
        var at = 8
        if text[at] == UInt8(ascii: ".") {
            at += 1
            let start = at
            while at < text.count, isDigit(text[at]) { at += 1 }
            guard at > start else { return false }
        }
        let offset = text[at...]
        switch offset.first {
        case UInt8(ascii: "Z"): return offset.count == 1
        case UInt8(ascii: "+"), UInt8(ascii: "-"): return isClock(offset.dropFirst())
        default: return false
        }
    }

    /// A date, `T`, and a time with its offset.
    package static func isDateTime(_ text: some Collection<UInt8>) -> Bool {
        let text = Array(text)
        guard text.count >= 20, text[10] == UInt8(ascii: "T") else { return false }
        return isDate(text[0..<10]) && isTime(text[11...])
    }

    /// ISO 8601: `P3Y6M4DT12H30M5S`, `P2W`, `PT0.5S`. Years and months or weeks, never both; a fraction in the last part only.
    package static func isDuration(_ text: some Collection<UInt8>) -> Bool {
        var rest = Array(text)[...]
        guard rest.popFirst() == UInt8(ascii: "P") else { return false }
        var parts = DurationParts()
        guard parts.take("YMWD", from: &rest), !(parts.units.contains(UInt8(ascii: "W")) && parts.hasYearOrMonth) else {
            return false
        }
        if rest.first == UInt8(ascii: "T") {
            rest.removeFirst()
            let before = parts.count
            guard parts.take("HMS", from: &rest), parts.count > before else { return false }
        }
        return rest.isEmpty && parts.count > 0
    }

    private struct DurationParts {
        var count = 0
        var units: Set<UInt8> = []
        var hasFraction = false
        var hasYearOrMonth: Bool { units.contains(UInt8(ascii: "Y")) || units.contains(UInt8(ascii: "M")) }

        /// Takes parts whose units are in the order of `order`; false if they are not, or one follows a fraction.
        mutating func take(_ order: String, from rest: inout ArraySlice<UInt8>) -> Bool {
            units = []
            var allowed = Array(order.utf8)[...]
            while let first = rest.first, ValueText.isDigit(first) {
                guard !hasFraction else { return false }
                rest = rest.drop { ValueText.isDigit($0) }
                if rest.first == UInt8(ascii: ".") {
                    rest.removeFirst()
                    guard let digit = rest.first, ValueText.isDigit(digit) else { return false }
                    rest = rest.drop { ValueText.isDigit($0) }
                    hasFraction = true
                }
                guard let unit = rest.popFirst(), let at = allowed.firstIndex(of: unit) else { return false }
                allowed = allowed[(at + 1)...]
                units.insert(unit)
                count += 1
            }
            return true
        }
    }

    /// A sign if need be, digits without leading zeros, and a point with or without digits after it.
    package static func isDecimal(_ text: some Collection<UInt8>) -> Bool {
        var rest = Array(text)[...]
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let whole = rest.prefix { isDigit($0) }
        guard !whole.isEmpty, whole.count == 1 || whole.first != UInt8(ascii: "0") else { return false }
        rest = rest.dropFirst(whole.count)
        guard rest.popFirst() != nil else { return true }
        return text.dropFirst(text.count - rest.count - 1).first == UInt8(ascii: ".") && rest.allSatisfy { isDigit($0) }
    }

    /// 8-4-4-4-12 hexadecimal digits, of any case, without braces.
    package static func isUUID(_ text: some Collection<UInt8>) -> Bool {
        guard text.count == 36 else { return false }
        return text.enumerated().allSatisfy { index, byte in
            [8, 13, 18, 23].contains(index) ? byte == UInt8(ascii: "-") : Hex.value(of: byte) != nil
        }
    }

    /// Base64 with padding (RFC 4648, section 4), without line breaks.
    package static func isBase64(_ text: some Collection<UInt8>) -> Bool {
        guard text.count % 4 == 0 else { return false }
        let padding = Array(text.suffix(2)).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return text.dropLast(padding).allSatisfy { byte in
            isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
        }
    }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }

    /// `hh:mm` below 24:00.
    private static func isClock(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count == 5, text[text.startIndex + 2] == UInt8(ascii: ":"),
            let hour = number(text.prefix(2)), let minute = number(text.suffix(2))
        else { return false }
        return hour < 24 && minute < 60
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard isDigit(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
