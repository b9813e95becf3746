package import DropCore
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
            let lists = WaitingLists(database)
            let present = try lists.presentEnds()
            return try lists.rows(of: source, drop, limit: limit).map { row in
                WaitingRelationship(
                    relationship: relationship(row), fileName: row.fileName, since: row.since,
                    missing: [row.sourceID, row.targetID].filter { !present.contains($0) }
                        .map { String(decoding: $0, as: UTF8.self) })
            }
        }
    }

    private func relationship(_ row: WaitingLists.Row) -> PendingRelationship {
        PendingRelationship(
            source: row.source, drop: row.drop, record: row.record, sourceID: String(decoding: row.sourceID, as: UTF8.self),
            name: store.keys.name(row.name), targetID: String(decoding: row.targetID, as: UTF8.self), id: row.id,
            expires: row.expires)
    }

    /// Whether `twin` is to have a relationship with this id that waits.
    package func waits(_ relationship: String, of twin: String) throws(DropError) -> Bool {
        try store.reading { (database) throws(DropError) in try WaitingLists(database).has(relationship, of: twin) }
    }

    /// How many relationships of each source wait; none for a source where none does.
    package func counts() throws(DropError) -> [SourceName: Int] {
        try store.reading { (database) throws(DropError) in try WaitingLists(database).counts() }
    }

    /// Relationships that wait for a twin, oldest first.
    package func pending(limit: Int = 1000) throws(DropError) -> [PendingRelationship] {
        try store.reading { (database) throws(DropError) in
            try WaitingLists(database).rows(limit: limit).map(relationship)
        }
    }

    /// Gives up relationships whose patience has ended; how many. They are gone without a trace in the graph: the caller reports
    /// them.
    @discardableResult
    package func expirePending(now milliseconds: UInt64) throws(DropError) -> Int {
        let count = try WaitingLists.expire(milliseconds, in: store)
        if count > 0 { try store.writing { (database) throws(DropError) in try StoreLoader(store).loadWaiting(database) } }
        return count
    }
}
