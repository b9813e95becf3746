extension JSONNode: JSONForm {
    /// The deepest nesting of arrays and objects that is read. A valid model needs fewer than 120 levels.
    package static let depthMax = 160

    /// Reads one JSON text (RFC 8259) with places: no text after it, no name twice in an object, no lone surrogate, no nesting
    /// deeper than `depthMax`. A byte order mark before it is skipped.
    package init(reading bytes: [UInt8]) throws(JSONError) {
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var reader = JSONReader<JSONNode>(bytes, from: mark, depthMax: Self.depthMax)
        self = try reader.document()
    }

    static func make(_ scalar: JSONScalar, at range: Range<Int>) -> JSONNode {
        let value: Value =
            switch scalar {
            case .null: .null
            case .bool(let value): .bool(value)
            case .number(let text): .number(text)
            case .string(let text): .string(text)
            }
        return JSONNode(value: value, range: range)
    }

    static func make(array elements: [JSONNode], at range: Range<Int>) -> JSONNode {
        JSONNode(value: .array(elements), range: range)
    }

    static func make(object members: [Member], at range: Range<Int>) -> JSONNode {
        JSONNode(value: .object(members), range: range)
    }

    static func member(_ name: String, at nameStart: Int, _ value: JSONNode) -> Member {
        Member(name: name, nameStart: nameStart, value: value)
    }
}

extension JSONNode.Member: JSONFormMember {}
