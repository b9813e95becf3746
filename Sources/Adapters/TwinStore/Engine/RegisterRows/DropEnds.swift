import DropCore
import GRDB

/// What the register writes at the end of drops, besides `DropRows.upsert`. Used inside one transaction.
struct DropEnds {
    let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// Notes where the archive has these drops; what was applied is archived.
    func noteArchived(_ drops: [DropRecord]) throws(DropError) {
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
    }

    /// Archived drops whose receipt is written are done.
    func noteDone(_ drops: [DropID]) throws(DropError) {
        let tidy = try RawStatement.cached("UPDATE drops SET state = 'done' WHERE id = ? AND state = 'archived'", database)
        for id in drops {
            tidy.bind(text: 1, id.description)
            try tidy.run()
        }
    }

    /// Removes the rows of drops whose files were not taken.
    func withdraw(_ drops: [DropID]) throws {
        for drop in drops {
            try database.execute(
                sql: "DELETE FROM drops WHERE id = ? AND state = 'claimed'", arguments: [drop.description])
        }
    }
}
