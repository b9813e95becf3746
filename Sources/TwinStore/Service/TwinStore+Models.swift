package import DropCore
import GRDB
import Synchronization
import TwinModel

extension TwinStore {
    /// Models in one call (adt-api: section 14).
    static let modelsPerCallMax = 250
    /// Bytes of one model's text.
    static let modelBytesMax = 1 << 20

    package func upload(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData] {
        guard !models.isEmpty else { throw ServiceError(400, "InvalidArgument", "The list of models is empty: send at least one.") }
        guard models.count <= Self.modelsPerCallMax else {
            throw ServiceError(
                400, "LimitExceeded",
                "\(models.count) models in one call are too many: at most \(Self.modelsPerCallMax). Send several calls.")
        }
        return try call(caller, "upload models", isAlone: true) { writer in try writer.upload(models) }
    }

    /// The same without the limit of one call, for models of files; those that are stored already with the same content are left
    /// out. Errors: as `upload`; `ModelIdAlreadyExists` where the stored content is another.
    package func uploadNew(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData] {
        let known = catalog
        let fresh = models.filter { model in
            guard let id = model.value["@id"]?.string, let stored = known.entries[id],
                let value = try? JSON(parsing: stored.data.definition, depthMax: 64)
            else { return true }
            return !value.isSame(as: model.value)
        }
        guard !fresh.isEmpty else { return [] }
        return try call(caller, "upload models", isAlone: true) { writer in try writer.upload(fresh) }
    }

    package func model(_ id: String) throws(ServiceError) -> ModelData {
        guard let entry = catalog.entries[id] else { throw Self.modelError(id) }
        return entry.data
    }

    package func models(
        dependenciesFor roots: [String], after: String?, limit: Int
    ) throws(ServiceError) -> ServicePage<ModelData> {
        let catalog = self.catalog
        for id in roots where catalog.entries[id] == nil { throw Self.modelError(id) }
        let wanted = roots.isEmpty ? nil : catalog.closure(of: roots)
        let rest = catalog.ids.drop { id in after.map { !$0.utf8.lexicographicallyPrecedes(id.utf8) } ?? false }
        let matching = rest.filter { wanted?.contains($0) ?? true }
        let page = matching.prefix(max(1, limit))
        return ServicePage(
            elements: page.compactMap { catalog.entries[$0]?.data }, next: page.count < matching.count ? page.last : nil)
    }

    package func decommission(model id: String, _ value: Bool, by caller: Caller) throws(ServiceError) {
        try call(caller, value ? "decommission model" : "recommission model", isAlone: true) { writer in
            try writer.decommission(id, value)
        }
    }

    package func delete(model id: String, by caller: Caller) throws(ServiceError) {
        try call(caller, "delete model", isAlone: true) { writer in try writer.deleteModel(id) }
    }

    /// Why there is no such model: its id is no DTMI, or nobody uploaded it.
    static func modelError(_ id: String) -> ServiceError {
        guard DTMIText.isPlausible(id) else {
            return ServiceError(
                400, "InvalidArgument", "\(Escaping.visible(id, scalarsMax: 200)) is no model id: write dtmi:path:name;1.")
        }
        return ServiceError(
            404, "ModelNotFound", "There is no model \(id). Check the id, version included, or upload the model first.")
    }

    // MARK: Open

    /// Reads the stored models. One that this version's parser refuses stays stored, and its twins cannot be written.
    func loadModels(_ database: Database) throws(DropError) {
        let query = try RawStatement("SELECT id, text, uploaded, is_decommissioned FROM model ORDER BY id", database)
        var stored: [(id: String, text: [UInt8], uploaded: Int64, isDecommissioned: Bool)] = []
        while try query.step() { stored.append((query.text(0), query.bytes(1), query.integer(2), query.integer(3) != 0)) }
        query.reset()
        guard !stored.isEmpty else {
            presentCatalog.withLock { $0 = .empty }
            return
        }
        let read = ModelReader.read(stored: stored.map(\.text))
        var entries: [String: ModelCatalog.Entry] = [:]
        for (id, text, uploaded, isDecommissioned) in stored {
            guard let interface = read.interfaces[id] else { continue }
            entries[id] = interface.entry(text, uploaded: uploaded, isDecommissioned: isDecommissioned)
        }
        let loaded = ModelCatalog(entries, recursive: read.recursive) { keys.number(of: $0) }
        presentCatalog.withLock { $0 = loaded }
    }
}

extension CallWriter {
    func upload(_ models: [ModelText]) throws -> [ModelData] {
        var taken: [String] = []
        var seen: Set<String> = []
        for model in models {
            guard let id = model.value["@id"]?.string else { continue }  // The parser says what is wrong with it.
            if catalog.entries[id] != nil { taken.append(id) }
            guard seen.insert(id).inserted else {
                throw ServiceError(400, "DTDLParserError", ModelReader.headline + " The id \(id) stands twice in the request.")
            }
            guard model.text.count <= TwinStore.modelBytesMax else {
                throw ServiceError(
                    400, "LimitExceeded", "The model \(id) has \(model.text.count) bytes; at most \(TwinStore.modelBytesMax) fit.")
            }
        }
        guard taken.isEmpty else {
            throw ServiceError(
                409, "ModelIdAlreadyExists",
                "Some of the model ids already exist: \(taken.joined(separator: ", ")). Models cannot be changed: upload a new version, "
                    + "or delete the stored one first.")
        }
        let read = try ModelReader.read(models, known: catalog)
        var entries = catalog.entries
        var answer: [ModelData] = []
        for model in models {
            guard let id = model.value["@id"]?.string, let interface = read.interfaces[id] else {
                throw ServiceError(400, "DTDLParserError", ModelReader.headline + " An element of the request is no interface.")
            }
            let entry = interface.entry(model.text, uploaded: commit.ticks / 10, isDecommissioned: false)
            try database.execute(
                sql: "INSERT INTO model(id, text, uploaded, call_no) VALUES(?, ?, ?, ?)",
                arguments: [id, RawBlob.value(model.text), entry.data.uploadTime, Int64(effects.dropNumber)])
            entries[id] = entry
            answer.append(entry.data)
        }
        try publish(entries, changed: answer.map(\.id), recursive: catalog.recursive.merging(read.recursive) { $1 })
        return answer
    }

    func decommission(_ id: String, _ value: Bool) throws {
        guard var entry = catalog.entries[id] else { throw TwinStore.modelError(id) }
        guard entry.data.isDecommissioned != value else { return }
        let active = catalog.dependants(of: id).filter { !(catalog.entries[$0]?.data.isDecommissioned ?? true) }
        guard !value || active.isEmpty else {
            throw ServiceError(
                409, "ModelReferencesNotDecommissioned",
                "The model \(id) is used by models that are active: \(active.joined(separator: ", ")). Decommission those first.")
        }
        entry.data = ModelData(
            id: id, displayName: entry.data.displayName, description: entry.data.description, isDecommissioned: value,
            uploadTime: entry.data.uploadTime, definition: entry.data.definition)
        try database.execute(sql: "UPDATE model SET is_decommissioned = ? WHERE id = ?", arguments: [value, id])
        var entries = catalog.entries
        entries[id] = entry
        try publish(entries, changed: [], recursive: catalog.recursive)
    }

    func deleteModel(_ id: String) throws {
        guard catalog.entries[id] != nil else { throw TwinStore.modelError(id) }
        let dependants = catalog.dependants(of: id)
        guard dependants.isEmpty else {
            throw ServiceError(
                409, "ModelReferencesNotDeleted",
                "The model \(id) is used by others: \(dependants.joined(separator: ", ")). Delete those first.")
        }
        try database.execute(sql: "DELETE FROM model WHERE id = ?", arguments: [id])
        var entries = catalog.entries
        entries[id] = nil
        try publish(entries, changed: [id], recursive: catalog.recursive)
    }

    /// Deletes every model at once.
    func deleteAllModels() throws {
        guard !catalog.entries.isEmpty else { return }
        try database.execute(sql: "DELETE FROM model")
        try publish([:], changed: catalog.ids, recursive: [:])
    }

    private func publish(
        _ entries: [String: ModelCatalog.Entry], changed: [String], recursive: [String: DTDLSchema]
    ) throws {
        let keys = store.keys
        effects.catalog = ModelCatalog.Change(
            catalog: ModelCatalog(entries, recursive: recursive) { keys.number(of: $0) },
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
        for number in 0..<count where store.twinModels[number] != 0 && change.models.contains(store.twinModels[number]) {
            guard store.twinVersions[number] != 0 else { continue }
            store.twinVersions[number] = sequence
            for memory in memories { memory.twinFingerprints[number] = 0 }
            touched = true
        }
        guard touched else { return }
        for number in 0..<store.counters.withLock({ $0.nextRelationship }) where store.relationshipVersions[number] != 0 {
            store.relationshipVersions[number] = sequence
            for memory in memories where memory.relationshipFingerprints[number] != 0 { memory.relationshipFingerprints[number] = 0 }
        }
    }
}
