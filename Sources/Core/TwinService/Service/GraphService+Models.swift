package import DropCore
import TwinModel

extension GraphService {
    package func upload(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData] {
        guard !models.isEmpty else {
            throw ServiceError(.invalidArgument, "The list of models is empty: send at least one.")
        }
        guard models.count <= ServiceLimits.modelsPerCall else {
            throw ServiceError(
                .limitExceeded,
                "\(models.count) models in one call are too many: at most \(ServiceLimits.modelsPerCall). Send several calls.")
        }
        return try call(caller, "upload models", isAlone: true) { [rules] writer in
            try writer.upload(models, rules.uploads)
        }
    }

    /// The same without the limit of one call, for models of files; those that are stored already with the same content are left
    /// out. Errors: as `upload`; `modelExists` where the stored content is another.
    package func uploadNew(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData] {
        let fresh = store.models.unknown(models)
        guard !fresh.isEmpty else { return [] }
        return try call(caller, "upload models", isAlone: true) { writer in try writer.upload(fresh) }
    }

    package func model(_ id: String) throws(ServiceError) -> ModelData {
        guard let entry = store.models.entries[id] else { throw .missing(model: id) }
        return entry.data
    }

    package func models(
        dependenciesFor roots: [String], after: String?, limit: Int
    ) throws(ServiceError) -> ServicePage<ModelData> {
        try store.models.page(dependenciesFor: roots, after: after, limit: limit)
    }

    package func decommission(model id: String, _ value: Bool, by caller: Caller) throws(ServiceError) {
        try call(caller, value ? "decommission model" : "recommission model", isAlone: true) { writer in
            if let change = try writer.models.decommissioning(id, value) { try writer.write(change) }
        }
    }

    package func delete(model id: String, by caller: Caller) throws(ServiceError) {
        try call(caller, "delete model", isAlone: true) { writer in
            try writer.write(try writer.models.deleting(id))
        }
    }
}
