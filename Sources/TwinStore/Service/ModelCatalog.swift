import DropCore
import TwinModel

/// The models of the graph as of one commit. Immutable: a change makes another, which takes its place when it is durable.
final class ModelCatalog: Sendable {
    struct Entry: Sendable {
        var data: ModelData
        /// Direct ones.
        let extends: [String]
        let effective: EffectiveModel

        /// Models it cannot be without: those it extends, and those of its components.
        var needs: Set<String> { Set(extends).union(effective.components.values) }
    }

    /// What a call made of the models.
    struct Change {
        let catalog: ModelCatalog
        /// Global keys of the models that are new, gone or different.
        let models: Set<UInt32>
    }

    static let empty = ModelCatalog([:], recursive: [:], keys: { _ in 0 })

    let entries: [String: Entry]
    /// Schemas that contain themselves, by DTMI.
    let recursive: [String: DTDLSchema]
    /// In ascending order of their bytes.
    let ids: [String]
    private let shapes: [UInt32: TwinShape]

    /// - Parameter keys: the global key of a name.
    init(_ entries: [String: Entry], recursive: [String: DTDLSchema], keys: (String) -> UInt32) {
        self.entries = entries
        self.recursive = recursive
        ids = entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var shapes: [UInt32: TwinShape] = [:]
        for (id, entry) in entries {
            var components: [String: EffectiveModel] = [:]
            for (name, model) in entry.effective.components { components[name] = entries[model]?.effective }
            shapes[keys(id)] = TwinShape(model: entry.effective, components: components, recursive: recursive)
        }
        self.shapes = shapes
    }

    /// What twins of a model may have, by the global key of its id; nil where the model is not in the graph.
    func shape(_ key: UInt32) -> TwinShape? { shapes[key] }

    /// Models that extend one, or have it as a component.
    func dependants(of id: String) -> [String] {
        ids.filter { other in other != id && entries[other].map { $0.needs.contains(id) } ?? false }
    }

    /// A model, all it extends and the models of its components, closed; in the order of `ids`.
    func closure(of roots: [String]) -> Set<String> {
        var found: Set<String> = []
        var open = roots
        while let id = open.popLast() {
            guard found.insert(id).inserted, let entry = entries[id] else { continue }
            open += entry.needs
        }
        return found
    }
}
