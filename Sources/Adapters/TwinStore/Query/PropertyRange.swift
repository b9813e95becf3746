import DropCore
import GRDB
import Synchronization
import TwinModel

/// The part of an index that a condition allows; the condition is tested again on what is found there, because SQLite does not
/// tell true from 1, nor a date from its text.
struct PropertyRange {
    private enum Bound {
        case equal([RowLiteral])
        case order(String, RowLiteral)
        case prefix([UInt8])
    }

    private let key: UInt32
    private let bound: Bound
    /// More than this many are found faster by looking through all twins.
    private static let membersMax = 20_000

    init?(_ condition: QueryCondition, _ compiler: QueryCompiler, _ store: StoreEngine) {
        let path: Query.Path
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
        key = candidates[0].key
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
    }

    private static func bound(_ comparison: QueryCondition.Comparison, _ value: JSON) -> Bound {
        comparison == .equal ? .equal([RowLiteral(value)]) : .order(comparison.rawValue, RowLiteral(value))
    }

    /// The twins in it, ascending; nil where they are too many for it to be worth while.
    func numbers(_ database: Database) throws(DropError) -> [UInt32]? {
        let value = "td_value(rec, \(key))"
        var literals: [RowLiteral] = []
        var condition: String
        switch bound {
        case .equal(let values):
            condition = "\(value) IN (\(values.map { _ in "?" }.joined(separator: ", ")))"
            literals = values
        case .order(let sign, let literal):
            condition = "\(value) \(sign) ?"
            literals = [literal]
            // In SQLite's order every text is greater than every number.
            if case .text = literal { condition += " AND \(value) >= ''" } else { condition += " AND \(value) < ''" }
        case .prefix(let prefix):
            condition = "\(value) >= ?"
            literals = [.text(prefix)]
            if let last = prefix.lastIndex(where: { $0 != 0xFF }) {
                condition += " AND \(value) < ?"
                literals.append(.text(prefix[..<last] + [prefix[last] + 1]))
            }
        }
        let query = try RawStatement.cached(
            "SELECT no FROM twin WHERE \(condition) LIMIT \(Self.membersMax + 1)", database)
        for (index, literal) in literals.enumerated() { query.bind(Int32(index + 1), literal) }
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers.count > Self.membersMax ? nil : Set(numbers).sorted()
    }
}

extension RawStatement {
    /// Binds a value of a query as SQLite has it.
    func bind(_ index: Int32, _ literal: RowLiteral) {
        switch literal {
        case .null: bindNull(index)
        case .bool(let value): bind(index, Int64(value ? 1 : 0))
        case .integer(let number): bind(index, number)
        case .double(let number): bind(index, number)
        case .text(let bytes): bind(text: index, bytes)
        }
    }
}
