import DropCore

/// Takes the records of a drop: all operations of one, or none.
struct RecordTaker {
    private let context: ComparisonContext
    private let twins: TwinComparer
    private let relationships: RelationshipComparer

    init(_ context: ComparisonContext) {
        self.context = context
        twins = TwinComparer(context)
        relationships = RelationshipComparer(context)
    }

    func begin(
        _ gap: Int64, _ length: UInt64, _ reader: OperationReader, _ drop: inout ComparisonProgress
    ) throws(DropError) {
        let offset = try advance(gap, length, reader, &drop)
        try drop.account.budget.spend(1, on: .records)
        drop.account.books.recordsRead += 1
        drop.record.begin(RecordPlace(number: drop.account.books.recordsRead, offset: offset, length: length))
        if let amendment = context.job.amendment { try AmendedRecords(context, amendment).checkPlace(of: drop.record.place) }
    }

    /// The offset of the part that comes next in the file.
    func advance(
        _ gap: Int64, _ length: UInt64, _ reader: OperationReader, _ drop: inout ComparisonProgress
    ) throws(DropError) -> UInt64 {
        guard let offset = drop.account.advance(gap, length) else {
            throw reader.failure("a record or span lies outside the file, which has \(context.job.bytes) bytes")
        }
        return offset
    }

    /// Checks an operation as far as it needs no others, and puts it with its record.
    @inline(__always)
    func take(
        _ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>, _ drop: inout ComparisonProgress
    ) throws(DropError) {
        if !drop.deferred.isReplaying { try drop.account.budget.spend(1, on: .operations) }
        drop.account.hasOperations = true
        if verb.isOfTwin {
            try twins.take(verb, body, bytes, &drop)
        } else {
            try relationships.take(verb, body, bytes, &drop)
        }
    }

    /// The end of a record, if one is open.
    @inline(__always)
    func end(_ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        guard drop.record.isOpen else { return }
        drop.record.end()
        defer { drop.record.operations.removeAll(keepingCapacity: true) }
        if let amendment = context.job.amendment {
            if try AmendedRecords(context, amendment).take(&drop, bytes) { return }
        }
        if let (code, message) = drop.record.rejection {
            drop.list.unknownRecords += 1  // The plugin ended it early: what else it would have named is not known.
            return try drop.account.reject(drop.record.place, code, message)
        }
        if drop.record.operations.isEmpty {
            drop.account.books.recordsFiltered += 1
            return
        }
        if drop.record.operations.count == 1, drop.record.operations[0].isKnown {
            drop.account.books.recordsUsed += 1
            drop.account.books.unchanged += 1
            drop.said.markSeen(drop.record.operations[0])
            context.follow(drop.record.operations[0])
            return
        }
        try checkAndApply(&drop, bytes)
    }

    private func checkAndApply(_ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        let check = RecordCheck(context)
        for index in drop.record.operations.indices where !drop.record.operations[index].isKnown {
            guard let (code, message) = try check.refusal(index, &drop, bytes) else { continue }
            keepNamed(&drop)
            return try drop.account.reject(drop.record.place, code, message)
        }
        if !drop.deferred.endsGone.isEmpty,
            let message = try EndsGone(context).refusal(drop.record, drop.keys, of: drop.deferred.endsGone, bytes)
        {
            keepNamed(&drop)
            return try drop.account.reject(drop.record.place, .dangling, message)
        }
        if drop.models.waitsForEnds, !drop.deferred.isReplaying, try DeferredReplay(context).holdBack(&drop, bytes) { return }
        drop.account.books.recordsUsed += 1
        let isAlone = drop.record.operations.count == 1
        for index in drop.record.operations.indices {
            try apply(drop.record.operations[index], isAlone: isAlone, &drop, bytes)
        }
    }

    /// What a refused record names is not missing from a snapshot. Where it names something new, its key may be the fault: then
    /// nobody knows what it was to list.
    func keepNamed(_ drop: inout ComparisonProgress) {
        guard context.job.policy.mode == .snapshot else { return }
        // What another drop is to make is not there yet.
        let said = drop.said
        let hasForeign = drop.record.operations.contains {
            ($0.isOfTwin ? said.twins : said.relationships).isForeign($0.number)
        }
        guard drop.record.isKnownThroughout, !hasForeign else {
            drop.list.unknownRecords += 1
            return
        }
        for operation in drop.record.operations { drop.said.markNamed(operation) }
    }

    @inline(__always)
    private func apply(
        _ operation: RecordOperation, isAlone: Bool, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        var operation = operation
        if !isAlone {
            // An operation before it in the record may have made or changed what it names.
            operation.number = drop.said.number(of: operation)
            if drop.said.isStated(operation) { operation.isKnown = false }
        }
        if context.isTracked { try noteDelete(operation, &drop, bytes) }
        if operation.isKnown {
            drop.account.books.unchanged += 1
            drop.said.markSeen(operation)
            context.follow(operation)
        } else if operation.isOfTwin {
            try twins.apply(operation, &drop, bytes)
        } else {
            try relationships.apply(operation, &drop, bytes)
        }
    }

    /// Keeps the name of what an operation deletes, whether it is there or not.
    private func noteDelete(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        switch operation.verb {
        case .deleteTwin: drop.spoken.noteDelete(ofTwin: RawBytes.copy(bytes, operation.head.id))
        case .deleteRelationship:
            let id = try drop.keys.relationshipID(operation.head, bytes)
            drop.spoken.noteDelete(ofRelationship: id, of: RawBytes.copy(bytes, operation.head.id))
        case .upsertTwin, .replaceTwin, .patchTwin, .upsertRelationship, .replaceRelationship: break
        }
    }
}
