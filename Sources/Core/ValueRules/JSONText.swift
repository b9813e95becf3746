import CodecKit

/// What is wrong with a JSON text, and at which byte.
package struct JSONTextFault: Error, Equatable {
    /// What is wrong, in words that continue "is not JSON: ".
    package let message: String
    /// Byte offset in the text.
    package let offset: Int
}

/// Judges the text of a JSON value (RFC 8259), without building it.
///
/// A text is one value with only blanks around it, in UTF-8. No object has a name twice, no surrogate is alone, and it is at most
/// `depthMax` deep. A number fits in 64 bits signed, or a double holds it in full.
package enum JSONText {
    /// Throws what is wrong; work grows with the text only.
    package static func check(_ text: borrowing Span<UInt8>, depthMax: Int = 32) throws(JSONTextFault) {
        var checker = JSONTextChecker(depthMax: depthMax)
        try checker.value(text, depth: 0)
        checker.skipBlanks(text)
        guard checker.at == text.count else { throw checker.fault("there is text after the end of the value") }
    }
}

private struct JSONTextChecker {
    let depthMax: Int
    var at = 0

    init(depthMax: Int) { self.depthMax = depthMax }

    func fault(_ message: String, at offset: Int? = nil) -> JSONTextFault {
        JSONTextFault(message: message, offset: offset ?? at)
    }

    mutating func skipBlanks(_ text: borrowing Span<UInt8>) {
        while at < text.count, text[at] == 0x20 || text[at] == 0x0A || text[at] == 0x0D || text[at] == 0x09 { at += 1 }
    }

    mutating func value(_ text: borrowing Span<UInt8>, depth: Int) throws(JSONTextFault) {
        skipBlanks(text)
        guard at < text.count else { throw fault("the text ends where a value is expected") }
        switch text[at] {
        case UInt8(ascii: "{"): try members(text, depth: depth + 1)
        case UInt8(ascii: "["): try elements(text, depth: depth + 1)
        case UInt8(ascii: "\""): _ = try string(text)
        case UInt8(ascii: "t"): try word("true", text)
        case UInt8(ascii: "f"): try word("false", text)
        case UInt8(ascii: "n"): try word("null", text)
        case UInt8(ascii: "-"), 0x30...0x39: try number(text)
        default: throw fault("a value is expected here")
        }
    }

    private mutating func members(_ text: borrowing Span<UInt8>, depth: Int) throws(JSONTextFault) {
        try enter(depth)
        if take(UInt8(ascii: "}"), text) { return }
        var names: Set<[UInt8]> = []
        repeat {
            skipBlanks(text)
            let start = at
            guard at < text.count, text[at] == UInt8(ascii: "\"") else { throw fault("a member name in quotes is expected here") }
            guard names.insert(try string(text)).inserted else {
                throw fault("a name stands twice in one object", at: start)
            }
            guard take(UInt8(ascii: ":"), text) else { throw fault("':' is expected here") }
            try value(text, depth: depth)
        } while take(UInt8(ascii: ","), text)
        guard take(UInt8(ascii: "}"), text) else { throw fault("',' or '}' is expected here") }
    }

    private mutating func elements(_ text: borrowing Span<UInt8>, depth: Int) throws(JSONTextFault) {
        try enter(depth)
        if take(UInt8(ascii: "]"), text) { return }
        repeat { try value(text, depth: depth) } while take(UInt8(ascii: ","), text)
        guard take(UInt8(ascii: "]"), text) else { throw fault("',' or ']' is expected here") }
    }

    private mutating func enter(_ depth: Int) throws(JSONTextFault) {
        guard depth <= depthMax else { throw fault("it is nested deeper than \(depthMax) levels") }
        at += 1
    }

    private mutating func take(_ byte: UInt8, _ text: borrowing Span<UInt8>) -> Bool {
        skipBlanks(text)
        guard at < text.count, text[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func word(_ word: StaticString, _ text: borrowing Span<UInt8>) throws(JSONTextFault) {
        let start = at
        for byte in word.description.utf8 {
            guard at < text.count, text[at] == byte else { throw fault("\(word) is expected here", at: start) }
            at += 1
        }
    }

    // MARK: - Numbers

    private mutating func number(_ text: borrowing Span<UInt8>) throws(JSONTextFault) {
        let start = at
        let isNegative = text[at] == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var digits: [UInt8] = []
        let startsWithZero = at < text.count && text[at] == UInt8(ascii: "0")
        try take(&digits, text, "here")
        guard !startsWithZero || digits.count == 1 else { throw fault("a number has a zero in front", at: start) }
        var exponent = 0
        var isInteger = true
        if at < text.count, text[at] == UInt8(ascii: ".") {
            at += 1
            let before = digits.count
            try take(&digits, text, "after the point")
            exponent = before - digits.count
            isInteger = false
        }
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            exponent += try powerOfTen(text)
            isInteger = false
        }
        if isInteger, fitsInt64(digits, isNegative) { return }
        switch DecimalNumber(digits: digits, exponent: exponent, isNegative: isNegative).double {
        case .whole: return
        case .rounded: throw fault("a number has more digits than 64 bits or a double hold", at: start)
        case .tooLarge: throw fault("a number is larger than a double holds", at: start)
        }
    }

    private func fitsInt64(_ digits: [UInt8], _ isNegative: Bool) -> Bool {
        var value: Int64 = 0
        for digit in digits {
            let (product, high) = value.multipliedReportingOverflow(by: 10)
            let (sum, over) = product.subtractingReportingOverflow(Int64(digit))
            if high || over { return false }
            value = sum
        }
        return isNegative || value != .min
    }

    private mutating func take(
        _ digits: inout [UInt8], _ text: borrowing Span<UInt8>, _ place: String
    ) throws(JSONTextFault) {
        let start = at
        while at < text.count, text[at] &- 0x30 < 10 {
            digits.append(text[at] - 0x30)
            at += 1
        }
        guard at > start else { throw fault("a digit is expected \(place)") }
    }

    private mutating func powerOfTen(_ text: borrowing Span<UInt8>) throws(JSONTextFault) -> Int {
        at += 1
        var isNegative = false
        if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
            isNegative = text[at] == UInt8(ascii: "-")
            at += 1
        }
        var digits: [UInt8] = []
        try take(&digits, text, "in the exponent")
        let power = digits.reduce(0) { min(10_000_000, $0 * 10 + Int($1)) }
        return isNegative ? -power : power
    }

    // MARK: - Strings

    /// The bytes of the string without its escapes.
    private mutating func string(_ text: borrowing Span<UInt8>) throws(JSONTextFault) -> [UInt8] {
        let start = at
        at += 1
        var out: [UInt8] = []
        while at < text.count {
            let byte = text[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard String(validating: out, as: UTF8.self) != nil else { throw fault("a string is not UTF-8", at: start) }
                return out
            case UInt8(ascii: "\\"): try escape(text, into: &out)
            case ..<0x20: throw fault("a control character stands unescaped in a string", at: at - 1)
            default: out.append(byte)
            }
        }
        throw fault("a string has no closing quote", at: start)
    }

    private mutating func escape(_ text: borrowing Span<UInt8>, into out: inout [UInt8]) throws(JSONTextFault) {
        guard at < text.count else { throw fault("the text ends in an escape") }
        let byte = text[at]
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"): out += String(Character(try scalar(text))).utf8
        default: throw fault("an escape is unknown", at: at - 2)
        }
    }

    private mutating func scalar(_ text: borrowing Span<UInt8>) throws(JSONTextFault) -> Unicode.Scalar {
        let start = at - 2
        var unit = try hexUnit(text)
        if (0xD800..<0xDC00).contains(unit) {
            guard at + 1 < text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") else {
                throw fault("a high surrogate stands without its low one", at: start)
            }
            at += 2
            let low = try hexUnit(text)
            guard (0xDC00..<0xE000).contains(low) else {
                throw fault("a high surrogate stands without its low one", at: start)
            }
            unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(unit) else { throw fault("a low surrogate stands without its high one", at: start) }
        return scalar
    }

    private mutating func hexUnit(_ text: borrowing Span<UInt8>) throws(JSONTextFault) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard at < text.count, let digit = Hex.value(of: text[at]) else {
                throw fault("four hexadecimal digits are expected")
            }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }
}
