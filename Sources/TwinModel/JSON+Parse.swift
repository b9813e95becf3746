/// What is wrong with a JSON text, and at which byte.
package struct JSONError: Error, Sendable, Equatable {
    package let message: String
    package let offset: Int
}

extension JSON {
    /// Parses one JSON text strictly (RFC 8259): no trailing text, no duplicate names, no lone surrogates, no number that
    /// a double cannot hold finitely, and no nesting deeper than `depthMax`.
    package init(parsing text: String, depthMax: Int = 32) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), depthMax: depthMax)
    }

    /// Parses one JSON text given as UTF-8 bytes; see `init(parsing:depthMax:)`.
    package init(parsing bytes: [UInt8], depthMax: Int = 32) throws(JSONError) {
        var parser = Parser(bytes: bytes, depthMax: depthMax)
        self = try parser.document()
    }

    private struct Parser {
        let bytes: [UInt8]
        let depthMax: Int
        var at = 0
        var depth = 0

        init(bytes: [UInt8], depthMax: Int) {
            self.bytes = bytes
            self.depthMax = depthMax
        }

        var next: UInt8? { at < bytes.count ? bytes[at] : nil }

        func failure(_ message: String) -> JSONError { JSONError(message: message, offset: at) }

        mutating func document() throws(JSONError) -> JSON {
            let value = try self.value()
            skipBlanks()
            guard at == bytes.count else { throw failure("text after the end of the value") }
            return value
        }

        mutating func skipBlanks() {
            while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
        }

        mutating func value() throws(JSONError) -> JSON {
            skipBlanks()
            switch next {
            case UInt8(ascii: "{"): return try nested { (parser) throws(JSONError) in try parser.object() }
            case UInt8(ascii: "["): return try nested { (parser) throws(JSONError) in try parser.array() }
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
            case .some: throw failure("expected a value")
            case nil: throw failure("the text ends where a value is expected")
            }
        }

        mutating func nested(_ body: (inout Parser) throws(JSONError) -> JSON) throws(JSONError) -> JSON {
            depth += 1
            guard depth <= depthMax else { throw failure("nested deeper than \(depthMax)") }
            at += 1
            let value = try body(&self)
            depth -= 1
            return value
        }

        mutating func object() throws(JSONError) -> JSON {
            var members: [Member] = []
            var names: Set<[UInt8]> = []  // By bytes: Swift takes two spellings of an accented letter for one name.
            skipBlanks()
            if take("}") { return .object([]) }
            while true {
                skipBlanks()
                guard next == UInt8(ascii: "\"") else { throw failure("expected a member name in quotes") }
                let name = try string()
                guard names.insert(Array(name.utf8)).inserted else {
                    throw failure("the name \"\(name)\" stands twice in an object")
                }
                skipBlanks()
                guard take(":") else { throw failure("expected ':'") }
                members.append(Member(name, try value()))
                skipBlanks()
                if take(",") { continue }
                guard take("}") else { throw failure("expected ',' or '}'") }
                return .object(members)
            }
        }

        mutating func array() throws(JSONError) -> JSON {
            var elements: [JSON] = []
            skipBlanks()
            if take("]") { return .array([]) }
            while true {
                elements.append(try value())
                skipBlanks()
                if take(",") { continue }
                guard take("]") else { throw failure("expected ',' or ']'") }
                return .array(elements)
            }
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard next == UInt8(ascii: character) else { return false }
            at += 1
            return true
        }

        mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
            let expected = Array(word.description.utf8)
            guard bytes.dropFirst(at).starts(with: expected) else { throw failure("expected \(word)") }
            at += expected.count
            return value
        }

        func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }

        mutating func number() throws(JSONError) -> JSON {
            let start = at
            _ = take("-")
            guard isDigit(next) else { throw failure("expected a digit") }
            if !take("0") { while isDigit(next) { at += 1 } }
            var whole = true
            if take(".") {
                whole = false
                guard isDigit(next) else { throw failure("expected a digit after the point") }
                while isDigit(next) { at += 1 }
            }
            if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
                whole = false
                at += 1
                if !take("+") { _ = take("-") }
                guard isDigit(next) else { throw failure("expected a digit in the exponent") }
                while isDigit(next) { at += 1 }
            }
            let text = String(decoding: bytes[start..<at], as: UTF8.self)
            if whole, let number = Int64(text) { return .int(number) }
            guard let number = Double(text), number.isFinite else { throw failure("the number \(text) is out of range") }
            return .double(number)
        }

        mutating func string() throws(JSONError) -> String {
            at += 1
            var out: [UInt8] = []
            while let byte = next {
                switch byte {
                case UInt8(ascii: "\""):
                    at += 1
                    guard let text = String(validating: out, as: UTF8.self) else { throw failure("invalid UTF-8") }
                    return text
                case UInt8(ascii: "\\"):
                    at += 1
                    try escape(into: &out)
                case ..<0x20: throw failure("a control character stands unescaped in a string")
                default:
                    out.append(byte)
                    at += 1
                }
            }
            throw failure("the string has no closing quote")
        }

        mutating func escape(into out: inout [UInt8]) throws(JSONError) {
            guard let byte = next else { throw failure("the text ends in an escape") }
            at += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                var unit = try hexUnit()
                if (0xD800..<0xDC00).contains(unit) {
                    guard take("\\"), take("u") else { throw failure("a high surrogate without its low one") }
                    let low = try hexUnit()
                    guard (0xDC00..<0xE000).contains(low) else { throw failure("a high surrogate without its low one") }
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(unit) else { throw failure("a low surrogate without its high one") }
                out.append(contentsOf: Array(String(Character(scalar)).utf8))
            default: throw failure("unknown escape")
            }
        }

        mutating func hexUnit() throws(JSONError) -> UInt32 {
            guard at + 4 <= bytes.count,
                let unit = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
                bytes[at] != UInt8(ascii: "+"), bytes[at] != UInt8(ascii: "-")
            else { throw failure("expected four hexadecimal digits") }
            at += 4
            return unit
        }
    }
}
