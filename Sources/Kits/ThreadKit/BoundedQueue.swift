import DequeModule

/// A first-in-first-out queue between threads with a fixed capacity: `push` waits for room, `pop` for an element.
///
/// All calls block, are safe from any thread, and must not be made on Swift's cooperative pool.
package final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: Deque<Element> = []
        var closed = false
    }

    package let capacity: Int
    private let monitor: Monitor<State>

    /// - Parameter capacity: at least 1.
    package init(capacity: Int) {
        precondition(capacity > 0, "a queue holds at least one element")
        self.capacity = capacity
        monitor = Monitor(State())
    }

    /// Appends when there is room; false when the queue was closed.
    @discardableResult
    package func push(_ element: Element) -> Bool {
        monitor.wait(until: { [capacity] in $0.closed || $0.elements.count < capacity }) { state in
            guard !state.closed else { return false }
            state.elements.append(element)
            return true
        }
    }

    /// Appends in order, as many at once as there is room for, so that `popAll` finds them together. Returns how many were
    /// appended before the queue was closed.
    package func push(contentsOf elements: [Element]) -> Int {
        var done = 0
        while done < elements.count {
            let pushed = monitor.wait(until: { [capacity] in $0.closed || $0.elements.count < capacity }) { [capacity] state in
                guard !state.closed else { return 0 }
                let part = elements[done...].prefix(capacity - state.elements.count)
                state.elements.append(contentsOf: part)
                return part.count
            }
            if pushed == 0 { break }
            done += pushed
        }
        return done
    }

    /// The oldest element; nil once the queue is closed and empty.
    package func pop() -> Element? {
        monitor.wait(until: { $0.closed || !$0.elements.isEmpty }) { $0.elements.isEmpty ? nil : $0.elements.removeFirst() }
    }

    /// Up to `max` elements, waiting for the first; empty once the queue is closed and empty.
    package func popAll(max: Int) -> [Element] {
        monitor.wait(until: { $0.closed || !$0.elements.isEmpty }) { state in
            let taken = Array(state.elements.prefix(max))
            state.elements.removeFirst(taken.count)
            return taken
        }
    }

    /// Like `popAll`, but gives up after `timeout` with what there is.
    package func popAll(max: Int, timeout: Duration) -> [Element] {
        monitor.wait(until: { $0.closed || !$0.elements.isEmpty }, timeout: timeout) { state in
            let taken = Array(state.elements.prefix(max))
            state.elements.removeFirst(taken.count)
            return taken
        }
    }

    package var count: Int { monitor.with { $0.elements.count } }

    package var isClosed: Bool { monitor.with { $0.closed } }

    /// No more pushes; what is in the queue can still be popped.
    package func close() { monitor.with { $0.closed = true } }
}
