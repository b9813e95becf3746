package import DropCore
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
}

/// Reads and writes facts about the database as a whole.
///
/// Any thread; each change is one durable transaction on the writer.
package struct StoreFacts: Sendable {
    let store: StoreEngine

    private func fact(_ fact: StoreFact) throws(DropError) -> String? {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT value FROM meta WHERE name = ?", database)
            query.bind(text: 1, fact.rawValue)
            defer { query.reset() }
            return try query.step() ? query.text(0) : nil
        }
    }

    /// What the archive had come to when the register last heard of it; nil before the first drop was archived.
    package func archiveHead() throws(DropError) -> ArchiveHead? { try fact(.archiveHead).flatMap { ArchiveHead($0) } }

    /// Forgets `archiveHead`: a person said that the archive is another one from now on.
    package func forgetArchiveHead() throws(DropError) {
        try store.transaction { database in
            try database.execute(sql: "DELETE FROM meta WHERE name = ?", arguments: [StoreFact.archiveHead.rawValue])
        }
    }

    /// The record of the archive up to which drops may be unknown here, because a person said so; nil where nobody did.
    package func acceptedArchive() throws(DropError) -> UInt64? { try fact(.acceptedArchive).flatMap { UInt64($0) } }

    /// A person says that this database may be older than the archive up to this record.
    ///
    /// - Parameter forGood: and that it goes on as it is: nothing of that is to be delivered again.
    package func accept(archived record: UInt64, forGood: Bool) throws(DropError) {
        try store.transaction { database in
            try StoreFact.acceptedArchive.write("\(record)", database)
            if forGood { try StoreFact.waivedArchive.write("\(record)", database) }
        }
    }

    /// The record of the archive up to which nobody waits for forgotten drops to be delivered again; nil where nobody said so.
    /// Whoever restores a backup has accepted that drops are unknown, and not that they stay away.
    package func waivedArchive() throws(DropError) -> UInt64? { try fact(.waivedArchive).flatMap { UInt64($0) } }

    /// True where no drop was ever registered and nothing is in the graph.
    package func isEmpty() throws(DropError) -> Bool {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement(
                "SELECT NOT EXISTS (SELECT 1 FROM drops) AND NOT EXISTS (SELECT 1 FROM drop_commit)", database)
            defer { query.reset() }
            return try query.step() && query.integer(0) == 1
        }
    }

    package func instanceID() throws(DropError) -> String {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement("SELECT value FROM meta WHERE name = 'instance'", database)
            defer { query.reset() }
            guard try query.step() else { throw StorageFailure.damaged("it has no instance id") }
            return query.text(0)
        }
    }
}
