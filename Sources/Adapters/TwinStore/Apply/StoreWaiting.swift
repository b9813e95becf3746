package import DropCore
import GRDB
import TwinModel

/// A relationship that waits, and what for.
package struct WaitingRelationship: Sendable, Equatable {
    package let relationship: PendingRelationship
    /// The file that stated it.
    package let fileName: FileName
    /// When its drop was committed, in milliseconds since 1970.
    package let since: UInt64
    /// The ends that do not exist; empty where both do, and their models do not allow it.
    package let missing: [String]
}

/// The list of relationships that wait for their ends.
///
/// Any thread; what expires is deleted on the writer.
package struct StoreWaiting: Sendable {
    let store: StoreEngine

    /// Relationships that wait, oldest first.
    ///
    /// - Parameters:
    ///   - source: only those of this source; nil: all.
    ///   - drop: only those of this drop; nil: all.
    package func list(
        source: SourceName? = nil, drop: DropID? = nil, limit: Int
    ) throws(DropError) -> [WaitingRelationship] {
        try store.reading { (database) throws(DropError) in
            let present = try presentEnds(database)
            let query = try RawStatement(
                """
                SELECT p.source, d.id, p.record, p.source_id, p.name, p.target_id, p.id, p.expires, d.file_name, c.time
                FROM pending p JOIN drops d ON d.no = p.drop_no LEFT JOIN drop_commit c ON c.drop_no = p.drop_no
                WHERE (?1 IS NULL OR p.source = ?1) AND (?2 IS NULL OR d.id = ?2) ORDER BY p.no LIMIT ?3
                """, database)
            query.bind(text: 1, source?.text)
            query.bind(text: 2, drop?.description)
            query.bind(3, Int64(limit))
            defer { query.reset() }
            var result: [WaitingRelationship] = []
            while try query.step() {
                guard let source = SourceName(query.text(0)), let drop = DropID(query.text(1)) else {
                    throw StorageFailure.damaged("a waiting relationship has no valid source or drop")
                }
                let relationship = PendingRelationship(
                    source: source, drop: drop, record: UInt64(query.integer(2)), sourceID: query.text(3),
                    name: store.keys.name(UInt32(truncatingIfNeeded: query.integer(4))), targetID: query.text(5),
                    id: query.text(6),
                    expires: UInt64(query.integer(7)))
                let missing = [query.bytes(3), query.bytes(5)].filter { !present.contains($0) }
                result.append(
                    WaitingRelationship(
                        relationship: relationship, fileName: FileName(bytes: query.bytes(8)), since: UInt64(query.integer(9)),
                        missing: missing.map { String(decoding: $0, as: UTF8.self) }))
            }
            return result
        }
    }

    /// Whether `twin` is to have a relationship with this id that waits.
    package func waits(_ relationship: String, of twin: String) throws(DropError) -> Bool {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT 1 FROM pending WHERE source_id = ? AND id = ?", database)
            query.bind(text: 1, twin)
            query.bind(text: 2, relationship)
            defer { query.reset() }
            return try query.step()
        }
    }

    /// How many relationships of each source wait; none for a source where none does.
    package func counts() throws(DropError) -> [SourceName: Int] {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement("SELECT source, count(*) FROM pending GROUP BY source", database)
            defer { query.reset() }
            var counts: [SourceName: Int] = [:]
            while try query.step() {
                if let source = SourceName(query.text(0)) { counts[source] = Int(query.integer(1)) }
            }
            return counts
        }
    }

    /// The ends of waiting relationships that exist: one look through the table of twins, where anything waits.
    private func presentEnds(_ database: Database) throws(DropError) -> Set<[UInt8]> {
        let query = try RawStatement(
            """
            SELECT id FROM twin WHERE EXISTS (SELECT 1 FROM pending)
            AND id IN (SELECT source_id FROM pending UNION SELECT target_id FROM pending)
            """, database)
        defer { query.reset() }
        var present: Set<[UInt8]> = []
        while try query.step() { present.insert(query.bytes(0)) }
        return present
    }

    /// Relationships that wait for a twin, oldest first.
    package func pending(limit: Int = 1000) throws(DropError) -> [PendingRelationship] {
        try store.reading { (database) throws(DropError) in
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
                        name: store.keys.name(UInt32(truncatingIfNeeded: query.integer(4))), targetID: query.text(5),
                        id: query.text(6), expires: UInt64(query.integer(7))))
            }
            return result
        }
    }

    /// Gives up relationships whose patience has ended; how many. They are gone without a trace in the graph: the caller reports
    /// them.
    @discardableResult
    package func expirePending(now milliseconds: UInt64) throws(DropError) -> Int {
        let count = try store.transaction { database in
            try database.execute(sql: "DELETE FROM pending WHERE expires <= ?", arguments: [Int64(clamping: milliseconds)])
            return database.changesCount
        }
        if count > 0 { try store.writing { (database) throws(DropError) in try StoreLoader(store).loadWaiting(database) } }
        return count
    }
}
