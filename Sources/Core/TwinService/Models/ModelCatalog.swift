package import DropCore
package import TwinModel

/// The models of the graph as of one commit. Immutable: a change makes another, which takes its place when it is durable.
package final class ModelCatalog: Sendable {
    /// One stored model: what callers see of it, and what the language makes of it.
    package struct Entry: Sendable {
        package let data: ModelData
        package let interface: ModelInterface

        package var effective: EffectiveModel { interface.effective }

        /// - Parameter uploaded: microseconds since 1970.
        package init(_ interface: ModelInterface, _ text: [UInt8], uploaded: Int64, isDecommissioned: Bool) {
            self.interface = interface
            data = ModelData(
                id: interface.id, displayName: interface.displayName, description: interface.description,
                isDecommissioned: isDecommissioned, uploadTime: uploaded, definition: text)
        }

        /// The same model, taking new twins or none.
        func decommissioned(_ value: Bool) -> Entry {
            Entry(interface, data.definition, uploaded: data.uploadTime, isDecommissioned: value)
        }
    }

    package static let empty = ModelCatalog([:], ModelSet())

    package let entries: [String: Entry]
    package let set: ModelSet
    /// In ascending order of their bytes.
    package let ids: [String]
    private let shapes: [String: TwinShape]

    package init(_ entries: [String: Entry], _ set: ModelSet) {
        self.entries = entries
        self.set = set
        ids = entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        shapes = entries.mapValues { entry in
            var components: [String: EffectiveModel] = [:]
            for (name, model) in entry.effective.components { components[name] = entries[model]?.effective }
            return TwinShape(model: entry.effective, components: components, models: set)
        }
    }

    /// What twins of a model may have; nil where the model is not in the graph, and where there is none.
    package func shape(_ model: String?) -> TwinShape? { model.flatMap { shapes[$0] } }

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

/// What a call makes of the models, and how it comes to that.
package struct ModelChange: Sendable {
    /// All models, as they are then.
    package let catalog: ModelCatalog
    package let added: [ModelData]
    package let removed: [String]
    /// The model that takes no new twins from now on, or takes them again.
    package let decommissioned: (id: String, value: Bool)?

    /// Those too that no program of this version can read.
    package let removesAll: Bool

    /// Ids of models whose twins are judged by other rules from now on.
    package var changed: [String] { added.map(\.id) + removed }

    init(
        _ entries: [String: ModelCatalog.Entry], _ set: ModelSet, added: [ModelData] = [], removed: [String] = [],
        removesAll: Bool = false, decommissioned: (id: String, value: Bool)? = nil
    ) {
        catalog = ModelCatalog(entries, set)
        (self.added, self.removed, self.removesAll) = (added, removed, removesAll)
        self.decommissioned = decommissioned
    }
}
