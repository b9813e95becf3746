import DropCore
import GRDB
import TwinModel

extension DropComparison {
    @inline(__always)
    func takeTwin(_ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        let head = try OperationReader.head(verb, body, bytes, base: streamPosition, validating: false)
        _ = try global(head.key)
        let hash = store.hash.identity(bytes, head.id)
        let number = store.twins.number(of: hash)
        let fingerprint = store.hash.fingerprint(bytes, verb: verb.rawValue, body, seed: seed)
        var isKnown = false
        if number != 0, trustsMemory, memory.twinFingerprints[number] == fingerprint {
            isKnown = store.twinVersions[number] != 0 && twinPlaces[number] == 0
        }
        operations.append(
            Pending(verb: verb, head: head, hash: hash, fingerprint: fingerprint, number: number, isKnown: isKnown))
    }

    @inline(__always)
    func applyTwin(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        var operation = operation
        if let lateness, try applyLateTwin(operation, lateness, bytes) { return }
        if operation.number != 0, store.twinVersions[operation.number] == 0, twinPlaces[operation.number] == 0 {
            guard writer != nil else { return try logForeignTwin(operation, bytes) }
            store.steal(.twins, operation.hash, operation.number)
            operation.number = 0
        }
        guard operation.number != 0 else {
            if operation.verb == .deleteTwin {
                books.unchanged += 1
                absentTwins.append(operation.hash)
                goneInWord.append(operation.hash)
                isBare = true
                return
            }
            return try logNewTwin(operation, bytes)
        }
        follow(operation)
        if twinPlaces[operation.number] == Self.evaluating { try evaluate(bytes) }
        if twinPlaces[operation.number] != 0 { return try foldTwin(operation, bytes) }
        if isSurelyNew(operation) {
            books.updated += 1
            let isReplace = operation.verb == .replaceTwin
            return try logRecord(
                operation, bytes, as: isReplace ? .replaceTwin : .upsertTwin, isNew: false, keepsAbsent: !isReplace)
        }
        twinPlaces[operation.number] = Self.evaluating
        evaluations.append(Evaluation(operation: operation, record: current.number))
        if !isSampled, evaluations.count >= Self.sampleSize {
            isSampled = true
            try evaluate(bytes)
        }
    }

    /// So many statements are compared with their records first: the others are judged by them.
    private static let sampleSize = 8

    /// True when there is little sense in comparing with the record here, as the writer does it again: the source said something
    /// else about the twin before, and in this drop such statements have mostly been changes. (After a new mapping they are not:
    /// then comparing belongs beside the commits.) The writer counts what it comes to.
    @inline(__always)
    private func isSurelyNew(_ operation: Pending) -> Bool {
        lateness == nil && compared >= Self.sampleSize && foundChanged * 2 >= compared && writer == nil && operation.isAscending
            && operation.verb != .deleteTwin && memory.twinFingerprints[operation.number] != 0
    }

    /// Writes an operation with ascending properties as it stands.
    @inline(__always)
    private func logRecord(
        _ operation: Pending, _ bytes: borrowing Span<UInt8>, as verb: OperationVerb, isNew: Bool, keepsAbsent: Bool
    ) throws(DropError) {
        let head = operation.head
        let log = log  // Looked up once: it is appended to a dozen times.
        try log.begin(head.id.count + 64 + head.properties.count * 2)
        log.append(bytes, head.id)
        appendRecordHead(current.number)
        try appendProperties(operation, bytes, keepsAbsent: keepsAbsent)
        twinPlaces[operation.number] = try log.finish(
            ChangeEntry(
                kind: .twin, verb: verb, isNew: isNew, number: operation.number, key: try global(head.key),
                record: current.number, fingerprint: operation.fingerprint, idLength: head.id.count, targetLength: 0,
                relationshipLength: 0))
    }

    /// A twin that another drop introduces, not committed yet: the writer compares.
    private func logForeignTwin(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        if operation.verb == .deleteTwin { books.deleted += 1 } else { books.updated += 1 }
        try logTwin(operation, try statement(operation, bytes, record: current.number), bytes, isNew: false)
    }

    @inline(__always)
    private func logNewTwin(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        var operation = operation
        let number = reservedTwins.take()
        let other = store.twins.enter(operation.hash, number)
        if other != 0 {  // Another drop introduced it this moment.
            reservedTwins.putBack(number)
            operation.number = other
            return try applyTwin(operation, bytes)
        }
        operation.number = number
        follow(operation)
        guard operation.isAscending else {
            try logTwin(operation, try statement(operation, bytes, record: current.number), bytes, isNew: true)
            books.created += 1
            return
        }
        try logRecord(operation, bytes, as: operation.verb, isNew: true, keepsAbsent: false)
        books.created += 1
    }

    /// The head of a record that this drop makes; see `TwinRecord`.
    @inline(__always)
    func appendRecordHead(_ record: UInt64) {
        let log = log
        log.append(TwinRecord.version)
        log.append(varint: dropNumber)
        log.append(0)
        log.append(varint: dropNumber)
        log.append(varint: record)
        log.append(0)
        log.append(0)
    }

    /// Ascending properties, their keys made global.
    @inline(__always)
    func appendProperties(
        _ operation: Pending, _ bytes: borrowing Span<UInt8>, keepsAbsent: Bool
    ) throws(DropError) {
        let log = log
        let range = operation.head.properties
        if keysAreEqual, keepsAbsent || !operation.hasAbsent { return log.append(bytes, range) }
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: streamPosition)
        while let property = try reader.property(bytes, validating: false) {
            if property.type == .absent, !keepsAbsent { continue }
            log.append(varint: UInt64(try global(property.key)))
            log.append(bytes, (property.value.lowerBound - 1)..<property.value.upperBound)
        }
    }

    /// Folds an operation into what the drop said about the twin before.
    private func foldTwin(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        let (before, entry) = try log.read(twinPlaces[operation.number]) { (view) throws(DropError) in
            let entry = view.head
            return (try DropStatement(entry, view.bytes(entry.idLength..<view.length - ChangeLog.headLength)), entry)
        }
        let now = try stated(operation, bytes)
        try budget.spend(before.byteCount + now.byteCount, on: .repeated)
        let after = before.followed(by: now)
        if entry.isNew {
            let step = DropStatement.step(from: TwinRecord.nothing, before, after)
            count(step, before: before, after: after, isNew: true)
            try logTwin(operation, after, bytes, isNew: true)
            return
        }
        let known = store.twinVersions[operation.number] == 0 ? nil : try baseTwin(operation.number)
        try budget.spend(known.map { UInt64($0.0.properties.count) * 8 } ?? 0, on: .repeated)
        guard let (base, model) = known else {
            count(.differs, before: before, after: after, isNew: false)
            return try logTwin(operation, after, bytes, isNew: false)
        }
        var step = DropStatement.step(from: base, before, after)
        if step != .same, after.kind != .delete, after.changesNothing(in: base, key: model) { step = .reverted }
        count(step, before: before, after: after, isNew: false)
        if step == .reverted {
            twinPlaces[operation.number] = 0
            seenTwins.insert(operation.number)
        } else {
            try logTwin(operation, after, bytes, isNew: false)
        }
    }

    /// Books one more operation on a twin or relationship that has an effective one already.
    func count(_ step: DropStatement.Step, before: DropStatement, after: DropStatement, isNew: Bool) {
        if step == .same {
            books.unchanged += 1
            return
        }
        func book(_ statement: DropStatement, _ change: UInt64) {
            switch (statement.kind, isNew) {
            case (.delete, true): break  // Made and deleted by one drop: never there.
            case (.delete, false): books.deleted &+= change
            case (_, true): books.created &+= change
            case (_, false): books.updated &+= change
            }
        }
        book(before, ~0)
        if !(before.kind == .delete && isNew) { books.superseded += 1 }
        if step == .reverted || (isNew && after.kind == .delete) { books.unchanged += 1 } else { book(after, 1) }
    }

    /// Compares the operations of this frame that named committed twins and relationships with their records.
    func evaluate(_ bytes: borrowing Span<UInt8>) throws(DropError) {
        guard !evaluations.isEmpty else { return }
        let waiting = evaluations
        evaluations.removeAll(keepingCapacity: true)
        let bytes = copy bytes
        try reading { (database) throws(DropError) in
            let twins = try RawStatement.cached("SELECT model, rec FROM twin WHERE no = ?", database)
            let relationships = try RawStatement.cached(
                "SELECT source, target, name, rec FROM relationship WHERE no = ?", database)
            for item in waiting {
                if item.operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue {
                    try evaluateTwin(item, twins, bytes)
                } else {
                    try evaluateRelationship(item, relationships, bytes)
                }
            }
        }
    }

    /// Runs `body` on a reader, or on the writer's connection inside a commit.
    func reading<T>(_ body: (Database) throws(DropError) -> T) throws(DropError) -> T {
        if let writer { return try body(writer) }
        return try store.reading(body)
    }

    private func evaluateTwin(
        _ item: Evaluation, _ query: RawStatement, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) {
        let operation = item.operation
        let number = operation.number
        query.bind(1, number)
        defer { query.reset() }
        guard try query.step() else {  // Deleted this moment: the writer decides.
            if operation.verb == .deleteTwin { books.deleted += 1 } else { books.updated += 1 }
            return try logTwin(operation, try statement(operation, bytes, record: item.record), bytes, isNew: false)
        }
        if operation.verb == .deleteTwin {
            books.deleted += 1
            deletedTwins += 1
            return try logTwin(operation, try statement(operation, bytes, record: item.record), bytes, isNew: false)
        }
        compared += 1
        let model = UInt32(truncatingIfNeeded: query.integer(0))
        let key = try global(operation.head.key)
        if operation.isCanonical, keysAreEqual, key == 0 || key == model {
            let (isEqual, owner, base) = try query.sameProperties(1, as: bytes, operation.head.properties)
            if isEqual {
                if !isBare, !store.isDrop(owner, of: memory), !store.isDrop(base, of: memory) { isBare = true }
                return unchangedTwin(operation)
            }
        }
        let base = try TwinRecord(query.bytes(1))
        let statement = try statement(operation, bytes, record: item.record)
        if statement.changesNothing(in: base, key: model) {
            if !isBare, !base.mentions({ store.isDrop($0, of: memory) }) { isBare = true }
            return unchangedTwin(operation)
        }
        books.updated += 1
        foundChanged += 1
        try logTwin(operation, statement, bytes, isNew: false)
    }

    private func unchangedTwin(_ operation: Pending) {
        books.unchanged += 1
        twinPlaces[operation.number] = 0
        seenTwins.insert(operation.number)
        // It holds whatever becomes of this drop: it is about the committed twin.
        if !keysAreNew, writer == nil, store.twinVersions[operation.number] <= startSequence {
            memory.twinFingerprints[operation.number] = operation.fingerprint
        }
    }

    func baseTwin(_ number: UInt32) throws(DropError) -> (TwinRecord, UInt32)? {
        try reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT model, rec FROM twin WHERE no = ?", database)
            query.bind(1, number)
            defer { query.reset() }
            guard try query.step() else { return nil }
            return (try TwinRecord(query.bytes(1)), UInt32(truncatingIfNeeded: query.integer(0)))
        }
    }

    /// What an operation states, with global keys.
    func statement(_ operation: Pending, _ bytes: borrowing Span<UInt8>, record: UInt64) throws(DropError) -> DropStatement {
        let kind: DropStatement.Kind =
            switch operation.verb {
            case .upsertTwin, .patchTwin, .upsertRelationship: .merge
            case .replaceTwin, .replaceRelationship: .replace
            case .deleteTwin, .deleteRelationship: .delete
            }
        let stamp = TwinRecord.Stamp(drop: dropNumber, record: record)
        var properties: [TwinRecord.Property] = []
        let range = operation.head.properties
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: streamPosition)
        while let property = try reader.property(bytes, validating: false) {
            let value = array(bytes, (property.value.lowerBound - 1)..<property.value.upperBound)
            properties.append(.init(key: try global(property.key), value: value[...], stamp: stamp))
        }
        if !operation.isCanonical { properties = DropStatement.normalized(properties) }
        if kind == .replace { properties.removeAll(where: \.isAbsent) }
        return DropStatement(kind: kind, key: try global(operation.head.key), properties: properties, record: record)
    }

    func logTwin(
        _ operation: Pending, _ statement: DropStatement, _ bytes: borrowing Span<UInt8>, isNew: Bool
    ) throws(DropError) {
        var statement = statement
        if isNew { statement.properties.removeAll(where: \.isAbsent) }
        let record = statement.encoded(by: dropNumber)
        try log.begin(operation.head.id.count + record.count)
        log.append(bytes, operation.head.id)
        log.append(record)
        let verb: OperationVerb =
            switch statement.kind {
            case .merge: .upsertTwin
            case .replace: .replaceTwin
            case .delete: .deleteTwin
            }
        twinPlaces[operation.number] = try log.finish(
            ChangeEntry(
                kind: .twin, verb: verb, isNew: isNew, number: operation.number, key: statement.key,
                record: statement.record, fingerprint: statement.kind == .delete ? 0 : operation.fingerprint,
                idLength: operation.head.id.count, targetLength: 0, relationshipLength: 0))
    }
}
