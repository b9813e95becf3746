extension QueryCondition.Comparison {
    /// Whether two values that are there compare so. Numbers compare as numbers, however they are written; strings byte by byte
    /// (as UTF-8); values of different types are unequal, and none of them is the smaller. Only numbers and strings have an
    /// order.
    package func holds(_ left: JSON, _ right: JSON) -> Bool {
        switch (left, right) {
        case (.int(let a), .int(let b)): holds(a < b ? -1 : a > b ? 1 : 0)
        case (.int(let a), .double(let b)): holds(Self.order(a, b))
        case (.double(let a), .int(let b)): holds(-Self.order(b, a))
        case (.double(let a), .double(let b)): holds(a < b ? -1 : a > b ? 1 : 0)
        case (.string(let a), .string(let b)): holds(Self.order(Array(a.utf8), Array(b.utf8)))
        case (.bool(let a), .bool(let b)): holdsOfEquals(a == b)
        case (.null, .null): holdsOfEquals(true)
        case (.array, .array), (.object, .object): holdsOfEquals(left.utf8(.canonical) == right.utf8(.canonical))
        default: holdsOfEquals(false)
        }
    }

    /// Whether it holds for an order: negative, zero or positive.
    @inlinable package func holds(_ order: Int) -> Bool {
        switch self {
        case .equal: order == 0
        case .unequal: order != 0
        case .less: order < 0
        case .greater: order > 0
        case .lessOrEqual: order <= 0
        case .greaterOrEqual: order >= 0
        }
    }

    /// Whether it holds for values that have no order.
    @inlinable package func holdsOfEquals(_ areEqual: Bool) -> Bool {
        switch self {
        case .equal: areEqual
        case .unequal: !areEqual
        default: false
        }
    }

    /// The order of a whole number and a double, exact for all of both.
    package static func order(_ whole: Int64, _ number: Double) -> Int {
        if number >= 0x1p63 { return -1 }
        if number < -0x1p63 { return 1 }
        let floor = number.rounded(.down)
        let other = Int64(floor)
        if whole != other { return whole < other ? -1 : 1 }
        return number > floor ? -1 : 0
    }

    /// The order of two texts as UTF-8.
    package static func order(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left == right ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
    }
}
