import DropCore

/// An operation on a committed twin or relationship that must be compared with its record, at the end of the frame.
struct Evaluation {
    let operation: RecordOperation
    let record: UInt64
}

/// Operations of a frame that wait to be compared with committed records: one access to the database is for many of them.
struct WaitingEvaluations {
    private(set) var items: [Evaluation] = []
    /// What such comparisons came to so far.
    private(set) var sample = ChangeSample()

    @inline(__always)
    var isEmpty: Bool { items.isEmpty }

    @inline(__always)
    mutating func append(_ item: Evaluation) { items.append(item) }

    /// True once, when so many wait that they make a sample.
    @inline(__always)
    mutating func isSampleDue() -> Bool { sample.isDue(waiting: items.count) }

    @inline(__always)
    mutating func note(isChange: Bool) { sample.note(isChange: isChange) }

    /// Exchanges them with an empty array, and back: nothing is copied, and the room is used again.
    mutating func exchange(_ other: inout [Evaluation]) { swap(&items, &other) }
}
