/// Why a text is no JSON that models are read from.
package struct JSONNodeError: Error, Sendable, Equatable {
    /// What kind of mistake it is.
    package enum Kind: Sendable, Equatable { case syntax, duplicateName, tooDeep }

    /// What kind of mistake it is.
    package let kind: Kind
    /// What is wrong, in words.
    package let message: String
    /// Byte offset in the text.
    package let offset: Int
}

extension JSONNode {
    /// The deepest nesting of arrays and objects that is read. A valid model needs fewer than 120 levels.
    package static let depthMax = 160

    /// Reads one JSON text (RFC 8259) with places: no text after it, no name twice in an object, no lone surrogate, no nesting
    /// deeper than `depthMax`. A byte order mark before it is skipped.
    package init(reading bytes: [UInt8]) throws(JSONNodeError) {
        var reader = Reader(bytes: bytes)
        self = try reader.document()
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0
        var depth = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        }

        var next: UInt8? { at < bytes.count ? bytes[at] : nil }

        func failure(_ message: String, _ kind: JSONNodeError.Kind = .syntax, at offset: Int? = nil) -> JSONNodeError {
            JSONNodeError(kind: kind, message: message, offset: offset ?? at)
        }

        mutating func document() throws(JSONNodeError) -> JSONNode {
            let node = try value()
            skipBlanks()
            guard at == bytes.count else { throw failure("there is text after the end of the value") }
            return node
        }

        mutating func skipBlanks() {
            while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 { at += 1 }
        }

        mutating func value() throws(JSONNodeError) -> JSONNode {
            skipBlanks()
            let start = at
            let value: Value
            switch next {
            case UInt8(ascii: "{"): value = try nested(isObject: true)
            case UInt8(ascii: "["): value = try nested(isObject: false)
            case UInt8(ascii: "\""): value = .string(try string())
            case UInt8(ascii: "t"): value = try word("true", .bool(true))
            case UInt8(ascii: "f"): value = try word("false", .bool(false))
            case UInt8(ascii: "n"): value = try word("null", .null)
            case .some(let byte) where byte == UInt8(ascii: "-") || Self.isDigit(byte): value = .number(try number())
            case .some: throw failure("a value is expected here")
            case nil: throw failure("the text ends where a value is expected")
            }
            return JSONNode(value: value, range: start..<at)
        }

        mutating func nested(isObject: Bool) throws(JSONNodeError) -> Value {
            depth += 1
            guard depth <= JSONNode.depthMax else { throw failure("nested deeper than \(JSONNode.depthMax) levels", .tooDeep) }
            at += 1
            let value = isObject ? try object() : try array()
            depth -= 1
            return value
        }

        mutating func object() throws(JSONNodeError) -> Value {
            var members: [Member] = []
            var names: Set<[UInt8]> = []
            skipBlanks()
            if take("}") { return .object([]) }
            while true {
                skipBlanks()
                let start = at
                guard next == UInt8(ascii: "\"") else { throw failure("a member name in quotes is expected here") }
                let name = try string()
                if isRepeated(name, members, &names) {
                    throw failure("the name \"\(name)\" stands twice in one object", .duplicateName, at: start)
                }
                skipBlanks()
                guard take(":") else { throw failure("':' is expected here") }
                members.append(Member(name: name, nameStart: start, value: try value()))
                skipBlanks()
                if take(",") { continue }
                guard take("}") else { throw failure("',' or '}' is expected here") }
                return .object(members)
            }
        }

        /// Few members are compared one by one; a set pays only for many.
        func isRepeated(_ name: String, _ members: [Member], _ names: inout Set<[UInt8]>) -> Bool {
            if members.count < 16 { return members.contains { $0.name.isSame(as: name) } }
            if names.isEmpty { names = Set(members.map { Array($0.name.utf8) }) }
            return !names.insert(Array(name.utf8)).inserted
        }

        mutating func array() throws(JSONNodeError) -> Value {
            var elements: [JSONNode] = []
            skipBlanks()
            if take("]") { return .array([]) }
            while true {
                elements.append(try value())
                skipBlanks()
                if take(",") { continue }
                guard take("]") else { throw failure("',' or ']' is expected here") }
                return .array(elements)
            }
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard next == UInt8(ascii: character) else { return false }
            at += 1
            return true
        }

        mutating func word(_ word: String, _ value: Value) throws(JSONNodeError) -> Value {
            guard bytes[at...].starts(with: word.utf8) else { throw failure("\(word) is expected here") }
            at += word.utf8.count
            return value
        }

        static func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }

        mutating func digits(_ after: String) throws(JSONNodeError) {
            guard Self.isDigit(next) else { throw failure("a digit is expected \(after)") }
            while Self.isDigit(next) { at += 1 }
        }

        mutating func number() throws(JSONNodeError) -> String {
            let start = at
            _ = take("-")
            if !take("0") { try digits("here") }
            if take(".") { try digits("after the point") }
            if take("e") || take("E") {
                if !take("+") { _ = take("-") }
                try digits("in the exponent")
            }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }

        mutating func string() throws(JSONNodeError) -> String {
            at += 1
            let start = at
            while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"), bytes[at] >= 0x20 {
                at += 1
            }
            var out = Array(bytes[start..<at])
            while let byte = next {
                switch byte {
                case UInt8(ascii: "\""):
                    at += 1
                    guard let text = String(validating: out, as: UTF8.self) else {
                        throw failure("the string is not UTF-8", at: start - 1)
                    }
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
            throw failure("the string has no closing quote", at: start - 1)
        }

        mutating func escape(into out: inout [UInt8]) throws(JSONNodeError) {
            guard let byte = next else { throw failure("the text ends in an escape") }
            at += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"): out += String(Character(try escapedScalar())).utf8
            default: throw failure("the escape is unknown", at: at - 2)
            }
        }

        mutating func escapedScalar() throws(JSONNodeError) -> Unicode.Scalar {
            let start = at - 2
            var unit = try hexUnit()
            if (0xD800..<0xDC00).contains(unit) {
                guard take("\\"), take("u") else { throw failure("a high surrogate stands without its low one", at: start) }
                let low = try hexUnit()
                guard (0xDC00..<0xE000).contains(low) else {
                    throw failure("a high surrogate stands without its low one", at: start)
                }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else {
                throw failure("a low surrogate stands without its high one", at: start)
            }
            return scalar
        }

        mutating func hexUnit() throws(JSONNodeError) -> UInt32 {
            var unit: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                    throw failure("four hexadecimal digits are expected")
                }
                unit = unit << 4 | UInt32(digit)
                at += 1
            }
            return unit
        }
    }
}
