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
        if let newer = word.leftBehind(exists, &drop) {
            word.leave(operation, because: newer, &drop)
            return true
        }
        guard let newer = try newerWord(on: operation, exists, drop.keys, bytes) else { return false }
        word.leave(operation, because: newer, &drop)
        return true
    }

    /// Who said something newer of a relationship, or deleted it or one of its ends; nil: nobody did.
    private func newerWord(
        on operation: RecordOperation, _ exists: Bool, _ keys: borrowing StreamKeys, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> UInt64? {
        let source = RawBytes.copy(bytes, operation.head.id)
        let id = try keys.relationshipID(operation.head, bytes)
        if let newer = lateness.deleter(of: source + [1] + id) { return newer }
        if let newer = try word.deleter(of: source) { return newer }
        if !operation.head.target.isEmpty, let newer = try word.deleter(of: RawBytes.copy(bytes, operation.head.target)) {
            return newer
        }
        guard exists else {
            if let newer = try word.ended(id, of: source) { return newer }
            return try word.waiting(id, of: source)
        }
        if let newer = lateness.speaker(ofRelationship: operation.number) { return newer }
        guard let base = try context.relationship(operation.number) else { return nil }
        return try word.parts(of: base).drop
    }
}
