import Synchronization
import TwinModel

/// Whether a condition allows only a part of an index, and which.
struct PropertyRange {
    let values: IndexedValues

    init?(_ condition: QueryCondition, _ compiler: QueryCompiler, _ store: StoreEngine) {
        let (path, bound): (Query.Path, IndexedValues.Bound)
        switch condition {
        case .compare(.path(let found), let comparison, .literal(let value)):
            (path, bound) = (found, Self.bound(comparison, value))
        case .compare(.literal(let value), let comparison, .path(let found)):
            (path, bound) = (found, Self.bound(comparison.mirrored, value))
        case .among(.path(let found), let values, false): (path, bound) = (found, .equal(values.map(RowLiteral.init)))
        case .text(.startsWith, .path(let found), .literal(.string(let prefix))) where !prefix.isEmpty:
            (path, bound) = (found, .prefix(Array(prefix.utf8)))
        default: return nil
        }
        guard case .properties(let candidates) = compiler.path(path).head, candidates.count == 1, candidates[0].rest.isEmpty,
            store.indexed.withLock({ $0.contains(candidates[0].key) })
        else { return nil }
        switch bound {
        case .equal(let values): if values.contains(where: { if case .null = $0 { true } else { false } }) { return nil }
        case .order(let sign, let value):
            // No value is smaller or greater than null or a boolean; every value but one is unequal.
            switch value {
            case .null, .bool: return nil
            case .integer, .double, .text: if sign == "!=" { return nil }
            }
        case .prefix: break
        }
        values = IndexedValues(key: candidates[0].key, bound: bound)
    }

    private static func bound(_ comparison: QueryCondition.Comparison, _ value: JSON) -> IndexedValues.Bound {
        comparison == .equal ? .equal([RowLiteral(value)]) : .order(comparison.rawValue, RowLiteral(value))
    }
}
