import CodecKit
import DropCore

/// Tells whether an operation may be applied: its names and values, the rights of its source, and the models of the graph.
struct RecordCheck {
    private let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// Why a record is refused: for machines, and for people.
    typealias Refusal = (code: Rejection.Fault, message: String)

    /// Why an operation of the current record cannot be applied; nil when it can. Malformed bytes are thrown as `protocol`.
    func refusal(
        _ index: Int, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Refusal? {
        let operation = drop.record.operations[index]
        if drop.keys.hasOdd, let refusal = try nameRefusal(operation, drop.keys, bytes) { return refusal }
        if let refusal = try identityRefusal(operation, bytes) { return refusal }
        let models = ModelCheck(context)
        let rules = operation.isOfTwin ? try models.twinRules(index, &drop) : nil
        let isPlain: Bool
        switch try checkProperties(index, rules?.table, &drop, bytes) {
        case .unfit(let message): return (.badValue, message)
        case .fit(let passes): isPlain = passes
        }
        if !context.job.policy.models.isEmpty, let refusal = try scopeRefusal(index, &drop, bytes) { return refusal }
        if let refusal = try models.refusal(index, rules, isPlain: isPlain, &drop, bytes) { return (.modelRefused, refusal) }
        if operation.verb == .patchTwin, try isMissing(operation, before: index, &drop, bytes) {
            drop.said.twins.absent.append(operation.hash)
            let id = RawBytes.text(bytes, operation.head.id)
            return (.missingTwin, "The twin \(id) does not exist, so it cannot be patched.")
        }
        return nil
    }

    // MARK: Identities

    private func identityRefusal(_ operation: RecordOperation, _ bytes: borrowing Span<UInt8>) throws(DropError) -> Refusal? {
        let head = operation.head
        if let refusal = Self.textRefusal(head.id, bytes) { return refusal }
        if !operation.isOfTwin {
            if let refusal = Self.textRefusal(head.target, bytes) { return refusal }
            if let refusal = Self.textRefusal(head.relationship, bytes) { return refusal }
        }
        guard !head.id.isEmpty else { return (.id, "The id of a twin is empty.") }
        if !operation.isOfTwin {
            let isNamed = head.key != 0 && !head.target.isEmpty
            guard isNamed || (operation.verb == .deleteRelationship && !head.relationship.isEmpty) else {
                return (.id, "A relationship of \(RawBytes.text(bytes, head.id)) has no name, or no target.")
            }
        }
        let prefixes = context.job.policy.twinPrefixes
        if !prefixes.isEmpty {
            let id = RawBytes.copy(bytes, head.id)
            guard prefixes.contains(where: { id.starts(with: $0.utf8) }) else {
                return (
                    .prefix,
                    "The source may not change the twin \(RawBytes.text(bytes, head.id)): it has none of its prefixes."
                )
            }
        }
        return nil
    }

    @inline(__always)
    private static func textRefusal(_ range: Range<Int>, _ bytes: borrowing Span<UInt8>) -> Refusal? {
        if let bad = OperationReader.firstInvalid(bytes, range) {
            let shown = Escaping.visible(RawBytes.copy(bytes, range), scalarsMax: 40)
            return (
                .id, "The id \(shown) is not UTF-8, or has a NUL, at its byte \(bad - range.lowerBound). Correct the record."
            )
        }
        guard range.count > 128, RawBytes.text(bytes, range).unicodeScalars.count > 128 else { return nil }
        return (.id, "The id \(Escaping.visible(RawBytes.copy(bytes, range), scalarsMax: 40)) is longer than 128 characters.")
    }

    // MARK: Properties

    private enum Checked {
        /// Every value is one; true when all pass the rules of the model.
        case fit(Bool)
        /// A value is none of its type.
        case unfit(String)
    }

    /// Checks every property of an operation, and notes what form they have.
    @inline(__always)
    private func checkProperties(
        _ index: Int, _ table: RuleTable?, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Checked {
        let range = drop.record.operations[index].head.properties
        let rules = table?.rules ?? []
        var isPlain = true
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: drop.keys.position)
        var last: UInt32 = 0
        var isAscending = true
        var hasAbsent = false
        while true {
            let start = reader.at
            let next: PropertyEntry?
            do throws(DropError) {
                next = try reader.property(bytes)
            } catch {
                return .unfit(try unfit(error, at: start, drop.keys, bytes))
            }
            guard let property = next else { break }
            let key = try drop.keys.global(property.key)
            if key <= last { isAscending = false }
            if property.type == .absent { hasAbsent = true }
            last = key
            if table != nil {
                let isKnown = Int(property.key) < rules.count
                if !isKnown || !rules[Int(property.key)].passes(property) { isPlain = false }
            }
        }
        if context.isTracked { try noteKeys(drop.record.operations[index], &drop, bytes) }
        drop.record.operations[index].isAscending = isAscending
        drop.record.operations[index].hasAbsent = hasAbsent
        return .fit(isPlain)
    }

    /// What is wrong with the value of the property at `start`; anything but `bad-value` is thrown on.
    @inline(never)
    private func unfit(
        _ error: DropError, at start: Int, _ keys: borrowing StreamKeys, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String {
        guard error.code == .badValue else { throw error }
        var reader = OperationReader(at: start, end: bytes.count, base: keys.position)
        let key = UInt32(clamping: try reader.varint(bytes))
        guard key > 0, Int(key) <= keys.names.count else { throw keys.undefined(key) }
        return "The property \(Escaping.visible(keys.name(key))) cannot be kept. \(error.message) Correct the record."
    }

    /// Notes which properties a statement of a tracked drop has.
    @inline(never)
    private func noteKeys(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        guard operation.verb.rawValue < OperationVerb.deleteTwin.rawValue else { return }
        var stated: Set<UInt32> = []
        let range = operation.head.properties
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: drop.keys.position)
        while let property = try reader.property(bytes, validating: false) { stated.insert(try drop.keys.global(property.key)) }
        drop.spoken.note(stated)
    }

    /// True when there is no twin to patch: neither in the graph nor stated earlier in the drop.
    private func isMissing(
        _ operation: RecordOperation, before index: Int, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        try drop.account.budget.spend(UInt64(index), on: .looking)
        for earlier in drop.record.operations[..<index].reversed()
        where earlier.hash == operation.hash && earlier.verb != .patchTwin {
            guard earlier.isOfTwin else { continue }
            return earlier.verb == .deleteTwin
        }
        guard operation.number != 0 else { return true }
        // What this frame said of it is written down first.
        if drop.said.twins.places[operation.number] == Mentions.evaluating {
            try RecordComparer(context).compareWaiting(&drop, bytes)
        }
        // On its way with another drop: whether that came first is known at the commit.
        if drop.said.twins.isForeign(operation.number) { return context.writer != nil }
        return try drop.said.isDeleted(operation.number)
    }

    // MARK: Names and rights

    /// Why the names that an operation uses may not be: `$dtId` and the like belong to the twin itself, and two members of one
    /// name would make a document that readers take differently. Nil when all may be.
    private func nameRefusal(
        _ operation: RecordOperation, _ keys: borrowing StreamKeys, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Refusal? {
        if !operation.isOfTwin, operation.head.key != 0 {
            _ = try keys.global(operation.head.key)
            let name = keys.name(operation.head.key)
            if MemberName.kind(of: name) != .name { return (.name, Self.refusal(of: name, as: "a relationship")) }
        }
        let range = operation.head.properties
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: keys.position)
        // The values are judged with their record (`checkProperties`): a bad one is that record's, not the whole drop's.
        while let property = try reader.property(bytes, validating: false) {
            _ = try keys.global(property.key)
            let name = keys.name(property.key)
            if MemberName.kind(of: name) == .other { return (.name, Self.refusal(of: name, as: "a property")) }
        }
        return nil
    }

    private static func refusal(of name: String, as kind: String) -> String {
        let shown = String(String.UnicodeScalarView(name.unicodeScalars.prefix(80)))
        return
            "The plugin names \(kind) '\(shown)': DTDL allows letters, digits and '_', a letter first and no '_' last. Correct "
            + "the source's mapping or plugin, or the header it takes names from."
    }

    /// Why the source may not say this of a twin: its model, or that of the relationship's source, is not one of those it may
    /// use.
    private func scopeRefusal(
        _ index: Int, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Refusal? {
        let (store, policy) = (context.store, context.job.policy)
        let operation = drop.record.operations[index]
        let isStated = operation.isOfTwin && operation.verb != .deleteTwin
        let stated = isStated ? try drop.keys.global(operation.head.key) : 0
        guard drop.models.isAllowed(stated, policy, store.keys) else {
            return (.model, "The source may not use the model \(store.keys.name(stated)).")
        }
        let twin = operation.isOfTwin ? operation.hash : store.identities.hash.identity(bytes, operation.head.id)
        let before = operation.isOfTwin ? index : drop.record.operations.count
        guard case .model(let key) = try ModelCheck(context).knowledge(of: twin, before: before, &drop),
            !drop.models.isAllowed(key, policy, store.keys)
        else { return nil }
        let id = RawBytes.text(bytes, operation.head.id)
        return (.model, "The source may not change the twin \(id): it is of the model \(store.keys.name(key)).")
    }
}
