package import DropCore
import GRDB
import TwinModel

/// What channels were told: rows of the table `notice`, as many as there are open conditions and channels.
///
/// Any thread; each change is one durable transaction on the writer.
package struct StoreNotices: Sendable {
    let store: StoreEngine

    /// Drops that wait for a person, and that the channel was not told of: the oldest `limit`, and how many there are in all.
    package func untold(
        to channel: String, _ events: Set<NoticeEvent>, limit: Int
    ) throws(DropError) -> (drops: [DropRecord], count: Int) {
        let condition = Self.isUntold(events)
        let arguments = [channel.databaseValue]
        return try store.reading { (database) throws(DropError) in
            let drops = try DropRows.fetch("\(condition) ORDER BY id LIMIT \(limit)", arguments, database)
            guard drops.count == limit else { return (drops, drops.count) }
            do {
                let count = try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM drops \(condition)", arguments: StatementArguments(arguments))
                return (drops, count ?? drops.count)
            } catch { throw StorageFailure.error(error) }
        }
    }

    /// The channel was told of all of these.
    ///
    /// - Parameter others: it was also told the number of drops that wait since before this time; nil: of none.
    package func noteTold(
        _ channel: String, _ notices: [Notice], others: (events: Set<NoticeEvent>, before: UInt64)?
    ) throws(DropError) {
        try store.transaction { database in
            for notice in notices {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO notice(channel, event, subject, opened) VALUES(?, ?, ?, ?)",
                    arguments: [channel, notice.event.rawValue, notice.subject, Int64(notice.since)])
            }
            if let others {
                try database.execute(
                    sql: """
                        INSERT OR REPLACE INTO notice(channel, event, subject, opened)
                        SELECT ?, \(Self.event), id, changed_at FROM drops \(Self.isUntold(others.events)) AND changed_at < ?
                        """, arguments: [channel, channel, Int64(others.before)])
            }
        }
    }

    /// The conditions of sources that the channel was told of, and since when they last.
    package func told(_ channel: String) throws(DropError) -> [NoticeEvent: [String: UInt64]] {
        var told: [NoticeEvent: [String: UInt64]] = [:]
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                "SELECT event, subject, opened FROM notice WHERE channel = ? AND event IN ('suspended', 'late')", database)
            query.bind(text: 1, channel)
            defer { query.reset() }
            while try query.step() {
                guard let event = NoticeEvent(rawValue: query.text(0)) else { continue }
                told[event, default: [:]][query.text(1)] = UInt64(query.integer(2))
            }
        }
        return told
    }

    /// These conditions of sources are over: when they come again, the channel is told again.
    package func forgetTold(_ channel: String, _ over: [(event: NoticeEvent, subject: String)]) throws(DropError) {
        guard !over.isEmpty else { return }
        try store.transaction { database in
            for (event, subject) in over {
                try database.execute(
                    sql: "DELETE FROM notice WHERE channel = ? AND event = ? AND subject = ?",
                    arguments: [channel, event.rawValue, subject])
            }
        }
    }

    /// Forgets channels that are configured no more, and drops that wait for nobody any more.
    package func tidyNotices(channels: [String]) throws(DropError) {
        let known = channels.map { _ in "?" }.joined(separator: ", ")
        try store.transaction { database in
            try database.execute(
                sql: "DELETE FROM notice WHERE channel NOT IN (\(known))", arguments: StatementArguments(channels))
            try database.execute(
                sql: """
                    DELETE FROM notice WHERE event NOT IN ('suspended', 'late')
                    AND NOT EXISTS (SELECT 1 FROM drops WHERE id = subject AND state IN ('held', 'quarantined'))
                    """)
        }
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

    // MARK: Expectations

    /// Since when deliveries of these sources are expected: from `now` on where nothing is known. Others are forgotten.
    package func expect(_ sources: [SourceName], now: UInt64) throws(DropError) -> [SourceName: UInt64] {
        let names = sources.map(\.text)
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        try store.transaction { database in
            try database.execute(
                sql: "DELETE FROM expectation WHERE source NOT IN (\(marks))", arguments: StatementArguments(names))
            for name in names {
                try database.execute(sql: "INSERT OR IGNORE INTO expectation VALUES(?, ?)", arguments: [name, Int64(now)])
            }
        }
        return try expectations()
    }

    /// Since when deliveries are expected, by source.
    package func expectations() throws(DropError) -> [SourceName: UInt64] {
        var since: [SourceName: UInt64] = [:]
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT source, since FROM expectation", database)
            defer { query.reset() }
            while try query.step() {
                guard let source = SourceName(query.text(0)) else { continue }
                since[source] = UInt64(query.integer(1))
            }
        }
        return since
    }

    /// When the newest delivery of a source came; nil where none did. A retry is none, nor are corrected rejects.
    package func lastDelivery(of source: SourceName) throws(DropError) -> UInt64? {
        try store.reading { (database) throws(DropError) in
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
}
