import DropCore
import TwinModel

/// What a drop that is not the newest of its source may still say of twins: nothing that a newer one said otherwise, and nothing
/// that others changed since (docs/decisions/0026-order-and-lateness.md).
struct LateTwins {
    private let context: ComparisonContext
    private let lateness: Lateness
    private let word: NewerWord

    init(_ context: ComparisonContext, _ lateness: Lateness) {
        (self.context, self.lateness) = (context, lateness)
        word = NewerWord(context, lateness)
    }

    private var twins: TwinComparer { TwinComparer(context) }

    /// A drop whose place is before others that are applied goes the long way: what the source said last is not its measure.
    ///
    /// - Returns: false where the operation is to be compared as that of any drop.
    func take(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        let exists = operation.number != 0 && drop.said.twins.isCommitted(operation.number)
        // By this drop: it was judged then.
        if operation.number != 0, drop.said.twins.isStated(operation.number) { return false }
        if let newer = word.leftBehind(exists, in: drop.list.scope, record: drop.record.number, &drop.late) {
            return leave(operation, because: newer, &drop)
        }
        // Whatever it says went with the twin when somebody newer deleted that; also where the twin is there again.
        if let newer = try word.deleter(of: RawBytes.copy(bytes, operation.head.id)) {
            return leave(operation, because: newer, &drop)
        }
        guard exists, let (base, model) = try context.twin(operation.number) else { return false }
        let known = Known(number: operation.number, base: base, model: model, newer: try word.parts(of: base))
        if operation.verb == .deleteTwin { return try takeDelete(operation, known, &drop, bytes) }
        let said = try twins.statement(operation, drop, bytes)
        let (left, stands) = filtered(said, known, &drop)
        guard left.changesNothing(in: base, key: model) else {
            drop.account.books.updated += 1
            try drop.noteChange(operation, record: drop.record.number, context, bytes)
            try twins.log(operation, left, &drop, bytes, isNew: false)
            return true
        }
        if !said.changesNothing(in: base, key: model) { return leave(operation, because: stands, &drop) }
        drop.account.books.unchanged += 1
        drop.said.twins.markSeen(operation.number)
        return true
    }

    /// What a late drop says of a twin that it spoke of before.
    func statedAgain(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> DropStatement {
        let said = try twins.statement(operation, drop, bytes)
        guard said.kind != .delete, operation.number != 0, let (base, model) = try context.twin(operation.number) else {
            return said
        }
        let known = Known(number: operation.number, base: base, model: model, newer: try word.parts(of: base))
        return filtered(said, known, &drop).0
    }

    /// A committed twin, and what somebody newer changed of it.
    private struct Known {
        let number: UInt32
        let base: TwinRecord
        let model: UInt32
        let newer: NewerWord.Parts
    }

    private func leave(_ operation: RecordOperation, because newer: UInt64, _ drop: inout ComparisonProgress) -> Bool {
        word.leave(operation, because: newer, &drop)
        return true
    }

    private func takeDelete(
        _ operation: RecordOperation, _ known: Known, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        var goesOn = lateness.speaker(ofTwin: operation.number) ?? known.newer.drop
        if goesOn == nil, context.job.policy.dangling == .stub { goesOn = try needer(of: operation.number) }
        guard let speaker = goesOn else {
            drop.account.books.deleted += 1
            drop.said.twins.deleted += 1
            try drop.noteChange(operation, record: drop.record.number, context, bytes)
            try twins.log(operation, try twins.statement(operation, drop, bytes), &drop, bytes, isNew: false)
            return true
        }
        // Somebody newer made the twin again, or goes on with it: only what it had before goes away, relationships too.
        drop.said.goneInWord.append(operation.hash)
        try cutRelationships(of: operation.number, &drop)
        let nothing = DropStatement(kind: .replace, key: 0, properties: [], record: drop.record.number)
        let (left, _) = filtered(nothing, known, &drop)
        guard !left.changesNothing(in: known.base, key: known.model) else {
            return leave(operation, because: speaker, &drop)
        }
        drop.account.books.updated += 1
        try drop.noteChange(operation, record: drop.record.number, context, bytes)
        try twins.log(operation, left, &drop, bytes, isNew: false)
        return true
    }

    /// The relationships a twin had when it was deleted: not those that somebody newer stated.
    private func cutRelationships(of twin: UInt32, _ drop: inout ComparisonProgress) throws(DropError) {
        for number in try relationships(at: twin) where !drop.said.relationships.isStated(number) {
            guard let base = try context.relationship(number), word.speaker(ofRelationship: number, base) == nil,
                try !word.touches(base)
            else { continue }
            drop.late.relationshipsCut.append(number)
        }
    }

    /// Who is newer and stated a relationship of the twin: its source would have made a stub.
    private func needer(of twin: UInt32) throws(DropError) -> UInt64? {
        for number in try relationships(at: twin) {
            guard let base = try context.relationship(number), context.isOwn(base.ownerDrop) else { continue }
            if let newer = word.speaker(ofRelationship: number, base) { return newer }
        }
        return nil
    }

    /// The committed relationships that start or end at a twin.
    private func relationships(at twin: UInt32) throws(DropError) -> [UInt32] {
        try context.reading { (database) throws(DropError) in try GraphLookups(database).relationships(at: twin) }
    }

    /// The statement without what newer ones said of the twin, and one of the drops whose word stands instead (0: none).
    private func filtered(
        _ statement: DropStatement, _ known: Known, _ drop: inout ComparisonProgress
    ) -> (DropStatement, stands: UInt64) {
        var left = statement
        let speaker = lateness.speaker(ofTwin: known.number)
        var stands = speaker ?? known.newer.drop ?? 0
        if left.key != 0, left.key != known.model, speaker != nil || known.newer.drop != nil { left.key = 0 }
        left.properties = []
        for property in statement.properties {
            let old = known.base.property(property.key)
            let changes = property.isAbsent ? old != nil : old?.value != property.value
            if isTaken(property.key, changes: changes, known, speaker, &stands, &drop) { left.properties.append(property) }
        }
        guard statement.kind == .replace else { return (left, stands) }
        // To go away is said of a property without naming it.
        left.kind = .merge
        let named = Set(statement.properties.map(\.key))
        var removed: [TwinRecord.Property] = []
        for property in known.base.properties
        where !named.contains(property.key) && isTaken(property.key, changes: true, known, speaker, &stands, &drop) {
            removed.append(
                TwinRecord.Property(
                    key: property.key, value: [PropertyType.absent.rawValue],
                    stamp: .init(drop: context.dropNumber, record: statement.record)))
        }
        left.properties = DropStatement.merged(left.properties, removed)
        return (left, stands)
    }

    /// Whether what the drop says of a property counts.
    private func isTaken(
        _ key: UInt32, changes: Bool, _ known: Known, _ speaker: UInt64?, _ stands: inout UInt64,
        _ drop: inout ComparisonProgress
    ) -> Bool {
        if let newer = known.newer.keys[key] {
            if changes { stands = newer }
            return false
        }
        guard speaker != nil, changes else { return true }
        switch lateness.statement(of: key, ofTwin: known.number) {
        case .none: return true
        case .whole(let newer):
            stands = newer
            return false
        case .perhaps(let newer):
            drop.late.leaveOpen(drop.record.number, because: newer)
            return false
        }
    }
}
