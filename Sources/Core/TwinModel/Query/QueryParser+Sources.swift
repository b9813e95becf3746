/// FROM, JOIN and MATCH.
extension QueryParser {
    mutating func from() throws(QueryError) {
        guard take(keyword: "FROM") else { throw token.error("Expected FROM, found \(token.shown).") }
        guard let collection = keyword, collection == "DIGITALTWINS" || collection == "RELATIONSHIPS" else {
            throw token.error("FROM takes DIGITALTWINS or RELATIONSHIPS, found \(token.shown).")
        }
        advance()
        self.collection = collection
        if collection == "DIGITALTWINS", keyword == "MATCH", peek(1).kind == .sign("(") {
            advance()
            return try match()
        }
        _ = take(keyword: "AS")
        var alias: String?
        if !isClause { alias = try identifier("a name for the collection") }
        variables = [.init(kind: collection == "DIGITALTWINS" ? .twin : .relationship, name: alias)]
        guard keyword == "JOIN" else { return }
        guard collection == "DIGITALTWINS" else { throw token.error("JOIN needs FROM DIGITALTWINS.") }
        guard alias != nil else {
            throw token.error("With JOIN the collection needs a name: FROM DIGITALTWINS A JOIN B RELATED A.rel.")
        }
        shape = .join
        while keyword == "JOIN" { try join() }
    }

    /// True if a clause follows, or nothing.
    private var isClause: Bool {
        if token.kind == .end { return true }
        guard let keyword else { return false }
        return ["WHERE", "JOIN", "MATCH", "ORDER", "GROUP"].contains(keyword)
    }

    private mutating func join() throws(QueryError) {
        let start = token
        guard edges.count < QueryLimits.joinsMax else {
            throw start.error("A query has at most \(QueryLimits.joinsMax) JOINs.")
        }
        advance()
        let target = try declare(.twin, "a name for the joined twins")
        guard take(keyword: "RELATED") else { throw token.error("Expected RELATED, found \(token.shown).") }
        let names = try names()
        guard names.segments.count == 2 else {
            throw names.token.error("RELATED takes a collection and the name of a relationship: RELATED A.contains.")
        }
        guard let source = variable(names.segments[0]), source != target, variables[source].kind == .twin else {
            throw names.token.error("'\(names.segments[0])' is no collection of twins that stands before this JOIN.")
        }
        let relationship: Int
        if isClause {
            variables.append(.init(kind: .relationship, name: nil))
            relationship = variables.count - 1
        } else {
            relationship = try declare(.relationship, "a name for the relationship")
        }
        edges.append(
            .init(
                from: source, to: target, relationship: relationship, direction: .forward, names: [names.segments[1]],
                hops: 1...1))
    }

    private mutating func declare(_ kind: Query.Variable.Kind, _ what: String) throws(QueryError) -> Int {
        let start = token
        let name = try identifier(what)
        guard variable(name) == nil else { throw start.error("The name '\(name)' is taken; every collection has its own.") }
        variables.append(.init(kind: kind, name: name))
        return variables.count - 1
    }

    // MARK: MATCH

    private mutating func match() throws(QueryError) {
        shape = .match
        var left = try node()
        guard isSign("-") || isSign("<") else { throw token.error("MATCH needs an edge after its first twin: (A)-[:name]->(B).") }
        while isSign("-") || isSign("<") { left = try edge(from: left) }
        if keyword == "MATCH" { throw token.error("A query has one MATCH.") }
    }

    /// `(name)` or `()`; a name that is there already means the same twin.
    private mutating func node() throws(QueryError) -> Int {
        try expect("(", "before a twin of MATCH")
        if take(")") {
            variables.append(.init(kind: .twin, name: nil))
            return variables.count - 1
        }
        let start = token
        let name = try identifier("a name for a twin")
        try expect(")", "after the name of a twin")
        if let known = variable(name) {
            guard variables[known].kind == .twin else { throw start.error("'\(name)' is the name of a relationship.") }
            return known
        }
        variables.append(.init(kind: .twin, name: name))
        return variables.count - 1
    }

    private mutating func edge(from left: Int) throws(QueryError) -> Int {
        let start = token
        let pointsLeft = take("<")
        try expect("-", "in an edge of MATCH")
        try expect("[", "in an edge of MATCH")
        var relationship: Int?
        if !isSign(":"), !isSign("*"), !isSign("]") { relationship = try declare(.relationship, "a name for the relationship") }
        var names: [String] = []
        if take(":") {
            repeat { names.append(try identifier("the name of a relationship")) } while take("|")
        }
        var hops = 1...1
        if isSign("*") {
            if relationship != nil { throw token.error("An edge with a name has one hop: leave out the name, or '*'.") }
            hops = try self.hops()
        }
        try expect("]", "at the end of an edge's brackets")
        try expect("-", "after the brackets of an edge")
        let pointsRight = take(">")
        if pointsLeft, pointsRight { throw start.error("An edge points one way, or has no arrow: -[…]-, -[…]->, <-[…]-.") }
        if relationship == nil, hops == 1...1 {
            variables.append(.init(kind: .relationship, name: nil))
            relationship = variables.count - 1
        }
        let right = try node()
        edges.append(
            .init(
                from: left, to: right, relationship: relationship,
                direction: pointsLeft ? .backward : pointsRight ? .forward : .either, names: names, hops: hops))
        return right
    }

    /// `*n`: exactly n. `*m..n`: more than m, up to n. `*..n`: up to n.
    private mutating func hops() throws(QueryError) -> ClosedRange<Int> {
        let start = token
        advance()
        var lower: Int64?
        if case .integer(let number) = token.kind {
            lower = number
            advance()
        }
        var upper = lower
        if take("..") {
            guard case .integer(let number) = token.kind else { throw token.error("Expected the most hops after '..'.") }
            upper = number
            advance()
            lower = (lower ?? 0) + 1
        }
        guard let lower, let upper else { throw start.error("'*' is followed by the number of hops: *3, *1..3 or *..3.") }
        guard upper <= QueryLimits.hopsMax else { throw start.error("An edge has at most \(QueryLimits.hopsMax) hops.") }
        guard lower >= 1, lower <= upper else {
            throw start.error("No number of hops is meant: *m..n is more than m and up to n, and an edge has one at least.")
        }
        return Int(lower)...Int(upper)
    }
}
