internal import ValueRules

/// A number as a field has it; nothing of it is rounded.
struct WrittenNumber {
    var isNegative = false
    /// The first 19 digits, zeros in front not counted.
    private(set) var mantissa: UInt64 = 0
    private var mantissaDigits = 0
    /// The digits after them.
    private(set) var rest: [UInt8] = []
    /// The power of ten of the last digit.
    var exponent = 0
    /// How many digits there are, zeros in front counted.
    private(set) var digits = 0
    /// The byte after the number.
    var end = 0

    mutating func add(_ digit: UInt8) {
        digits += 1
        if mantissa == 0 && digit == 0 && rest.isEmpty { return }
        if mantissaDigits == 19 { return rest.append(digit) }
        mantissa = mantissa * 10 + UInt64(digit)
        mantissaDigits += 1
    }

    /// The same with all its digits apart.
    var decimal: DecimalNumber {
        let head = mantissa == 0 ? [] : String(mantissa).utf8.map { $0 - 0x30 }
        return DecimalNumber(digits: head + rest, exponent: exponent, isNegative: isNegative)
    }

    /// Leaves its decimals out; a half and more of the last whole digit is one more of it.
    mutating func roundToWhole() {
        guard exponent < 0 else { return }
        let written = decimal
        let whole = max(0, written.digits.count + written.exponent)
        guard written.exponent < 0 else { return }
        let kept = written.digits.prefix(whole)
        var rounded = WrittenNumber()
        (rounded.isNegative, rounded.end) = (isNegative, end)
        for digit in kept { rounded.add(digit) }
        let isUp = written.digits.count + written.exponent >= 0 && whole < written.digits.count && written.digits[whole] >= 5
        // Nineteen digits and one fit the mantissa; longer numbers fit no type anyhow.
        if isUp { rounded.mantissa += 1 }
        self = rounded
    }

    /// Mantissa and exponent without zeros at the end; nil if there are more digits than the mantissa holds.
    var short: (mantissa: UInt64, exponent: Int)? {
        guard rest.isEmpty else { return nil }
        guard mantissa != 0 else { return (0, 0) }
        var (mantissa, exponent) = (mantissa, exponent)
        while mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        return (mantissa, exponent)
    }
}

extension Bytes {
    /// Reads a number whole:
    ///
    ///     number  := sign? (whole (point digit*)? | point digit+) exponent? (blank* unit)?
    ///     whole   := digit+ | 1 to 3 digits, the first not 0, then (group and 3 digits) once or more
    ///
    /// An exponent may have a sign. A unit is allowed only if `format` allows one.
    ///
    /// Errors: `not-a-number`; its remark says if the group mark could also start decimals.
    func writtenNumber(_ format: NumberFormat) throws(ValueError) -> WrittenNumber {
        var number = WrittenNumber()
        var index = 0
        if count > 0, self[0] == 0x2D || self[0] == 0x2B {
            number.isNegative = self[0] == 0x2D
            index = 1
        }
        try takeWhole(&number, &index, format)
        if index < count, self[index] == format.point {
            index += 1
            let whole = number.digits
            takeDigits(&number, &index)
            number.exponent = whole - number.digits
        }
        guard number.digits > 0 else { throw ValueError("not-a-number", format.words(whole: false)) }
        number.exponent += takeExponent(&index)
        guard index == count || (format.allowsUnit && dropFirst(index).withoutBlanks.isUnit) else {
            throw ValueError("not-a-number", format.words(whole: false), remark: remark(at: index, format))
        }
        number.end = index
        return number
    }

    private func takeDigits(_ number: inout WrittenNumber, _ index: inout Int) {
        while index < count, self[index] &- 0x30 < 10 {
            number.add(self[index] - 0x30)
            index += 1
        }
    }

    private func takeWhole(_ number: inout WrittenNumber, _ index: inout Int, _ format: NumberFormat) throws(ValueError) {
        let start = index
        takeDigits(&number, &index)
        guard format.group != 0, number.digits > 0 else { return }
        var isWellFormed = number.digits <= 3 && self[start] != 0x30
        var groups = 0
        while index < count, self[index] == format.group {
            // A blank before a unit groups nothing.
            if format.group == 0x20, index + 1 < count, self[index + 1] &- 0x30 >= 10 { break }
            index += 1
            groups += 1
            let before = number.digits
            takeDigits(&number, &index)
            if number.digits - before != 3 { isWellFormed = false }
        }
        guard groups > 0, !isWellFormed else { return }
        let mark = NumberFormat.words(mark: format.group)
        let couldBePoint = groups == 1 && index == count && (format.group == 0x2E || format.group == 0x2C)
        throw ValueError(
            "not-a-number", format.words(whole: false),
            remark: couldBePoint
                ? "Its \(mark) can be read in two ways: as a decimal mark, or as a group mark, but it does not group thousands "
                    + "as they are grouped. If it is the decimal mark, set decimal and group so."
                : "Its \(mark) does not group thousands: 1 to 3 digits in front, the first not 0, then 3 digits each.")
    }

    private func takeExponent(_ index: inout Int) -> Int {
        guard index < count, self[index] | 0x20 == UInt8(ascii: "e") else { return 0 }
        var next = index + 1
        var isNegative = false
        if next < count, self[next] == 0x2D || self[next] == 0x2B {
            isNegative = self[next] == 0x2D
            next += 1
        }
        guard next < count, self[next] &- 0x30 < 10 else { return 0 }  // A unit may start with an e.
        var exponent = 0
        while next < count, self[next] &- 0x30 < 10 {
            exponent = min(10_000_000, exponent * 10 + Int(self[next] - 0x30))
            next += 1
        }
        index = next
        return isNegative ? -exponent : exponent
    }

    /// What is odd about the rest of a number.
    private func remark(at index: Int, _ format: NumberFormat) -> String {
        let rest = dropFirst(index)
        if rest.count == 1, rest[0] == 0x2D || rest[0] == 0x2B { return "Its sign stands at the end." }
        if format.allowsUnit { return "What follows the number is no unit." }
        if rest[0] == 0x2E || rest[0] == 0x2C { return "Its \(NumberFormat.words(mark: rest[0])) is not one that is declared." }
        return rest.withoutBlanks.isUnit ? "A unit follows the number." : ""
    }

    /// Without blanks, tabs and the blanks that do not break (U+00A0, U+2009, U+202F) at both ends.
    public var withoutBlanks: Bytes {
        var rest = trimmed
        while true {
            if rest.prefix(2) == "\u{A0}" {
                rest = rest.dropFirst(2).trimmed
            } else if rest.prefix(3) == "\u{2009}" || rest.prefix(3) == "\u{202F}" {
                rest = rest.dropFirst(3).trimmed
            } else {
                return rest
            }
        }
    }

    /// The same at its end only, because text before a number is part of the cell.
    public var withoutBlanksBehind: Bytes {
        var rest = self
        while let last = rest.count > 0 ? rest[rest.count - 1] : nil {
            let tail = rest.dropFirst(max(0, rest.count - 3))
            if last == 0x20 || last == 0x09 {
                rest = rest.prefix(rest.count - 1)
            } else if tail == "\u{2009}" || tail == "\u{202F}" {
                rest = rest.prefix(rest.count - 3)
            } else if rest.count > 1, tail.dropFirst(tail.count - 2) == "\u{A0}" {
                rest = rest.prefix(rest.count - 2)
            } else {
                break
            }
        }
        return rest
    }

    /// Whether this is the text of a unit: letters, signs such as % and °, with `/ * . ^ -` and blanks between them; a digit is
    /// a power only: 2 or 3 after a letter or `^`, and at the end or before such a sign. So `m/s`, `kg/m3`, `°C`, `fl oz` are
    /// units, and `5`, `kg 200 g`, `h30`, `-` are none.
    var isUnit: Bool {
        let signs = "/*·^-.() ".unicodeScalars
        var before: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            let isLetter = scalar.properties.isAlphabetic || "%‰°µ²³$€£Ω\"'′″".unicodeScalars.contains(scalar)
            let followsLetter = before.map { $0.properties.isAlphabetic || $0 == "^" } ?? false
            let followsDigit = before == "2" || before == "3"
            guard
                scalar == "2" || scalar == "3"
                    ? followsLetter : isLetter ? !followsDigit : signs.contains(scalar) && before != nil
            else { return false }
            before = scalar
        }
        return before.map { !"/*·^-".unicodeScalars.contains($0) } ?? true
    }
}

extension NumberFormat {
    @usableFromInline static let wholeWords = "a whole number, such as 1234"

    /// What a number looks like in this format.
    func words(whole: Bool) -> String {
        let mark = Character(Unicode.Scalar(point))
        let thousands = group == 0 ? "1234" : "1\(Character(Unicode.Scalar(group)))234"
        let unit = allowsUnit ? " kg" : ""
        let groups = group == 0 ? "" : " (\(Self.words(mark: group)) between groups of three digits, or none)"
        return whole
            ? "a whole number, such as \(thousands)\(unit)\(groups)"
            : "a number, such as \(thousands)\(mark)5\(unit)\(groups)"
    }

    static func words(mark: UInt8) -> String { mark == 0x20 ? "blank" : "'\(Character(Unicode.Scalar(mark)))'" }
}

extension ValueError {
    static let over64Bits = ValueError(
        "number-too-large", "a whole number of at most 64 bits: -9223372036854775808 to 9223372036854775807")
}
