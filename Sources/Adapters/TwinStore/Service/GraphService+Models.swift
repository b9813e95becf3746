import CodecKit
package import DropCore
import GRDB
import Synchronization
import TwinModel

extension GraphService {
    /// Models in one call (docs/azure-contract.md, "Limits").
    static let modelsPerCallMax = 250
    /// Bytes of one model's text.
    static let modelBytesMax = 1 << 20

    package func upload(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData] {
        guard !models.isEmpty else {
            throw ServiceError(400, "InvalidArgument", "The list of models is empty: send at least one.")
        }
        guard models.count <= Self.modelsPerCallMax else {
            throw ServiceError(
                400, "LimitExceeded",
                "\(models.count) models in one call are too many: at most \(Self.modelsPerCallMax). Send several calls.")
        }
        return try store.call(caller, "upload models", isAlone: true) { [rules] writer in try writer.upload(models, rules.uploads)
        }
    }

    /// The same without the limit of one call, for models of files; those that are stored already with the same content are left
    /// out. Errors: as `upload`; `ModelIdAlreadyExists` where the stored content is another.
    package func uploadNew(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData] {
        let known = store.catalog
        let fresh = models.filter { model in
            guard let id = model.value["@id"]?.string, let stored = known.entries[id],
                let value = try? JSON(parsing: stored.data.definition, depthMax: 64)
            else { return true }
            return !value.isSame(as: model.value)
        }
        guard !fresh.isEmpty else { return [] }
        return try store.call(caller, "upload models", isAlone: true) { writer in try writer.upload(fresh) }
    }

    package func model(_ id: String) throws(ServiceError) -> ModelData {
        guard let entry = store.catalog.entries[id] else { throw Self.modelError(id) }
        return entry.data
    }

    package func models(
        dependenciesFor roots: [String], after: String?, limit: Int
    ) throws(ServiceError) -> ServicePage<ModelData> {
        let catalog = store.catalog
        for id in roots where catalog.entries[id] == nil { throw Self.modelError(id) }
        let wanted = roots.isEmpty ? nil : catalog.closure(of: roots)
        let rest = catalog.ids.drop { id in after.map { !$0.utf8.lexicographicallyPrecedes(id.utf8) } ?? false }
        let matching = rest.filter { wanted?.contains($0) ?? true }
        let page = matching.prefix(max(1, limit))
        return ServicePage(
            elements: page.compactMap { catalog.entries[$0]?.data }, next: page.count < matching.count ? page.last : nil)
    }

    package func decommission(model id: String, _ value: Bool, by caller: Caller) throws(ServiceError) {
        try store.call(caller, value ? "decommission model" : "recommission model", isAlone: true) { writer in
            try writer.decommission(id, value)
        }
    }

    package func delete(model id: String, by caller: Caller) throws(ServiceError) {
        try store.call(caller, "delete model", isAlone: true) { writer in try writer.deleteModel(id) }
    }

    /// Why there is no such model: its id is no DTMI, or nobody uploaded it.
    static func modelError(_ id: String) -> ServiceError {
        guard DTMI(id)?.isUsable(in: 3) ?? false else {
            return ServiceError(
                400, "InvalidArgument", "\(Escaping.visible(id, scalarsMax: 200)) is no model id: write dtmi:path:name;1.")
        }
        return ServiceError(
            404, "ModelNotFound", "There is no model \(id). Check the id, version included, or upload the model first.")
    }
}
