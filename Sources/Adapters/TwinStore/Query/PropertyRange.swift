package import DropCore
import GRDB
import Synchronization
import TwinModel

extension TwinStore {
    /// Makes the indexes of these properties of twins, and drops those of others: an equality, range, IN or STARTSWITH on one of
    /// them then costs what it finds. A property of a component is `component/name` or `component.name`. Once at start, before
    /// anything is written; the first time it takes about a second per million twins and index.
    package func declareIndexes(_ names: [String]) throws(DropError) {
        let wanted = Set(
            names.map { name in
                keys.number(of: String(name.map { $0 == "." ? "/" : $0 }))
            })
        let unknown = keys.unpersisted(of: [])
        try transaction { database in
            for (number, name) in unknown {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO key(no, name) VALUES(?, ?)", arguments: [Int64(number), name])
            }
            let present = try Self.indexedKeys(database)
            for key in present.subtracting(wanted) { try database.execute(sql: "DROP INDEX \(Self.indexPrefix)\(key)") }
            for key in wanted.subtracting(present).sorted() {
                try database.execute(
                    sql: """
                        CREATE INDEX \(Self.indexPrefix)\(key) ON twin(td_value(rec, \(key))) WHERE td_value(rec, \(key)) IS NOT NULL
                        """)
            }
        }
        keys.persisted(Set(unknown.map(\.number)))
        indexed.withLock { $0 = wanted }
    }

    private static let indexPrefix = "property_"

    /// Keys of the properties that have an index.
    private static func indexedKeys(_ database: Database) throws -> Set<UInt32> {
        let names = try String.fetchAll(
            database, sql: "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'twin' AND sql IS NOT NULL")
        return Set(names.filter { $0.hasPrefix(indexPrefix) }.compactMap { UInt32($0.dropFirst(indexPrefix.count)) })
    }

    /// Notes which indexes the database has.
    func loadIndexes(_ database: Database) throws(DropError) {
        do {
            let found = try Self.indexedKeys(database)
            indexed.withLock { $0 = found }
        } catch {
            throw StorageFailure.error(error)
        }
    }
}

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

    init?(_ condition: QueryCondition, _ compiler: QueryCompiler, _ store: TwinStore) {
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
