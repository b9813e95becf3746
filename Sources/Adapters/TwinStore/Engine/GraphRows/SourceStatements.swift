import DropCore
import GRDB

/// What is kept with each source: the names of its keys, and whether others changed something of it. Prepared once per connection
/// by GRDB's cache; used inside one access.
final class SourceStatements {
    private let note: RawStatement
    private let noteChange: RawStatement
    private let noteChangeOfBare: RawStatement
    private let database: StoreTransaction

    init(_ database: StoreTransaction) throws(DropError) {
        self.database = database
        note = try .cached(
            """
            INSERT INTO source(name, is_bare) VALUES(?, ?)
            ON CONFLICT(name) DO UPDATE SET is_bare = max(is_bare, excluded.is_bare)
            """, database)
        noteChange = try .cached(
            """
            INSERT INTO source(name, changed_by_others) VALUES(?, ?)
            ON CONFLICT(name) DO UPDATE SET changed_by_others = excluded.changed_by_others
            """, database)
        noteChangeOfBare = try .cached(
            "UPDATE source SET changed_by_others = ? WHERE is_bare = 1 AND name <> ?", database)
    }

    /// Makes the source's row. That it relied on values without a stamp of it is kept for ever.
    func note(_ source: SourceName, hasUnstampedValues: Bool) throws(DropError) {
        note.bind(text: 1, source.text)
        note.bind(2, Int64(hasUnstampedValues ? 1 : 0))
        try note.run()
    }

    /// Others changed something of the source in a commit.
    func noteChange(of source: SourceName, _ sequence: UInt64) throws(DropError) {
        noteChange.bind(text: 1, source.text)
        noteChange.bind(2, Int64(sequence))
        try noteChange.run()
    }

    /// Something was changed: noted of all sources but this one that rely on values without a stamp of theirs.
    ///
    /// - Parameter source: nil where a call did it.
    func noteChangeOfBare(besides source: SourceName?, _ sequence: UInt64) throws(DropError) {
        noteChangeOfBare.bind(1, Int64(sequence))
        noteChangeOfBare.bind(text: 2, source?.text ?? "")
        try noteChangeOfBare.run()
    }

    /// A source's key by its number in its streams.
    func insertKey(of source: SourceName, _ wire: Int, _ key: UInt32) throws(DropError) {
        do {
            try database.execute(
                sql: "INSERT OR IGNORE INTO source_key(source, no, key) VALUES(?, ?, ?)",
                arguments: [source.text, wire, Int64(key)])
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// The name of a global key.
    func insertKey(_ number: UInt32, _ name: String) throws(DropError) {
        do {
            try database.execute(
                sql: "INSERT OR IGNORE INTO key(no, name) VALUES(?, ?)", arguments: [Int64(number), name])
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// Removes the names of a source's keys.
    static func forgetKeys(of source: SourceName, _ database: StoreTransaction) throws(DropError) {
        let row = try RawStatement.cached("DELETE FROM source_key WHERE source = ?", database)
        row.bind(text: 1, source.text)
        try row.run()
    }

    /// Whether others changed something of the source after a drop of it was committed; nil where it was not.
    static func isChanged(_ source: SourceName, since drop: DropID, _ database: StoreTransaction) throws(DropError) -> Bool? {
        let query = try RawStatement.cached(
            """
            SELECT c.sequence, coalesce((SELECT changed_by_others FROM source WHERE name = ?2), 0)
            FROM drops d JOIN drop_commit c ON c.drop_no = d.no WHERE d.id = ?1
            """, database)
        query.bind(text: 1, Array(drop.description.utf8))
        query.bind(text: 2, Array(source.text.utf8))
        defer { query.reset() }
        guard try query.step() else { return nil }
        return query.integer(1) > query.integer(0)
    }
}
