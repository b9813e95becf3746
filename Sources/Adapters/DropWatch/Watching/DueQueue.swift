/// Things to be done at an instant, earliest first; of one instant, in the order in which they were added. An entry that is not
/// needed any more stays until its time; the caller that takes it checks.
struct DueQueue<Item: Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        let due: Instant
        let number: UInt64
        let item: Item

        static func == (left: Self, right: Self) -> Bool { (left.due, left.number) == (right.due, right.number) }
        static func < (left: Self, right: Self) -> Bool { (left.due, left.number) < (right.due, right.number) }
    }

    private var heap = MinHeap<Entry>()
    private var added: UInt64 = 0

    init() {}

    var earliest: Instant? { heap.first?.due }

    mutating func add(_ item: Item, due: Instant) {
        added += 1
        heap.add(Entry(due: due, number: added, item: item))
    }

    /// The earliest entry, if it is due by `now`.
    mutating func next(by now: Instant) -> (due: Instant, item: Item)? {
        guard let first = heap.first, first.due <= now else { return nil }
        return heap.popFirst().map { ($0.due, $0.item) }
    }
}
