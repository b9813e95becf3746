import DropCore
import TwinModel

/// Compares what a drop's operations say of twins with the graph, and logs what they would change.
struct TwinComparer {
    let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// Puts an operation with its record.
    @inline(__always)
    func take(
        _ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>, _ drop: inout ComparisonProgress
    ) throws(DropError) {
        let head = try OperationReader.head(verb, body, bytes, base: drop.keys.position, validating: false)
        _ = try drop.keys.global(head.key)
        let hash = context.store.identities.hash.identity(bytes, head.id)
        let number = drop.said.twins.number(of: hash)
        let fingerprint = context.store.identities.hash.fingerprint(bytes, verb: verb.rawValue, body, seed: context.seed)
        let isKnown = number != 0 && context.trustsMemory && drop.said.twins.isRepeated(number, fingerprint)
        drop.record.operations.append(
            RecordOperation(verb: verb, head: head, hash: hash, fingerprint: fingerprint, number: number, isKnown: isKnown))
    }

    @inline(__always)
    func apply(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        var operation = operation
        if operation.verb == .deleteTwin { drop.said.deletesTwins = true }
        if let lateness = context.lateness, try LateTwins(context, lateness).take(operation, &drop, bytes) { return }
        if operation.number != 0, drop.said.twins.isForeign(operation.number) {
            guard context.writer != nil else { return try logForeign(operation, &drop, bytes) }
            context.store.identities.steal(.twins, operation.hash, operation.number)
            operation.number = 0
        }
        guard operation.number != 0 else {
            if operation.verb == .deleteTwin { return noteAbsent(operation, &drop) }
            return try logNew(operation, &drop, bytes)
        }
        context.follow(operation)
        if drop.said.twins.places[operation.number] == Mentions.evaluating {
            try RecordComparer(context).compareWaiting(&drop, bytes)
        }
        if drop.said.twins.isStated(operation.number) { return try stateAgain(operation, &drop, bytes) }
        if isSurelyNew(operation, drop) {
            drop.account.books.updated += 1
            let isReplace = operation.verb == .replaceTwin
            return try logRecord(
                operation, as: isReplace ? .replaceTwin : .upsertTwin, &drop, bytes, isNew: false, keepsAbsent: !isReplace)
        }
        drop.said.twins.places[operation.number] = Mentions.evaluating
        drop.said.waiting.append(Evaluation(operation: operation, record: drop.record.number))
        if drop.said.waiting.isSampleDue() { try RecordComparer(context).compareWaiting(&drop, bytes) }
    }

    /// True when there is little sense in comparing with the record here, as the writer does it again: the source said something
    /// else about the twin before, and in this drop such statements have mostly been changes. (After a new mapping they are not:
    /// then comparing belongs beside the commits.) The writer counts what it comes to.
    @inline(__always)
    private func isSurelyNew(_ operation: RecordOperation, _ drop: borrowing ComparisonProgress) -> Bool {
        context.lateness == nil && drop.said.waiting.sample.isMostlyChange && context.writer == nil && operation.isAscending
            && operation.verb != .deleteTwin && drop.said.twins.hasFingerprint(operation.number)
            && !drop.said.twins.isConfirmed(operation.number)
    }

    /// It deletes what is not there.
    private func noteAbsent(_ operation: RecordOperation, _ drop: inout ComparisonProgress) {
        drop.account.books.unchanged += 1
        drop.said.twins.absent.append(operation.hash)
        drop.said.goneInWord.append(operation.hash)
        drop.said.hasUnstampedValues = true
    }

    /// A twin that another drop introduces, not committed yet: the writer compares.
    private func logForeign(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        if operation.verb == .deleteTwin { drop.account.books.deleted += 1 } else { drop.account.books.updated += 1 }
        try log(operation, try statement(operation, drop, bytes), &drop, bytes, isNew: false)
    }

    @inline(__always)
    private func logNew(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        var operation = operation
        let (number, isNew) = drop.said.twins.introduce(operation.hash)
        operation.number = number
        guard isNew else { return try applyAgain(operation, &drop, bytes) }
        context.follow(operation)
        if operation.isAscending {
            try logRecord(operation, as: operation.verb, &drop, bytes, isNew: true, keepsAbsent: false)
        } else {
            try log(operation, try statement(operation, drop, bytes), &drop, bytes, isNew: true)
        }
        drop.account.books.created += 1
    }

    /// Another drop introduced the twin this moment.
    @inline(never)
    private func applyAgain(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        try apply(operation, &drop, bytes)
    }

    /// As `fold`; where both are not the same, a person is told of it.
    private func stateAgain(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        let number = operation.number
        let (before, entry) = try drop.said.statement(at: drop.said.twins.places[number])
        let now = try statedAgain(operation, &drop, bytes)
        try fold(operation, (before, entry, now), &drop, bytes)
        guard now.contradicts(before), context.isOfDrop(drop.record.number) else { return }
        drop.account.again.note(try drop.names(of: operation, bytes), before.record, drop.record.number)
    }

    /// Folds an operation into what the drop said about the twin before.
    private func fold(
        _ operation: RecordOperation, _ said: (before: DropStatement, entry: ChangeEntry, now: DropStatement),
        _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        let number = operation.number
        let (before, entry, now) = said
        try drop.account.budget.spend(before.byteCount + now.byteCount, on: .repeated)
        let after = before.followed(by: now)
        if entry.isNew {
            let step = DropStatement.step(from: TwinRecord.nothing, before, after)
            drop.account.count(step, before: before, after: after, isNew: true)
            return try log(operation, after, &drop, bytes, isNew: true)
        }
        let known = drop.said.twins.isCommitted(number) ? try context.twin(number) : nil
        try drop.account.budget.spend(known.map { UInt64($0.record.properties.count) * 8 } ?? 0, on: .repeated)
        guard let (base, model) = known else {
            drop.account.count(.differs, before: before, after: after, isNew: false)
            return try log(operation, after, &drop, bytes, isNew: false)
        }
        var step = DropStatement.step(from: base, before, after)
        if step != .same, after.kind != .delete, after.changesNothing(in: base, key: model) { step = .reverted }
        drop.account.count(step, before: before, after: after, isNew: false)
        guard step == .reverted else { return try log(operation, after, &drop, bytes, isNew: false) }
        drop.said.twins.places[number] = 0
        drop.said.twins.markSeen(number)
    }

    /// What an operation states of a twin that the drop spoke of before.
    private func statedAgain(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> DropStatement {
        guard let lateness = context.lateness else { return try statement(operation, drop, bytes) }
        return try LateTwins(context, lateness).statedAgain(operation, &drop, bytes)
    }

    // MARK: Committed twins

    /// Compares a statement with the twin's record.
    @inline(__always)
    func compare(
        _ item: Evaluation, _ query: TwinQuery, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        let operation = item.operation
        defer { query.reset() }
        guard try query.find(operation.number) else {  // Deleted this moment: the writer decides.
            if operation.verb == .deleteTwin { drop.account.books.deleted += 1 } else { drop.account.books.updated += 1 }
            return try log(operation, try statement(item, drop, bytes), &drop, bytes, isNew: false)
        }
        if operation.verb == .deleteTwin {
            drop.account.books.deleted += 1
            drop.said.twins.deleted += 1
            try drop.noteChange(operation, record: item.record, context, bytes)
            return try log(operation, try statement(item, drop, bytes), &drop, bytes, isNew: false)
        }
        let model = query.model
        let key = try drop.keys.global(operation.head.key)
        if operation.isCanonical, drop.keys.areEqual, key == 0 || key == model {
            let (isEqual, owner, base) = try query.sameProperties(as: bytes, operation.head.properties)
            if isEqual {
                if !drop.said.hasUnstampedValues, !context.isOwn(owner), !context.isOwn(base) {
                    drop.said.hasUnstampedValues = true
                }
                return noteUnchanged(operation, &drop)
            }
        }
        let base = try query.record()
        let statement = try statement(item, drop, bytes)
        if statement.changesNothing(in: base, key: model) {
            if !drop.said.hasUnstampedValues, !base.mentions(context.isOwn) { drop.said.hasUnstampedValues = true }
            return noteUnchanged(operation, &drop)
        }
        drop.said.waiting.note(isChange: true)
        drop.account.books.updated += 1
        try drop.noteChange(operation, record: item.record, context, bytes)
        try log(operation, statement, &drop, bytes, isNew: false)
    }

    private func noteUnchanged(_ operation: RecordOperation, _ drop: inout ComparisonProgress) {
        drop.said.waiting.note(isChange: false)
        drop.account.books.unchanged += 1
        drop.said.twins.noteUnchanged(operation, drop.keys, context)
    }

    // MARK: Writing

    /// What an operation of the current record states.
    func statement(
        _ operation: RecordOperation, _ drop: borrowing ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> DropStatement {
        try DropStatement(operation, drop.keys, bytes, by: context.dropNumber, record: drop.record.number)
    }

    private func statement(
        _ item: Evaluation, _ drop: borrowing ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> DropStatement {
        try DropStatement(item.operation, drop.keys, bytes, by: context.dropNumber, record: item.record)
    }

    func log(
        _ operation: RecordOperation, _ statement: DropStatement, _ drop: inout ComparisonProgress,
        _ bytes: borrowing Span<UInt8>, isNew: Bool
    ) throws(DropError) {
        try drop.said.logTwin(operation, statement, bytes, isNew: isNew, by: context.dropNumber)
    }

    /// Writes an operation with ascending properties as it stands.
    @inline(__always)
    private func logRecord(
        _ operation: RecordOperation, as verb: OperationVerb, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>,
        isNew: Bool, keepsAbsent: Bool
    ) throws(DropError) {
        let head = operation.head
        let log = drop.said.log  // Looked up once: it is appended to a dozen times.
        let key = try drop.keys.global(head.key)
        try log.begin(head.id.count + 64 + head.properties.count * 2)
        log.append(bytes, head.id)
        TwinRecord.appendHead(to: log, by: context.dropNumber, record: drop.record.number)
        if drop.keys.areEqual, keepsAbsent || !operation.hasAbsent {
            log.append(bytes, head.properties)
        } else {
            try append(head.properties, to: log, drop.keys, bytes, keepsAbsent: keepsAbsent)
        }
        drop.said.twins.places[operation.number] = try log.finish(
            ChangeEntry(
                kind: .twin, verb: verb, isNew: isNew, number: operation.number, key: key, record: drop.record.number,
                fingerprint: operation.fingerprint, idLength: head.id.count, targetLength: 0, relationshipLength: 0))
    }

    /// Ascending properties, their keys made global.
    private func append(
        _ properties: Range<Int>, to log: ChangeLog, _ keys: borrowing StreamKeys, _ bytes: borrowing Span<UInt8>,
        keepsAbsent: Bool
    ) throws(DropError) {
        var reader = OperationReader(at: properties.lowerBound, end: properties.upperBound, base: keys.position)
        while let property = try reader.property(bytes, validating: false) {
            if property.type == .absent, !keepsAbsent { continue }
            log.append(varint: UInt64(try keys.global(property.key)))
            log.append(bytes, (property.value.lowerBound - 1)..<property.value.upperBound)
        }
    }
}

extension TwinRecord {
    /// Writes the head of a record that a drop makes.
    @inline(__always)
    static func appendHead(to log: ChangeLog, by drop: UInt64, record: UInt64) {
        log.append(version)
        log.append(varint: drop)
        log.append(0)
        log.append(varint: drop)
        log.append(varint: record)
        log.append(0)
        log.append(0)
    }
}
