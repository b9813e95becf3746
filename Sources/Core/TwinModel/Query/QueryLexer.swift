/// A word, value or sign of a query, and where it starts.
struct QueryToken: Equatable {
    enum Kind: Equatable {
        /// A keyword or an identifier.
        case word(String)
        /// `[[…]]`: always an identifier.
        case quoted(String)
        case text(String)
        case integer(Int64)
        case double(Double)
        /// One of `( ) [ ] , . .. * : | - = != < > <= >=`.
        case sign(String)
        case end
    }

    let kind: Kind
    let line: Int
    let position: Int

    /// As an error message names it.
    var shown: String {
        switch kind {
        case .word(let word): "'\(word)'"
        case .quoted(let name): "'[[\(name)]]'"
        case .text: "a string"
        case .integer, .double: "a number"
        case .sign(let sign): "'\(sign)'"
        case .end: "the end"
        }
    }

    func error(_ message: String) -> QueryError { QueryError(line: line, position: position, message: message) }
}

/// Cuts a text into tokens. Text and numbers are decoded; nothing is looked up.
struct QueryLexer {
    private let scalars: [Unicode.Scalar]
    private var at = 0
    private var line = 1
    private var lineStart = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// All tokens; the last one is `end`.
    static func tokens(_ text: String) throws(QueryError) -> [QueryToken] {
        var lexer = QueryLexer(text)
        var tokens: [QueryToken] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func peek(_ distance: Int = 0) -> Unicode.Scalar? {
        at + distance < scalars.count ? scalars[at + distance] : nil
    }

    private func failure(_ message: String) -> QueryError {
        QueryError(line: line, position: at - lineStart, message: message)
    }

    private mutating func next() throws(QueryError) -> QueryToken {
        skipBlanks()
        let (line, position) = (line, at - lineStart)
        let kind = try kind()
        return QueryToken(kind: kind, line: line, position: position)
    }

    private mutating func skipBlanks() {
        // Text that was copied from a page may contain no-break and other blanks, and a file may begin with a byte order mark.
        while let scalar = peek(), scalar.properties.isWhitespace || scalar == "\u{FEFF}" {
            at += 1
            if scalar == "\n" { (line, lineStart) = (line + 1, at) }
        }
    }

    private mutating func kind() throws(QueryError) -> QueryToken.Kind {
        guard let scalar = peek() else { return .end }
        if Self.startsName(scalar) { return .word(takeWhile(Self.continuesName)) }
        if ("0"..."9").contains(scalar) { return try number() }
        switch scalar {
        case "'", "\"": return .text(try text(endingWith: scalar))
        case "[" where peek(1) == "[" && peek(2) != "[": return .quoted(try quotedName())
        case "!" where peek(1) == "=", "<" where peek(1) == "=", ">" where peek(1) == "=":
            at += 2
            return .sign(String(scalar) + "=")
        case "." where peek(1) == ".":
            at += 2
            return .sign("..")
        case "(", ")", "[", "]", ",", ".", "*", ":", "|", "-", "=", "<", ">":
            at += 1
            return .sign(String(scalar))
        default: throw failure("The character \(Self.shown(scalar)) has no meaning here.\(Self.advice(scalar))")
        }
    }

    /// A character as it looks, with its number if it can be mistaken for another.
    private static func shown(_ scalar: Unicode.Scalar) -> String {
        if scalar.isASCII, scalar.value > 0x20, scalar.value < 0x7F { return "'\(scalar)'" }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let number = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
            return number
        default: return "'\(scalar)' (\(number))"
        }
    }

    private static func advice(_ scalar: Unicode.Scalar) -> String {
        ["‘", "’", "“", "”", "„", "´", "`"].contains(scalar) ? " Strings stand between ' or \"." : ""
    }

    static func startsName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "_", "$": true
        default: false
        }
    }

    static func continuesName(_ scalar: Unicode.Scalar) -> Bool { startsName(scalar) || ("0"..."9").contains(scalar) }

    private mutating func takeWhile(_ isWanted: (Unicode.Scalar) -> Bool) -> String {
        var text = String.UnicodeScalarView()
        while let scalar = peek(), isWanted(scalar) {
            text.append(scalar)
            at += 1
        }
        return String(text)
    }

    private mutating func number() throws(QueryError) -> QueryToken.Kind {
        let isDigit: (Unicode.Scalar) -> Bool = { ("0"..."9").contains($0) }
        var text = takeWhile(isDigit)
        var isWhole = true
        if peek() == ".", let after = peek(1), isDigit(after) {
            at += 1
            isWhole = false
            text += "." + takeWhile(isDigit)
        }
        if peek() == "e" || peek() == "E" {
            let signed = peek(1) == "+" || peek(1) == "-"
            if let digit = peek(signed ? 2 : 1), isDigit(digit) {
                text += "e" + (peek(1) == "-" ? "-" : "")
                at += signed ? 2 : 1
                isWhole = false
                text += takeWhile(isDigit)
            }
        }
        if let scalar = peek(), Self.startsName(scalar) {
            throw failure("A name that starts with a digit is written [[\(text)\(takeWhile(Self.continuesName))]].")
        }
        if let number = isWhole ? Int64(text) : Self.wholeNumber(text) { return .integer(number) }
        guard let number = Double(text), number.isFinite else { throw failure("The number \(text) is out of range.") }
        return .double(number)
    }

    /// The value of a number with a fraction or an exponent, if it is a whole number that a double does not hold exactly:
    /// `9007199254740993.0`. Nil for any other.
    private static func wholeNumber(_ text: String) -> Int64? {
        guard let double = Double(text), double.magnitude >= 0x1p53, double.magnitude < 0x1p63 else { return nil }
        let parts = text.split(separator: "e", maxSplits: 1)
        guard let exponent = parts.count > 1 ? Int(parts[1]) : 0, exponent.magnitude < 1000 else { return nil }
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        let digits = Array(mantissa[0].utf8) + Array(fraction.utf8)
        let point = mantissa[0].utf8.count + exponent
        guard point > 0, digits.dropFirst(point).allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
        let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, point - digits.count))
        return Int64(String(decoding: digits.prefix(point) + zeros, as: UTF8.self))
    }

    private mutating func quotedName() throws(QueryError) -> String {
        let start = failure("[[ has no ]] that ends the name.")
        at += 2
        var name = String.UnicodeScalarView()
        while let scalar = peek() {
            if scalar == "]", peek(1) == "]" {
                at += 2
                guard !name.isEmpty else { throw start.saying("[[]] names nothing.") }
                return String(name)
            }
            guard scalar != "\n" else { break }
            name.append(scalar)
            at += 1
        }
        throw start
    }

    private mutating func text(endingWith quote: Unicode.Scalar) throws(QueryError) -> String {
        let start = failure("A string has no closing \(quote).")
        at += 1
        var text = String.UnicodeScalarView()
        while let scalar = peek() {
            at += 1
            if scalar == quote { return String(text) }
            if scalar == "\\" { text.append(try escape()) } else { text.append(scalar) }
            if scalar == "\n" { (line, lineStart) = (line + 1, at) }
        }
        throw start
    }

    private mutating func escape() throws(QueryError) -> Unicode.Scalar {
        guard let scalar = peek() else { throw failure("The text ends in an escape.") }
        at += 1
        switch scalar {
        case "'", "\"", "\\", "/": return scalar
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            var unit = try hexUnit()
            if (0xD800..<0xDC00).contains(unit), peek() == "\\", peek(1) == "u" {
                at += 2
                let low = try hexUnit()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("A high surrogate stands without its low one.") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let result = Unicode.Scalar(unit) else { throw failure("\\u must be followed by a character's number.") }
            return result
        default:
            at -= 1
            throw failure("\\\(scalar) is no escape; write \\\\ for a backslash.")
        }
    }

    private mutating func hexUnit() throws(QueryError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let scalar = peek(), let digit = Character(scalar).hexDigitValue, scalar.isASCII else {
                throw failure("\\u is followed by four hexadecimal digits.")
            }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }
}

extension QueryError {
    /// The same place, another sentence.
    func saying(_ message: String) -> QueryError { QueryError(line: line, position: position, message: message) }
}
