import DropCore
import Synchronization
import TwinModel
import TwinService

/// The models of the graph, found by the keys that twins are stored with.
final class KeyedModels: Sendable {
    /// What a call made of the models.
    struct Change {
        let models: KeyedModels
        /// Global keys of the models that are new, gone or different.
        let changed: Set<UInt32>
    }

    static let empty = KeyedModels(.empty) { _ in 0 }

    let catalog: ModelCatalog
    private let shapes: [UInt32: TwinShape]
    private let decommissioned: Set<UInt32>

    /// - Parameter keys: the global key of a name.
    init(_ catalog: ModelCatalog, keys: (String) -> UInt32) {
        self.catalog = catalog
        var shapes: [UInt32: TwinShape] = [:]
        for id in catalog.ids { shapes[keys(id)] = catalog.shape(id) }
        self.shapes = shapes
        decommissioned = Set(catalog.entries.values.filter(\.data.isDecommissioned).map { keys($0.data.id) })
    }

    /// What twins of a model may have, by the global key of its id; nil where the model is not in the graph.
    func shape(_ key: UInt32) -> TwinShape? { shapes[key] }

    var isEmpty: Bool { catalog.ids.isEmpty }

    /// Takes no new twins.
    func isDecommissioned(_ key: UInt32) -> Bool { !decommissioned.isEmpty && decommissioned.contains(key) }
}

/// The models of the graph, as committed.
///
/// Any thread: one value, exchanged under its lock; a commit does it after COMMIT, inside `ReadersWriterLock.writing`.
final class PresentModels: Sendable {
    let present = Mutex(KeyedModels.empty)

    var keyed: KeyedModels { present.withLock { $0 } }
}
