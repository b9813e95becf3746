package import DropCore
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
        try store.reading { (database) throws(DropError) in
            try NoticeRows(database).untold(to: channel, events, limit: limit)
        }
    }

    /// The channel was told of all of these.
    ///
    /// - Parameter others: it was also told the number of drops that wait since before this time; nil: of none.
    package func noteTold(
        _ channel: String, _ notices: [Notice], others: (events: Set<NoticeEvent>, before: UInt64)?
    ) throws(DropError) {
        try store.transaction { database in
            let rows = NoticeRows(database)
            for notice in notices { try rows.insert(notice, to: channel) }
            if let others { try rows.insertAll(others.events, before: others.before, to: channel) }
        }
    }

    /// The conditions of sources that the channel was told of, and since when they last.
    package func told(_ channel: String) throws(DropError) -> [NoticeEvent: [String: UInt64]] {
        try store.reading { (database) throws(DropError) in try NoticeRows(database).told(channel) }
    }

    /// These conditions of sources are over: when they come again, the channel is told again.
    package func forgetTold(_ channel: String, _ over: [(event: NoticeEvent, subject: String)]) throws(DropError) {
        guard !over.isEmpty else { return }
        try store.transaction { database in
            for (event, subject) in over { try NoticeRows(database).forget(event, subject, of: channel) }
        }
    }

    /// Forgets channels that are configured no more, and drops that wait for nobody any more.
    package func tidyNotices(channels: [String]) throws(DropError) {
        try store.transaction { database in try NoticeRows(database).tidy(channels: channels) }
    }

    // MARK: Expectations

    /// Since when deliveries of these sources are expected: from `now` on where nothing is known. Others are forgotten.
    package func expect(_ sources: [SourceName], now: UInt64) throws(DropError) -> [SourceName: UInt64] {
        try store.transaction { database in try ExpectationRows(database).expect(sources.map(\.text), now: now) }
        return try expectations()
    }

    /// Since when deliveries are expected, by source.
    package func expectations() throws(DropError) -> [SourceName: UInt64] {
        try store.reading { (database) throws(DropError) in try ExpectationRows(database).all() }
    }

    /// When the newest delivery of a source came; nil where none did. A retry is none, nor are corrected rejects.
    package func lastDelivery(of source: SourceName) throws(DropError) -> UInt64? {
        try store.reading { (database) throws(DropError) in try ExpectationRows(database).lastDelivery(of: source) }
    }
}
