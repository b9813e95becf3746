package import DropCore
import GRDB
import Synchronization
package import TwinService

extension CallWriter {
    package func write(_ change: ModelChange) throws(DropError) {
        let number = Int64(effects.dropNumber)
        try commit.run {
            if change.removesAll {
                try database.execute(sql: "DELETE FROM model")
            } else {
                for id in change.removed { try database.execute(sql: "DELETE FROM model WHERE id = ?", arguments: [id]) }
            }
            for model in change.added {
                try database.execute(
                    sql: "INSERT INTO model(id, text, uploaded, call_no) VALUES(?, ?, ?, ?)",
                    arguments: [model.id, RawBlob.value(model.definition), model.uploadTime, number])
            }
            if let (id, value) = change.decommissioned {
                try database.execute(sql: "UPDATE model SET is_decommissioned = ? WHERE id = ?", arguments: [value, id])
            }
        }
        let keys = store.keys
        effects.models = KeyedModels.Change(
            models: KeyedModels(change.catalog) { keys.number(of: $0) },
            changed: Set(change.changed.map { keys.number(of: $0) }))
        effects.hasChanged = true
        guard !change.changed.isEmpty else { return }
        // What was refused may be accepted now, and the other way round: no file is a repetition of what it was.
        let sequence = Int64(effects.sequence)
        try commit.run { try database.execute(sql: "UPDATE source SET changed_by_others = ?", arguments: [sequence]) }
    }
}
