/// Why a value does not conform to its schema (docs/dtdl-rules.md, "Values").
package struct ValueViolation: Error, Sendable, Equatable {
    /// JSON pointer (RFC 6901) from the checked value to the part at fault; empty for the value itself.
    package let pointer: String
    /// What is there, in words: `a string`, `the number 2.5`. Never the text of a string.
    package let found: String
    /// What should be there: `an integer from -2147483648 to 2147483647, written without a fraction`.
    package let rule: String
}

/// The kinds of value a schema is checked against: `JSON` as the store has it, `JSONNode` as a text has it.
protocol CheckedValue {
    var checkedKind: CheckedKind<Self> { get }
}

enum CheckedKind<Value> {
    case null
    case bool
    case number(CheckedNumber)
    case string(String)
    case array([Value])
    case object([(name: String, value: Value)])
}

/// A number as far as schemas look at it.
struct CheckedNumber {
    let text: String
    /// Nil if it was written with a fraction or an exponent.
    let integer: Int64?
    /// Nil if it was written with anything but digits.
    let natural: UInt64?
    /// Infinite where no double holds it.
    let double: Double

    init(written text: String) {
        self.text = text
        integer = Int64(text)
        natural = text.utf8.first == UInt8(ascii: "-") ? nil : UInt64(text)
        double = Double(text) ?? .infinity
    }

    init(_ value: Int64) {
        text = String(value)
        integer = value
        natural = UInt64(exactly: value)
        double = Double(value)
    }

    /// JSON keeps integers beyond 64 bits signed as doubles: `2^63` and more may still be an `unsignedLong`.
    init(_ value: Double) {
        text = JSON.numberText(value)
        integer = nil
        natural = value >= 0x1p63 && value <= 0x1p64 ? (UInt64(exactly: value) ?? .max) : nil
        double = value
    }
}

extension JSON: CheckedValue {
    var checkedKind: CheckedKind<JSON> {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int(let value): .number(CheckedNumber(value))
        case .double(let value): .number(CheckedNumber(value))
        case .string(let text): .string(text)
        case .array(let elements): .array(elements)
        case .object(let members): .object(members.map { ($0.name, $0.value) })
        }
    }
}

extension JSONNode: CheckedValue {
    var checkedKind: CheckedKind<JSONNode> {
        switch value {
        case .null: .null
        case .bool: .bool
        case .number(let text): .number(CheckedNumber(written: text))
        case .string(let text): .string(text)
        case .array(let elements): .array(elements)
        case .object(let members): .object(members.map { ($0.name, $0.value) })
        }
    }
}

extension DTDLSchema {
    /// The first fault of `value` by this schema; nil if it conforms. `named` finds a schema that contains itself (v4) by its
    /// DTMI. Work grows with the value only.
    package func violation(of value: JSON, named: (String) -> DTDLSchema? = { _ in nil }) -> ValueViolation? {
        if case .primitive(let kind) = self, Self.conformsAtOnce(value, kind) { return nil }
        do throws(ValueViolation) {
            try check(value, at: "", named)
            return nil
        } catch { return error }
    }

    /// The same for a value as it was written, where `-0` and `2.0` can be told from `0` and `2`.
    package func violation(of value: JSONNode, named: (String) -> DTDLSchema? = { _ in nil }) -> ValueViolation? {
        do throws(ValueViolation) {
            try check(value, at: "", named)
            return nil
        } catch { return error }
    }

    /// The commonest values, without a detour.
    private static func conformsAtOnce(_ value: JSON, _ kind: Primitive) -> Bool {
        switch (value, kind) {
        case (.string, .string), (.bool, .boolean), (.int, .long), (.int, .double): true
        case (.double(let number), .double): number.isFinite
        case (.int(let number), .integer): Int32(exactly: number) != nil
        default: false
        }
    }

    private func check<V: CheckedValue>(
        _ value: V, at pointer: String, _ named: (String) -> DTDLSchema?
    ) throws(ValueViolation) {
        switch self {
        case .primitive(let kind): try kind.check(value, at: pointer)
        case .geospatial(let kind): try kind.check(value, at: pointer)
        case .enumeration(let allowed): try Self.check(value, isOneOf: allowed, at: pointer)
        case .array(let element):
            guard case .array(let elements) = value.checkedKind else { throw value.violates("an array", at: pointer) }
            for (index, child) in elements.enumerated() { try element.check(child, at: "\(pointer)/\(index)", named) }
        case .map(let element):
            guard case .object(let members) = value.checkedKind else { throw value.violates("an object (a map)", at: pointer) }
            for member in members { try element.check(member.value, at: Self.pointer(pointer, member.name), named) }
        case .object(let fields):
            try Self.check(value, has: fields, at: pointer, named)
        case .recursive(let id):
            guard let schema = named(id) else {
                throw value.violates("a value of the schema \(id), which is not known", at: pointer)
            }
            try schema.check(value, at: pointer, named)
        }
    }

    private static func check<V: CheckedValue>(
        _ value: V, has fields: [Field], at pointer: String, _ named: (String) -> DTDLSchema?
    ) throws(ValueViolation) {
        guard case .object(let members) = value.checkedKind else { throw value.violates("an object", at: pointer) }
        for member in members {
            let place = Self.pointer(pointer, member.name)
            guard let field = fields.first(where: { $0.name.isSame(as: member.name) }) else {
                let names = fields.map(\.name).joined(separator: ", ")
                throw member.value.violates("absent: the fields of this object are \(names.isEmpty ? "none" : names)", at: place)
            }
            try field.schema.check(member.value, at: place, named)
        }
        for field in fields where field.isRequired && !members.contains(where: { $0.name.isSame(as: field.name) }) {
            throw ValueViolation(
                pointer: Self.pointer(pointer, field.name), found: "nothing", rule: "present: the field is required")
        }
    }

    private static func check<V: CheckedValue>(
        _ value: V, isOneOf allowed: [JSON], at pointer: String
    ) throws(ValueViolation) {
        for choice in allowed {
            switch (value.checkedKind, choice) {
            case (.string(let text), .string(let other)) where text.isSame(as: other): return
            case (.number(let number), .int(let other)) where number.integer == other: return
            default: continue
            }
        }
        let shown = allowed.prefix(8).map { $0.text() }.joined(separator: ", ")
        throw value.violates("one of \(shown)\(allowed.count > 8 ? " and \(allowed.count - 8) more" : "")", at: pointer)
    }

    private static func pointer(_ base: String, _ name: String) -> String {
        var escaped = ""
        for character in name.unicodeScalars {
            switch character {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return "\(base)/\(escaped)"
    }
}

extension CheckedValue {
    func violates(_ rule: String, at pointer: String) -> ValueViolation {
        ValueViolation(pointer: pointer, found: kindInWords, rule: rule)
    }

    var kindInWords: String {
        switch checkedKind {
        case .null: "null"
        case .bool: "a boolean"
        case .number(let number): "the number \(number.text)"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
