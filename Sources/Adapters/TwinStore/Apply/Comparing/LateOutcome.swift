/// What became of the operations of a drop that is not the newest of its source. Pure.
struct LateOutcome {
    /// Operations that something newer left without effect, by the drop whose statement stands (0: others than drops).
    private(set) var overruled: [UInt64: Int] = [:]
    /// Those that a later record of the same file overrules.
    var overruledByRecords = 0
    /// The records of which it cannot be told.
    private(set) var undecided: Set<UInt64> = []
    private(set) var undecidedBy: UInt64?
    /// Relationships of twins that a late delete did not take, because somebody newer goes on with these; and those whose place
    /// one took that led to a twin deleted since.
    var relationshipsCut: [UInt32] = []

    /// - Parameter newer: the drop whose statement stands; 0: somebody who is no drop.
    mutating func overrule(by newer: UInt64) { overruled[newer, default: 0] += 1 }

    /// It cannot be told whether `drop` said otherwise.
    mutating func leaveOpen(_ record: UInt64, because drop: UInt64) {
        undecided.insert(record)
        undecidedBy = drop
    }

    var overruledCount: Int { overruled.values.reduce(0, +) }

    /// Those whose word stands, the one with the most first.
    var overrulers: [(drop: UInt64, count: Int)] {
        overruled.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.map { ($0.key, $0.value) }
    }

    var sentenceOfItsFile: String? {
        guard overruledByRecords > 0 else { return nil }
        return
            "\(overruledByRecords) of its operations \(overruledByRecords == 1 ? "was" : "were") not applied: a later record of the "
            + "same file says otherwise."
    }
}
