import DropCore

/// What a drop that is not the newest of its source may still say of relationships: each is taken or left as a whole
/// (docs/decisions/0026-order-and-lateness.md).
struct LateRelationships {
    private let context: ComparisonContext
    private let lateness: Lateness
    private let word: NewerWord

    init(_ context: ComparisonContext, _ lateness: Lateness) {
        (self.context, self.lateness) = (context, lateness)
        word = NewerWord(context, lateness)
    }

    /// True where an operation has no effect, because somebody newer said otherwise.
    func leaves(
        _ operation: RecordOperation, _ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> Bool {
        let number = operation.number
        if number != 0, drop.said.relationships.isStated(number) { return false }
        let exists = number != 0 && drop.said.relationships.isCommitted(number)
        if let newer = word.leftBehind(exists, in: drop.list.scope, record: drop.record.number, &drop.late) {
            return leave(operation, because: newer, &drop)
        }
        let source = RawBytes.copy(bytes, operation.head.id)
        let id = try drop.keys.relationshipID(operation.head, bytes)
        if let newer = try newerWord(on: number, id, of: source, exists) {
            return leave(operation, because: newer, &drop)
        }
        guard operation.verb != .deleteRelationship, !operation.head.target.isEmpty,
            let newer = try word.deleter(of: RawBytes.copy(bytes, operation.head.target))
        else { return false }
        // It took the place of what was older, and went with the twin it led to.
        if exists { drop.late.relationshipsCut.append(number) }
        drop.said.relationships.absent.append(operation.hash)
        if context.isTracked { drop.spoken.noteDelete(ofRelationship: id, of: source) }
        return leave(operation, because: newer, &drop)
    }

    private func leave(_ operation: RecordOperation, because newer: UInt64, _ drop: inout ComparisonProgress) -> Bool {
        word.leave(operation, because: newer, &drop)
        return true
    }

    /// Who said something newer of a relationship, or deleted it or the twin it starts at; nil: nobody did.
    private func newerWord(
        on number: UInt32, _ id: [UInt8], of source: [UInt8], _ exists: Bool
    ) throws(DropError) -> UInt64? {
        if let newer = lateness.speaker(ofRelationship: id, of: source) { return newer }
        if let newer = try word.deleter(of: source) { return newer }
        guard exists else {
            if let newer = try word.ended(id, of: source) { return newer }
            return try word.waiting(id, of: source)
        }
        guard let base = try context.relationship(number) else { return lateness.speaker(ofRelationship: number) }
        if let newer = word.speaker(ofRelationship: number, base) { return newer }
        return try word.parts(of: base).drop
    }
}
