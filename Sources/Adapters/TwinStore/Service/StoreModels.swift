import CodecKit
package import DropCore
import Synchronization
package import TwinModel
import TwinService

extension StoreService {
    /// Takes the models of files: one interface, or an array of them, each. Those that are stored already with the same content
    /// are left as they are; the answer has the new ones.
    ///
    /// Errors: as `upload`; `modelExists` where one id has two contents, with both places in the message.
    ///
    /// - Parameter isDryRun: nothing is stored; this process alone knows the models, for a dry run.
    package func adopt(
        _ documents: [ModelDocument], by caller: Caller, isDryRun: Bool = false
    ) throws(ServiceError) -> [ModelData] {
        let fresh = try ModelIntake.interfaces(in: documents, beside: models)
        guard !fresh.isEmpty else { return [] }
        guard isDryRun else {
            return try call(caller, "adopt models", isAlone: true) { writer in try writer.upload(fresh) }
        }
        let set = try ModelIntake.read(fresh, known: models.set)
        var entries = models.entries
        for model in fresh {
            guard let interface = model.value["@id"]?.string.flatMap({ set.interfaces[$0] }) else { continue }
            entries[interface.id] = .init(interface, model.text, uploaded: store.clock() / 10, isDecommissioned: false)
        }
        let extended = KeyedModels(ModelCatalog(entries, set)) { store.keys.number(of: $0) }
        store.catalog.present.withLock { $0 = extended }
        return fresh.compactMap { $0.value["@id"]?.string.flatMap { entries[$0]?.data } }
    }

    /// Stored models that this version's parser refuses: their twins can be read, and cannot be written.
    package func unreadableModels() throws(DropError) -> [String] {
        let models = models
        return try store.reading { (database) throws(DropError) in
            try ServiceLookups(database).modelIDs().filter { models.entries[$0] == nil }
        }
    }
}
