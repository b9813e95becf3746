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

extension GraphCommit {
    /// Puts the new models in place. Twins of models that changed count as changed: what was found to conform may not any more.
    func publish(_ change: KeyedModels.Change, _ sequence: UInt32, _ memories: [SourceMemory]) {
        store.catalog.present.withLock { $0 = change.models }
        guard !change.changed.isEmpty else { return }
        for key in change.changed { store.versions.models[key] = sequence }
        let count = store.numbers.state.withLock { $0.nextTwin }
        var touched = false
        for number in 0..<count where change.changed.contains(store.versions.twinModels[number]) {
            guard store.versions.twins[number] != 0 else { continue }
            store.versions.twins[number] = sequence
            for memory in memories { memory.twinFingerprints[number] = 0 }
            touched = true
        }
        guard touched else { return }
        for number in 0..<store.numbers.state.withLock({ $0.nextRelationship }) where store.versions.relationships[number] != 0 {
            store.versions.relationships[number] = sequence
            for memory in memories where memory.relationshipFingerprints[number] != 0 {
                memory.relationshipFingerprints[number] = 0
            }
        }
    }
}
