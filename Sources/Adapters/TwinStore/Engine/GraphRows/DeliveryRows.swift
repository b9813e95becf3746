import DropCore

/// Rows of what drops left word of. Used inside one access.
struct DeliveryRows {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// Where a drop stands, and its number.
    func place(of drop: DropID) throws(DropError) -> (DeliveryPlace, UInt64)? {
        let query = try RawStatement.cached(
            """
            SELECT d.no, coalesce(v.place, ''), coalesce(v.place_no, d.no) FROM drops d LEFT JOIN delivered v ON v.drop_no = d.no
            WHERE d.id = ?
            """, database)
        query.bind(text: 1, drop.description)
        defer { query.reset() }
        guard try query.step() else { return nil }
        return (DeliveryPlace(key: query.text(1), number: UInt64(query.integer(2))), UInt64(query.integer(0)))
    }

    /// The drops of a source behind a place, in their order.
    func later(than place: DeliveryPlace, of source: SourceName) throws(DropError) -> [DeliveredRow] {
        let query = try RawStatement.cached(
            """
            SELECT drop_no, scope, kind, twins, relationships, absent, keys, all_keys FROM delivered
            WHERE source = ?1 AND (place > ?2 OR (place = ?2 AND place_no > ?3)) ORDER BY place, place_no, drop_no
            """, database)
        bind(query, source, place)
        defer { query.reset() }
        var later: [DeliveredRow] = []
        while try query.step() {
            var names: Set<[UInt8]> = []
            var rest = query.bytes(5)[...]
            while let end = rest.firstIndex(of: 0) {
                names.insert(Array(rest[..<end]))
                rest = rest[(end + 1)...]
            }
            let keys = try [6, 7].map { (column) throws(DropError) in
                Set(try NumberRuns(encoded: query.bytes(Int32(column))).numbers)
            }
            later.append(
                DeliveredRow(
                    drop: UInt64(query.integer(0)), scope: query.text(1),
                    kind: DeliveredKind(rawValue: query.integer(2)) ?? .openSnapshot,
                    twins: try NumberRuns(encoded: query.bytes(3)), relationships: try NumberRuns(encoded: query.bytes(4)),
                    names: names, keys: keys[0], allKeys: keys[1]))
        }
        return later
    }

    private func bind(_ query: RawStatement, _ source: SourceName, _ place: DeliveryPlace) {
        query.bind(text: 1, source.text)
        query.bind(text: 2, place.key)
        query.bind(3, Int64(place.number))
    }

    /// The commit of the first that came of those behind a place; far beyond all where there is none.
    func firstLater(than place: DeliveryPlace, of source: SourceName) throws(DropError) -> UInt64 {
        let query = try RawStatement.cached(
            """
            SELECT min(c.sequence) FROM delivered v JOIN drop_commit c ON c.drop_no = v.drop_no
            WHERE v.source = ?1 AND (v.place > ?2 OR (v.place = ?2 AND v.place_no > ?3))
            """, database)
        bind(query, source, place)
        defer { query.reset() }
        let found = try query.step() ? query.integer(0) : 0
        return found > 0 ? UInt64(found) : .max >> 1
    }

    /// The commit of the newest drop of a source at or before a place, of those before `end`; 0: none.
    func lastCommit(
        upTo place: DeliveryPlace, of source: SourceName, before end: UInt64
    ) throws(DropError) -> UInt64 {
        let query = try RawStatement.cached(
            """
            SELECT max(c.sequence) FROM delivered v JOIN drop_commit c ON c.drop_no = v.drop_no
            WHERE v.source = ?1 AND (v.place < ?2 OR (v.place = ?2 AND v.place_no <= ?3)) AND c.sequence < ?4
            """, database)
        bind(query, source, place)
        query.bind(4, Int64(end))
        defer { query.reset() }
        return try query.step() ? UInt64(max(0, query.integer(0))) : 0
    }

    /// The last commit before a drop was claimed; 0: none.
    func lastCommit(beforeClaimOf drop: DropID) throws(DropError) -> UInt64 {
        let query = try RawStatement.cached(
            """
            SELECT sequence FROM drop_commit WHERE time < (SELECT claimed_at FROM drops WHERE id = ?)
            ORDER BY time DESC, sequence DESC LIMIT 1
            """, database)
        query.bind(text: 1, drop.description)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 0
    }

    /// The greatest number of a drop; nil: there is none.
    func newestDrop() throws(DropError) -> UInt64? {
        let query = try RawStatement.cached("SELECT max(no) FROM drops", database)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : nil
    }

    // MARK: Writing

    /// What is kept of a drop, encoded.
    struct Word {
        let source: SourceName
        let scope: String
        let place: DeliveryPlace
        let kind: DeliveredKind
        let twins: [UInt8]
        let relationships: [UInt8]
        let names: [UInt8]
        let keys: [UInt8]
        let allKeys: [UInt8]
    }

    func insert(_ word: Word, of drop: UInt64) throws(DropError) {
        let row = try RawStatement.cached(
            """
            INSERT OR REPLACE INTO delivered(
                drop_no, source, scope, place, place_no, kind, twins, relationships, absent, keys, all_keys)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, database)
        row.bind(1, Int64(drop))
        row.bind(text: 2, word.source.text)
        row.bind(text: 3, word.scope)
        row.bind(text: 4, word.place.key)
        row.bind(5, Int64(word.place.number))
        row.bind(6, word.kind.rawValue)
        row.bind(blob: 7, word.twins)
        row.bind(blob: 8, word.relationships)
        row.bind(blob: 9, word.names)
        row.bind(blob: 10, word.keys)
        row.bind(blob: 11, word.allKeys)
        try row.run()
    }

    /// The list of that drop is complete now.
    func complete(_ drop: UInt64) throws(DropError) {
        let row = try RawStatement.cached("UPDATE delivered SET kind = 1 WHERE drop_no = ? AND kind = 2", database)
        row.bind(1, Int64(drop))
        try row.run()
    }

    /// Keeps the word of the newest ten thousand drops of a source.
    func forgetOld(of source: SourceName) throws(DropError) {
        let row = try RawStatement.cached(
            """
            DELETE FROM delivered WHERE source = ?1 AND drop_no < (SELECT drop_no FROM delivered WHERE source = ?1
                ORDER BY drop_no DESC LIMIT 1 OFFSET 10000)
            """, database)
        row.bind(text: 1, source.text)
        try row.run()
    }
}
