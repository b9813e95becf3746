package import DropCore
import GRDB

/// What keeps the database in order: copies, checks, what is forgotten, and its log.
///
/// Any thread; what writes does so on the writer's connection.
package struct StoreUpkeep: Sendable {
    let store: StoreEngine

    /// Forgets revisions of commits before `milliseconds` since 1970, and the deleted twins they alone remember. Later questions
    /// about that time are answered with `pruned`. Returns how many revisions went.
    @discardableResult
    package func prune(before milliseconds: UInt64) throws(DropError) -> Int {
        try store.transaction { database in
            let sequence = try Int64.fetchOne(
                database, sql: "SELECT coalesce(max(sequence), 0) FROM drop_commit WHERE time < ?",
                arguments: [Int64(clamping: milliseconds)])!
            let first = try Int64.fetchOne(
                database, sql: "SELECT first_revision FROM drop_commit WHERE sequence > ? ORDER BY sequence LIMIT 1",
                arguments: [sequence])
            let limit = first ?? Int64.max
            try database.execute(sql: "DELETE FROM revision WHERE no < ?", arguments: [limit])
            let count = database.changesCount
            try database.execute(sql: "DELETE FROM gone WHERE last_revision < ?", arguments: [limit])
            try database.execute(sql: "UPDATE horizon SET sequence = max(sequence, ?)", arguments: [sequence])
            return count
        }
    }

    /// Writes a consistent copy to `path`, which must not exist: whole, synced, under its name only when it is complete.
    package func backup(to path: String) throws(DropError) {
        let temporary = path + ".tmp"
        try StoreFiles.remove(temporary)
        do {
            try store.connection.pool.writeWithoutTransaction { database in
                try database.execute(sql: "VACUUM INTO ?", arguments: [temporary])
            }
        } catch {
            throw StorageFailure.error(error)
        }
        try StoreFiles.publish(temporary, as: path)
    }

    /// What SQLite finds wrong with the file, empty when nothing is: `quick_check`, then the foreign keys.
    package func quickCheck() throws(DropError) -> [String] {
        try store.reading { (database) throws(DropError) in
            var findings: [String] = []
            let check = try RawStatement("PRAGMA quick_check", database)
            while try check.step() { findings.append(check.text(0)) }
            check.reset()
            if findings == ["ok"] { findings = [] }
            let keys = try RawStatement("PRAGMA foreign_key_check", database)
            while try keys.step() {
                findings.append("\(keys.text(0)) row \(keys.integer(1)) refers to a missing \(keys.text(2))")
            }
            keys.reset()
            return findings
        }
    }

    /// Makes the indexes of these properties of twins, and drops those of others: an equality, range, IN or STARTSWITH on one of
    /// them then costs what it finds. A property of a component is `component/name` or `component.name`. Once at start, before
    /// anything is written; the first time it takes about a second per million twins and index.
    package func declareIndexes(_ names: [String]) throws(DropError) { try PropertyIndexes(store: store).declare(names) }

    /// Moves the write-ahead log into the database and empties its file. Readers that are at work keep the part they need; it
    /// moves next time.
    package func checkpoint() throws(DropError) { try store.connection.checkpoint() }

    /// For idle moments: a checkpoint when the log has grown to some megabytes and, with `reserving`, room in it for the next
    /// commits, which then need not make the file longer. Does nothing most times. Errors: `storage` (stop).
    package func tendLog(reserving: Bool) throws(DropError) { try store.connection.tendLog(reserving: reserving) }

    /// Bytes of the write-ahead log's file, used or not; 0 where there is none.
    package var walBytes: Int { store.connection.walBytes }
}
