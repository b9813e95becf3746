import DropCore

/// Holds records back until the whole drop is known, and takes them then.
struct DeferredReplay {
    private let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// Holds the current record back when a relationship of it lacks an end so far, or when it must not overtake one that does.
    ///
    /// - Returns: false where it is to be taken now.
    func holdBack(_ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>) throws(DropError) -> Bool {
        guard !drop.deferred.isEmpty || drop.record.operations.contains(where: { !$0.isOfTwin }) else { return false }
        let hash = context.store.identities.hash
        var makes: [IdentityHash] = []
        var needs: [IdentityHash] = []
        for operation in drop.record.operations {
            switch operation.verb {
            case .upsertTwin, .replaceTwin: makes.append(operation.hash)
            case .upsertRelationship, .replaceRelationship:
                needs.append(hash.identity(bytes, operation.head.id))
                needs.append(hash.identity(bytes, operation.head.target))
            case .patchTwin, .deleteTwin, .deleteRelationship: break
            }
        }
        let isWorthIt = context.job.policy.dangling == .reject || drop.deferred.isWorthMore
        let lacks = isWorthIt ? try drop.said.lacksAny(of: needs, made: makes) : false
        guard lacks || drop.deferred.touches(drop.record.operations) else { return false }
        var stream: [UInt8] = []
        for operation in drop.record.operations { append(operation, to: &stream, bytes) }
        try drop.deferred.add(
            .init(place: drop.record.place, stream: stream, makes: makes, needs: needs), drop.record.operations)
        return true
    }

    /// Writes an operation as it came.
    private func append(_ operation: RecordOperation, to stream: inout [UInt8], _ bytes: borrowing Span<UInt8>) {
        let head = operation.head
        let end = head.properties.upperBound == 0 ? head.id.upperBound : head.properties.upperBound
        // The body starts before the id's length byte or bytes.
        let start = head.id.lowerBound - (head.id.count < 128 ? 1 : head.id.count < 16384 ? 2 : 3)
        stream.append(operation.verb.rawValue)
        for shift in [0, 8, 16, 24] { stream.append(UInt8(truncatingIfNeeded: (end - start) >> shift)) }
        stream += RawBytes.copy(bytes, start..<end)
    }

    /// Decides the records that were held back: the largest set of them whose relationships have their ends when all are applied.
    func replay(_ drop: inout ComparisonProgress) throws(DropError) {
        guard !drop.deferred.isEmpty else { return }
        let records = drop.deferred.records
        var (refused, made): (Set<Int>, Set<IdentityHash>) = ([], [])
        // Otherwise they were only held back to be checked against the models of their ends.
        if context.job.policy.dangling == .reject {
            let said = drop.said
            (refused, made) = try drop.deferred.undecidable { (hash) throws(DropError) in try said.exists(hash) }
        }
        drop.deferred.beginReplay()
        let taker = RecordTaker(context)
        for (index, record) in records.enumerated() {
            let bytes = record.stream.span
            drop.record.begin(record.place)
            try takeOperations(of: record, taker, &drop)
            if refused.contains(index) {
                drop.record.end()
                taker.keepNamed(&drop)
                // Where another drop makes one of them before the commit, the record is taken after all.
                for end in record.needs where try !drop.said.exists(end) { drop.said.twins.absent.append(end) }
                drop.record.operations.removeAll(keepingCapacity: true)
                try drop.account.reject(record.place, .dangling, try danglingEnds(of: record, made: made, drop))
                continue
            }
            try taker.end(&drop, bytes)
            try RecordComparer(context).compareWaiting(&drop, bytes)
        }
        drop.account.orderRejections()
        drop.deferred.endReplay()
    }

    private func takeOperations(
        of record: DeferredRecords.Record, _ taker: RecordTaker, _ drop: inout ComparisonProgress
    ) throws(DropError) {
        let bytes = record.stream.span
        var reader = OperationReader(end: bytes.count)
        while case .operation(let verb, _, let body)? = try reader.entry(bytes) { try taker.take(verb, body, bytes, &drop) }
    }

    /// Which twins the relationships of a refused record lack, and at which end; the first three relationships are named.
    private func danglingEnds(
        of record: DeferredRecords.Record, made: Set<IdentityHash>, _ drop: borrowing ComparisonProgress
    ) throws(DropError) -> String {
        let made = made.union(record.makes)
        let bytes = record.stream.span
        var reader = OperationReader(end: bytes.count)
        var sentences: [String] = []
        var unnamed = 0
        while case .operation(let verb, _, let body)? = try reader.entry(bytes) {
            guard verb == .upsertRelationship || verb == .replaceRelationship else { continue }
            let head = try OperationReader.head(verb, body, bytes, base: 0, validating: false)
            let source = RawBytes.copy(bytes, head.id)
            var missing: [String] = []
            for (end, id) in [("source", source), ("target", RawBytes.copy(bytes, head.target))]
            where try drop.said.lacksAny(of: [context.store.identities.hash.identity(id)], made: made) {
                missing.append("its \(end) \(Self.shown(id))")
            }
            guard !missing.isEmpty else { continue }
            guard sentences.count < 3 else {
                unnamed += 1
                continue
            }
            _ = try drop.keys.global(head.key)
            let name = head.key == 0 ? "" : " " + Self.shown(Array(drop.keys.name(head.key).utf8))
            let does = missing.count == 1 ? "does" : "do"
            sentences.append(
                "Relationship\(name) of \(Self.shown(source)): \(missing.joined(separator: " and ")) \(does) not exist.")
        }
        if unnamed > 0 { sentences.append("\(unnamed) more relationships of this record lack an end.") }
        return sentences.joined(separator: " ")
    }

    static func shown(_ name: [UInt8]) -> String {
        String(String(decoding: name, as: UTF8.self).unicodeScalars.prefix(128))
    }
}
