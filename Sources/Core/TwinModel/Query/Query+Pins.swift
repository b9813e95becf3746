extension Query {
    /// Twins that WHERE allows for a variable, by `$dtId`: in every row for which it is true, the variable's id is one of these.
    /// Ids are bytes, ascending, without duplicates.
    package var pins: [Int: [[UInt8]]] {
        guard let condition else { return [:] }
        return Self.pins(condition).filter { variables[$0.key].kind == .twin }
    }

    private static func pins(_ condition: QueryCondition) -> [Int: [[UInt8]]] {
        switch condition {
        case .compare(.path(let path), .equal, .literal(let value)), .compare(.literal(let value), .equal, .path(let path)):
            return pin(path, [value])
        case .among(.path(let path), let values, false): return pin(path, values)
        case .and(let parts):
            return parts.map(pins).reduce(into: [:]) { all, next in
                all.merge(next) { mine, other in mine.filter(other.contains) }
            }
        case .or(let parts):
            let each = parts.map(pins)
            guard let first = each.first else { return [:] }
            return each.dropFirst().reduce(first) { all, next in
                all.reduce(into: [:]) { result, entry in
                    if let other = next[entry.key] { result[entry.key] = sorted(entry.value + other) }
                }
            }
        default: return [:]
        }
    }

    private static func pin(_ path: Path, _ values: [JSON]) -> [Int: [[UInt8]]] {
        guard let variable = path.variable, path.segments == ["$dtId"] else { return [:] }
        return [variable: sorted(values.compactMap { $0.string.map { Array($0.utf8) } })]
    }

    private static func sorted(_ ids: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for id in ids.sorted(by: { $0.lexicographicallyPrecedes($1) }) where result.last != id { result.append(id) }
        return result
    }
}

extension QueryCondition {
    /// The conditions that all must be true.
    package var conjuncts: [QueryCondition] {
        if case .and(let parts) = self { parts.flatMap(\.conjuncts) } else { [self] }
    }

    /// Every path in it.
    package var paths: [Query.Path] {
        func paths(_ operand: Operand) -> [Query.Path] { if case .path(let path) = operand { [path] } else { [] } }
        switch self {
        case .and(let parts), .or(let parts): return parts.flatMap(\.paths)
        case .not(let part): return part.paths
        case .compare(let left, _, let right), .text(_, let left, let right), .arrayContains(let left, let right):
            return paths(left) + paths(right)
        case .among(let operand, _, _): return paths(operand)
        case .type(_, let path), .truth(let path): return [path]
        case .ofModel(let variable, _, _): return [Query.Path(variable: variable, segments: ["$metadata", "$model"])]
        }
    }
}
