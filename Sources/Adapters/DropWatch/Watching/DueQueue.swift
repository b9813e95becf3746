/// Things to be done at an instant, earliest first (a binary heap). An entry that is not needed any more stays until its time;
/// the caller that takes it checks.
struct DueQueue<Item: Sendable>: Sendable {
    private var heap: [(due: Instant, item: Item)] = []

    init() {}

    var earliest: Instant? { heap.first?.due }

    mutating func add(_ item: Item, due: Instant) {
        heap.append((due, item))
        var at = heap.count - 1
        while at > 0, heap[at].due < heap[(at - 1) / 2].due {
            heap.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    /// The earliest entry, if it is due by `now`.
    mutating func next(by now: Instant) -> (due: Instant, item: Item)? {
        guard let first = heap.first, first.due <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var at = 0
        while true {
            var least = at
            for child in [2 * at + 1, 2 * at + 2] where child < heap.count && heap[child].due < heap[least].due { least = child }
            if least == at { return first }
            heap.swapAt(at, least)
            at = least
        }
    }
}
