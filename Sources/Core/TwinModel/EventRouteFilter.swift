/// The filter of an event route: which events it forwards (docs/azure-contract.md, "Event routes").
package struct EventRouteFilter: Sendable, Equatable {
    /// What is compared.
    package enum Operand: Sendable, Equatable {
        /// An attribute of the event: `type`, `source`, `subject` …
        case attribute(String)
        /// `$body.x.y`: a value inside the event's data; without names, the data itself.
        case body([String])
        case literal(JSON)
    }

    /// A condition of the filter.
    package indirect enum Condition: Sendable, Equatable {
        case always(Bool)
        case and([Condition])
        case or([Condition])
        case compare(Operand, QueryCondition.Comparison, Operand)
        case text(QueryCondition.TextTest, Operand, Operand)
    }

    package let condition: Condition

    /// Parses a filter. Errors say where (`QueryError.filterSentence`).
    package init(parsing text: String) throws(QueryError) {
        var parser = EventRouteFilterParser(tokens: try QueryLexer.tokens(text))
        condition = try parser.filter()
    }

    /// Whether an event passes: its attributes as members, its data as the member `data`. A comparison with a value that is not
    /// there is false.
    package func passes(_ event: JSON) -> Bool { Self.holds(condition, event) }

    private static func holds(_ condition: Condition, _ event: JSON) -> Bool {
        switch condition {
        case .always(let value): return value
        case .and(let parts): return parts.allSatisfy { holds($0, event) }
        case .or(let parts): return parts.contains { holds($0, event) }
        case .compare(let left, let comparison, let right):
            guard let left = value(left, event), let right = value(right, event) else { return false }
            return comparison.holds(left, right)
        case .text(let test, let text, let part):
            guard let text = value(text, event)?.string, let part = value(part, event)?.string else { return false }
            return test.holds(Array(text.utf8), Array(part.utf8))
        }
    }

    private static func value(_ operand: Operand, _ event: JSON) -> JSON? {
        switch operand {
        case .literal(let value): value
        case .attribute(let name): event[name]
        case .body(let names): names.reduce(event["data"]) { $0?[$1] }
        }
    }
}

extension QueryError {
    /// As the message of `EventRouteFilterInvalid` words it.
    package var filterSentence: String { "The filter cannot be parsed: line \(line), position \(position): \(message)" }
}

extension QueryCondition.TextTest {
    /// Whether the bytes of `text` start with, end with or contain those of `part`.
    package func holds(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard part.count <= text.count else { return false }
        switch self {
        case .startsWith: return text.starts(with: part)
        case .endsWith: return text.suffix(part.count).elementsEqual(part)
        case .contains:
            return (0...text.count - part.count).contains { start in text[start..<start + part.count].elementsEqual(part) }
        }
    }
}

/// Reads one filter, by recursive descent.
private struct EventRouteFilterParser {
    let tokens: [QueryToken]
    var at = 0
    var depth = 0

    init(tokens: [QueryToken]) { self.tokens = tokens }

    static let attributes: Set<String> = [
        "type", "source", "subject", "dataschema", "datacontenttype", "specversion", "id", "time", "$eventType",
    ]
    static let functions: [String: QueryCondition.TextTest] = [
        "STARTS_WITH": .startsWith, "ENDS_WITH": .endsWith, "CONTAINS": .contains,
    ]

    var token: QueryToken { tokens[at] }

    mutating func advance() { if at < tokens.count - 1 { at += 1 } }

    mutating func take(_ sign: String) -> Bool {
        guard token.kind == .sign(sign) else { return false }
        advance()
        return true
    }

    mutating func expect(_ sign: String) throws(QueryError) {
        guard take(sign) else { throw token.error("Expected '\(sign)', found \(token.shown).") }
    }

    mutating func filter() throws(QueryError) -> EventRouteFilter.Condition {
        let condition = try disjunction()
        guard token.kind == .end else { throw token.error("Expected AND, OR or the end of the filter, found \(token.shown).") }
        return condition
    }

    private func isWord(_ word: String, _ token: QueryToken) -> Bool {
        if case .word(let found) = token.kind { QueryParser.uppercased(found) == word } else { false }
    }

    private mutating func disjunction() throws(QueryError) -> EventRouteFilter.Condition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= QueryLimits.depthMax else { throw token.error("Brackets stand too deep in one another.") }
        var parts = [try conjunction()]
        while isWord("OR", token) {
            advance()
            parts.append(try conjunction())
        }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction() throws(QueryError) -> EventRouteFilter.Condition {
        var parts = [try comparison()]
        while isWord("AND", token) {
            advance()
            parts.append(try comparison())
        }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func comparison() throws(QueryError) -> EventRouteFilter.Condition {
        if take("(") {
            let condition = try disjunction()
            try expect(")")
            return condition
        }
        if case .word(let word) = token.kind, let test = Self.functions[QueryParser.uppercased(word)] {
            advance()
            try expect("(")
            let text = try operand()
            try expect(",")
            let part = try operand()
            try expect(")")
            return .text(test, text, part)
        }
        let start = token
        let left = try operand()
        guard case .sign(let sign) = token.kind, let comparison = QueryCondition.Comparison(rawValue: sign) else {
            if case .literal(.bool(let value)) = left { return .always(value) }
            throw token.error("Expected a comparison (=, !=, <, <=, >, >=) after \(start.shown), found \(token.shown).")
        }
        advance()
        return .compare(left, comparison, try operand())
    }

    private mutating func operand() throws(QueryError) -> EventRouteFilter.Operand {
        let start = token
        let isNegative = take("-")
        let found = token.kind
        advance()
        switch found {
        case .integer(let number): return .literal(.int(isNegative ? -number : number))
        case .double(let number): return .literal(.double(isNegative ? -number : number))
        case .text(let text) where !isNegative: return .literal(.string(text))
        case .word(let word) where !isNegative: return try named(word, start)
        default: throw start.error("Expected an attribute, $body, a string, a number, true, false or null; found \(start.shown).")
        }
    }

    private mutating func named(_ word: String, _ start: QueryToken) throws(QueryError) -> EventRouteFilter.Operand {
        switch QueryParser.uppercased(word) {
        case "TRUE": return .literal(.bool(true))
        case "FALSE": return .literal(.bool(false))
        case "NULL": return .literal(.null)
        default: break
        }
        if word == "$body" {
            var names: [String] = []
            while take(".") {
                switch token.kind {
                case .word(let name), .quoted(let name): names.append(name)
                default: throw token.error("Expected a name after '.', found \(token.shown).")
                }
                advance()
            }
            return .body(names)
        }
        guard Self.attributes.contains(word) else {
            throw start.error(
                "'\(word)' is no attribute of an event. The attributes are type, source, subject, dataschema, datacontenttype, "
                    + "specversion, id and time; the event's data is $body.")
        }
        return .attribute(word)
    }
}
