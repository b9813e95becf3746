/// WHERE.
extension QueryParser {
    mutating func disjunction() throws(QueryError) -> QueryCondition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= QueryLimits.depthMax else {
            throw token.error("Brackets stand more than \(QueryLimits.depthMax) deep in one another.")
        }
        var parts = [try conjunction()]
        while keyword == "OR" {
            try countConnective()
            parts.append(try conjunction())
        }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction() throws(QueryError) -> QueryCondition {
        var parts = [try negation()]
        while keyword == "AND" {
            try countConnective()
            parts.append(try negation())
        }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func countConnective() throws(QueryError) {
        connectives += 1
        guard connectives <= QueryLimits.connectivesMax else {
            throw token.error("A query has at most \(QueryLimits.connectivesMax) AND and OR.")
        }
        advance()
    }

    private mutating func negation() throws(QueryError) -> QueryCondition {
        var isNegated = false
        while take(keyword: "NOT") { isNegated.toggle() }
        let condition: QueryCondition
        if take("(") {
            condition = try disjunction()
            try expect(")", "after a condition in brackets")
        } else {
            condition = try predicate()
        }
        return isNegated ? .not(condition) : condition
    }

    private mutating func predicate() throws(QueryError) -> QueryCondition {
        if let keyword, peek(1).kind == .sign("(") { return try function(keyword) }
        let start = token
        let left = try operand()
        if let comparison = comparison() {
            advance()
            return .compare(left, comparison, try operand())
        }
        if keyword == "IN" || keyword == "NIN" {
            let isNegated = keyword == "NIN"
            advance()
            return .among(left, try list(isNegated ? "NIN" : "IN"), isNegated: isNegated)
        }
        if case .path(let path) = left, !path.segments.isEmpty || path.variable == nil { return .truth(path) }
        throw start.error("Expected a condition: a comparison, IN, NIN, or a function that is true or false.")
    }

    private func comparison() -> QueryCondition.Comparison? {
        guard case .sign(let sign) = token.kind else { return nil }
        return QueryCondition.Comparison(rawValue: sign)
    }

    private mutating func operand() throws(QueryError) -> QueryCondition.Operand {
        if let literal = try literal() { return .literal(literal) }
        return .path(try valuePath())
    }

    /// A path to a value, not to a whole twin or relationship.
    private mutating func valuePath() throws(QueryError) -> Query.Path {
        let names = try names()
        let path = path(names)
        guard !path.segments.isEmpty else {
            throw names.token.error("'\(names.segments[0])' is a collection; name a property of it: \(names.segments[0]).name.")
        }
        return path
    }

    /// A value, where one stands here.
    private mutating func literal() throws(QueryError) -> JSON? {
        let sign = isSign("-")
        let value: JSON
        switch (sign ? peek(1) : token).kind {
        case .integer(let number): value = .int(sign ? -number : number)
        case .double(let number): value = .double(sign ? -number : number)
        case .text(let text) where !sign: value = .string(text)
        case .word(let word) where !sign:
            switch Self.uppercased(word) {
            case "TRUE": value = .bool(true)
            case "FALSE": value = .bool(false)
            case "NULL": value = .null
            default: return nil
            }
        default:
            if sign { throw token.error("Expected a number after '-'.") }
            return nil
        }
        if sign { advance() }
        advance()
        return value
    }

    private mutating func list(_ word: String) throws(QueryError) -> [JSON] {
        let start = token
        try expect("[", "after \(word): its values stand in square brackets")
        var values: [JSON] = []
        repeat {
            guard let value = try literal() else {
                throw token.error("Expected a string, number, true, false or null in the list, found \(token.shown).")
            }
            values.append(value)
        } while take(",")
        try expect("]", "after the values of \(word)")
        guard values.count <= QueryLimits.listMax else {
            throw start.error("\(word) has \(values.count) values; \(QueryLimits.listMax) are allowed.")
        }
        return values
    }

    // MARK: Functions

    private mutating func function(_ name: String) throws(QueryError) -> QueryCondition {
        let start = token
        advance()
        advance()
        let condition: QueryCondition
        if let test = QueryCondition.TypeTest(rawValue: name) {
            condition = .type(test, try valuePath())
        } else if let test = QueryCondition.TextTest(rawValue: name) {
            let text = try operand()
            try expect(",", "between the two strings of \(name)")
            condition = .text(test, text, try operand())
        } else if name == "ARRAY_CONTAINS" {
            let array = try operand()
            try expect(",", "between the array and the value of ARRAY_CONTAINS")
            condition = .arrayContains(array, try operand())
        } else if name == "IS_OF_MODEL" {
            condition = try ofModel(start)
        } else {
            throw start.error(
                "There is no function \(name). The functions are ARRAY_CONTAINS, CONTAINS, ENDSWITH, IS_BOOL, IS_DEFINED, IS_NULL, "
                    + "IS_NUMBER, IS_OBJECT, IS_OF_MODEL, IS_PRIMITIVE, IS_STRING and STARTSWITH.")
        }
        try expect(")", "after the arguments of \(name)")
        return condition
    }

    private mutating func ofModel(_ start: QueryToken) throws(QueryError) -> QueryCondition {
        var variable: Int?
        let place = token
        if case .text = token.kind {
            let twins = variables.indices.filter { variables[$0].kind == .twin }
            guard twins.count <= 1 else {
                throw start.error(
                    "With more than one collection, IS_OF_MODEL names the one it is about: IS_OF_MODEL(A, 'dtmi:…;1').")
            }
            variable = twins.first
        } else {
            let name = try identifier("a collection or a model's id in quotes")
            variable = self.variable(name)
            guard variable != nil else { throw place.error("'\(name)' is no collection of this query.") }
            try expect(",", "after the collection of IS_OF_MODEL")
        }
        guard let variable, variables[variable].kind == .twin else {
            throw place.error("IS_OF_MODEL is about twins; relationships have no model.")
        }
        guard case .text(let model) = token.kind else {
            throw token.error("Expected a model's id in quotes, found \(token.shown).")
        }
        advance()
        var isExact = false
        if take(",") {
            guard take(keyword: "EXACT") else { throw token.error("Expected exact, found \(token.shown).") }
            isExact = true
        }
        return .ofModel(variable: variable, model: model, isExact: isExact)
    }
}
