import DropCore

extension DropComparison {
    /// Why the source may not say this of a twin: its model, or that of the relationship's source, is not one of those it may
    /// use.
    func scopeRefusal(_ index: Int, _ bytes: borrowing Span<UInt8>) throws(DropError) -> (Rejection.Fault, String)? {
        let operation = operations[index]
        let isTwin = operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue
        let stated = isTwin && operation.verb != .deleteTwin ? try global(operation.head.key) : 0
        guard isAllowed(model: stated) else {
            return (.model, "The source may not use the model \(store.keys.name(stated)).")
        }
        let twin = isTwin ? operation.hash : store.hash.identity(bytes, operation.head.id)
        guard case .model(let key) = try knowledge(of: twin, before: isTwin ? index : operations.count), !isAllowed(model: key)
        else {
            return nil
        }
        return (
            .model,
            "The source may not change the twin \(text(bytes, operation.head.id)): it is of the model \(store.keys.name(key))."
        )
    }

    /// Models by name, or by the namespace that `:*` ends. A twin without a model is nobody's.
    private func isAllowed(model key: UInt32) -> Bool {
        guard key != 0 else { return true }
        if let known = modelIsAllowed[key] { return known }
        let name = Array(store.keys.name(key).utf8)
        let isAllowed = job.policy.models.contains { entry in
            let entry = Array(entry.utf8)
            return entry.suffix(2) == [0x3A, 0x2A] ? name.starts(with: entry.dropLast()) : name == entry
        }
        modelIsAllowed[key] = isAllowed
        return isAllowed
    }

    /// True when a record whose relationships lack their ends is held back until the whole file is known: to be refused under
    /// `dangling: reject`, or to be checked against the models of twins that come later.
    var waitsForEnds: Bool {
        if job.policy.dangling == .reject { return true }
        return validation.map { !$0.catalog.ids.isEmpty } ?? false
    }
}
