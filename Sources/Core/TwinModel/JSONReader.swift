import CodecKit

/// What is wrong with a JSON text, and at which byte.
package struct JSONError: Error, Sendable, Equatable {
    /// What kind of mistake it is.
    package enum Kind: Sendable, Equatable { case syntax, duplicateName, tooDeep }

    /// What kind of mistake it is.
    package let kind: Kind
    /// What is wrong, in words.
    package let message: String
    /// Byte offset in the text.
    package let offset: Int
}

/// A JSON value without parts, as it is in a text.
enum JSONScalar {
    case null
    case bool(Bool)
    /// The digits as they were written.
    case number(String)
    /// Without its escapes.
    case string(String)
}

/// What a JSON text is read into: `JSON`, or `JSONNode`, which knows its places. Ranges are of bytes in the text.
protocol JSONForm {
    associatedtype Member: JSONFormMember

    /// Throws if it cannot hold the value.
    static func make(_ scalar: JSONScalar, at range: Range<Int>) throws(JSONError) -> Self
    static func make(array elements: [Self], at range: Range<Int>) -> Self
    static func make(object members: [Member], at range: Range<Int>) -> Self
    static func member(_ name: String, at nameStart: Int, _ value: Self) -> Member
}

/// A member of an object of such a form.
protocol JSONFormMember {
    var name: String { get }
}

/// Reads one JSON text strictly (RFC 8259): no text after it, no name twice in an object, no lone surrogate, no nesting deeper
/// than `depthMax`.
struct JSONReader<Form: JSONForm> {
    private let bytes: [UInt8]
    private let depthMax: Int
    private var at: Int
    private var depth = 0

    /// Reads `bytes` from the offset `start` on.
    init(_ bytes: [UInt8], from start: Int = 0, depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
        at = start
    }

    mutating func document() throws(JSONError) -> Form {
        let value = try value()
        skipBlanks()
        guard at == bytes.count else { throw failure("there is text after the end of the value") }
        return value
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func failure(_ message: String, _ kind: JSONError.Kind = .syntax, at offset: Int? = nil) -> JSONError {
        JSONError(kind: kind, message: message, offset: offset ?? at)
    }

    private mutating func skipBlanks() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 { at += 1 }
    }

    private mutating func value() throws(JSONError) -> Form {
        skipBlanks()
        let start = at
        let scalar: JSONScalar
        switch next {
        case UInt8(ascii: "{"):
            return try nested { (reader) throws(JSONError) in .make(object: try reader.members(), at: start..<reader.at) }
        case UInt8(ascii: "["):
            return try nested { (reader) throws(JSONError) in .make(array: try reader.elements(), at: start..<reader.at) }
        case UInt8(ascii: "\""): scalar = .string(try string())
        case UInt8(ascii: "t"): scalar = try word("true", .bool(true))
        case UInt8(ascii: "f"): scalar = try word("false", .bool(false))
        case UInt8(ascii: "n"): scalar = try word("null", .null)
        case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): scalar = .number(try number())
        case .some: throw failure("a value is expected here")
        case nil: throw failure("the text ends where a value is expected")
        }
        return try Form.make(scalar, at: start..<at)
    }

    private mutating func nested(_ body: (inout Self) throws(JSONError) -> Form) throws(JSONError) -> Form {
        depth += 1
        guard depth <= depthMax else { throw failure("nested deeper than \(depthMax) levels", .tooDeep) }
        at += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func members() throws(JSONError) -> [Form.Member] {
        var members: [Form.Member] = []
        var names: Set<[UInt8]> = []
        skipBlanks()
        if take("}") { return [] }
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
            members.append(Form.member(name, at: start, try value()))
            skipBlanks()
            if take(",") { continue }
            guard take("}") else { throw failure("',' or '}' is expected here") }
            return members
        }
    }

    /// By bytes: Swift takes two spellings of an accented letter for one name. Few members are compared one by one; a set pays
    /// only for many.
    private func isRepeated(_ name: String, _ members: [Form.Member], _ names: inout Set<[UInt8]>) -> Bool {
        if members.count < 16 { return members.contains { $0.name.isSame(as: name) } }
        if names.isEmpty { names = Set(members.map { Array($0.name.utf8) }) }
        return !names.insert(Array(name.utf8)).inserted
    }

    private mutating func elements() throws(JSONError) -> [Form] {
        var elements: [Form] = []
        skipBlanks()
        if take("]") { return [] }
        while true {
            elements.append(try value())
            skipBlanks()
            if take(",") { continue }
            guard take("]") else { throw failure("',' or ']' is expected here") }
            return elements
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func word(_ word: String, _ value: JSONScalar) throws(JSONError) -> JSONScalar {
        guard bytes[at...].starts(with: word.utf8) else { throw failure("\(word) is expected here") }
        at += word.utf8.count
        return value
    }

    private func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }

    private mutating func digits(_ after: String) throws(JSONError) {
        guard isDigit(next) else { throw failure("a digit is expected \(after)") }
        while isDigit(next) { at += 1 }
    }

    private mutating func number() throws(JSONError) -> String {
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

    private mutating func string() throws(JSONError) -> String {
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

    private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
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

    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
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

    private mutating func hexUnit() throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Hex.value(of: byte) else {
                throw failure("four hexadecimal digits are expected")
            }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }
}
