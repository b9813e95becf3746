import DequeModule

/// A queue between threads with a lane for each key. Within a lane the order is first in, first out. Elements are taken from the
/// lanes in turn, so that a full lane delays no other. `push` waits for room in its lane, `popAll` for an element.
///
/// All calls but `room` block, are safe from any thread, and must not be made on Swift's cooperative pool.
package final class FairQueue<Key: Hashable & Sendable, Element: Sendable>: Sendable {
    private struct State {
        var lanes: [Key: Deque<Element>] = [:]
        /// The keys of lanes that hold something, the one that is next first.
        var turns: Deque<Key> = []
        var count = 0
        var closed = false
    }

    /// Of one lane.
    package let capacity: Int
    private let monitor = Monitor(State())

    /// - Parameter capacity: of one lane; at least 1.
    package init(capacity: Int) {
        precondition(capacity > 0, "a lane holds at least one element")
        self.capacity = capacity
    }

    /// Appends in order, as many at once as the lane has room for. Returns how many were appended before the queue was closed.
    package func push(contentsOf elements: [Element], to key: Key) -> Int {
        var done = 0
        while done < elements.count {
            let pushed = monitor.wait(until: { [capacity] in $0.closed || ($0.lanes[key]?.count ?? 0) < capacity }) {
                [capacity] state in
                guard !state.closed else { return 0 }
                let part = elements[done...].prefix(capacity - (state.lanes[key]?.count ?? 0))
                if state.lanes[key] == nil { state.turns.append(key) }
                state.lanes[key, default: []].append(contentsOf: part)
                state.count += part.count
                return part.count
            }
            if pushed == 0 { break }
            done += pushed
        }
        return done
    }

    /// Up to `max` elements, waiting for the first: from each lane its share, in the lane's order; empty once the queue is closed
    /// and empty.
    package func popAll(max: Int) -> [Element] {
        monitor.wait(until: { $0.closed || $0.count > 0 }) { state in
            var taken: [Element] = []
            while taken.count < max, let first = state.turns.first {
                let share = Swift.max(1, (max - taken.count) / state.turns.count)
                var lane = state.lanes[first] ?? []
                state.lanes[first] = nil
                state.turns.removeFirst()
                let part = lane.prefix(share)
                taken += part
                state.count -= part.count
                lane.removeFirst(part.count)
                if !lane.isEmpty {
                    state.lanes[first] = lane
                    state.turns.append(first)
                }
            }
            return taken
        }
    }

    /// How many more elements the lane takes now.
    package func room(for key: Key) -> Int { monitor.with { [capacity] in capacity - ($0.lanes[key]?.count ?? 0) } }

    package var count: Int { monitor.with { $0.count } }

    package var isClosed: Bool { monitor.with { $0.closed } }

    /// No more pushes; what is in the queue can still be popped.
    package func close() { monitor.with { $0.closed = true } }
}
