import DropCore

/// How far the comparison of a drop is: everything that changes while its operations come. It is passed inout, and cannot be
/// copied, so that its arrays never are.
struct ComparisonProgress: ~Copyable {
    var keys = StreamKeys()
    var record = CurrentRecord()
    var account: DropAccount
    var said: Said
    var late = LateOutcome()
    var spoken = SpokenNames()
    var list = ListDifference()
    var models: ModelRules
    var deferred: DeferredRecords

    /// - Parameter gone: twins that the drop was found to delete and to state relationships of (`EndsGone`).
    init(_ context: ComparisonContext, refusing gone: Set<IdentityHash> = []) {
        account = DropAccount(context.job)
        said = Said(context)
        models = ModelRules(context)
        deferred = DeferredRecords(refusing: gone)
    }

    /// A record changes a committed twin or relationship. Where an earlier record was counted as unchanged because it said of it
    /// what is so, that one is superseded, and a person is told.
    ///
    /// - Parameter record: the one that changes it.
    mutating func noteChange(
        _ operation: RecordOperation, record: UInt64, _ context: ComparisonContext, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        let isConfirmed =
            operation.isOfTwin
            ? said.twins.isConfirmed(operation.number) : said.relationships.isConfirmed(operation.number)
        guard isConfirmed, account.books.unchanged > 0, context.isOfDrop(record) else { return }
        account.books.unchanged -= 1
        account.books.superseded += 1
        account.again.note(try names(of: operation, bytes), nil, record)
    }

    /// The id of an operation's twin; of a relationship, its twin's id before its own.
    func names(of operation: RecordOperation, _ bytes: borrowing Span<UInt8>) throws(DropError) -> [[UInt8]] {
        let id = RawBytes.copy(bytes, operation.head.id)
        return try operation.isOfTwin ? [id] : [id, keys.relationshipID(operation.head, bytes)]
    }
}

/// The models that a drop's operations are checked against.
struct ModelRules {
    /// Nil where operations are not checked against models.
    let validation: DropValidation?
    /// True when a record whose relationships lack their ends is held back until the whole file is known: to be refused under
    /// `dangling: reject`, or to be checked against the models of twins that come later.
    let waitsForEnds: Bool
    /// By global key: whether the policy allows the model.
    private var allowed: [UInt32: Bool] = [:]

    init(_ context: ComparisonContext) {
        let policy = context.job.policy
        let validation = DropValidation(policy.validation, context.store.catalog.keyed)
        self.validation = validation
        waitsForEnds = policy.dangling == .reject || validation.map { !$0.catalog.isEmpty } ?? false
    }

    /// Models by name, or by the namespace that `:*` ends. A twin without a model is nobody's.
    mutating func isAllowed(_ key: UInt32, _ policy: ApplyPolicy, _ names: GlobalKeys) -> Bool {
        guard key != 0 else { return true }
        if let known = allowed[key] { return known }
        let isAllowed = Self.isAllowed(names.name(key), policy.models)
        allowed[key] = isAllowed
        return isAllowed
    }

    static func isAllowed(_ model: String, _ entries: [String]) -> Bool {
        let name = Array(model.utf8)
        return entries.contains { entry in
            let entry = Array(entry.utf8)
            return entry.suffix(2) == [0x3A, 0x2A] ? name.starts(with: entry.dropLast()) : name == entry
        }
    }
}
