import DropCore
import TwinModel

/// What a drop knows of a twin's model.
enum TwinModelKnowledge {
    /// There is no such twin, or it is on its way with another drop.
    case unknown
    /// A global key; 0: it has none.
    case model(UInt32)
}

/// Checks the operations of a drop against the models of the graph.
struct ModelCheck {
    private let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    private var store: StoreEngine { context.store }

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
    func twinRules(_ index: Int, _ drop: inout ComparisonProgress) throws(DropError) -> TwinRules? {
        guard let validation = drop.models.validation else { return nil }
        let operation = drop.record.operations[index]
        guard operation.verb.rawValue < OperationVerb.deleteTwin.rawValue else { return nil }
        let stated = try drop.keys.global(operation.head.key)
        if stated != 0, operation.number == 0 { return TwinRules(model: stated, table: validation.table(stated), former: nil) }
        let former = try knowledge(of: operation.hash, before: index, &drop)
        var model = stated
        if stated == 0, case .model(let known) = former { model = known }
        return TwinRules(model: model, table: validation.table(model), former: former)
    }

    /// Why the model refuses an operation of the current record; nil where it does not, or where there is none to ask.
    ///
    /// - Parameter isPlain: every property of a twin's operation has passed its rule.
    func refusal(
        _ index: Int, _ rules: TwinRules?, isPlain: Bool, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        guard let validation = drop.models.validation else { return nil }
        if let rules { return try twinRefusal(index, rules, isPlain, validation, &drop, bytes) }
        switch drop.record.operations[index].verb {
        case .upsertRelationship, .replaceRelationship: return try relationshipRefusal(index, validation, &drop, bytes)
        default: return nil
        }
    }

    // MARK: Twins

    private func twinRefusal(
        _ index: Int, _ rules: TwinRules, _ isPlain: Bool, _ validation: DropValidation, _ drop: inout ComparisonProgress,
        _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        let operation = drop.record.operations[index]
        let key = rules.model
        guard let table = rules.table else { return refusalWithoutModel(key, operation, validation, bytes) }
        if operation.number == 0, operation.verb != .patchTwin, validation.isDecommissioned(key),
            try !isStated(operation.hash, before: index, &drop)
        {
            return "The model \(store.keys.name(key)) is decommissioned and takes no new twins."
        }
        if !isPlain, let problem = try firstProblem(operation.head.properties, table, drop.keys, bytes) {
            return refusal(of: "twin \(RawBytes.text(bytes, operation.head.id))", by: key, problem)
        }
        guard case .model(let old)? = rules.former, old != key, operation.verb != .replaceTwin, operation.number != 0 else {
            return nil
        }
        // It takes another model: what it keeps must conform, too.
        guard let problem = try keptProblem(operation, table, &drop, bytes) else { return nil }
        return refusal(of: "twin \(RawBytes.text(bytes, operation.head.id))", by: key, problem)
    }

    /// True when an earlier operation of the record makes the twin.
    private func isStated(
        _ hash: IdentityHash, before index: Int, _ drop: inout ComparisonProgress
    ) throws(DropError) -> Bool {
        if case .model = try knowledge(of: hash, before: index, &drop) { return true }
        return false
    }

    private func refusalWithoutModel(
        _ key: UInt32, _ operation: RecordOperation, _ validation: DropValidation, _ bytes: borrowing Span<UInt8>
    ) -> String? {
        guard validation.mode == .strict else { return nil }
        let twin = RawBytes.text(bytes, operation.head.id)
        if key == 0 { return "The twin \(twin) has no model." }
        return "The model \(store.keys.name(key)) of the twin \(twin) is not in the graph: `twindrop models upload` brings it."
    }

    private func refusal(of what: String, by key: UInt32, _ problem: String) -> String {
        "The model \(store.keys.name(key)) refuses the \(what): \(problem)"
    }

    /// The first property that does not conform.
    @inline(__always)
    private func firstProblem(
        _ range: Range<Int>, _ table: RuleTable, _ keys: StreamKeys, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: keys.position)
        while let property = try reader.property(bytes, validating: false) {
            let rule = table.rule(property.key, keys.name(property.key))
            if rule.passes(property) { continue }
            let encoded = RawBytes.copy(bytes, (property.value.lowerBound - 1)..<property.value.upperBound)
            if let problem = try table.problem(rule, keys.name(property.key), encoded) { return problem }
        }
        return nil
    }

    /// The first of the properties a twin keeps that its new model refuses.
    private func keptProblem(
        _ operation: RecordOperation, _ table: RuleTable, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        if drop.said.twins.places[operation.number] == Mentions.evaluating {
            try RecordComparer(context).compareWaiting(&drop, bytes)
        }
        var base = try context.twin(operation.number)?.record ?? .nothing
        if let place = drop.said.twins.logged(operation.number) {
            base = try drop.said.statement(at: place).statement.applied(to: base)?.record ?? base
        }
        let statement = try TwinComparer(context).statement(operation, drop, bytes)
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
        _ index: Int, _ validation: DropValidation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        let operation = drop.record.operations[index]
        let all = drop.record.operations.count
        let sourceKnowledge = try knowledge(of: store.identities.hash.identity(bytes, operation.head.id), before: all, &drop)
        let targetKnowledge = try knowledge(of: store.identities.hash.identity(bytes, operation.head.target), before: all, &drop)
        guard case .model(let model) = sourceKnowledge else { return nil }
        guard let table = validation.table(model) else {
            guard validation.mode == .strict else { return nil }
            let source = RawBytes.text(bytes, operation.head.id)
            return "The twin \(source) has no model in the graph, which would declare its relationships."
        }
        let name = drop.keys.name(operation.head.key)
        guard let edge = validation.table(table, model, try drop.keys.global(operation.head.key), name),
            let declared = edge.relationship
        else {
            return refusal(ofRelationship: operation, by: model, "it declares no relationship \(name).", bytes)
        }
        if let problem = try firstProblem(operation.head.properties, edge, drop.keys, bytes) {
            return refusal(ofRelationship: operation, by: model, problem, bytes)
        }
        guard let wanted = declared.model.target, case .model(let target) = targetKnowledge else { return nil }
        let found = store.keys.name(target)
        let isKnown = validation.table(target) != nil
        let ancestors = validation.catalog.shape(target)?.model.ancestors ?? [found]
        guard !ancestors.contains(wanted), isKnown || validation.mode == .strict else { return nil }
        let problem =
            "\(name) leads to twins of \(wanted); \(RawBytes.text(bytes, operation.head.target)) is "
            + (target == 0 ? "of no model." : "of \(found).")
        return refusal(ofRelationship: operation, by: model, problem, bytes)
    }

    private func refusal(
        ofRelationship operation: RecordOperation, by model: UInt32, _ problem: String, _ bytes: borrowing Span<UInt8>
    ) -> String {
        refusal(of: "relationship of \(RawBytes.text(bytes, operation.head.id))", by: model, problem)
    }

    // MARK: Knowledge

    /// The model a twin has after what the drop said of it so far, the operations of this record before `index` included.
    func knowledge(
        of hash: IdentityHash, before index: Int, _ drop: inout ComparisonProgress
    ) throws(DropError) -> TwinModelKnowledge {
        try drop.account.budget.spend(UInt64(index), on: .looking)
        for earlier in drop.record.operations[..<index].reversed() where earlier.hash == hash {
            guard let stated = try statedModel(earlier, drop.keys) else { continue }
            return stated
        }
        let number = drop.said.twins.number(of: hash)
        guard number != 0 else { return .unknown }
        let place = drop.said.twins.places[number]
        if place == Mentions.evaluating {
            try drop.account.budget.spend(UInt64(drop.said.waiting.items.count), on: .looking)
            for earlier in drop.said.waiting.items.reversed() where earlier.operation.number == number {
                guard let stated = try statedModel(earlier.operation, drop.keys) else { continue }
                return stated
            }
        } else if place != 0 {
            let (verb, key) = try drop.said.log.read(place) { view in (view.head.verb, view.head.key) }
            if verb == .deleteTwin { return .unknown }
            if key != 0 { return .model(key) }
            if !drop.said.twins.isCommitted(number) { return .model(0) }
        }
        guard drop.said.twins.isCommitted(number) else { return .unknown }
        drop.models.validation?.reliesOnTwins = true
        return .model(store.versions.twinModels[number])
    }

    /// What an operation says of the model; nil: nothing.
    private func statedModel(
        _ operation: RecordOperation, _ keys: borrowing StreamKeys
    ) throws(DropError) -> TwinModelKnowledge? {
        switch operation.verb {
        case .deleteTwin: return .unknown
        case .upsertTwin, .patchTwin, .replaceTwin:
            return operation.head.key == 0 ? nil : .model(try keys.global(operation.head.key))
        case .upsertRelationship, .replaceRelationship, .deleteRelationship: return nil
        }
    }
}
