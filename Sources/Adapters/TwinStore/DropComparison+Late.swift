import DropCore
import GRDB
import TwinModel

/// What a drop that is not the newest of its source may still say: nothing that a newer one said otherwise, and nothing that
/// others changed since (docs/decisions/0026-order-and-lateness.md).
extension DropComparison {
    /// A drop whose place is before others that are applied goes the long way: what the source said last is not its measure.
    func applyLateTwin(_ operation: Pending, _ lateness: Lateness, _ bytes: borrowing Span<UInt8>) throws(DropError) -> Bool {
        let exists = operation.number != 0 && store.twinVersions[operation.number] != 0
        let isStated = operation.number != 0 && twinPlaces[operation.number] != 0
        if isStated { return false }  // By this drop: it was judged then.
        if let newer = try leftBehind(exists, lateness) { return leave(operation, because: newer) }
        // Whatever it says went with the twin when somebody newer deleted that; also where the twin is there again.
        if let newer = try deleter(of: array(bytes, operation.head.id), lateness) { return leave(operation, because: newer) }
        guard exists, let (base, model) = try baseTwin(operation.number) else { return false }
        let newer = try newerParts(.twins, operation.number, base, lateness)
        if operation.verb == .deleteTwin {
            if let speaker = lateness.speaker(ofTwin: operation.number) ?? newer.drop {
                return try applyLateDelete(operation, base, model, newer, speaker, lateness, bytes)
            }
            books.deleted += 1
            deletedTwins += 1
            try logTwin(operation, try statement(operation, bytes, record: current.number), bytes, isNew: false)
            return true
        }
        let said = try statement(operation, bytes, record: current.number)
        let (left, stands) = filtered(said, operation.number, base, model, newer, lateness)
        guard left.changesNothing(in: base, key: model) else {
            books.updated += 1
            try logTwin(operation, left, bytes, isNew: false)
            return true
        }
        if !said.changesNothing(in: base, key: model) { return leave(operation, because: stands) }
        books.unchanged += 1
        seenTwins.insert(operation.number)
        return true
    }

    /// Somebody newer made the twin again, or goes on with it: only what it had before goes away, relationships too.
    private func applyLateDelete(
        _ operation: Pending, _ base: TwinRecord, _ model: UInt32, _ newer: NewerParts, _ speaker: UInt64, _ lateness: Lateness,
        _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        goneInWord.append(operation.hash)
        try cutRelationships(of: operation.number, lateness)
        let nothing = DropStatement(kind: .replace, key: 0, properties: [], record: current.number)
        let (left, _) = filtered(nothing, operation.number, base, model, newer, lateness)
        guard !left.changesNothing(in: base, key: model) else { return leave(operation, because: speaker) }
        books.updated += 1
        try logTwin(operation, left, bytes, isNew: false)
        return true
    }

    /// The relationships a twin had when it was deleted: not those that somebody newer stated.
    private func cutRelationships(of twin: UInt32, _ lateness: Lateness) throws(DropError) {
        let numbers = try reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT no FROM relationship WHERE source = ?1 OR target = ?1", database)
            query.bind(1, twin)
            defer { query.reset() }
            var numbers: [UInt32] = []
            while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
            return numbers
        }
        for number in numbers where relationshipPlaces[number] == 0 {
            guard lateness.speaker(ofRelationship: number) == nil, let base = try baseRelationship(number)?.record,
                try newerParts(.relationships, number, base, lateness).drop == nil
            else { continue }
            relationshipsCut.append(number)
        }
    }

    /// A late relationship is taken or left as a whole.
    func isLeftRelationship(
        _ operation: Pending, _ lateness: Lateness, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        let number = operation.number
        if number != 0, relationshipPlaces[number] != 0 { return false }
        let exists = number != 0 && store.relationshipVersions[number] != 0
        if let newer = try leftBehind(exists, lateness) { return leave(operation, because: newer) }
        if let newer = try newerWord(on: operation, exists, lateness, bytes) { return leave(operation, because: newer) }
        return false
    }

    /// Who said something newer of a relationship, or deleted it or one of its ends; nil: nobody did.
    private func newerWord(
        on operation: Pending, _ exists: Bool, _ lateness: Lateness, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> UInt64? {
        let source = array(bytes, operation.head.id)
        let id = try relationshipID(operation.head, bytes)
        if let newer = lateness.deleter(of: source + [1] + id) { return newer }
        if let newer = try deleter(of: source, lateness) { return newer }
        if !operation.head.target.isEmpty, let newer = try deleter(of: array(bytes, operation.head.target), lateness) {
            return newer
        }
        if exists {
            if let newer = lateness.speaker(ofRelationship: operation.number) { return newer }
            guard let base = try baseRelationship(operation.number)?.record else { return nil }
            return try newerParts(.relationships, operation.number, base, lateness).drop
        }
        if let newer = try gone(id, of: source, lateness) { return newer }
        return try waiting(id, of: source, lateness)
    }

    /// - Parameter newer: the drop whose statement stands; 0: somebody who is no drop.
    private func leave(_ operation: Pending, because newer: UInt64) -> Bool {
        books.superseded += 1
        overruled[newer, default: 0] += 1
        if operation.number != 0 { markSeen(operation) }
        return true
    }

    /// Where newer drops are snapshots, they have said everything of the scope; where none of them is whole, nobody knows.
    private func leftBehind(_ exists: Bool, _ lateness: Lateness) throws(DropError) -> UInt64? {
        switch lateness.snapshot(of: scope) {
        case .none: return nil
        case .superseded(let drop): return drop
        case .undecided(let drop):
            undecided.insert(current.number)
            undecidedBy = drop
            return exists || !job.released ? drop : nil
        }
    }

    /// The parts of a record that somebody newer changed.
    struct NewerParts {
        var keys: [UInt32: UInt64] = [:]
        /// One of those who did.
        var drop: UInt64?
    }

    private func newerParts(
        _ kind: NumberReservation.Kind, _ number: UInt32, _ base: TwinRecord, _ lateness: Lateness
    ) throws(DropError) -> NewerParts {
        try reading { (database) throws(DropError) in
            var known: [UInt64: Bool] = [:]
            var parts = NewerParts()
            func isNewer(_ drop: UInt64) throws(DropError) -> Bool {
                let answer: Bool
                if let cached = known[drop] {
                    answer = cached
                } else {
                    answer = try lateness.isNewer(drop, memory, store, database)
                    known[drop] = answer
                }
                if answer, parts.drop == nil { parts.drop = drop }
                return answer
            }
            _ = try isNewer(base.ownerDrop)
            for property in base.properties where try isNewer(property.stamp.drop) {
                parts.keys[property.key] = property.stamp.drop
            }
            // Of what somebody removed only the revisions know.
            let query = try RawStatement.cached("SELECT drop_no, prev, patch FROM revision WHERE no = ?", database)
            var revision = base.revision
            for _ in 0..<Self.revisionsMax where revision != 0 {
                query.bind(1, Int64(revision))
                guard try query.step() else {
                    query.reset()
                    break
                }
                let (drop, previous) = (UInt64(query.integer(0)), UInt64(query.integer(1)))
                let patch = query.bytes(2)
                query.reset()
                if try isNewer(drop) {
                    for property in try RevisionPatch(patch).record.properties { parts.keys[property.key] = drop }
                }
                revision = previous
            }
            return parts
        }
    }

    func isNewer(
        _ base: TwinRecord, _ kind: NumberReservation.Kind, _ number: UInt32, _ lateness: Lateness
    ) throws(DropError) -> Bool { try newerParts(kind, number, base, lateness).drop != nil }

    private static var revisionsMax: Int { 4096 }

    /// The statement without what newer ones said of the twin, and one of the drops whose word stands instead (0: none).
    private func filtered(
        _ statement: DropStatement, _ number: UInt32, _ base: TwinRecord, _ model: UInt32, _ newer: NewerParts,
        _ lateness: Lateness
    ) -> (DropStatement, stands: UInt64) {
        var left = statement
        let speaker = lateness.speaker(ofTwin: number)
        var stands = speaker ?? newer.drop ?? 0
        if left.key != 0, left.key != model, speaker != nil || newer.drop != nil { left.key = 0 }
        func isTaken(_ key: UInt32, changes: Bool) -> Bool {
            if let drop = newer.keys[key] {
                if changes { stands = drop }
                return false
            }
            guard speaker != nil, changes else { return true }
            switch lateness.statement(of: key, ofTwin: number) {
            case .none: return true
            case .whole(let drop):
                stands = drop
                return false
            case .perhaps(let drop):
                undecided.insert(current.number)
                undecidedBy = drop
                return false
            }
        }
        left.properties = statement.properties.filter { property in
            let old = base.property(property.key)
            let changes = property.isAbsent ? old != nil : old?.value != property.value
            return isTaken(property.key, changes: changes)
        }
        guard statement.kind == .replace else { return (left, stands) }
        // To go away is said of a property without naming it.
        left.kind = .merge
        let named = Set(statement.properties.map(\.key))
        let removed = base.properties.filter { !named.contains($0.key) && isTaken($0.key, changes: true) }.map {
            TwinRecord.Property(
                key: $0.key, value: [PropertyType.absent.rawValue], stamp: .init(drop: dropNumber, record: statement.record))
        }
        left.properties = DropStatement.merged(left.properties, removed)
        return (left, stands)
    }

    /// What a late drop says of a twin that it spoke of before.
    func stated(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) -> DropStatement {
        let said = try statement(operation, bytes, record: current.number)
        guard let lateness, said.kind != .delete, operation.number != 0, let (base, model) = try baseTwin(operation.number)
        else { return said }
        return filtered(
            said, operation.number, base, model, try newerParts(.twins, operation.number, base, lateness), lateness
        ).0
    }
}
