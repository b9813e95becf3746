package import DropCore
import GRDB
import Synchronization
import TwinModel

/// What the register has of one source, for `status`.
package struct SourceStatistics: Sendable, Equatable {
    package let source: SourceName
    package let drops: [DropState: Int]
    package let ownedTwins: Int
    package let ownedRelationships: Int
    /// Milliseconds since 1970 of its newest commit; nil before the first.
    package let newestCommit: UInt64?
}

extension TwinStore {
    /// Relationships that wait for a twin, oldest first.
    package func pending(limit: Int = 1000) throws(DropError) -> [PendingRelationship] {
        try reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                """
                SELECT p.source, d.id, p.record, p.source_id, p.name, p.target_id, p.id, p.expires
                FROM pending p JOIN drops d ON d.no = p.drop_no ORDER BY p.no LIMIT ?
                """, database)
            query.bind(1, Int64(limit))
            defer { query.reset() }
            var result: [PendingRelationship] = []
            while try query.step() {
                guard let source = SourceName(query.text(0)), let drop = DropID(query.text(1)) else {
                    throw StorageFailure.damaged("a waiting relationship has no valid source or drop")
                }
                result.append(
                    PendingRelationship(
                        source: source, drop: drop, record: UInt64(query.integer(2)), sourceID: query.text(3),
                        name: keys.name(UInt32(truncatingIfNeeded: query.integer(4))), targetID: query.text(5),
                        id: query.text(6), expires: UInt64(query.integer(7))))
            }
            return result
        }
    }

    /// Gives up relationships whose patience has ended; how many. They are gone without a trace in the graph: the caller reports
    /// them.
    @discardableResult
    package func expirePending(now milliseconds: UInt64) throws(DropError) -> Int {
        let count = try transaction { database in
            try database.execute(sql: "DELETE FROM pending WHERE expires <= ?", arguments: [Int64(clamping: milliseconds)])
            return database.changesCount
        }
        if count > 0 { try writing { (database) throws(DropError) in try loadWaiting(database) } }
        return count
    }

    /// Forgets revisions of commits before `milliseconds` since 1970, and the deleted twins they alone remember. Later questions
    /// about that time are answered with `pruned`. Returns how many revisions went.
    @discardableResult
    package func prune(before milliseconds: UInt64) throws(DropError) -> Int {
        try transaction { database in
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
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "VACUUM INTO ?", arguments: [temporary])
            }
        } catch {
            throw StorageFailure.error(error)
        }
        try StoreFiles.publish(temporary, as: path)
    }

    /// What SQLite finds wrong with the file, empty when nothing is: `quick_check`, then the foreign keys.
    package func quickCheck() throws(DropError) -> [String] {
        try reading { (database) throws(DropError) in
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

    /// One line per source that ever had a drop, by name.
    package func statistics() throws(DropError) -> [SourceStatistics] {
        try reading { (database) throws(DropError) in
            var states: [SourceName: [DropState: Int]] = [:]
            let query = try RawStatement("SELECT source, state, count(*) FROM drops GROUP BY source, state", database)
            while try query.step() {
                guard let source = SourceName(query.text(0)), let state = DropState(rawValue: query.text(1)) else { continue }
                states[source, default: [:]][state] = Int(query.integer(2))
            }
            query.reset()
            var result: [SourceStatistics] = []
            for (source, drops) in states.sorted(by: { $0.key < $1.key }) {
                let newest = try RawStatement.cached(
                    "SELECT max(c.time) FROM drops d JOIN drop_commit c ON c.drop_no = d.no WHERE d.source = ?", database)
                newest.bind(text: 1, Array(source.text.utf8))
                let time = try newest.step() && !newest.isNull(0) ? UInt64(newest.integer(0)) : nil
                newest.reset()
                let owned = memory(of: source).ownedCounts
                result.append(
                    SourceStatistics(
                        source: source, drops: drops, ownedTwins: owned.twins, ownedRelationships: owned.relationships,
                        newestCommit: time))
            }
            return result
        }
    }
}

extension TwinStore {
    /// How many drops of each source have refused records that nobody has corrected since.
    package func openRejects() throws(DropError) -> [SourceName: Int] {
        var counts: [SourceName: Int] = [:]
        try reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                "SELECT source, count(*) FROM drops INDEXED BY drops_open_rejects WHERE \(Self.openRejectsSQL) GROUP BY source",
                database)
            defer { query.reset() }
            while try query.step() {
                guard let source = SourceName(query.text(0)) else { continue }
                counts[source] = Int(query.integer(1))
            }
        }
        return counts
    }
}

extension SourceMemory {
    var ownedCounts: (twins: Int, relationships: Int) {
        scopes.values.reduce((0, 0)) { ($0.0 + $1.twins.count, $0.1 + $1.relationships.count) }
    }
}
