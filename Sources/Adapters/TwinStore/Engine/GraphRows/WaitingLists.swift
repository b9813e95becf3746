import DropCore
import GRDB

/// Relationships that wait, as lists. Used inside one access.
struct WaitingLists {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// One that waits, with its drop.
    struct Row {
        let source: SourceName
        let drop: DropID
        let record: UInt64
        let sourceID: [UInt8]
        /// A global key.
        let name: UInt32
        let targetID: [UInt8]
        let id: String
        /// Milliseconds since 1970, as `since`: when its drop was committed.
        let expires: UInt64
        let fileName: FileName
        let since: UInt64
    }

    /// Those of a source and a drop, oldest first; nil: of all.
    func rows(of source: SourceName? = nil, _ drop: DropID? = nil, limit: Int) throws(DropError) -> [Row] {
        let query = try RawStatement.cached(
            """
            SELECT p.source, d.id, p.record, p.source_id, p.name, p.target_id, p.id, p.expires, d.file_name, c.time
            FROM pending p JOIN drops d ON d.no = p.drop_no LEFT JOIN drop_commit c ON c.drop_no = p.drop_no
            WHERE (?1 IS NULL OR p.source = ?1) AND (?2 IS NULL OR d.id = ?2) ORDER BY p.no LIMIT ?3
            """, database)
        query.bind(text: 1, source?.text)
        query.bind(text: 2, drop?.description)
        query.bind(3, Int64(limit))
        defer { query.reset() }
        var rows: [Row] = []
        while try query.step() {
            guard let source = SourceName(query.text(0)), let drop = DropID(query.text(1)) else {
                throw StorageFailure.damaged("a waiting relationship has no valid source or drop")
            }
            rows.append(
                Row(
                    source: source, drop: drop, record: UInt64(query.integer(2)), sourceID: query.bytes(3),
                    name: UInt32(truncatingIfNeeded: query.integer(4)), targetID: query.bytes(5), id: query.text(6),
                    expires: UInt64(query.integer(7)), fileName: FileName(bytes: query.bytes(8)),
                    since: UInt64(query.integer(9))))
        }
        return rows
    }

    func has(_ relationship: String, of twin: String) throws(DropError) -> Bool {
        let query = try RawStatement.cached("SELECT 1 FROM pending WHERE source_id = ? AND id = ?", database)
        query.bind(text: 1, twin)
        query.bind(text: 2, relationship)
        defer { query.reset() }
        return try query.step()
    }

    /// How many of each source wait.
    func counts() throws(DropError) -> [SourceName: Int] {
        let query = try RawStatement("SELECT source, count(*) FROM pending GROUP BY source", database)
        defer { query.reset() }
        var counts: [SourceName: Int] = [:]
        while try query.step() {
            if let source = SourceName(query.text(0)) { counts[source] = Int(query.integer(1)) }
        }
        return counts
    }

    /// The ends that exist: one look through the table of twins, where anything waits.
    func presentEnds() throws(DropError) -> Set<[UInt8]> {
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

    /// Deletes those whose patience has ended; how many.
    static func expire(_ milliseconds: UInt64, in store: StoreEngine) throws(DropError) -> Int {
        try store.transaction { database in
            try database.execute(sql: "DELETE FROM pending WHERE expires <= ?", arguments: [Int64(clamping: milliseconds)])
            return database.changesCount
        }
    }
}
