import DropCore
import GRDB

/// Facts about the database as a whole: rows of `meta`.
enum StoreFact: String {
    /// An `ArchiveHead`.
    case archiveHead = "archive-head"
    /// The newest record of the archive when a person said that the database may be older than it.
    case acceptedArchive = "accepted-archive"
    /// The newest record of the archive when a person said that what the database had forgotten is not to be delivered again.
    case waivedArchive = "waived-archive"

    func write(_ value: String, _ database: Database) throws(DropError) {
        let row = try RawStatement.cached(
            "INSERT INTO meta VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", database)
        row.bind(text: 1, rawValue)
        row.bind(text: 2, value)
        try row.run()
    }

    func read(_ database: Database) throws(DropError) -> String? {
        let query = try RawStatement.cached("SELECT value FROM meta WHERE name = ?", database)
        query.bind(text: 1, rawValue)
        defer { query.reset() }
        return try query.step() ? query.text(0) : nil
    }

    func forget(_ database: Database) throws(DropError) {
        let row = try RawStatement.cached("DELETE FROM meta WHERE name = ?", database)
        row.bind(text: 1, rawValue)
        try row.run()
    }

    /// True where no drop was ever registered and nothing is in the graph.
    static func isEmpty(_ database: Database) throws(DropError) -> Bool {
        let query = try RawStatement(
            "SELECT NOT EXISTS (SELECT 1 FROM drops) AND NOT EXISTS (SELECT 1 FROM drop_commit)", database)
        defer { query.reset() }
        return try query.step() && query.integer(0) == 1
    }

    /// The id of the database, made with it.
    static func instanceID(_ database: Database) throws(DropError) -> String {
        let query = try RawStatement("SELECT value FROM meta WHERE name = 'instance'", database)
        defer { query.reset() }
        guard try query.step() else { throw StorageFailure.damaged("it has no instance id") }
        return query.text(0)
    }
}
