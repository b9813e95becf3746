import DropCore

/// Rows of history: revisions, and what is gone. Prepared once per connection by GRDB's cache; used inside one access.
final class RevisionStatements {
    private let insertRow: RawStatement
    private let insertGone: RawStatement

    init(_ database: StoreTransaction) throws(DropError) {
        insertRow = try .cached(
            "INSERT INTO revision(no, kind, entity, drop_no, record, prev, patch) VALUES(?, ?, ?, ?, ?, ?, ?)", database)
        insertGone = try .cached("INSERT INTO gone(kind, no, id, source, last_revision) VALUES(?, ?, ?, ?, ?)", database)
    }

    /// What a twin and a relationship are in these tables.
    @inline(__always)
    static func kind(_ kind: NumberReservation.Kind) -> Int64 { kind == .twins ? 0 : 1 }

    /// What one revision is: of what, by which record of which drop (or by which call), and what was there before.
    struct Revision {
        let kind: NumberReservation.Kind
        let entity: UInt32
        let drop: UInt64
        let record: UInt64
        let previous: UInt64
        let patch: ReverseDelta
    }

    func insert(_ number: UInt64, _ revision: Revision) throws(DropError) {
        insertRow.bind(1, Int64(number))
        insertRow.bind(2, Self.kind(revision.kind))
        insertRow.bind(3, revision.entity)
        insertRow.bind(4, Int64(revision.drop))
        insertRow.bind(5, Int64(revision.record))
        insertRow.bind(6, Int64(revision.previous))
        insertRow.bind(blob: 7, revision.patch.encoded())
        try insertRow.run()
    }

    /// - Parameters:
    ///   - source: where a relationship started; 0 for a twin.
    ///   - last: the revision that ended it.
    func insertGone(
        _ kind: NumberReservation.Kind, _ number: UInt32, id: [UInt8], source: UInt32, last: UInt64
    ) throws(DropError) {
        insertGone.bind(1, Self.kind(kind))
        insertGone.bind(2, number)
        insertGone.bind(text: 3, id)
        insertGone.bind(4, source)
        insertGone.bind(5, Int64(last))
        try insertGone.run()
    }
}
