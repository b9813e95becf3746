import DropCore
import GRDB

/// Rows of the table `notice`: what channels were told. Used inside one access.
struct NoticeRows {
    let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// Drops that wait for a person, and that the channel was not told of: the oldest `limit`, and how many there are in all.
    func untold(to channel: String, _ events: Set<NoticeEvent>, limit: Int) throws(DropError) -> (drops: [DropRecord], count: Int)
    {
        let condition = Self.isUntold(events)
        let arguments = [channel.databaseValue]
        let drops = try DropRows.fetch("\(condition) ORDER BY id LIMIT \(limit)", arguments, database)
        guard drops.count == limit else { return (drops, drops.count) }
        do {
            let count = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM drops \(condition)", arguments: StatementArguments(arguments))
            return (drops, count ?? drops.count)
        } catch { throw StorageFailure.error(error) }
    }

    func insert(_ notice: Notice, to channel: String) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO notice(channel, event, subject, opened) VALUES(?, ?, ?, ?)",
            arguments: [channel, notice.event.rawValue, notice.subject, Int64(notice.since)])
    }

    /// The channel was told the number of drops that wait since before a time.
    func insertAll(_ events: Set<NoticeEvent>, before: UInt64, to channel: String) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO notice(channel, event, subject, opened)
                SELECT ?, \(Self.event), id, changed_at FROM drops \(Self.isUntold(events)) AND changed_at < ?
                """, arguments: [channel, channel, Int64(before)])
    }

    /// The conditions of sources that the channel was told of, and since when they last.
    func told(_ channel: String) throws(DropError) -> [NoticeEvent: [String: UInt64]] {
        var told: [NoticeEvent: [String: UInt64]] = [:]
        let query = try RawStatement.cached(
            "SELECT event, subject, opened FROM notice WHERE channel = ? AND event IN ('suspended', 'late')", database)
        query.bind(text: 1, channel)
        defer { query.reset() }
        while try query.step() {
            guard let event = NoticeEvent(rawValue: query.text(0)) else { continue }
            told[event, default: [:]][query.text(1)] = UInt64(query.integer(2))
        }
        return told
    }

    func forget(_ event: NoticeEvent, _ subject: String, of channel: String) throws {
        try database.execute(
            sql: "DELETE FROM notice WHERE channel = ? AND event = ? AND subject = ?",
            arguments: [channel, event.rawValue, subject])
    }

    /// Forgets other channels than these, and drops that wait for nobody any more.
    func tidy(channels: [String]) throws {
        let known = channels.map { _ in "?" }.joined(separator: ", ")
        try database.execute(
            sql: "DELETE FROM notice WHERE channel NOT IN (\(known))", arguments: StatementArguments(channels))
        try database.execute(
            sql: """
                DELETE FROM notice WHERE event NOT IN ('suspended', 'late')
                AND NOT EXISTS (SELECT 1 FROM drops WHERE id = subject AND state IN ('held', 'quarantined'))
                """)
    }

    private static let event = """
        CASE WHEN state = 'quarantined' THEN 'quarantined' WHEN reason_code = 'nothing-usable' THEN 'nothing-usable' \
        ELSE 'held' END
        """

    private static func isUntold(_ events: Set<NoticeEvent>) -> String {
        let words = events.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
        return """
            WHERE \(DropRows.condition([.held, .quarantined])) AND \(event) IN (\(words))
            AND NOT EXISTS (SELECT 1 FROM notice WHERE channel = ? AND event = \(event) AND subject = drops.id
                AND opened = drops.changed_at)
            """
    }
}

/// Rows of the table `expectation`: since when deliveries of a source are expected. Used inside one access.
struct ExpectationRows {
    let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// These sources are expected from `now` on, where nothing is known of them; others are forgotten.
    func expect(_ sources: [String], now: UInt64) throws {
        let marks = sources.map { _ in "?" }.joined(separator: ", ")
        try database.execute(
            sql: "DELETE FROM expectation WHERE source NOT IN (\(marks))", arguments: StatementArguments(sources))
        for name in sources {
            try database.execute(sql: "INSERT OR IGNORE INTO expectation VALUES(?, ?)", arguments: [name, Int64(now)])
        }
    }

    func all() throws(DropError) -> [SourceName: UInt64] {
        var since: [SourceName: UInt64] = [:]
        let query = try RawStatement.cached("SELECT source, since FROM expectation", database)
        defer { query.reset() }
        while try query.step() {
            guard let source = SourceName(query.text(0)) else { continue }
            since[source] = UInt64(query.integer(1))
        }
        return since
    }

    /// When the newest delivery of a source came; nil where none did. A retry is none, nor are corrected rejects.
    func lastDelivery(of source: SourceName) throws(DropError) -> UInt64? {
        let query = try RawStatement.cached(
            """
            SELECT claimed_at FROM drops WHERE source = ? AND (link_kind IS NULL OR link_kind = 'duplicates')
            ORDER BY id DESC LIMIT 1
            """, database)
        query.bind(text: 1, source.text)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : nil
    }
}
