import DropCore

/// What a drop has said so far that may change the graph: the log, and where in it each twin and relationship is.
struct Said {
    let log: ChangeLog
    var twins: Mentions
    var relationships: Mentions
    /// Operations of this frame that wait to be compared with committed records.
    var waiting = WaitingEvaluations()
    /// Places of relationships with an end that was not there when they were stated, or on its way with another drop.
    var unresolved: [UInt32] = []
    /// Twins that were deleted in vain, or of which a late delete took only a part: what waits for them goes all the same.
    var goneInWord: [IdentityHash] = []
    /// Where relationships began and ended that the drop stated and then moved or deleted, under `dangling: reject`.
    var formerEnds: Set<IdentityHash> = []
    /// It names a twin to be deleted.
    var deletesTwins = false
    /// The source relies on values that carry no stamp of it.
    var hasUnstampedValues = false

    /// On the writer, between transactions: what another drop is to make is not there.
    private let isOnWriter: Bool

    init(_ context: ComparisonContext) {
        isOnWriter = context.writer != nil
        log = ChangeLog(folder: context.job.scratchFolder)
        twins = Mentions(.twins, context)
        relationships = Mentions(.relationships, context)
    }

    @inline(__always)
    mutating func markSeen(_ operation: RecordOperation) {
        if operation.isOfTwin { twins.markSeen(operation.number) } else { relationships.markSeen(operation.number) }
    }

    mutating func markNamed(_ operation: RecordOperation) {
        if operation.isOfTwin { twins.markNamed(operation.number) } else { relationships.markNamed(operation.number) }
    }

    /// The number of an operation's twin or relationship as of now.
    func number(of operation: RecordOperation) -> UInt32 {
        operation.isOfTwin ? twins.number(of: operation.hash) : relationships.number(of: operation.hash)
    }

    /// True when the drop has spoken of it, and that may change it.
    func isStated(_ operation: RecordOperation) -> Bool {
        operation.isOfTwin ? twins.isStated(operation.number) : relationships.isStated(operation.number)
    }

    /// True when a twin is in the graph, or was stated by this drop or, but on the writer, another that is on its way.
    func exists(_ hash: IdentityHash) throws(DropError) -> Bool {
        let number = twins.number(of: hash)
        guard number != 0, !isOnWriter || !twins.isForeign(number) else { return false }
        return try !isDeleted(number)
    }

    /// True when the last that the drop said of a twin is that it is gone.
    func isDeleted(_ number: UInt32) throws(DropError) -> Bool {
        guard let place = twins.logged(number) else { return false }
        return try log.read(place) { view in view.head.verb == .deleteTwin }
    }

    /// True when one of the twins is not there, those in `made` not counted.
    func lacksAny(of needs: [IdentityHash], made: some Collection<IdentityHash>) throws(DropError) -> Bool {
        for hash in needs where !made.contains(hash) {
            if try !exists(hash) { return true }
        }
        return false
    }

    /// True where nothing is known of a relationship's end: it is not there, or on its way with another drop.
    func isOpen(_ end: IdentityHash) -> Bool {
        let number = twins.number(of: end)
        return number == 0 || twins.isForeign(number)
    }

    /// What the drop has said, at a place of the log, and the entry's head.
    func statement(at place: UInt32) throws(DropError) -> (statement: DropStatement, entry: ChangeEntry) {
        try log.read(place) { (view) throws(DropError) in
            let entry = view.head
            let names = entry.idLength + entry.targetLength + entry.relationshipLength
            return (try DropStatement(entry, view.bytes(names..<view.length - ChangeLog.headLength)), entry)
        }
    }

    /// Writes a statement about a twin; it takes the place of what the drop said of it before.
    mutating func logTwin(
        _ operation: RecordOperation, _ statement: DropStatement, _ bytes: borrowing Span<UInt8>, isNew: Bool, by drop: UInt64
    ) throws(DropError) {
        var statement = statement
        if isNew { statement.properties.removeAll(where: \.isAbsent) }
        let record = statement.encoded(by: drop)
        try log.begin(operation.head.id.count + record.count)
        log.append(bytes, operation.head.id)
        log.append(record)
        let verb: OperationVerb =
            switch statement.kind {
            case .merge: .upsertTwin
            case .replace: .replaceTwin
            case .delete: .deleteTwin
            }
        twins.places[operation.number] = try log.finish(
            ChangeEntry(
                kind: .twin, verb: verb, isNew: isNew, number: operation.number, key: statement.key,
                record: statement.record, fingerprint: statement.kind == .delete ? 0 : operation.fingerprint,
                idLength: operation.head.id.count, targetLength: 0, relationshipLength: 0))
    }

    /// Writes a statement about a relationship.
    mutating func logRelationship(
        _ operation: RecordOperation, _ statement: DropStatement, _ keys: borrowing StreamKeys, _ bytes: borrowing Span<UInt8>,
        isNew: Bool, _ context: ComparisonContext
    ) throws(DropError) {
        var statement = statement
        if isNew { statement.properties.removeAll(where: \.isAbsent) }
        let head = operation.head
        let id = try keys.relationshipID(head, bytes)
        let record = statement.encoded(by: context.dropNumber)
        try log.begin(head.id.count + head.target.count + id.count + record.count)
        log.append(bytes, head.id)
        log.append(bytes, head.target)
        log.append(id)
        log.append(record)
        let verb: OperationVerb =
            switch statement.kind {
            case .merge: .upsertRelationship
            case .replace: .replaceRelationship
            case .delete: .deleteRelationship
            }
        let place = try log.finish(
            ChangeEntry(
                kind: .relationship, verb: verb, isNew: isNew, number: operation.number, key: statement.key,
                record: statement.record, fingerprint: statement.kind == .delete ? 0 : operation.fingerprint,
                idLength: head.id.count, targetLength: head.target.count, relationshipLength: id.count))
        relationships.places[operation.number] = place
        guard statement.kind != .delete else { return }
        for end in [head.id, head.target] where isOpen(context.store.identities.hash.identity(bytes, end)) {
            return unresolved.append(place)
        }
    }

    /// Nothing more is said: the numbers reserved for it and not used are free again.
    mutating func giveBack() {
        twins.giveBack()
        relationships.giveBack()
    }

    /// Takes the identities this drop introduced out of the indexes again.
    mutating func abandon(_ store: StoreEngine) {
        store.identities.release(log)
        giveBack()
    }
}

extension DropStatement {
    /// What an operation states, with global keys.
    init(
        _ operation: RecordOperation, _ keys: borrowing StreamKeys, _ bytes: borrowing Span<UInt8>, by drop: UInt64,
        record: UInt64
    ) throws(DropError) {
        let kind: Kind =
            switch operation.verb {
            case .upsertTwin, .patchTwin, .upsertRelationship: .merge
            case .replaceTwin, .replaceRelationship: .replace
            case .deleteTwin, .deleteRelationship: .delete
            }
        let stamp = TwinRecord.Stamp(drop: drop, record: record)
        var properties: [TwinRecord.Property] = []
        let range = operation.head.properties
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: keys.position)
        while let property = try reader.property(bytes, validating: false) {
            let value = RawBytes.copy(bytes, (property.value.lowerBound - 1)..<property.value.upperBound)
            properties.append(.init(key: try keys.global(property.key), value: value[...], stamp: stamp))
        }
        if !operation.isCanonical { properties = Self.normalized(properties) }
        if kind == .replace { properties.removeAll(where: \.isAbsent) }
        self.init(kind: kind, key: try keys.global(operation.head.key), properties: properties, record: record)
    }
}
