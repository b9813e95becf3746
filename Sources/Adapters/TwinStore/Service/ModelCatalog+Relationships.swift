import DropCore
import TwinModel

extension ModelCatalog {
    /// Why the models refuse a relationship between two twins that are both there; nil where they allow it.
    ///
    /// - Parameters:
    ///   - source: the key of the model the source has; 0: none. `target` the same.
    ///   - strict: a source without a model in the graph allows nothing, and a target whose model is not in it fits nowhere.
    ///   - named: the model that a key stands for.
    func refusal(
        ofRelationship name: String, from source: UInt32, to target: UInt32, _ values: [JSON.Member], strict: Bool,
        named: (UInt32) -> String
    ) -> String? {
        guard let shape = shape(source) else {
            return strict ? "The source has no model in the graph, which would declare its relationships." : nil
        }
        guard let declared = shape.model.relationships[name] else { return "\(shape.model.id) declares no relationship \(name)." }
        var problems: [String] = []
        for value in values { shape.check(value, declared.properties, name, &problems) }
        if let problem = problems.first { return problem }
        guard let wanted = declared.target else { return nil }
        let known = self.shape(target)?.model.ancestors
        let found = named(target)
        guard known != nil || strict, !(known ?? [found]).contains(wanted) else { return nil }
        return "\(name) leads to twins of \(wanted); the target is \(found.isEmpty ? "of no model" : "of \(found)")."
    }
}
