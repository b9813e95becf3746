import DropCore
import GRDB
import TwinModel

extension DropComparison {
    /// The id a relationship has when its plugin gave none: `NAME:TARGET`.
    func relationshipID(_ head: OperationHead, _ bytes: borrowing Span<UInt8>) throws(DropError) -> [UInt8] {
        guard head.relationship.isEmpty else { return array(bytes, head.relationship) }
        _ = try global(head.key)
        let name = head.key == 0 ? "" : keyNames[Int(head.key) - 1]
        return Array(name.utf8) + [UInt8(ascii: ":")] + array(bytes, head.target)
    }

    func takeRelationship(_ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        let head = try OperationReader.head(verb, body, bytes, base: streamPosition, validating: false)
        _ = try global(head.key)  // What follows looks its name up.
        let hash = store.relationshipHash(source: array(bytes, head.id), id: try relationshipID(head, bytes))
        let number = store.relationships.number(of: hash)
        let fingerprint = store.hash.fingerprint(bytes, verb: verb.rawValue, body, seed: seed)
        var isKnown = false
        if number != 0, trustsMemory, memory.relationshipFingerprints[number] == fingerprint {
            isKnown = store.relationshipVersions[number] != 0 && relationshipPlaces[number] == 0
        }
        operations.append(
            Pending(verb: verb, head: head, hash: hash, fingerprint: fingerprint, number: number, isKnown: isKnown))
    }

    func applyRelationship(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        var operation = operation
        if let lateness, try isLeftRelationship(operation, lateness, bytes) { return }
        if operation.number != 0, store.relationshipVersions[operation.number] == 0, relationshipPlaces[operation.number] == 0 {
            guard writer != nil else {
                if operation.verb == .deleteRelationship { books.deleted += 1 } else { books.updated += 1 }
                return try logRelationship(
                    operation, try statement(operation, bytes, record: current.number), bytes, isNew: false)
            }
            store.steal(.relationships, operation.hash, operation.number)
            operation.number = 0
        }
        guard operation.number != 0 else { return try newRelationship(operation, bytes) }
        follow(operation)
        if relationshipPlaces[operation.number] == Self.evaluating { try evaluate(bytes) }
        if relationshipPlaces[operation.number] != 0 { return try foldRelationship(operation, bytes) }
        relationshipPlaces[operation.number] = Self.evaluating
        evaluations.append(Evaluation(operation: operation, record: current.number))
    }

    private func newRelationship(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        var operation = operation
        let number = operation.verb == .deleteRelationship ? 0 : reservedRelationships.take()
        if number == 0 {
            // The writer also looks among those that wait.
            books.unchanged += 1
            absentRelationships.append(operation.hash)
            isBare = true
            return
        }
        let other = store.relationships.enter(operation.hash, number)
        if other != 0 {
            reservedRelationships.putBack(number)
            operation.number = other
            return try applyRelationship(operation, bytes)
        }
        operation.number = number
        follow(operation)
        books.created += 1
        try logRelationship(operation, try statement(operation, bytes, record: current.number), bytes, isNew: true)
    }

    private func foldRelationship(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        let (before, entry, target) = try log.read(relationshipPlaces[operation.number]) { (view) throws(DropError) in
            let entry = view.head
            let names = entry.idLength + entry.targetLength + entry.relationshipLength
            return (
                try DropStatement(entry, view.bytes(names..<view.length - ChangeLog.headLength)), entry,
                view.bytes(entry.idLength..<entry.idLength + entry.targetLength)
            )
        }
        let now = try statement(operation, bytes, record: current.number)
        try budget.spend(before.byteCount + now.byteCount, on: .repeated)
        let after = before.followed(by: now)
        let isMoved = after.kind != .delete && before.kind != .delete && target != array(bytes, operation.head.target)
        var base: TwinRecord?
        if entry.isNew { base = .nothing } else { base = try baseRelationship(operation.number)?.record }
        let step = isMoved ? .differs : base.map { DropStatement.step(from: $0, before, after) } ?? .differs
        count(step, before: before, after: after, isNew: entry.isNew)
        // Whether all is as before the drop is left to the writer here: a move back is rare.
        try logRelationship(operation, after, bytes, isNew: entry.isNew)
    }

    func evaluateRelationship(
        _ item: Evaluation, _ query: RawStatement, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        let operation = item.operation
        query.bind(1, operation.number)
        defer { query.reset() }
        let statement = try statement(operation, bytes, record: item.record)
        guard try query.step() else {
            if statement.kind == .delete { books.deleted += 1 } else { books.updated += 1 }
            return try logRelationship(operation, statement, bytes, isNew: false)
        }
        if statement.kind == .delete {
            books.deleted += 1
            deletedRelationships += 1
            return try logRelationship(operation, statement, bytes, isNew: false)
        }
        let target = store.twins.number(of: store.hash.identity(bytes, operation.head.target))
        let name = UInt32(truncatingIfNeeded: query.integer(2))
        let base = try TwinRecord(query.bytes(3))
        if target != 0, Int64(target) == query.integer(1), statement.changesNothing(in: base, key: name) {
            if !isBare, !base.mentions({ store.isDrop($0, of: memory) }) { isBare = true }
            books.unchanged += 1
            relationshipPlaces[operation.number] = 0
            seenRelationships.insert(operation.number)
            if !keysAreNew, writer == nil, store.relationshipVersions[operation.number] <= startSequence {
                memory.relationshipFingerprints[operation.number] = operation.fingerprint
            }
            return
        }
        books.updated += 1
        try logRelationship(operation, statement, bytes, isNew: false)
    }

    func baseRelationship(_ number: UInt32) throws(DropError) -> (record: TwinRecord, name: UInt32)? {
        guard store.relationshipVersions[number] != 0 else { return nil }
        return try reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                "SELECT source, target, name, rec FROM relationship WHERE no = ?", database)
            query.bind(1, number)
            defer { query.reset() }
            guard try query.step() else { return nil }
            return (try TwinRecord(query.bytes(3)), UInt32(truncatingIfNeeded: query.integer(2)))
        }
    }

    func logRelationship(
        _ operation: Pending, _ statement: DropStatement, _ bytes: borrowing Span<UInt8>, isNew: Bool
    ) throws(DropError) {
        var statement = statement
        if isNew { statement.properties.removeAll(where: \.isAbsent) }
        let head = operation.head
        let id = try relationshipID(head, bytes)
        let record = statement.encoded(by: dropNumber)
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
        relationshipPlaces[operation.number] = place
        guard statement.kind != .delete else { return }
        for end in [head.id, head.target] where isOpen(store.twins.number(of: store.hash.identity(bytes, end))) {
            return unresolved.append(place)
        }
    }

    /// True where nothing is known of a relationship's end: it is not there, or on its way with another drop.
    private func isOpen(_ twin: UInt32) -> Bool {
        twin == 0 || (store.twinVersions[twin] == 0 && twinPlaces[twin] == 0)
    }
}
