package import DropCore
import Synchronization
package import TwinService

extension CallWriter {
    package func write(_ change: ModelChange) throws(DropError) {
        let number = Int64(effects.dropNumber)
        try commit.run { try ServiceStatements(database).write(change, call: number) }
        let keys = store.keys
        effects.models = KeyedModels.Change(
            models: KeyedModels(change.catalog) { keys.number(of: $0) },
            changed: Set(change.changed.map { keys.number(of: $0) }))
        effects.hasChanged = true
        guard !change.changed.isEmpty else { return }
        // What was refused may be accepted now, and the other way round: no file is a repetition of what it was.
        let sequence = Int64(effects.sequence)
        try commit.run { try ServiceStatements(database).noteChangeOfAll(sequence) }
    }
}
