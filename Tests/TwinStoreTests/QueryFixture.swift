import DropCore
import TwinModel

@testable import TwinStore

extension TwinStore {
    /// All rows of a query, page by page; fails where a page is longer than `limit` or the pages never end.
    func rows(
        _ text: String, limit: Int = 1000, asOf moment: Moment = .now, family: ModelFamily? = nil
    ) throws -> [JSON] {
        var rows: [JSON] = []
        var continuation: String?
        for _ in 0..<10_000 {
            let page = try queries.query(
                continuation == nil ? text : nil, continuation: continuation, limit: limit, asOf: moment, family: family)
            precondition(page.rows.count <= limit && page.charge >= 1)
            rows += page.rows
            guard let next = page.continuation else { return rows }
            continuation = next
        }
        preconditionFailure("the pages of \(text) never end")
    }

    /// The `$dtId` of each row, in ascending order; of `SELECT *` or `SELECT $dtId`.
    func ids(_ text: String, limit: Int = 1000, asOf moment: Moment = .now, family: ModelFamily? = nil) throws -> [String] {
        try rows(text, limit: limit, asOf: moment, family: family).compactMap { $0["$dtId"]?.string }.sorted()
    }

    /// The answer of a `SELECT COUNT()`.
    func count(_ text: String, asOf moment: Moment = .now, family: ModelFamily? = nil) throws -> Int64? {
        let rows = try rows(text, asOf: moment, family: family)
        return rows.count == 1 ? rows[0]["COUNT"]?.int : nil
    }
}

/// Evaluates queries over documents, the plainest way there is: every combination is made, and then looked at.
struct PlainGraph {
    var twins: [JSON]
    var relationships: [JSON]
    var ancestors: [String: [String]] = [:]

    init(_ store: TwinStore) throws {
        var twins: [JSON] = []
        try store.history.forEachTwin { twins.append($0) }
        self.twins = twins
        relationships = []
        for twin in twins { relationships += try store.history.relationships(of: twin["$dtId"]!.string!) }
    }

    /// The rows, without TOP.
    func rows(_ query: Query) -> [JSON] {
        var bindings: [[Int: JSON]] = []
        let first = query.variables[0].kind == .twin ? twins : relationships
        switch query.shape {
        case .collection: bindings = first.map { [0: $0] }
        case .join, .match:
            let start = query.shape == .join ? 0 : query.edges[0].from
            for twin in twins { follow(query, 0, [start: twin], [], &bindings) }
        }
        let passing = bindings.filter { row in query.condition.map { holds($0, row) == true } ?? true }
        if query.selection == .count { return [["COUNT": .int(Int64(passing.count))]] }
        return passing.map { row(query, $0) }
    }

    private func follow(
        _ query: Query, _ index: Int, _ row: [Int: JSON], _ walked: [JSON], _ found: inout [[Int: JSON]]
    ) {
        guard index < query.edges.count else { return found.append(row) }
        let edge = query.edges[index]
        func hop(_ from: JSON, _ hops: Int, _ walked: [JSON]) {
            for relationship in relationships {
                let name = relationship["$relationshipName"]!.string!
                guard edge.names.isEmpty || edge.names.contains(name) else { continue }
                if query.shape == .match, walked.contains(relationship) { continue }
                let (source, target) = (relationship["$sourceId"]!, relationship["$targetId"]!)
                var others: [JSON] = []
                if edge.direction != .backward, source == from["$dtId"] { others.append(target) }
                if edge.direction != .forward, target == from["$dtId"], !(edge.direction == .either && source == target) {
                    others.append(source)
                }
                for other in others {
                    let twin = twins.first { $0["$dtId"] == other }!
                    if edge.hops.contains(hops), row[edge.to] == nil || row[edge.to] == twin {
                        var next = row
                        next[edge.to] = twin
                        if let variable = edge.relationship { next[variable] = relationship }
                        follow(query, index + 1, next, walked + [relationship], &found)
                    }
                    if hops < edge.hops.upperBound { hop(twin, hops + 1, walked + [relationship]) }
                }
            }
        }
        hop(row[edge.from]!, 1, walked)
    }

    private func row(_ query: Query, _ row: [Int: JSON]) -> JSON {
        switch query.selection {
        case .count: return .null
        case .all where query.shape == .collection: return row[0]!
        case .all:
            return .object(
                query.variables.indices.compactMap { index in query.variables[index].name.map { .init($0, row[index]!) } })
        case .items(let items):
            return .object(items.compactMap { item in value(item.path, row).map { .init(item.key, $0) } })
        }
    }

    private func value(_ path: Query.Path, _ row: [Int: JSON]) -> JSON? {
        guard let variable = path.variable else { return nil }
        var value = row[variable]
        for segment in path.segments { value = value?[segment] }
        return value
    }

    private func value(_ operand: QueryCondition.Operand, _ row: [Int: JSON]) -> JSON? {
        switch operand {
        case .path(let path): value(path, row)
        case .literal(let value): value
        }
    }

    /// Nil: unknown.
    private func holds(_ condition: QueryCondition, _ row: [Int: JSON]) -> Bool? {
        switch condition {
        case .and(let parts):
            let truths = parts.map { holds($0, row) }
            return truths.contains(false) ? false : truths.contains(nil) ? nil : true
        case .or(let parts):
            let truths = parts.map { holds($0, row) }
            return truths.contains(true) ? true : truths.contains(nil) ? nil : false
        case .not(let part): return holds(part, row).map { !$0 }
        case .compare(let left, let comparison, let right):
            guard let left = value(left, row), let right = value(right, row) else { return nil }
            return compare(left, comparison, right)
        case .among(let operand, let values, let isNegated):
            guard let value = value(operand, row) else { return nil }
            return values.contains { compare(value, .equal, $0) } != isNegated
        case .type(let test, let path): return type(test, value(path, row))
        case .text(let test, let text, let part):
            guard let text = value(text, row), let part = value(part, row) else { return nil }
            guard let text = text.string, let part = part.string else { return false }
            return switch test {
            case .startsWith: text.hasPrefix(part)
            case .endsWith: text.hasSuffix(part)
            case .contains: part.isEmpty || text.contains(part)
            }
        case .arrayContains(let array, let element):
            guard let array = value(array, row), let element = value(element, row) else { return nil }
            return array.elements?.contains { compare($0, .equal, element) } ?? false
        case .ofModel(let variable, let model, let isExact):
            return isOf(row[variable]!["$metadata"]?["$model"]?.string, model, isExact)
        case .truth(let path): return value(path, row).map { $0 == true }
        }
    }

    private func number(_ value: JSON) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    private func compare(_ left: JSON, _ comparison: QueryCondition.Comparison, _ right: JSON) -> Bool {
        if let left = number(left), let right = number(right) {
            return switch comparison {
            case .equal: left == right
            case .unequal: left != right
            case .less: left < right
            case .greater: left > right
            case .lessOrEqual: left <= right
            case .greaterOrEqual: left >= right
            }
        }
        if let left = left.string, let right = right.string {
            let (left, right) = (Array(left.unicodeScalars), Array(right.unicodeScalars))
            return switch comparison {
            case .equal: left == right
            case .unequal: left != right
            case .less: left.lexicographicallyPrecedes(right)
            case .greater: right.lexicographicallyPrecedes(left)
            case .lessOrEqual: !right.lexicographicallyPrecedes(left)
            case .greaterOrEqual: !left.lexicographicallyPrecedes(right)
            }
        }
        return switch comparison {
        case .equal: left == right
        case .unequal: left != right
        default: false
        }
    }

    private func type(_ test: QueryCondition.TypeTest, _ value: JSON?) -> Bool {
        guard let value else { return false }
        return switch (test, value) {
        case (.isDefined, _), (.isNull, .null), (.isBool, .bool), (.isNumber, .int), (.isNumber, .double), (.isString, .string),
            (.isObject, .object):
            true
        case (.isPrimitive, .object), (.isPrimitive, .array): false
        case (.isPrimitive, _): true
        default: false
        }
    }

    private func isOf(_ model: String?, _ wanted: String, _ isExact: Bool) -> Bool {
        guard let model else { return false }
        if isExact { return model == wanted }
        let (path, version) = split(wanted)
        return ((ancestors[model] ?? []) + [model]).contains { ancestor in
            let (otherPath, otherVersion) = split(ancestor)
            return ancestor == wanted || otherPath == path && otherVersion >= version
        }
    }

    private func split(_ model: String) -> (String, Int) {
        let parts = model.split(separator: ";")
        return (String(parts[0]), parts.count > 1 ? Int(parts[1])! : 0)
    }
}
