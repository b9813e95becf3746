package import DropCore
import GRDB
import Synchronization
import TwinModel

/// The register of drops: what the flow writes of them and asks about them.
///
/// Any thread. Each change is one durable transaction on the writer; what the process keeps of it (`Numbers`, `SourceCache`)
/// changes after COMMIT, under the locks that those name.
package struct StoreRegister: DropRegister {
    let store: StoreEngine

    /// Also looks, while the rows are at hand, whether an earlier drop was the same intake: see `drop(withIntake:)`.
    package func recordIntents(_ drops: [DropRecord]) throws(DropError) {
        var fresh: [DropID] = []
        // The numbers stay known until the commit, which asks for them.
        try write(drops, forgettingNumbers: false) { (drop, database) throws(DropError) in
            if try Self.earlier(withIntake: drop.intake, of: drop.source, before: drop.id, database) == nil {
                fresh.append(drop.id)
            }
        }
        store.numbers.state.withLock { $0.freshIntakes.formUnion(fresh) }
    }

    package func update(_ drops: [DropRecord], by act: Act?) throws(DropError) {
        try write(drops, act, forgettingNumbers: true) { _, _ in }
        store.numbers.state.withLock { $0.freshIntakes.subtract(drops.map(\.id)) }
    }

    private func write(
        _ drops: [DropRecord], _ act: Act? = nil, forgettingNumbers: Bool,
        before: (DropRecord, Database) throws(DropError) -> Void
    ) throws(DropError) {
        guard !drops.isEmpty || act != nil else { return }
        try store.transaction { database in
            if let act { try ActRows.insert(act, database) }
            for drop in drops {
                try before(drop, database)
                try DropRows.upsert(drop, number: store.dropNumber(of: drop.id, database), scope: nil, database)
            }
        }
        // What is applied from here on may be newer than what such a drop says when it goes on.
        for drop in drops where drop.state.needsPerson { store.sources.cache(of: drop.source).noteSetAside() }
        guard forgettingNumbers else { return }
        store.numbers.state.withLock { counters in
            for drop in drops { counters.reservedDrops[drop.id] = nil }
        }
    }

    package func noteArchived(_ drops: [DropRecord], done: [DropID], head: ArchiveHead?) throws(DropError) {
        guard !drops.isEmpty || !done.isEmpty || head != nil else { return }
        try store.transaction { database in
            if let head { try StoreFact.archiveHead.write(head.text, database) }
            let place = try RawStatement.cached(
                """
                UPDATE drops SET container = ?, member = ?, changed_at = CASE state WHEN 'applied' THEN ? ELSE changed_at END,
                    state = CASE state WHEN 'applied' THEN 'archived' ELSE state END WHERE id = ?
                """, database)
            for drop in drops {
                place.bind(text: 1, drop.container ?? "")
                place.bind(text: 2, drop.member ?? "")
                place.bind(3, Int64(drop.changedAt))
                place.bind(text: 4, drop.id.description)
                try place.run()
            }
            let tidy = try RawStatement.cached("UPDATE drops SET state = 'done' WHERE id = ? AND state = 'archived'", database)
            for id in done {
                tidy.bind(text: 1, id.description)
                try tidy.run()
            }
        }
    }

    package func close(
        _ drops: [DropID], by closing: DropClosing, at milliseconds: UInt64
    ) throws(DropError) -> [DropRecord] {
        guard !drops.isEmpty else { return [] }
        var closed: [DropRecord] = []
        try store.transaction { database in
            for id in drops {
                guard var drop = try DropRows.fetch("WHERE id = ?", [id.description.databaseValue], database).first,
                    drop.state == .quarantined || drop.state == .retried || drop.state.isApplied && drop.closedBy == nil
                else { continue }
                drop.closedBy = closing
                if !drop.state.isApplied {
                    drop.state = .resolved
                    drop.changedAt = max(drop.changedAt, milliseconds)
                }
                try DropRows.upsert(drop, number: store.dropNumber(of: id, database), scope: nil, database)
                closed.append(drop)
            }
        }
        store.numbers.state.withLock { counters in
            for drop in drops { counters.reservedDrops[drop] = nil }
        }
        return closed
    }

    package func withdraw(_ drops: [DropID]) throws(DropError) {
        guard !drops.isEmpty else { return }
        try store.transaction { database in
            for drop in drops {
                try database.execute(
                    sql: "DELETE FROM drops WHERE id = ? AND state = 'claimed'", arguments: [drop.description])
            }
        }
        store.numbers.state.withLock { counters in
            counters.freshIntakes.subtract(drops)
            for drop in drops { counters.reservedDrops[drop] = nil }
        }
    }

    package func drop(_ id: DropID) throws(DropError) -> DropRecord? {
        try fetch("WHERE id = ?", [id.description.databaseValue]).first
    }

    package func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord] {
        try fetch("WHERE \(DropRows.condition(states)) ORDER BY id", [])
    }

    package func unfinished() throws(DropError) -> [DropRecord] {
        try fetch("WHERE \(StoreSchema.unfinishedSQL) ORDER BY id", [])
    }

    package func blocking(_ source: SourceName, _ order: DropOrder) throws(DropError) -> [DropRecord] {
        guard order != .none else { return [] }
        let behind = order == .name ? "AND later.file_name >= drops.file_name" : ""
        return try fetch(
            """
            WHERE \(DropRows.condition([.quarantined])) AND source = ? AND link_kind IS NOT 'amends'
            AND NOT EXISTS (SELECT 1 FROM drops later JOIN drop_commit ON drop_commit.drop_no = later.no
                WHERE later.source = drops.source AND later.id > drops.id AND later.link_kind IS NOT 'amends' \(behind))
            ORDER BY id
            """, [source.text.databaseValue])
    }

    package func page(
        source: SourceName?, states: Set<DropState>?, before: DropID?, limit: Int
    ) throws(DropError) -> [DropRecord] {
        try page(source: source, states: states, outcomes: nil, before: before, limit: limit)
    }

    /// The same, of drops with one of some outcomes only, or of those with refused records that nobody has corrected.
    package func page(
        source: SourceName?, states: Set<DropState>?, outcomes: Set<DropOutcome>?, openRejects: Bool = false, before: DropID?,
        limit: Int
    ) throws(DropError) -> [DropRecord] {
        var conditions = ["TRUE"]
        var arguments: [DatabaseValue] = []
        if let source {
            conditions.append("source = ?")
            arguments.append(source.text.databaseValue)
        }
        if let states { conditions.append(DropRows.condition(states)) }
        if let outcomes {
            conditions.append("outcome IN (\(outcomes.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")))")
        }
        if openRejects { conditions.append(StoreSchema.openRejectsSQL) }
        if let before {
            conditions.append("id < ?")
            arguments.append(before.description.databaseValue)
        }
        arguments.append(max(0, limit).databaseValue)
        return try fetch("WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?", arguments)
    }

    package func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord] {
        let name = RawBlob.value(Array(prefix.utf8))
        let upper = prefix.uppercased()
        // '~' sorts after every character of a ULID.
        return try fetch(
            "WHERE (id >= ? AND id < ?) OR file_name = ? ORDER BY id DESC LIMIT ?",
            [upper.databaseValue, (upper + "~").databaseValue, name, max(0, limit).databaseValue])
    }

    package func drops(named name: FileName, limit: Int) throws(DropError) -> [DropRecord] {
        try fetch(
            "WHERE file_name = ? ORDER BY id DESC LIMIT ?", [RawBlob.value(name.bytes), max(0, limit).databaseValue])
    }

    package func newestApplied(of source: SourceName) throws(DropError) -> DropRecord? {
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

    package func openAmendments(of drop: DropID, source: SourceName) throws(DropError) -> [DropID] {
        try fetch(
            "WHERE source = ? AND \(StoreSchema.openRejectsSQL) AND link_kind = 'amends' AND link_drop = ? ORDER BY id",
            [source.text.databaseValue, drop.description.databaseValue]
        ).map(\.id)
    }

    package func highestName(of source: SourceName) throws(DropError) -> FileName? {
        try fetch(
            "JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE source = ? AND link_kind IS NOT 'amends' "
                + "ORDER BY file_name DESC LIMIT 1", [source.text.databaseValue]
        ).first?.fileName
    }

    package func commitSequence(of id: DropID) throws(DropError) -> UInt64? {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                "SELECT sequence FROM drop_commit JOIN drops ON drop_commit.drop_no = drops.no WHERE id = ?", database)
            query.bind(text: 1, Array(id.description.utf8))
            defer { query.reset() }
            return try query.step() ? UInt64(query.integer(0)) : nil
        }
    }

    package func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord? {
        try fetch(
            """
            JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE digest = ? AND source = ?
            ORDER BY sequence DESC LIMIT 1
            """, [RawBlob.value(digest.bytes), source.text.databaseValue]
        ).first
    }

    package func hasApplied(_ name: FileName, of source: SourceName, before id: DropID) throws(DropError) -> Bool {
        try !fetch(
            """
            JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE file_name = ? AND source = ? AND id < ?
            ORDER BY id LIMIT 1
            """,
            [RawBlob.value(name.bytes), source.text.databaseValue, id.description.databaseValue]
        ).isEmpty
    }

    package func archived(with digest: ContentDigest) throws(DropError) -> DropID? {
        try store.reading { (database) throws(DropError) in
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
    }

    package func drop(
        withIntake identity: FileIdentity, of source: SourceName, before id: DropID
    ) throws(DropError) -> DropRecord? {
        // Asked for every drop, and almost never true. Earlier drops have earlier rows, so what was so at the intent stays so.
        if store.numbers.state.withLock({ $0.freshIntakes.contains(id) }) { return nil }
        let number = try store.reading { (database) throws(DropError) in
            try Self.earlier(withIntake: identity, of: source, before: id, database)
        }
        return try number.flatMap { (number) throws(DropError) in try fetch("WHERE no = ?", [number.databaseValue]).first }
    }

    /// The number of the newest drop before `id` that was this intake: one look into the index.
    private static func earlier(
        withIntake identity: FileIdentity, of source: SourceName, before id: DropID, _ database: Database
    ) throws(DropError) -> Int64? {
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

    private func fetch(_ tail: String, _ arguments: [DatabaseValue]) throws(DropError) -> [DropRecord] {
        try store.reading { (database) throws(DropError) in try DropRows.fetch(tail, arguments, database) }
    }
}
