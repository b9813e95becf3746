extension JSON: JSONForm {
    /// Parses one JSON text strictly (RFC 8259): no trailing text, no duplicate names, no lone surrogates, no number that
    /// a double cannot hold finitely, and no nesting deeper than `depthMax`.
    package init(parsing text: String, depthMax: Int = 32) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), depthMax: depthMax)
    }

    /// Parses one JSON text given as UTF-8 bytes; see `init(parsing:depthMax:)`.
    package init(parsing bytes: [UInt8], depthMax: Int = 32) throws(JSONError) {
        var reader = JSONReader<JSON>(bytes, depthMax: depthMax)
        self = try reader.document()
    }

    static func make(_ scalar: JSONScalar, at range: Range<Int>) throws(JSONError) -> JSON {
        switch scalar {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .string(let text): return .string(text)
        case .number(let text):
            if let number = Int64(text) { return .int(number) }
            guard let number = Double(text), number.isFinite else {
                throw JSONError(kind: .syntax, message: "the number \(text) is out of range", offset: range.lowerBound)
            }
            return .double(number)
        }
    }

    static func make(array elements: [JSON], at range: Range<Int>) -> JSON { .array(elements) }
    static func make(object members: [Member], at range: Range<Int>) -> JSON { .object(members) }
    static func member(_ name: String, at nameStart: Int, _ value: JSON) -> Member { Member(name, value) }
}

extension JSON.Member: JSONFormMember {}
