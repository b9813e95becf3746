import DropCore

/// The part of a property's index that a condition allows; the condition is tested again on what is found there, because SQLite
/// does not tell true from 1, nor a date from its text.
struct IndexedValues {
    enum Bound {
        case equal([RowLiteral])
        /// The sign of a comparison, as the query language and SQL both have it.
        case order(String, RowLiteral)
        case prefix([UInt8])
    }

    /// The property, a global key.
    let key: UInt32
    let bound: Bound
    /// More than this many are found faster by looking through all twins.
    private static let membersMax = 20_000

    /// The twins in it, ascending; nil where they are too many for it to be worth while.
    func numbers(_ database: StoreTransaction) throws(DropError) -> [UInt32]? {
        let (condition, literals) = condition
        let query = try RawStatement.cached(
            "SELECT no FROM twin WHERE \(condition) LIMIT \(Self.membersMax + 1)", database)
        for (index, literal) in literals.enumerated() { query.bind(Int32(index + 1), literal) }
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers.count > Self.membersMax ? nil : Set(numbers).sorted()
    }

    private var condition: (sql: String, literals: [RowLiteral]) {
        let value = "td_value(rec, \(key))"
        switch bound {
        case .equal(let values): return ("\(value) IN (\(values.map { _ in "?" }.joined(separator: ", ")))", values)
        case .order(let sign, let literal):
            // In SQLite's order every text is greater than every number.
            if case .text = literal { return ("\(value) \(sign) ? AND \(value) >= ''", [literal]) }
            return ("\(value) \(sign) ? AND \(value) < ''", [literal])
        case .prefix(let prefix):
            guard let last = prefix.lastIndex(where: { $0 != 0xFF }) else { return ("\(value) >= ?", [.text(prefix)]) }
            return ("\(value) >= ? AND \(value) < ?", [.text(prefix), .text(prefix[..<last] + [prefix[last] + 1])])
        }
    }
}
