extension Query {
    /// Parses and checks a query: its grammar, its limits, its names, and that JOIN and MATCH start from a known twin.
    ///
    /// The language: docs/query-language.md, "Grammar".
    package init(parsing text: String) throws(QueryError) {
        guard text.unicodeScalars.count <= QueryLimits.charactersMax else {
            throw QueryError(
                line: 1, position: 0, message: "The query is longer than \(QueryLimits.charactersMax) characters.")
        }
        var parser = QueryParser(tokens: try QueryLexer.tokens(text))
        self = try parser.query()
    }
}

/// Reads one query, by recursive descent. Used once. Its files: `+Sources`, `+Conditions`.
struct QueryParser {
    private let tokens: [QueryToken]
    private var at = 0
    var variables: [Query.Variable] = []
    var edges: [Query.Edge] = []
    var shape = Query.Shape.collection
    /// AND and OR so far.
    var connectives = 0
    var depth = 0
    /// FROM's collection, as a name for its variable if it has no other.
    var collection = ""

    init(tokens: [QueryToken]) { self.tokens = tokens }

    // MARK: Tokens

    var token: QueryToken { tokens[at] }

    func peek(_ distance: Int) -> QueryToken { tokens[min(at + distance, tokens.count - 1)] }

    mutating func advance() { if at < tokens.count - 1 { at += 1 } }

    func isSign(_ sign: String) -> Bool { token.kind == .sign(sign) }

    mutating func take(_ sign: String) -> Bool {
        guard isSign(sign) else { return false }
        advance()
        return true
    }

    mutating func expect(_ sign: String, _ why: String) throws(QueryError) {
        guard take(sign) else { throw token.error("Expected '\(sign)' \(why), found \(token.shown).") }
    }

    static func uppercased(_ word: String) -> String {
        String(
            decoding: word.utf8.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 - 32 : $0 }, as: UTF8.self)
    }

    /// The keyword the present token would be.
    var keyword: String? {
        guard case .word(let word) = token.kind else { return nil }
        return Self.uppercased(word)
    }

    mutating func take(keyword: String) -> Bool {
        guard self.keyword == keyword else { return false }
        advance()
        return true
    }

    /// Words that are identifiers only inside `[[…]]` (docs/query-language.md, "Grammar").
    static let reserved: Set<String> = [
        "ALL", "AND", "AS", "ASC", "AVG", "BY", "COUNT", "DESC", "DEVICES_JOBS", "DEVICES_MODULES", "DEVICES", "ENDS_WITH",
        "FALSE", "FROM", "GROUP", "IN", "IS_BOOL", "IS_DEFINED", "IS_NULL", "IS_NUMBER", "IS_OBJECT", "IS_OF_MODEL",
        "IS_PRIMITIVE", "IS_STRING", "MAX", "MIN", "NOT", "NOT_IN", "NULL", "OR", "ORDER", "SELECT", "STARTS_WITH", "SUM", "TOP",
        "TRUE", "WHERE",
    ]

    mutating func identifier(_ what: String) throws(QueryError) -> String {
        switch token.kind {
        case .quoted(let name):
            advance()
            return name
        case .word(let word):
            guard !Self.reserved.contains(Self.uppercased(word)) else {
                throw token.error("'\(word)' is a reserved word; as \(what) it is written [[\(word)]].")
            }
            advance()
            return word
        default: throw token.error("Expected \(what), found \(token.shown).")
        }
    }

    /// A path as it is written, and its first token.
    struct Names {
        let segments: [String]
        let token: QueryToken
    }

    mutating func names() throws(QueryError) -> Names {
        let start = token
        var segments = [try identifier("a name")]
        while take(".") {
            // After a dot every word is a name.
            if case .word(let word) = token.kind {
                segments.append(word)
                advance()
            } else {
                segments.append(try identifier("a name after '.'"))
            }
        }
        return Names(segments: segments, token: start)
    }

    // MARK: The whole

    mutating func query() throws(QueryError) -> Query {
        guard take(keyword: "SELECT") else { throw token.error("A query starts with SELECT; found \(token.shown).") }
        let top = try top()
        let list = try selectList(mayBeEmpty: top != nil)
        try from()
        let selection = try resolve(list)
        var condition: QueryCondition?
        if take(keyword: "WHERE") { condition = try disjunction() }
        guard token.kind == .end else { throw unexpected() }
        let query = Query(
            top: top, selection: selection, shape: shape, variables: variables, edges: edges, condition: condition)
        if shape != .collection, query.pins.isEmpty {
            throw token.error(
                "A query with \(shape == .join ? "JOIN" : "MATCH") names at least one twin by $dtId in WHERE, with = or IN, "
                    + "joined to the rest by AND.")
        }
        return query
    }

    private func unexpected() -> QueryError {
        let unsupported: Set<String> = ["ORDER", "GROUP", "OFFSET", "LIMIT", "HAVING", "UNION", "DISTINCT"]
        if let keyword, unsupported.contains(keyword) { return token.error("\(keyword) is not part of the query language.") }
        if keyword == "JOIN" || keyword == "MATCH" {
            return token.error("\(keyword!) stands directly after FROM DIGITALTWINS, before WHERE, and not beside the other one.")
        }
        return token.error("Expected the end of the query, found \(token.shown).")
    }

    private mutating func top() throws(QueryError) -> Int? {
        guard take(keyword: "TOP") else { return nil }
        try expect("(", "after TOP")
        guard case .integer(let count) = token.kind else { throw token.error("TOP takes a whole number: TOP(10).") }
        advance()
        try expect(")", "after the number of TOP")
        return Int(clamping: count)
    }

    private enum SelectList {
        case all(QueryToken)
        case count
        case items([(names: Names, alias: String?)])
    }

    private mutating func selectList(mayBeEmpty: Bool) throws(QueryError) -> SelectList {
        let start = token
        if mayBeEmpty, keyword == "FROM" { return .all(start) }
        if take("*") { return .all(start) }
        if keyword == "COUNT", peek(1).kind == .sign("(") {
            advance()
            advance()
            try expect(")", "after 'COUNT(': it counts rows and takes no argument")
            return .count
        }
        if let keyword, ["AVG", "MAX", "MIN", "SUM"].contains(keyword), peek(1).kind == .sign("(") {
            throw token.error("COUNT() is the only aggregate of the query language.")
        }
        var items: [(Names, String?)] = []
        repeat {
            let names = try names()
            items.append((names, take(keyword: "AS") ? try identifier("a name after AS") : nil))
        } while take(",")
        return .items(items)
    }

    private func resolve(_ list: SelectList) throws(QueryError) -> Query.Selection {
        switch list {
        case .count: return .count
        case .all(let token):
            if shape == .join {
                throw token.error("SELECT * is not possible with JOIN; name the collections: SELECT A, B.")
            }
            return .all
        case .items(let items):
            var result: [Query.Item] = []
            for (names, alias) in items {
                let key = alias ?? names.segments.last!
                guard !result.contains(where: { $0.key.utf8.elementsEqual(key.utf8) }) else {
                    throw names.token.error("Two columns are called '\(key)'; give one another name with AS.")
                }
                result.append(Query.Item(path: path(names), key: key))
            }
            return .items(result)
        }
    }

    // MARK: Names

    func variable(_ name: String) -> Int? {
        variables.firstIndex { $0.name.map { $0.utf8.elementsEqual(name.utf8) } ?? false }
    }

    /// A path as written, as a path of a variable. Where a query has one collection, its name may be left out; what names nothing
    /// is a missing value, not an error (docs/query-language.md, "Paths").
    func path(_ names: Names) -> Query.Path {
        if let variable = variable(names.segments[0]) {
            return Query.Path(variable: variable, segments: Array(names.segments.dropFirst()))
        }
        guard shape == .collection else { return Query.Path(variable: nil, segments: names.segments) }
        if variables[0].name == nil, names.segments.count > 1, Self.uppercased(names.segments[0]) == collection {
            return Query.Path(variable: 0, segments: Array(names.segments.dropFirst()))
        }
        return Query.Path(variable: 0, segments: names.segments)
    }
}
