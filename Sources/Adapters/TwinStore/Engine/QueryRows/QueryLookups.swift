import DropCore
import TwinModel

/// What a query asks the database once, and not for each row. Used inside one access.
struct QueryLookups {
    let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// The newest commit that this access sees.
    func newestSequence() throws(DropError) -> UInt64 {
        let query = try RawStatement.cached("SELECT coalesce(max(sequence), 0) FROM drop_commit", database)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 0
    }

    /// Numbers of the twins with these ids, by a look through the table.
    func presentTwins(_ ids: [[UInt8]]) throws(DropError) -> [UInt32] { try scan(for: ids, in: "twin", "") }

    /// Numbers of twins that had these ids and are gone.
    func goneTwins(_ ids: [[UInt8]]) throws(DropError) -> [UInt32] { try scan(for: ids, in: "gone", " AND kind = 0") }

    private func scan(for ids: [[UInt8]], in table: String, _ condition: String) throws(DropError) -> [UInt32] {
        guard !ids.isEmpty else { return [] }
        let marks = Array(repeating: "?", count: ids.count).joined(separator: ", ")
        let query = try RawStatement("SELECT no FROM \(table) WHERE id IN (\(marks))\(condition)", database)
        for (index, id) in ids.enumerated() { query.bind(text: Int32(index + 1), id) }
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers
    }

    // MARK: The past

    /// The first revision that a commit later than `sequence` made; greater than all where there is none.
    func firstRevision(after sequence: UInt64) throws(DropError) -> Int64 {
        let query = try RawStatement(
            "SELECT first_revision FROM drop_commit WHERE sequence > ? ORDER BY sequence LIMIT 1", database)
        query.bind(1, Int64(clamping: sequence))
        defer { query.reset() }
        return try query.step() ? query.integer(0) : Int64.max
    }

    /// Numbers with a revision at or after one, ascending.
    func changed(_ kind: Query.Variable.Kind, since revision: Int64) throws(DropError) -> [UInt32] {
        let query = try RawStatement("SELECT entity FROM revision WHERE no >= ? AND kind = ?", database)
        query.bind(1, revision)
        query.bind(2, Int64(kind == .twin ? 0 : 1))
        defer { query.reset() }
        var numbers: Set<UInt32> = []
        while try query.step() { numbers.insert(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers.sorted()
    }

    /// A relationship's record as bytes; nil where there is none of that number.
    func relationshipRecord(_ number: UInt32) throws(DropError) -> [UInt8]? {
        let query = try RawStatement.cached("SELECT rec FROM relationship WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        return try query.step() ? query.bytes(0) : nil
    }
}
