import DropCore
import TwinModel

/// The models of the graph as of one commit. Immutable: a change makes another, which takes its place when it is durable.
final class ModelCatalog: Sendable {
    struct Entry: Sendable {
        var data: ModelData
        let interface: ModelInterface

        var effective: EffectiveModel { interface.effective }

        init(_ interface: ModelInterface, _ text: [UInt8], uploaded: Int64, isDecommissioned: Bool) {
            self.interface = interface
            data = ModelData(
                id: interface.id, displayName: interface.displayName, description: interface.description,
                isDecommissioned: isDecommissioned, uploadTime: uploaded, definition: text)
        }
    }

    /// What a call made of the models.
    struct Change {
        let catalog: ModelCatalog
        /// Global keys of the models that are new, gone or different.
        let models: Set<UInt32>
    }

    static let empty = ModelCatalog([:], ModelSet(), keys: { _ in 0 })

    let entries: [String: Entry]
    let set: ModelSet
    /// In ascending order of their bytes.
    let ids: [String]
    private let shapes: [UInt32: TwinShape]
    private let decommissioned: Set<UInt32>

    /// - Parameter keys: the global key of a name.
    init(_ entries: [String: Entry], _ set: ModelSet, keys: (String) -> UInt32) {
        self.entries = entries
        self.set = set
        ids = entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var shapes: [UInt32: TwinShape] = [:]
        for (id, entry) in entries {
            var components: [String: EffectiveModel] = [:]
            for (name, model) in entry.effective.components { components[name] = entries[model]?.effective }
            shapes[keys(id)] = TwinShape(model: entry.effective, components: components, models: set)
        }
        self.shapes = shapes
        decommissioned = Set(entries.values.filter(\.data.isDecommissioned).map { keys($0.data.id) })
    }

    /// What twins of a model may have, by the global key of its id; nil where the model is not in the graph.
    func shape(_ key: UInt32) -> TwinShape? { shapes[key] }

    /// Takes no new twins.
    func isDecommissioned(_ key: UInt32) -> Bool { !decommissioned.isEmpty && decommissioned.contains(key) }

    /// Models that extend one, or have it as a component.
    func dependants(of id: String) -> [String] {
        ids.filter { other in other != id && entries[other].map { $0.interface.dependencies.contains(id) } ?? false }
    }

    /// A model, all it extends and the models of its components, closed; in the order of `ids`.
    func closure(of roots: [String]) -> Set<String> {
        var found: Set<String> = []
        var open = roots
        while let id = open.popLast() {
            guard found.insert(id).inserted, let entry = entries[id] else { continue }
            open += entry.interface.dependencies
        }
        return found
    }
}
