import DropCore
import TwinModel

/// Compares what a drop's operations say of relationships with the graph, and logs what they would change.
struct RelationshipComparer {
    let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// Puts an operation with its record.
    func take(
        _ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>, _ drop: inout ComparisonProgress
    ) throws(DropError) {
        let store = context.store
        let head = try OperationReader.head(verb, body, bytes, base: drop.keys.position, validating: false)
        _ = try drop.keys.global(head.key)  // What follows looks its name up.
        let hash = store.identities.relationshipHash(
            source: RawBytes.copy(bytes, head.id), id: try drop.keys.relationshipID(head, bytes))
        let number = drop.said.relationships.number(of: hash)
        let fingerprint = store.identities.hash.fingerprint(bytes, verb: verb.rawValue, body, seed: context.seed)
        let isKnown =
            number != 0 && context.trustsMemory && drop.deferred.endsGone.isEmpty
            && drop.said.relationships.isRepeated(number, fingerprint)
        drop.record.operations.append(
            RecordOperation(verb: verb, head: head, hash: hash, fingerprint: fingerprint, number: number, isKnown: isKnown))
    }

    func apply(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        var operation = operation
        if let lateness = context.lateness, try LateRelationships(context, lateness).leaves(operation, &drop, bytes) { return }
        if operation.number != 0, drop.said.relationships.isForeign(operation.number) {
            guard context.writer != nil else { return try logUnseen(operation, drop.record.number, &drop, bytes) }
            context.store.identities.steal(.relationships, operation.hash, operation.number)
            operation.number = 0
        }
        guard operation.number != 0 else { return try logNew(operation, &drop, bytes) }
        context.follow(operation)
        if drop.said.relationships.places[operation.number] == Mentions.evaluating {
            try RecordComparer(context).compareWaiting(&drop, bytes)
        }
        if drop.said.relationships.isStated(operation.number) { return try stateAgain(operation, &drop, bytes) }
        drop.said.relationships.places[operation.number] = Mentions.evaluating
        drop.said.waiting.append(Evaluation(operation: operation, record: drop.record.number))
    }

    /// One that cannot be compared, because it is not there for us: the writer compares.
    private func logUnseen(
        _ operation: RecordOperation, _ record: UInt64, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        if operation.verb == .deleteRelationship { drop.account.books.deleted += 1 } else { drop.account.books.updated += 1 }
        try log(operation, try statement(operation, record, drop, bytes), &drop, bytes, isNew: false)
    }

    private func logNew(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        var operation = operation
        guard operation.verb != .deleteRelationship else {
            // The writer also looks among those that wait.
            drop.account.books.unchanged += 1
            drop.said.relationships.absent.append(operation.hash)
            drop.said.hasUnstampedValues = true
            return
        }
        let (number, isNew) = drop.said.relationships.introduce(operation.hash)
        operation.number = number
        guard isNew else { return try apply(operation, &drop, bytes) }
        context.follow(operation)
        drop.account.books.created += 1
        try log(operation, try statement(operation, drop.record.number, drop, bytes), &drop, bytes, isNew: true)
    }

    /// As `fold`; where both are not the same, a person is told of it.
    private func stateAgain(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        guard let earlier = try fold(operation, &drop, bytes), context.isOfDrop(drop.record.number) else { return }
        drop.account.again.note(try drop.names(of: operation, bytes), earlier, drop.record.number)
    }

    /// Folds an operation into what the drop said about the relationship before.
    ///
    /// - Returns: the record that it contradicts; nil: none.
    private func fold(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> UInt64? {
        let place = drop.said.relationships.places[operation.number]
        let (before, entry) = try drop.said.statement(at: place)
        let target = try drop.said.log.read(place) { view in view.bytes(entry.idLength..<entry.idLength + entry.targetLength) }
        let now = try statement(operation, drop.record.number, drop, bytes)
        try drop.account.budget.spend(before.byteCount + now.byteCount, on: .repeated)
        let after = before.followed(by: now)
        let isMoved =
            after.kind != .delete && before.kind != .delete && target != RawBytes.copy(bytes, operation.head.target)
        if case .reject = context.job.policy.dangling, before.kind != .delete, isMoved || after.kind == .delete {
            let hash = context.store.identities.hash
            drop.said.formerEnds.formUnion([hash.identity(target), hash.identity(bytes, operation.head.id)])
        }
        let base: TwinRecord? = try entry.isNew ? TwinRecord.nothing : context.relationship(operation.number)
        let step = isMoved ? .differs : base.map { DropStatement.step(from: $0, before, after) } ?? .differs
        drop.account.count(step, before: before, after: after, isNew: entry.isNew)
        // Whether all is as before the drop is left to the writer here: a move back is rare.
        try log(operation, after, &drop, bytes, isNew: entry.isNew)
        return isMoved || now.contradicts(before) ? before.record : nil
    }

    /// Compares a statement with the relationship's record.
    func compare(
        _ item: Evaluation, _ query: RelationshipQuery, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        let operation = item.operation
        defer { query.reset() }
        guard try query.find(operation.number) else { return try logUnseen(operation, item.record, &drop, bytes) }
        let statement = try statement(operation, item.record, drop, bytes)
        if statement.kind == .delete {
            drop.account.books.deleted += 1
            drop.said.relationships.deleted += 1
            try drop.noteChange(operation, record: item.record, context, bytes)
            return try log(operation, statement, &drop, bytes, isNew: false)
        }
        let target = drop.said.twins.number(of: context.store.identities.hash.identity(bytes, operation.head.target))
        let name = query.name
        let base = try query.record()
        if target != 0, target == query.target, statement.changesNothing(in: base, key: name) {
            if !drop.said.hasUnstampedValues, !base.mentions(context.isOwn) { drop.said.hasUnstampedValues = true }
            drop.account.books.unchanged += 1
            return drop.said.relationships.noteUnchanged(operation, drop.keys, context)
        }
        drop.account.books.updated += 1
        try drop.noteChange(operation, record: item.record, context, bytes)
        try log(operation, statement, &drop, bytes, isNew: false)
    }

    // MARK: Writing

    private func statement(
        _ operation: RecordOperation, _ record: UInt64, _ drop: borrowing ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> DropStatement {
        try DropStatement(operation, drop.keys, bytes, by: context.dropNumber, record: record)
    }

    private func log(
        _ operation: RecordOperation, _ statement: DropStatement, _ drop: inout ComparisonProgress,
        _ bytes: borrowing Span<UInt8>, isNew: Bool
    ) throws(DropError) {
        try drop.said.logRelationship(operation, statement, drop.keys, bytes, isNew: isNew, context)
    }
}
