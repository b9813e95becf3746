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
