package import DropCore
package import TwinModel

/// The rules of models (docs/azure-contract.md, "Models").
extension ModelCatalog {
    /// - Parameter time: microseconds since 1970.
    package func uploading(
        _ models: [ModelText], _ profile: ModelOptions.Profile = .dtdl, at time: Int64
    ) throws(ServiceError) -> ModelChange {
        try checkIDs(of: models)
        let set = try ModelIntake.read(models, known: set, profile)
        var entries = entries
        var added: [ModelData] = []
        for model in models {
            guard let id = model.value["@id"]?.string, let interface = set.interfaces[id] else {
                throw ServiceError(.invalidModel, ModelIntake.headline + " An element of the request is no interface.")
            }
            let entry = Entry(interface, model.text, uploaded: time, isDecommissioned: false)
            entries[id] = entry
            added.append(entry.data)
        }
        return ModelChange(entries, set, added: added)
    }

    private func checkIDs(of models: [ModelText]) throws(ServiceError) {
        var taken: [String] = []
        var seen: Set<String> = []
        for model in models {
            guard let id = model.value["@id"]?.string else { continue }  // The parser says what is wrong with it.
            if entries[id] != nil { taken.append(id) }
            guard seen.insert(id).inserted else {
                throw ServiceError(.invalidModel, ModelIntake.headline + " The id \(id) stands twice in the request.")
            }
            guard model.text.count <= ServiceLimits.modelBytes else {
                throw ServiceError(
                    .limitExceeded,
                    "The model \(id) has \(model.text.count) bytes; at most \(ServiceLimits.modelBytes) fit.")
            }
        }
        guard taken.isEmpty else {
            throw ServiceError(
                .modelExists,
                "Some of the model ids already exist: \(taken.joined(separator: ", ")). Models cannot be changed: upload a new "
                    + "version, or delete the stored one first.")
        }
    }

    /// Nil where nothing changes.
    package func decommissioning(_ id: String, _ value: Bool) throws(ServiceError) -> ModelChange? {
        guard let entry = entries[id] else { throw .missing(model: id) }
        guard entry.data.isDecommissioned != value else { return nil }
        let active = dependants(of: id).filter { !(self.entries[$0]?.data.isDecommissioned ?? true) }
        guard !value || active.isEmpty else {
            throw ServiceError(
                .modelReferencesNotDecommissioned,
                "The model \(id) is used by models that are active: \(active.joined(separator: ", ")). Decommission those first.")
        }
        var entries = entries
        entries[id] = entry.decommissioned(value)
        return ModelChange(entries, set, decommissioned: (id, value))
    }

    package func deleting(_ id: String) throws(ServiceError) -> ModelChange {
        guard entries[id] != nil else { throw .missing(model: id) }
        let dependants = dependants(of: id)
        guard dependants.isEmpty else {
            throw ServiceError(
                .modelReferencesNotDeleted,
                "The model \(id) is used by others: \(dependants.joined(separator: ", ")). Delete those first.")
        }
        var entries = entries
        entries[id] = nil
        return ModelChange(entries, set.removing(id), removed: [id])
    }

    /// Without any model; nil where there is none.
    package func deletingAll() -> ModelChange? {
        entries.isEmpty ? nil : ModelChange([:], ModelSet(), removed: ids, removesAll: true)
    }

    /// At most `limit` models after `after`, in the order of their ids: of `roots` and what they extend or contain; of all,
    /// where there are no roots.
    func page(dependenciesFor roots: [String], after: String?, limit: Int) throws(ServiceError) -> ServicePage<ModelData> {
        for id in roots where entries[id] == nil { throw .missing(model: id) }
        let wanted = roots.isEmpty ? nil : closure(of: roots)
        let rest = ids.drop { id in after.map { !$0.utf8.lexicographicallyPrecedes(id.utf8) } ?? false }
        let matching = rest.filter { wanted?.contains($0) ?? true }
        let page = matching.prefix(max(1, limit))
        return ServicePage(
            elements: page.compactMap { entries[$0]?.data }, next: page.count < matching.count ? page.last : nil)
    }

    /// The models that are not stored with the same content already.
    func unknown(_ models: [ModelText]) -> [ModelText] {
        models.filter { model in
            guard let id = model.value["@id"]?.string, let stored = entries[id],
                let value = try? JSON(parsing: stored.data.definition, depthMax: 64)  // What was stored can be read.
            else { return true }
            return !value.isSame(as: model.value)
        }
    }
}
