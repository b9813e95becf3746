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

extension DropComparison {
    /// What the graph knows of a twin's model.
    enum TwinModelKnowledge {
        /// There is no such twin, or it is on its way with another drop.
        case unknown
        /// A global key; 0: it has none.
        case model(UInt32)
    }

    /// What an operation on a twin is checked against.
    struct TwinRules {
        /// Global key of the model the twin has then.
        let model: UInt32
        /// Nil where the model is not in the graph.
        let table: RuleTable?
        /// The model before; nil where that was not looked up.
        let former: TwinModelKnowledge?
    }

    /// The rules for an operation on a twin; nil where nothing is checked.
    @inline(__always)
    func twinRules(_ index: Int, _ bytes: borrowing Span<UInt8>) throws(DropError) -> TwinRules? {
        guard let validation else { return nil }
        let operation = operations[index]
        guard operation.verb.rawValue < OperationVerb.deleteTwin.rawValue else { return nil }
        let stated = try global(operation.head.key)
        if stated != 0, operation.number == 0 { return TwinRules(model: stated, table: validation.table(stated), former: nil) }
        let former = try knowledge(of: operation.hash, before: index)
        var model = stated
        if stated == 0, case .model(let known) = former { model = known }
        return TwinRules(model: model, table: validation.table(model), former: former)
    }

    /// Why the model refuses an operation of the current record; nil where it does not, or where there is none to ask.
    ///
    /// - Parameter isPlain: every property of a twin's operation has passed its rule.
    func modelRefusal(
        _ index: Int, _ rules: TwinRules?, isPlain: Bool, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        guard let validation else { return nil }
        if let rules { return try twinRefusal(index, rules, isPlain, validation, bytes) }
        switch operations[index].verb {
        case .upsertRelationship, .replaceRelationship: return try relationshipRefusal(index, validation, bytes)
        default: return nil
        }
    }

    private func twinRefusal(
        _ index: Int, _ rules: TwinRules, _ isPlain: Bool, _ validation: DropValidation, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        let operation = operations[index]
        let key = rules.model
        guard let table = rules.table else { return refusalWithoutModel(key, operation, bytes) }
        if operation.number == 0, operation.verb != .patchTwin, validation.isDecommissioned(key),
            try !isStated(operation.hash, before: index)
        {
            return "The model \(store.keys.name(key)) is decommissioned and takes no new twins."
        }
        if !isPlain, let problem = try firstProblem(operation.head.properties, table, bytes) {
            return refusal(of: "twin \(text(bytes, operation.head.id))", by: key, problem)
        }
        guard case .model(let old)? = rules.former, old != key, operation.verb != .replaceTwin, operation.number != 0 else {
            return nil
        }
        // It takes another model: what it keeps must conform, too.
        return try keptProblem(operation, table, bytes).map { refusal(of: "twin \(text(bytes, operation.head.id))", by: key, $0) }
    }

    /// True when an earlier operation of the record makes the twin.
    private func isStated(_ hash: IdentityHash, before index: Int) throws(DropError) -> Bool {
        if case .model = try knowledge(of: hash, before: index) { return true }
        return false
    }

    private func refusalWithoutModel(_ key: UInt32, _ operation: Pending, _ bytes: borrowing Span<UInt8>) -> String? {
        guard validation?.mode == .strict else { return nil }
        if key == 0 { return "The twin \(text(bytes, operation.head.id)) has no model." }
        return "The model \(store.keys.name(key)) of the twin \(text(bytes, operation.head.id)) is not in the graph: "
            + "`twindrop models upload` brings it."
    }

    private func refusal(of what: String, by key: UInt32, _ problem: String) -> String {
        "The model \(store.keys.name(key)) refuses the \(what): \(problem)"
    }

    /// The first property that does not conform.
    @inline(__always)
    private func firstProblem(
        _ range: Range<Int>, _ table: RuleTable, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: streamPosition)
        while let property = try reader.property(bytes, validating: false) {
            let rule = table.rule(property.key, keyNames[Int(property.key) - 1])
            if rule.passes(property) { continue }
            let encoded = array(bytes, (property.value.lowerBound - 1)..<property.value.upperBound)
            if let problem = try table.problem(rule, keyNames[Int(property.key) - 1], encoded) { return problem }
        }
        return nil
    }

    /// The first of the properties a twin keeps that its new model refuses.
    private func keptProblem(
        _ operation: Pending, _ table: RuleTable, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        if twinPlaces[operation.number] == Self.evaluating { try evaluate(bytes) }
        var base = try baseTwin(operation.number)?.0 ?? .nothing
        if twinPlaces[operation.number] != 0 {
            let said = try log.read(twinPlaces[operation.number]) { (view) throws(DropError) in
                let entry = view.head
                return try DropStatement(entry, view.bytes(entry.idLength..<view.length - ChangeLog.headLength))
            }
            base = said.applied(to: base)?.record ?? base
        }
        let statement = try statement(operation, bytes, record: current.number)
        let after = statement.applied(to: base)?.record ?? base
        for property in after.properties {
            let name = store.keys.name(property.key)
            guard let schema = table.schema(name) else { return "\(name) does not appear on it, and the twin has it." }
            if let problem = try table.problem(PropertyRule(schema.schema), name, Array(property.value)) { return problem }
        }
        return nil
    }

    // MARK: Relationships

    private func relationshipRefusal(
        _ index: Int, _ validation: DropValidation, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        let operation = operations[index]
        let ends = try relationshipEnds(operation, index, bytes)
        guard case .model(let model) = ends.source else { return nil }
        guard let table = validation.table(model) else {
            return validation.mode == .strict
                ? "The twin \(text(bytes, operation.head.id)) has no model in the graph, which would declare its relationships."
                : nil
        }
        let name = keyNames[Int(operation.head.key) - 1]
        let what = "relationship of \(text(bytes, operation.head.id))"
        guard let edge = validation.table(table, model, try global(operation.head.key), name), let declared = edge.relationship
        else {
            return refusal(of: what, by: model, "it declares no relationship \(name).")
        }
        if let problem = try firstProblem(operation.head.properties, edge, bytes) { return refusal(of: what, by: model, problem) }
        guard let wanted = declared.model.target, case .model(let target) = ends.target else { return nil }
        let found = store.keys.name(target)
        let isKnown = validation.table(target) != nil
        let ancestors = validation.catalog.shape(target)?.model.ancestors ?? [found]
        guard !ancestors.contains(wanted), isKnown || validation.mode == .strict else { return nil }
        return refusal(
            of: what, by: model,
            "\(name) leads to twins of \(wanted); \(text(bytes, operation.head.target)) is "
                + (target == 0 ? "of no model." : "of \(found)."))
    }

    private func relationshipEnds(
        _ operation: Pending, _ index: Int, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> (source: TwinModelKnowledge, target: TwinModelKnowledge) {
        let all = operations.count
        return (
            try knowledge(of: store.hash.identity(bytes, operation.head.id), before: all),
            try knowledge(of: store.hash.identity(bytes, operation.head.target), before: all)
        )
    }

    // MARK: Knowledge

    /// The model a twin has after what the drop said of it so far, the operations of this record before `index` included.
    func knowledge(of hash: IdentityHash, before index: Int) throws(DropError) -> TwinModelKnowledge {
        try budget.spend(UInt64(index), on: .looking)
        for earlier in operations[..<index].reversed() where earlier.hash == hash {
            guard let key = try statedModel(earlier.verb, earlier.head.key) else { continue }
            return key
        }
        let number = store.twins.number(of: hash)
        guard number != 0 else { return .unknown }
        let place = twinPlaces[number]
        if place == Self.evaluating {
            try budget.spend(UInt64(evaluations.count), on: .looking)
            for earlier in evaluations.reversed() where earlier.operation.number == number {
                guard let key = try statedModel(earlier.operation.verb, earlier.operation.head.key) else { continue }
                return key
            }
        } else if place != 0 {
            let (verb, key) = try log.read(place) { view in (view.head.verb, view.head.key) }
            if verb == .deleteTwin { return .unknown }
            if key != 0 { return .model(key) }
            if store.twinVersions[number] == 0 { return .model(0) }
        }
        guard store.twinVersions[number] != 0 else { return .unknown }
        validation?.reliesOnTwins = true
        return .model(store.twinModels[number])
    }

    /// What an operation says of the model; nil: nothing.
    private func statedModel(_ verb: OperationVerb, _ wire: UInt32) throws(DropError) -> TwinModelKnowledge? {
        switch verb {
        case .deleteTwin: return .unknown
        case .upsertTwin, .patchTwin, .replaceTwin: return wire == 0 ? nil : .model(try global(wire))
        case .upsertRelationship, .replaceRelationship, .deleteRelationship: return nil
        }
    }
}

extension GraphCommit {
    /// True when a model that decided something for the drop has changed since it was compared.
    func hasModelConflict(_ comparison: DropComparison) -> Bool {
        guard let validation = comparison.validation else { return false }
        let since = comparison.startSequence
        if validation.models.contains(where: { store.modelVersions[$0] > since }) { return true }
        guard validation.reliesOnTwins else { return false }
        // Number 0 stands for twins that changed their model.
        return store.modelVersions[0] > since || effects.contains { !$0.remodelled.isEmpty }
    }
}
