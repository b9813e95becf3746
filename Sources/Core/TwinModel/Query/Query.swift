/// A query of the twin graph, parsed and checked (docs/query-language.md): every name in it is resolved.
package struct Query: Sendable, Equatable {
    /// A twin or relationship that a row of the result binds.
    package struct Variable: Sendable, Equatable {
        package enum Kind: Sendable, Equatable { case twin, relationship }

        package let kind: Kind
        /// Nil if the query does not name it.
        package let name: String?

        package init(kind: Kind, name: String?) {
            self.kind = kind
            self.name = name
        }
    }

    /// What is returned for each row.
    package enum Selection: Sendable, Equatable {
        /// `*`, or nothing after TOP.
        case all
        /// `COUNT()`: one row for the whole result.
        case count
        case items([Item])
    }

    /// One projection: the member `key` of a row.
    package struct Item: Sendable, Equatable {
        package let path: Path
        package let key: String

        package init(path: Path, key: String) {
            self.path = path
            self.key = key
        }
    }

    /// A value inside a twin or relationship; without segments, the whole of it.
    package struct Path: Sendable, Equatable {
        /// Index in `variables`; nil if the name is none of them: the value is then missing in every row.
        package let variable: Int?
        package let segments: [String]

        package init(variable: Int?, segments: [String]) {
            self.variable = variable
            self.segments = segments
        }
    }

    /// A step from one twin to another over a relationship: of JOIN, or of MATCH.
    package struct Edge: Sendable, Equatable {
        package enum Direction: Sendable, Equatable { case forward, backward, either }

        /// Index of the twin on its left.
        package let from: Int
        /// Index of the twin on its right.
        package let to: Int
        /// Index of the relationship; nil if the edge may have more than one hop.
        package let relationship: Int?
        package let direction: Direction
        /// Names the relationship may have; empty: any.
        package let names: [String]
        /// How many relationships it follows.
        package let hops: ClosedRange<Int>

        package init(from: Int, to: Int, relationship: Int?, direction: Direction, names: [String], hops: ClosedRange<Int>) {
            self.from = from
            self.to = to
            self.relationship = relationship
            self.direction = direction
            self.names = names
            self.hops = hops
        }
    }

    /// Where the rows come from.
    package enum Shape: Sendable, Equatable {
        /// One collection: variable 0.
        case collection
        /// Each edge starts at a twin that an earlier one, or FROM, bound.
        case join
        /// A chain of edges; no relationship stands twice in a path.
        case match
    }

    /// At most so many rows of the whole result; nil: all.
    package let top: Int?
    package let selection: Selection
    package let shape: Shape
    package let variables: [Variable]
    package let edges: [Edge]
    package let condition: QueryCondition?
}

/// A condition of WHERE. It is true, false, or unknown (see `Truth`); rows are those for which it is true.
package indirect enum QueryCondition: Sendable, Equatable {
    package enum Comparison: String, Sendable, CaseIterable {
        case equal = "="
        case unequal = "!="
        case less = "<"
        case greater = ">"
        case lessOrEqual = "<="
        case greaterOrEqual = ">="

        /// The comparison with its operands exchanged.
        package var mirrored: Comparison {
            switch self {
            case .equal, .unequal: self
            case .less: .greater
            case .greater: .less
            case .lessOrEqual: .greaterOrEqual
            case .greaterOrEqual: .lessOrEqual
            }
        }
    }

    /// Tests that are true or false for every path, missing or not.
    package enum TypeTest: String, Sendable, CaseIterable {
        case isDefined = "IS_DEFINED"
        case isNull = "IS_NULL"
        case isBool = "IS_BOOL"
        case isNumber = "IS_NUMBER"
        case isString = "IS_STRING"
        case isObject = "IS_OBJECT"
        case isPrimitive = "IS_PRIMITIVE"
    }

    /// Tests of two strings, byte by byte.
    package enum TextTest: String, Sendable, CaseIterable {
        case startsWith = "STARTSWITH"
        case endsWith = "ENDSWITH"
        case contains = "CONTAINS"
    }

    package enum Operand: Sendable, Equatable {
        case path(Query.Path)
        /// A string, number, boolean or null.
        case literal(JSON)
    }

    case and([QueryCondition])
    case or([QueryCondition])
    case not(QueryCondition)
    case compare(Operand, Comparison, Operand)
    /// IN, or NIN where negated.
    case among(Operand, [JSON], isNegated: Bool)
    case type(TypeTest, Query.Path)
    case text(TextTest, Operand, Operand)
    case arrayContains(Operand, Operand)
    case ofModel(variable: Int, model: String, isExact: Bool)
    /// A path alone: true if its value is.
    case truth(Query.Path)
}

/// The result of a condition. A comparison or a test of text with a missing operand is unknown; so NOT of it is unknown too, and
/// the row is left out either way (docs/query-language.md, "What a condition is").
package enum Truth: UInt8, Sendable {
    case no = 0
    case unknown = 1
    case yes = 2

    @inlinable package init(_ value: Bool) { self = value ? .yes : .no }

    @inlinable package static prefix func ! (truth: Truth) -> Truth {
        switch truth {
        case .no: .yes
        case .unknown: .unknown
        case .yes: .no
        }
    }
}
