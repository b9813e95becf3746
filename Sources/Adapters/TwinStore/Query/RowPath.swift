import TwinModel

/// Where a path of a query leads in the records of this graph.
struct RowPath {
    enum Head {
        /// Nothing has such a name.
        case nowhere
        case twinID, model, etag
        case relationshipID, relationshipName, sourceID, targetID
        /// The first of these properties that a record has; `rest` leads on inside its value.
        case properties([(key: UInt32, rest: [String])])
        /// What only the whole document shows: metadata, components.
        case document([String])
    }

    let variable: Int
    let head: Head
    /// Looked for in the document where no property is found: a component.
    var fallback: [String]?

    init(variable: Int, head: Head, fallback: [String]? = nil) {
        self.variable = variable
        self.head = head
        self.fallback = fallback
    }
}

/// A value of a query, ready to be compared with bytes.
enum RowLiteral {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case text([UInt8])

    init(_ json: JSON) {
        switch json {
        case .bool(let value): self = .bool(value)
        case .int(let number): self = .integer(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .text(Array(text.utf8))
        case .null, .array, .object: self = .null
        }
    }

    var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let number): .int(number)
        case .double(let number): .double(number)
        case .text(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        }
    }
}

/// Which of the graph's models a query means, by global key.
struct ModelKeys: Equatable {
    private(set) var members: [Bool] = []
    private(set) var isEmpty = true

    mutating func insert(_ key: UInt32) {
        isEmpty = false
        if members.count <= Int(key) { members += Array(repeating: false, count: Int(key) + 1 - members.count) }
        members[Int(key)] = true
    }

    @inline(__always)
    func contains(_ key: UInt32) -> Bool { Int(key) < members.count && members[Int(key)] }

    func intersection(_ other: ModelKeys) -> ModelKeys {
        var result = ModelKeys()
        for (key, isMember) in members.enumerated() where isMember && other.contains(UInt32(key)) { result.insert(UInt32(key)) }
        return result
    }
}

/// A condition, ready to be tested on records.
indirect enum RowTest {
    enum Operand {
        case path(RowPath)
        case literal(RowLiteral)
    }

    case and([RowTest])
    case or([RowTest])
    case not(RowTest)
    case compare(RowPath, QueryCondition.Comparison, RowLiteral)
    case compareOperands(Operand, QueryCondition.Comparison, Operand)
    case among(RowPath, [RowLiteral], isNegated: Bool)
    case type(QueryCondition.TypeTest, RowPath)
    case text(QueryCondition.TextTest, RowPath, [UInt8])
    case textOperands(QueryCondition.TextTest, Operand, Operand)
    case arrayContains(Operand, Operand)
    case ofModel(variable: Int, ModelKeys)
    case truth(RowPath)
}
