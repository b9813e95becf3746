import DropCore
import GRDB

/// What the register asks of its rows. Used inside one access.
struct DropLookups {
    let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    private func fetch(_ tail: String, _ arguments: [DatabaseValue]) throws(DropError) -> [DropRecord] {
        try DropRows.fetch(tail, arguments, database)
    }

    func drop(_ id: DropID) throws(DropError) -> DropRecord? {
        try fetch("WHERE id = ?", [id.description.databaseValue]).first
    }

    func drop(number: Int64) throws(DropError) -> DropRecord? { try fetch("WHERE no = ?", [number.databaseValue]).first }

    func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord] {
        try fetch("WHERE \(DropRows.condition(states)) ORDER BY id", [])
    }

    func unfinished() throws(DropError) -> [DropRecord] { try fetch("WHERE \(StoreSchema.unfinishedSQL) ORDER BY id", []) }

    /// Quarantined drops of the source that none behind them has passed.
    func blocking(_ source: SourceName, byName: Bool) throws(DropError) -> [DropRecord] {
        let behind = byName ? "AND later.file_name >= drops.file_name" : ""
        return try fetch(
            """
            WHERE \(DropRows.condition([.quarantined])) AND source = ? AND link_kind IS NOT 'amends'
            AND NOT EXISTS (SELECT 1 FROM drops later JOIN drop_commit ON drop_commit.drop_no = later.no
                WHERE later.source = drops.source AND later.id > drops.id AND later.link_kind IS NOT 'amends' \(behind))
            ORDER BY id
            """, [source.text.databaseValue])
    }

    /// What drops a page has.
    struct Filter {
        var source: SourceName?
        var states: Set<DropState>?
        var outcomes: Set<DropOutcome>?
        var openRejects = false
        var before: DropID?
    }

    /// The newest `limit` drops, the newest first.
    func page(_ filter: Filter, limit: Int) throws(DropError) -> [DropRecord] {
        var conditions = ["TRUE"]
        var arguments: [DatabaseValue] = []
        if let source = filter.source {
            conditions.append("source = ?")
            arguments.append(source.text.databaseValue)
        }
        if let states = filter.states { conditions.append(DropRows.condition(states)) }
        if let outcomes = filter.outcomes {
            conditions.append("outcome IN (\(outcomes.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")))")
        }
        if filter.openRejects { conditions.append(StoreSchema.openRejectsSQL) }
        if let before = filter.before {
            conditions.append("id < ?")
            arguments.append(before.description.databaseValue)
        }
        arguments.append(max(0, limit).databaseValue)
        return try fetch("WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?", arguments)
    }

    /// Drops whose id begins so, or whose file had this name.
    func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord] {
        let name = RawBlob.value(Array(prefix.utf8))
        let upper = prefix.uppercased()
        // '~' sorts after every character of a ULID.
        return try fetch(
            "WHERE (id >= ? AND id < ?) OR file_name = ? ORDER BY id DESC LIMIT ?",
            [upper.databaseValue, (upper + "~").databaseValue, name, max(0, limit).databaseValue])
    }

    func drops(named name: FileName, limit: Int) throws(DropError) -> [DropRecord] {
        try fetch(
            "WHERE file_name = ? ORDER BY id DESC LIMIT ?", [RawBlob.value(name.bytes), max(0, limit).databaseValue])
    }

    /// The newest commit of the source that was no correction and did not come late.
    func newestApplied(of source: SourceName) throws(DropError) -> DropRecord? {
        // One that came late had, at its commit, others of its source behind it.
        try fetch(
            """
            JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE source = ? AND link_kind IS NOT 'amends'
            AND NOT EXISTS (SELECT 1 FROM delivered mine
                JOIN delivered newer ON newer.source = mine.source
                    AND (newer.place > mine.place OR (newer.place = mine.place AND newer.place_no > mine.place_no))
                JOIN drop_commit earlier ON earlier.drop_no = newer.drop_no
                WHERE mine.drop_no = drops.no AND earlier.sequence < drop_commit.sequence)
            ORDER BY sequence DESC LIMIT 1
            """, [source.text.databaseValue]
        ).first
    }

    /// The newest commit of the source, corrections counted.
    func newestCommit(of source: SourceName) throws(DropError) -> DropRecord? {
        try fetch(
            "JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE source = ? ORDER BY sequence DESC LIMIT 1",
            [source.text.databaseValue]
        ).first
    }

    func openAmendments(of drop: DropID, source: SourceName) throws(DropError) -> [DropID] {
        try fetch(
            "WHERE source = ? AND \(StoreSchema.openRejectsSQL) AND link_kind = 'amends' AND link_drop = ? ORDER BY id",
            [source.text.databaseValue, drop.description.databaseValue]
        ).map(\.id)
    }

    func highestName(of source: SourceName) throws(DropError) -> FileName? {
        try fetch(
            "JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE source = ? AND link_kind IS NOT 'amends' "
                + "ORDER BY file_name DESC LIMIT 1", [source.text.databaseValue]
        ).first?.fileName
    }

    func commitSequence(of id: DropID) throws(DropError) -> UInt64? {
        let query = try RawStatement.cached(
            "SELECT sequence FROM drop_commit JOIN drops ON drop_commit.drop_no = drops.no WHERE id = ?", database)
        query.bind(text: 1, Array(id.description.utf8))
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : nil
    }

    func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord? {
        try fetch(
            """
            JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE digest = ? AND source = ?
            ORDER BY sequence DESC LIMIT 1
            """, [RawBlob.value(digest.bytes), source.text.databaseValue]
        ).first
    }

    func hasApplied(_ name: FileName, of source: SourceName, before id: DropID) throws(DropError) -> Bool {
        try !fetch(
            """
            JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE file_name = ? AND source = ? AND id < ?
            ORDER BY id LIMIT 1
            """,
            [RawBlob.value(name.bytes), source.text.databaseValue, id.description.databaseValue]
        ).isEmpty
    }

    func archived(with digest: ContentDigest) throws(DropError) -> DropID? {
        // One without a content member of its own has its header there.
        let query = try RawStatement.cached(
            """
            SELECT id FROM drops INDEXED BY drops_digest
            WHERE digest = ? AND container IS NOT NULL AND member NOT LIKE '%.drop.json' ORDER BY no LIMIT 1
            """, database)
        query.bind(blob: 1, digest.bytes)
        defer { query.reset() }
        return try query.step() ? DropID(query.text(0)) : nil
    }

    /// The number of the newest drop before `id` that was this intake: one look into the index.
    func earlier(withIntake identity: FileIdentity, of source: SourceName, before id: DropID) throws(DropError) -> Int64? {
        let query = try RawStatement.cached(
            """
            SELECT no FROM drops INDEXED BY drops_intake
            WHERE inode = ? AND device = ? AND change_time = ? AND source = ? AND id < ? ORDER BY id DESC LIMIT 1
            """, database)
        query.bind(1, Int64(bitPattern: identity.inode))
        query.bind(2, Int64(bitPattern: identity.device))
        query.bind(3, identity.changeTime)
        query.bind(text: 4, source.text)
        query.bind(text: 5, id.description)
        defer { query.reset() }
        return try query.step() ? query.integer(0) : nil
    }
}
