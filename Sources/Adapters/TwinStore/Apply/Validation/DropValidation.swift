import DropCore
import TwinModel

/// How the operations of one drop are checked against the models of the graph. Used by the thread that compares.
final class DropValidation {
    let mode: ApplyPolicy.Validation
    let catalog: KeyedModels
    /// Global keys of models that decided something: when one of them changes, the drop is compared again.
    private(set) var models: Set<UInt32> = []
    /// True when the model of a twin that the drop does not state decided something.
    var reliesOnTwins = false
    private var tables: [UInt32: RuleTable] = [:]
    private var edgeTables: [UInt64: RuleTable] = [:]
    private var last: (model: UInt32, table: RuleTable?) = (0, nil)

    /// Nil where nothing is to be checked.
    init?(_ mode: ApplyPolicy.Validation, _ catalog: KeyedModels) {
        guard mode != .off else { return nil }
        self.mode = mode
        self.catalog = catalog
    }

    /// The rules of a model; nil where it is not in the graph.
    @inline(__always)
    func table(_ model: UInt32) -> RuleTable? {
        if last.model == model { return last.table }
        return find(model)
    }

    private func find(_ model: UInt32) -> RuleTable? {
        let table = tables[model] ?? catalog.shape(model).map { RuleTable($0) }
        tables[model] = table
        models.insert(model)
        last = (model, table)
        return table
    }

    @inline(__always)
    func isDecommissioned(_ model: UInt32) -> Bool { catalog.isDecommissioned(model) }

    /// The rules of a relationship that a model declares; nil where it declares none of this name.
    func table(_ model: RuleTable, _ key: UInt32, _ nameKey: UInt32, _ name: String) -> RuleTable? {
        let place = UInt64(key) << 32 | UInt64(nameKey)
        if let known = edgeTables[place] { return known }
        guard let relationship = model.shape.model.relationships[name] else { return nil }
        let table = RuleTable(model.shape, relationship: (name, relationship))
        edgeTables[place] = table
        return table
    }
}
