import DropCore

/// What the history has of twins and relationships that a late drop speaks of. Used inside one access.
struct HistoryLookups {
    /// So many times one thing may have been deleted and made again; of more only the newest are looked at.
    private static let deletesMax = 4096

    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// A revision, its patch not read yet.
    struct Revision {
        let drop: UInt64
        /// The one before it; 0: none.
        let previous: UInt64
        let patch: [UInt8]
    }

    /// Nil where it is forgotten.
    func revision(_ number: UInt64) throws(DropError) -> Revision? {
        let query = try RawStatement.cached("SELECT drop_no, prev, patch FROM revision WHERE no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        guard try query.step() else { return nil }
        return Revision(drop: UInt64(query.integer(0)), previous: UInt64(query.integer(1)), patch: query.bytes(2))
    }

    /// Who deleted a twin of this id, the newest first.
    func deleters(of twin: [UInt8]) throws(DropError) -> [UInt64] {
        let query = try RawStatement.cached(
            """
            SELECT r.drop_no FROM gone g JOIN revision r ON r.no = g.last_revision WHERE g.id = ?1 AND g.kind = 0
            ORDER BY g.last_revision DESC
            """, database)
        query.bind(text: 1, twin)
        defer { query.reset() }
        var drops: [UInt64] = []
        while drops.count < Self.deletesMax, try query.step() { drops.append(UInt64(query.integer(0))) }
        return drops
    }

    /// A relationship that is gone, and who ended it.
    struct Ended {
        let number: UInt32
        let drop: UInt64
        let patch: [UInt8]
    }

    /// The relationships of a twin that had this id and are gone, newest first.
    func ended(_ id: [UInt8], of source: UInt32) throws(DropError) -> [Ended] {
        let query = try RawStatement.cached(
            """
            SELECT g.no, r.drop_no, r.patch FROM gone g JOIN revision r ON r.no = g.last_revision
            WHERE g.id = ?1 AND g.kind = 1 AND g.source = ?2 ORDER BY g.last_revision DESC
            """, database)
        query.bind(text: 1, id)
        query.bind(2, source)
        defer { query.reset() }
        var rows: [Ended] = []
        while rows.count < Self.deletesMax, try query.step() {
            rows.append(
                Ended(
                    number: UInt32(truncatingIfNeeded: query.integer(0)), drop: UInt64(query.integer(1)),
                    patch: query.bytes(2)))
        }
        return rows
    }

    /// The id of a twin, there or gone, and who deleted it (0: nobody); nil where it is not known.
    func end(ofTwin number: UInt32) throws(DropError) -> (id: [UInt8], drop: UInt64)? {
        let query = try RawStatement.cached(
            """
            SELECT g.id, r.drop_no FROM gone g JOIN revision r ON r.no = g.last_revision WHERE g.kind = 0 AND g.no = ?1
            UNION ALL SELECT id, 0 FROM twin WHERE no = ?1
            """, database)
        query.bind(1, number)
        defer { query.reset() }
        return try query.step() ? (query.bytes(0), UInt64(query.integer(1))) : nil
    }

    /// The commit that a drop or call made; nil where it has none.
    func sequence(ofDrop number: UInt64) throws(DropError) -> UInt64? {
        let query = try RawStatement.cached("SELECT sequence FROM drop_commit WHERE drop_no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        return try query.step() ? UInt64(max(0, query.integer(0))) : nil
    }

    /// A drop for a sentence; nil for a call of the twin service.
    func described(drop number: UInt64) throws(DropError) -> String? {
        let query = try RawStatement.cached("SELECT id, file_name FROM drops WHERE no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        guard try query.step() else { return nil }
        return "drop \(query.text(0)) (\(FileName(bytes: query.bytes(1))))"
    }
}
