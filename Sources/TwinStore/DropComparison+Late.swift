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
        if try isLeftBehind(exists, lateness) { return leave(operation) }
        guard exists else {
            let id = array(bytes, operation.head.id)
            var isLeft = lateness.hasDeleted(id)
            if !isLeft { isLeft = try isGone(id, lateness) }
            return isLeft ? leave(operation) : false
        }
        guard let (base, model) = try baseTwin(operation.number) else { return false }
        let newer = try newerParts(.twins, operation.number, base, lateness)
        if operation.verb == .deleteTwin {
            if newer.isAny || lateness.hasSpoken(ofTwin: operation.number) {
                return try applyLateDelete(operation, base, model, newer, lateness, bytes)
            }
            books.deleted += 1
            deletedTwins += 1
            try logTwin(operation, try statement(operation, bytes, record: current.number), bytes, isNew: false)
            return true
        }
        let said = try statement(operation, bytes, record: current.number)
        let left = filtered(said, operation.number, base, model, newer, lateness)
        guard left.changesNothing(in: base, key: model) else {
            books.updated += 1
            try logTwin(operation, left, bytes, isNew: false)
            return true
        }
        if !said.changesNothing(in: base, key: model) { return leave(operation) }
        books.unchanged += 1
        seenTwins.insert(operation.number)
        return true
    }

    /// Somebody newer made the twin again, or goes on with it: only what it had before goes away.
    private func applyLateDelete(
        _ operation: Pending, _ base: TwinRecord, _ model: UInt32, _ newer: NewerParts, _ lateness: Lateness,
        _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        let nothing = DropStatement(kind: .replace, key: 0, properties: [], record: current.number)
        let left = filtered(nothing, operation.number, base, model, newer, lateness)
        guard !left.changesNothing(in: base, key: model) else { return leave(operation) }
        books.updated += 1
        try logTwin(operation, left, bytes, isNew: false)
        return true
    }

    /// A late relationship is taken or left as a whole.
    func isLeftRelationship(
        _ operation: Pending, _ lateness: Lateness, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        let number = operation.number
        if number != 0, relationshipPlaces[number] != 0 { return false }
        let exists = number != 0 && store.relationshipVersions[number] != 0
        var isLeft = try isLeftBehind(exists, lateness)
        if !isLeft, exists {
            isLeft = lateness.hasSpoken(ofRelationship: number)
            if !isLeft, let base = try baseRelationship(number)?.record {
                isLeft = try newerParts(.relationships, number, base, lateness).isAny
            }
        } else if !isLeft {
            let id = try relationshipID(operation.head, bytes)
            let source = array(bytes, operation.head.id)
            isLeft = lateness.hasDeleted(source + [1] + id)
            if !isLeft { isLeft = try isGone(id, of: source, lateness) }
        }
        return isLeft ? leave(operation) : false
    }

    private func leave(_ operation: Pending) -> Bool {
        books.superseded += 1
        lateOperations += 1
        if operation.number != 0 { markSeen(operation) }
        return true
    }

    /// Where newer drops are snapshots, they have said everything of the scope; where none of them is whole, nobody knows.
    private func isLeftBehind(_ exists: Bool, _ lateness: Lateness) throws(DropError) -> Bool {
        switch lateness.snapshot(of: scope) {
        case .none: return false
        case .superseded: return true
        case .undecided:
            undecided.insert(current.number)
            return exists || !job.released
        }
    }

    /// The parts of a record that somebody newer changed.
    struct NewerParts {
        var keys: Set<UInt32> = []
        var isAny = false
    }

    private func newerParts(
        _ kind: NumberReservation.Kind, _ number: UInt32, _ base: TwinRecord, _ lateness: Lateness
    ) throws(DropError) -> NewerParts {
        try reading { (database) throws(DropError) in
            var known: [UInt64: Bool] = [:]
            func isNewer(_ drop: UInt64) throws(DropError) -> Bool {
                if let answer = known[drop] { return answer }
                let answer = try lateness.isNewer(drop, memory, store, database)
                known[drop] = answer
                return answer
            }
            var parts = NewerParts()
            parts.isAny = try isNewer(base.ownerDrop)
            for property in base.properties where try isNewer(property.stamp.drop) {
                parts.keys.insert(property.key)
                parts.isAny = true
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
                    parts.isAny = true
                    for property in try RevisionPatch(patch).record.properties { parts.keys.insert(property.key) }
                }
                revision = previous
            }
            return parts
        }
    }

    func isNewer(
        _ base: TwinRecord, _ kind: NumberReservation.Kind, _ number: UInt32, _ lateness: Lateness
    ) throws(DropError) -> Bool { try newerParts(kind, number, base, lateness).isAny }

    private static var revisionsMax: Int { 4096 }

    /// The statement without what newer ones said of the twin.
    private func filtered(
        _ statement: DropStatement, _ number: UInt32, _ base: TwinRecord, _ model: UInt32, _ newer: NewerParts,
        _ lateness: Lateness
    ) -> DropStatement {
        var left = statement
        let isSpoken = lateness.hasSpoken(ofTwin: number)
        if left.key != 0, left.key != model, isSpoken || newer.isAny { left.key = 0 }
        func isTaken(_ key: UInt32, changes: Bool) -> Bool {
            if newer.keys.contains(key) { return false }
            guard isSpoken, changes else { return true }
            guard let isStated = lateness.hasStated(key, ofTwin: number) else {
                undecided.insert(current.number)
                return false
            }
            return !isStated
        }
        left.properties = statement.properties.filter { property in
            let old = base.property(property.key)
            let changes = property.isAbsent ? old != nil : old?.value != property.value
            return isTaken(property.key, changes: changes)
        }
        guard statement.kind == .replace else { return left }
        // To go away is said of a property without naming it.
        left.kind = .merge
        let named = Set(statement.properties.map(\.key))
        let removed = base.properties.filter { !named.contains($0.key) && isTaken($0.key, changes: true) }.map {
            TwinRecord.Property(
                key: $0.key, value: [PropertyType.absent.rawValue], stamp: .init(drop: dropNumber, record: statement.record))
        }
        left.properties = DropStatement.merged(left.properties, removed)
        return left
    }

    /// What a late drop says of a twin that it spoke of before.
    func stated(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) -> DropStatement {
        let said = try statement(operation, bytes, record: current.number)
        guard let lateness, said.kind != .delete, operation.number != 0, let (base, model) = try baseTwin(operation.number)
        else { return said }
        return filtered(
            said, operation.number, base, model, try newerParts(.twins, operation.number, base, lateness), lateness)
    }

    /// True when somebody newer deleted the twin, or the relationship of `source`.
    private func isGone(_ id: [UInt8], of source: [UInt8]? = nil, _ lateness: Lateness) throws(DropError) -> Bool {
        let owner = source.map { store.twins.number(of: store.hash.identity($0)) } ?? 0
        return try reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                """
                SELECT r.drop_no FROM gone g JOIN revision r ON r.no = g.last_revision
                WHERE g.id = ?1 AND g.kind = ?2 AND (g.kind = 0 OR g.source = ?3) ORDER BY g.last_revision DESC LIMIT 1
                """, database)
            query.bind(text: 1, id)
            query.bind(2, source == nil ? Int64(0) : 1)
            query.bind(3, owner)
            defer { query.reset() }
            guard try query.step() else { return false }
            let drop = UInt64(query.integer(0))
            query.reset()
            return try lateness.isNewer(drop, memory, store, database)
        }
    }

    /// Holds a late drop of which it cannot be told what became of it, and says of any other what was left.
    func settleLateness() throws(DropError) {
        guard let lateness else { return }
        let newest: UInt64?
        switch lateness.snapshot(of: scope) {
        case .none: newest = lateness.later.last?.drop
        case .superseded(let drop), .undecided(let drop): newest = drop
        }
        let name = try newest.map { (number) throws(DropError) in try described(number) } ?? "what others changed since"
        if !undecided.isEmpty, !job.released {
            let list = job.policy.mode == .snapshot
            throw DropError(
                "late-undecided",
                list
                    ? "\(name), a newer list of \(job.source), was applied before, and has refused records of its own: what this drop "
                        + "says may be out of date."
                    : "\(name), which comes after this drop, was applied before. Of \(DropBooks.counted(undecided.count, "record")) "
                        + "it cannot be told whether it said otherwise (the first is record \(undecided.min() ?? 0)).",
                hint: list
                    ? "Correct the refused records of that drop, then discard this one. Released, it adds only twins that do not exist."
                    : "Released, the drop applies only what no newer drop spoke of; discard it to leave everything as it is.",
                remedy: .hold)
        }
        guard lateOperations > 0 else { return }
        lateReason = DropReason(
            code: "superseded",
            message: "\(lateOperations) of its operations were not applied: \(name) is newer and was applied before.",
            hint: "Nothing is to be done if the newer state is the right one.")
    }

    private func described(_ number: UInt64) throws(DropError) -> String {
        try reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT id, file_name FROM drops WHERE no = ?", database)
            query.bind(1, Int64(number))
            defer { query.reset() }
            guard try query.step() else { return "a newer drop" }
            return "drop \(query.text(0)) (\(FileName(bytes: query.bytes(1))))"
        }
    }
}
