package import DropCore
import GRDB
import Synchronization
import TwinModel
import TwinService

extension TwinStore {
    /// Stored models that this version's parser refuses: their twins can be read, and cannot be written.
    package func unreadableModels() throws(DropError) -> [String] {
        let models = models
        return try reading { (database) throws(DropError) in
            let query = try RawStatement("SELECT id FROM model ORDER BY id", database)
            defer { query.reset() }
            var ids: [String] = []
            while try query.step() { if models.entries[query.text(0)] == nil { ids.append(query.text(0)) } }
            return ids
        }
    }

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
        let set = ModelIntake.read(stored: stored.map { ($0.id, $0.text) })
        var entries: [String: ModelCatalog.Entry] = [:]
        for (id, text, uploaded, isDecommissioned) in stored {
            guard let interface = set.interfaces[id] else { continue }
            entries[id] = .init(interface, text, uploaded: uploaded, isDecommissioned: isDecommissioned)
        }
        let loaded = KeyedModels(ModelCatalog(entries, set)) { keys.number(of: $0) }
        presentCatalog.withLock { $0 = loaded }
    }
}
