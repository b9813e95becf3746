import DropCore
import GRDB
import TwinService

/// What a call of the twin service writes besides twins and relationships. Used inside its transaction.
struct ServiceStatements {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// Removes, adds and decommissions models.
    ///
    /// - Parameter call: its number.
    func write(_ change: ModelChange, call: Int64) throws {
        if change.removesAll {
            try database.execute(sql: "DELETE FROM model")
        } else {
            for id in change.removed { try database.execute(sql: "DELETE FROM model WHERE id = ?", arguments: [id]) }
        }
        for model in change.added {
            try database.execute(
                sql: "INSERT INTO model(id, text, uploaded, call_no) VALUES(?, ?, ?, ?)",
                arguments: [model.id, RawBlob.value(model.definition), model.uploadTime, call])
        }
        if let (id, value) = change.decommissioned {
            try database.execute(sql: "UPDATE model SET is_decommissioned = ? WHERE id = ?", arguments: [value, id])
        }
    }

    /// Of every source something may be judged otherwise now.
    func noteChangeOfAll(_ sequence: Int64) throws {
        try database.execute(sql: "UPDATE source SET changed_by_others = ?", arguments: [sequence])
    }

    func put(_ route: EventRoute, call: Int64) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO event_route(id, endpoint, filter, call_no) VALUES(?, ?, ?, ?)",
            arguments: [route.id, route.endpoint, route.filter, call])
    }

    /// False where there is no such route.
    func delete(eventRoute id: String) throws -> Bool {
        try database.execute(sql: "DELETE FROM event_route WHERE id = ?", arguments: [id])
        return database.changesCount > 0
    }
}
