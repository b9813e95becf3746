/// Gives its elements back, least first (a binary heap).
struct MinHeap<Element: Comparable> {
    private var elements: [Element] = []

    init() {}

    var first: Element? { elements.first }
    var count: Int { elements.count }
    var isEmpty: Bool { elements.isEmpty }

    mutating func add(_ element: Element) {
        elements.append(element)
        var at = elements.count - 1
        while at > 0, elements[at] < elements[(at - 1) / 2] {
            elements.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    mutating func popFirst() -> Element? {
        guard let first = elements.first else { return nil }
        let last = elements.removeLast()
        guard !elements.isEmpty else { return first }
        elements[0] = last
        var at = 0
        while true {
            var least = at
            for child in [2 * at + 1, 2 * at + 2] where child < elements.count && elements[child] < elements[least] {
                least = child
            }
            if least == at { return first }
            elements.swapAt(at, least)
            at = least
        }
    }
}

extension MinHeap: Sendable where Element: Sendable {}
