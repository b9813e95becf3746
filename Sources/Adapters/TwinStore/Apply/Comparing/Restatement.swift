import DropCore

/// What a drop found unchanged, and somebody else has changed since.
struct ForeignChanges {
    var twins: [UInt32] = []
    var relationships: [UInt32] = []

    /// More are not stated again one by one: the drop is compared again as a whole.
    static let countMax = 100_000

    var isEmpty: Bool { twins.isEmpty && relationships.isEmpty }
    var count: Int { twins.count + relationships.count }
}

/// States again, as changes for the writer, what a drop says about twins and relationships it found unchanged and that somebody
/// else has changed since. Everything else it found stays as it is, so the work grows with the changes of others and not with the
/// drop, but for one look at the operations it kept.
///
/// On the writer's connection, inside the transaction of the commit.
struct Restatement {
    private let context: ComparisonContext
    /// Whom the foreign changes are about.
    private let twins: [IdentityHash: UInt32]
    private let relationships: [IdentityHash: UInt32]

    /// Nil where there are too many foreign changes, or one of what they are about is not there any more.
    init?(_ foreign: ForeignChanges, _ context: ComparisonContext, _ database: StoreTransaction) throws(DropError) {
        guard foreign.count <= ForeignChanges.countMax else { return nil }
        self.context = context
        let store = context.store
        var twins: [IdentityHash: UInt32] = [:]
        var relationships: [IdentityHash: UInt32] = [:]
        let lookups = GraphLookups(database)
        for number in foreign.twins {
            guard let id = try lookups.twinID(number) else { return nil }
            twins[store.identities.hash.identity(id)] = number
        }
        for number in foreign.relationships {
            guard let (source, id) = try lookups.relationshipIDs(number) else { return nil }
            relationships[store.identities.relationshipHash(source: source, id: id)] = number
        }
        (self.twins, self.relationships) = (twins, relationships)
    }

    /// States them again in the order of the file.
    ///
    /// - Returns: how many twins and relationships were stated that the drop had no change of.
    func state(
        _ kept: KeptFrames, refused: Set<UInt64>, _ keys: StreamKeys, in said: inout Said
    ) throws(DropError) -> Int {
        context.store.versions.cacheLock.lockForReading()
        defer { context.store.versions.cacheLock.unlockAfterReading() }
        var record: UInt64 = 0
        var stated = 0
        try kept.forEach { (bytes, position) throws(DropError) in
            var reader = OperationReader(end: bytes.count, base: position)
            while let entry = try reader.entry(bytes) {
                switch entry {
                case .record: record += 1
                case .operation(let verb, _, let body) where !refused.contains(record):
                    let head = OperationPlace(verb: verb, body: body, position: position, record: record)
                    if try state(head, bytes, keys, in: &said) { stated += 1 }
                default: break
                }
            }
        }
        try said.log.finishWrites()
        return stated
    }

    /// An operation in a frame that begins at `position`.
    private struct OperationPlace {
        let verb: OperationVerb
        let body: Range<Int>
        let position: UInt64
        let record: UInt64
    }

    /// True where the operation is the first that the log has of what it is about.
    private func state(
        _ place: OperationPlace, _ bytes: borrowing Span<UInt8>, _ keys: StreamKeys, in said: inout Said
    ) throws(DropError) -> Bool {
        let store = context.store
        let isTwin = place.verb.isOfTwin
        guard !(isTwin ? twins : relationships).isEmpty else { return false }
        let head = try OperationReader.head(place.verb, place.body, bytes, base: place.position, validating: false)
        let hash =
            isTwin
            ? store.identities.hash.identity(bytes, head.id)
            : store.identities.relationshipHash(source: RawBytes.copy(bytes, head.id), id: try keys.relationshipID(head, bytes))
        guard let number = isTwin ? twins[hash] : relationships[hash] else { return false }
        let operation = RecordOperation(
            verb: place.verb, head: head, hash: hash,
            fingerprint: store.identities.hash.fingerprint(bytes, verb: place.verb.rawValue, place.body, seed: context.seed),
            number: number, isKnown: false, hasAbsent: true)
        let now = try DropStatement(operation, keys, bytes, by: context.dropNumber, record: place.record)
        let before = isTwin ? said.twins.places[number] : said.relationships.places[number]
        let after = try before == 0 ? now : said.statement(at: before).statement.followed(by: now)
        if isTwin {
            try said.logTwin(operation, after, bytes, isNew: false, by: context.dropNumber)
        } else {
            try said.logRelationship(operation, after, keys, bytes, isNew: false, context)
        }
        return before == 0
    }
}
