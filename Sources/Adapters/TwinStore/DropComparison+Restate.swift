import DropCore
import GRDB

/// What a drop found unchanged, and somebody else has changed since.
struct ForeignChanges {
    var twins: [UInt32] = []
    var relationships: [UInt32] = []

    /// More are not stated again one by one: the drop is compared again as a whole.
    static let countMax = 100_000

    var isEmpty: Bool { twins.isEmpty && relationships.isEmpty }
    var count: Int { twins.count + relationships.count }
}

extension DropComparison {
    /// States again, as changes for the writer, what the drop says about twins and relationships it found unchanged and that
    /// somebody else has changed since. Everything else it found stays as it is, so the work grows with the changes of others and
    /// not with the drop, but for one look at the operations it kept.
    ///
    /// On the writer's connection, inside the transaction of the commit.
    ///
    /// - Returns: false where one of them is gone: the drop must be compared again as a whole. Nothing was stated then.
    func restate(_ foreign: ForeignChanges, _ database: Database) throws(DropError) -> Bool {
        guard foreign.count <= ForeignChanges.countMax, let wanted = try identities(of: foreign, database) else { return false }
        // A refused record says nothing, whatever its operations.
        let refused = Set(rejections.map(\.record))
        var stated = ForeignChanges()
        store.publication.beginReading()
        defer { store.publication.endReading() }
        var record: UInt64 = 0
        try kept.forEach { (bytes, position) throws(DropError) in
            var reader = OperationReader(end: bytes.count, base: position)
            while let entry = try reader.entry(bytes) {
                switch entry {
                case .record: record += 1
                case .operation(let verb, _, let body) where !refused.contains(record):
                    try restate(verb, body, bytes, position, record, wanted, &stated)
                default: break
                }
            }
        }
        try log.settle()
        // Each was counted as unchanged; the writer counts what it comes to.
        books.unchanged -= min(books.unchanged, UInt64(stated.count))
        return true
    }

    /// Whom the foreign changes are about; nil where one of them is not there any more.
    private func identities(
        of foreign: ForeignChanges, _ database: Database
    ) throws(DropError) -> (twins: [IdentityHash: UInt32], relationships: [IdentityHash: UInt32])? {
        var twins: [IdentityHash: UInt32] = [:]
        var relationships: [IdentityHash: UInt32] = [:]
        let twin = try RawStatement.cached("SELECT id FROM twin WHERE no = ?", database)
        for number in foreign.twins {
            twin.bind(1, number)
            defer { twin.reset() }
            guard try twin.step() else { return nil }
            twins[store.hash.identity(twin.bytes(0))] = number
        }
        let relationship = try RawStatement.cached(
            "SELECT t.id, r.id FROM relationship r JOIN twin t ON t.no = r.source WHERE r.no = ?", database)
        for number in foreign.relationships {
            relationship.bind(1, number)
            defer { relationship.reset() }
            guard try relationship.step() else { return nil }
            relationships[store.relationshipHash(source: relationship.bytes(0), id: relationship.bytes(1))] = number
        }
        return (twins, relationships)
    }

    private func restate(
        _ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>, _ position: UInt64, _ record: UInt64,
        _ wanted: (twins: [IdentityHash: UInt32], relationships: [IdentityHash: UInt32]), _ stated: inout ForeignChanges
    ) throws(DropError) {
        let isTwin = verb.rawValue <= OperationVerb.deleteTwin.rawValue
        guard !(isTwin ? wanted.twins : wanted.relationships).isEmpty else { return }
        let head = try OperationReader.head(verb, body, bytes, base: position, validating: false)
        let hash =
            isTwin
            ? store.hash.identity(bytes, head.id)
            : store.relationshipHash(source: array(bytes, head.id), id: try relationshipID(head, bytes))
        guard let number = isTwin ? wanted.twins[hash] : wanted.relationships[hash] else { return }
        let operation = Pending(
            verb: verb, head: head, hash: hash,
            fingerprint: store.hash.fingerprint(bytes, verb: verb.rawValue, body, seed: seed), number: number, isKnown: false,
            hasAbsent: true)
        let now = try statement(operation, bytes, record: record)
        let place = isTwin ? twinPlaces[number] : relationshipPlaces[number]
        if place == 0 {
            if isTwin { stated.twins.append(number) } else { stated.relationships.append(number) }
        }
        let after = place == 0 ? now : try statement(at: place).followed(by: now)
        if isTwin {
            try logTwin(operation, after, bytes, isNew: false)
        } else {
            try logRelationship(operation, after, bytes, isNew: false)
        }
    }

    /// What the drop has said so far, at a place of the log.
    private func statement(at place: UInt32) throws(DropError) -> DropStatement {
        try log.read(place) { (view) throws(DropError) in
            let entry = view.head
            let names = entry.idLength + entry.targetLength + entry.relationshipLength
            return try DropStatement(entry, view.bytes(names..<view.length - ChangeLog.headLength))
        }
    }
}
