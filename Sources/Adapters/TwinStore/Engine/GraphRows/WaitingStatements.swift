import DropCore

/// Rows of relationships that wait. On the writer's connection; used inside one access.
struct WaitingStatements {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// A relationship to wait.
    struct Entry {
        /// The drop that stated it, and its record.
        let drop: UInt64
        let record: UInt64
        let owner: SourceName
        let source: [UInt8]
        /// A global key.
        let name: UInt32
        let target: [UInt8]
        let id: [UInt8]
        let bytes: [UInt8]
        /// Milliseconds since 1970.
        let expires: Int64
        let validation: String
    }

    /// Takes the place of one with the same source and id.
    func insert(_ entry: Entry) throws(DropError) {
        let row = try RawStatement.cached(
            """
            INSERT OR REPLACE INTO pending(drop_no, record, source, source_id, name, target_id, id, rec, expires, validation)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, database)
        row.bind(1, Int64(entry.drop))
        row.bind(2, Int64(entry.record))
        row.bind(text: 3, entry.owner.text)
        row.bind(text: 4, entry.source)
        row.bind(5, entry.name)
        row.bind(text: 6, entry.target)
        row.bind(text: 7, entry.id)
        row.bind(blob: 8, entry.bytes)
        row.bind(9, entry.expires)
        row.bind(text: 10, entry.validation)
        try row.run()
    }

    func delete(_ number: Int64) throws(DropError) {
        let row = try RawStatement.cached("DELETE FROM pending WHERE no = ?", database)
        row.bind(1, number)
        try row.run()
    }

    func delete(_ id: [UInt8], of source: [UInt8]) throws(DropError) {
        let row = try RawStatement.cached("DELETE FROM pending WHERE source_id = ? AND id = ?", database)
        row.bind(text: 1, source)
        row.bind(text: 2, id)
        try row.run()
    }

    /// One that may be put into the graph now, as far as its ends are concerned.
    struct Ready {
        let number: Int64
        let drop: UInt64
        let record: UInt64
        let owner: SourceName
        let source: [UInt8]
        let name: UInt32
        let target: [UInt8]
        let id: [UInt8]
        let properties: [TwinRecord.Property]
        let validation: String
    }

    /// Those whose patience has not ended and whose ends `isThere` both, in the order in which they came.
    func ready(
        at time: UInt64, isThere: ([UInt8]) -> Bool, _ body: (Ready) throws(DropError) -> Void
    ) throws(DropError) {
        let query = try RawStatement.cached(
            """
            SELECT no, drop_no, record, source, source_id, name, target_id, id, rec, validation FROM pending
            WHERE expires > ? ORDER BY no
            """, database)
        query.bind(1, Int64(time))
        defer { query.reset() }
        while try query.step() {
            let (source, target) = (query.bytes(4), query.bytes(6))
            guard isThere(source), isThere(target), let owner = SourceName(query.text(3)) else { continue }
            try body(
                Ready(
                    number: query.integer(0), drop: UInt64(query.integer(1)), record: UInt64(query.integer(2)), owner: owner,
                    source: source, name: UInt32(truncatingIfNeeded: query.integer(5)), target: target, id: query.bytes(7),
                    properties: try TwinRecord(query.bytes(8)).properties, validation: query.text(9)))
        }
    }

    /// One that may be taken back.
    struct Candidate {
        let number: Int64
        let source: [UInt8]
        let target: [UInt8]
        let id: [UInt8]
        let drop: UInt64
        let scope: String
        /// The source that stated it.
        let owner: String
    }

    /// Those that start or end at a twin; all where it is nil.
    func candidates(at twin: [UInt8]?, where isMeant: (Candidate) -> Bool) throws(DropError) -> [Candidate] {
        let condition = twin == nil ? "" : "WHERE p.source_id = ?1 OR p.target_id = ?1"
        let query = try RawStatement.cached(
            """
            SELECT p.no, p.source_id, p.target_id, p.id, p.drop_no, coalesce(d.scope, ''), p.source
            FROM pending p LEFT JOIN drops d ON d.no = p.drop_no \(condition)
            """, database)
        if let twin { query.bind(text: 1, twin) }
        defer { query.reset() }
        var found: [Candidate] = []
        while try query.step() {
            let row = Candidate(
                number: query.integer(0), source: query.bytes(1), target: query.bytes(2), id: query.bytes(3),
                drop: UInt64(query.integer(4)), scope: query.text(5), owner: query.text(6))
            if isMeant(row) { found.append(row) }
        }
        return found
    }

    /// The drops of a source that are another or amend it.
    func drops(of source: SourceName, amending drop: DropID) throws(DropError) -> Set<UInt64> {
        let query = try RawStatement.cached(
            "SELECT no FROM drops WHERE source = ?1 AND (id = ?2 OR (link_kind = 'amends' AND link_drop = ?2))", database)
        query.bind(text: 1, source.text)
        query.bind(text: 2, drop.description)
        defer { query.reset() }
        var drops: Set<UInt64> = []
        while try query.step() { drops.insert(UInt64(query.integer(0))) }
        return drops
    }

    /// A relationship of the graph with the ids of its ends.
    struct Standing {
        let source: [UInt8]
        let target: [UInt8]
        let id: [UInt8]
        let name: UInt32
        let record: TwinRecord
    }

    func standing(_ relationship: UInt32) throws(DropError) -> Standing? {
        let query = try RawStatement.cached(
            """
            SELECT s.id, t.id, r.id, r.name, r.rec FROM relationship r
            JOIN twin s ON s.no = r.source JOIN twin t ON t.no = r.target WHERE r.no = ?
            """, database)
        query.bind(1, relationship)
        defer { query.reset() }
        guard try query.step() else { return nil }
        return Standing(
            source: query.bytes(0), target: query.bytes(1), id: query.bytes(2),
            name: UInt32(truncatingIfNeeded: query.integer(3)), record: try TwinRecord(query.bytes(4)))
    }

    /// Who stated a relationship that waits; nil where it does not.
    static func speaker(_ id: [UInt8], of source: [UInt8], _ database: StoreTransaction) throws(DropError) -> UInt64? {
        let query = try RawStatement.cached("SELECT drop_no FROM pending WHERE source_id = ? AND id = ?", database)
        query.bind(text: 1, source)
        query.bind(text: 2, id)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : nil
    }
}
