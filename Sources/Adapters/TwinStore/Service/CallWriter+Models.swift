import DropCore
import GRDB
import Synchronization
import TwinModel

extension CallWriter {
    func upload(_ models: [ModelText], _ profile: ModelOptions.Profile = .dtdl) throws -> [ModelData] {
        var taken: [String] = []
        var seen: Set<String> = []
        for model in models {
            guard let id = model.value["@id"]?.string else { continue }  // The parser says what is wrong with it.
            if catalog.entries[id] != nil { taken.append(id) }
            guard seen.insert(id).inserted else {
                throw ServiceError(.invalidModel, ModelIntake.headline + " The id \(id) stands twice in the request.")
            }
            guard model.text.count <= GraphService.modelBytesMax else {
                throw ServiceError(
                    .limitExceeded,
                    "The model \(id) has \(model.text.count) bytes; at most \(GraphService.modelBytesMax) fit.")
            }
        }
        guard taken.isEmpty else {
            throw ServiceError(
                .modelExists,
                "Some of the model ids already exist: \(taken.joined(separator: ", ")). Models cannot be changed: upload a new version, "
                    + "or delete the stored one first.")
        }
        let set = try ModelIntake.read(models, known: catalog.set, profile)
        var entries = catalog.entries
        var answer: [ModelData] = []
        for model in models {
            guard let id = model.value["@id"]?.string, let interface = set.interfaces[id] else {
                throw ServiceError(.invalidModel, ModelIntake.headline + " An element of the request is no interface.")
            }
            let entry = ModelCatalog.Entry(interface, model.text, uploaded: commit.ticks / 10, isDecommissioned: false)
            try database.execute(
                sql: "INSERT INTO model(id, text, uploaded, call_no) VALUES(?, ?, ?, ?)",
                arguments: [id, RawBlob.value(model.text), entry.data.uploadTime, Int64(effects.dropNumber)])
            entries[id] = entry
            answer.append(entry.data)
        }
        try publish(entries, set, changed: answer.map(\.id))
        return answer
    }

    func decommission(_ id: String, _ value: Bool) throws {
        guard var entry = catalog.entries[id] else { throw GraphService.modelError(id) }
        guard entry.data.isDecommissioned != value else { return }
        let active = catalog.dependants(of: id).filter { !(catalog.entries[$0]?.data.isDecommissioned ?? true) }
        guard !value || active.isEmpty else {
            throw ServiceError(
                .modelReferencesNotDecommissioned,
                "The model \(id) is used by models that are active: \(active.joined(separator: ", ")). Decommission those first.")
        }
        entry.data = ModelData(
            id: id, displayName: entry.data.displayName, description: entry.data.description, isDecommissioned: value,
            uploadTime: entry.data.uploadTime, definition: entry.data.definition)
        try database.execute(sql: "UPDATE model SET is_decommissioned = ? WHERE id = ?", arguments: [value, id])
        var entries = catalog.entries
        entries[id] = entry
        try publish(entries, catalog.set, changed: [])
    }

    func deleteModel(_ id: String) throws {
        guard catalog.entries[id] != nil else { throw GraphService.modelError(id) }
        let dependants = catalog.dependants(of: id)
        guard dependants.isEmpty else {
            throw ServiceError(
                .modelReferencesNotDeleted,
                "The model \(id) is used by others: \(dependants.joined(separator: ", ")). Delete those first.")
        }
        try database.execute(sql: "DELETE FROM model WHERE id = ?", arguments: [id])
        var entries = catalog.entries
        entries[id] = nil
        try publish(entries, catalog.set.removing(id), changed: [id])
    }

    /// Deletes every model at once.
    func deleteAllModels() throws {
        guard !catalog.entries.isEmpty else { return }
        try database.execute(sql: "DELETE FROM model")
        try publish([:], ModelSet(), changed: catalog.ids)
    }

    private func publish(
        _ entries: [String: ModelCatalog.Entry], _ set: ModelSet, changed: [String]
    ) throws {
        let keys = store.keys
        effects.catalog = ModelCatalog.Change(
            catalog: ModelCatalog(entries, set) { keys.number(of: $0) },
            models: Set(changed.map { keys.number(of: $0) }))
        effects.hasChanged = true
        guard !changed.isEmpty else { return }
        // What was refused may be accepted now, and the other way round: no file is a repetition of what it was.
        try database.execute(sql: "UPDATE source SET changed_by_others = ?", arguments: [Int64(effects.sequence)])
    }
}

extension GraphCommit {
    /// Puts the new models in place. Twins of models that changed count as changed: what was found to conform may not any more.
    func publish(_ change: ModelCatalog.Change, _ sequence: UInt32, _ memories: [SourceMemory]) {
        store.presentCatalog.withLock { $0 = change.catalog }
        guard !change.models.isEmpty else { return }
        for key in change.models { store.modelVersions[key] = sequence }
        let count = store.counters.withLock { $0.nextTwin }
        var touched = false
        for number in 0..<count where change.models.contains(store.twinModels[number]) {
            guard store.twinVersions[number] != 0 else { continue }
            store.twinVersions[number] = sequence
            for memory in memories { memory.twinFingerprints[number] = 0 }
            touched = true
        }
        guard touched else { return }
        for number in 0..<store.counters.withLock({ $0.nextRelationship }) where store.relationshipVersions[number] != 0 {
            store.relationshipVersions[number] = sequence
            for memory in memories where memory.relationshipFingerprints[number] != 0 {
                memory.relationshipFingerprints[number] = 0
            }
        }
    }
}
