import DequeModule
import Synchronization

/// A fixed number of named threads for calls that block, with a bounded queue. Only the thread that became idle last is woken, so
/// a single call costs one wake-up, whatever the pool's size.
package final class ThreadPool: Sendable {
    /// A call to run.
    package typealias Job = @Sendable () -> Void

    private struct State {
        var waiting: Deque<Job> = []
        var resting: [Berth] = []
        var isClosed = false
    }

    /// Where an idle thread gets its next call.
    private final class Berth: Sendable {
        enum Order: Sendable {
            case none
            case run(Job)
            case end
        }

        let order = Monitor<Order>(.none)

        func take() -> Order {
            order.wait(until: { if case .none = $0 { false } else { true } }) { order in
                defer { order = .none }
                return order
            }
        }
    }

    private let capacity: Int
    private let state = Mutex(State())
    private let threads = Monitor<[NamedThread]>([])

    /// - Parameters:
    ///   - name: of the threads, with a number behind it; cut to 15 bytes.
    ///   - width: number of threads, at least 1.
    ///   - capacity: calls that may wait while all threads are busy, at least 1.
    package init(_ name: String, width: Int, capacity: Int) {
        precondition(width > 0 && capacity > 0, "a pool has a thread and room for a call")
        self.capacity = capacity
        for index in 0..<width {
            let thread = NamedThread("\(name)-\(index)") { [self] in work() }
            threads.with { $0.append(thread) }
        }
    }

    /// Adds a call without waiting; false when the queue is full or the pool closed: then the call is not run. Safe from any
    /// thread.
    package func submit(_ job: @escaping Job) -> Bool {
        let berth: Berth? = state.withLock { state in
            guard !state.isClosed else { return nil }
            return state.resting.popLast()
        }
        if let berth {
            berth.order.with { $0 = .run(job) }
            return true
        }
        let late: Berth?? = state.withLock { state in
            guard !state.isClosed else { return nil }
            if let berth = state.resting.popLast() { return .some(berth) }  // One went to rest in between.
            guard state.waiting.count < capacity else { return nil }
            state.waiting.append(job)
            return .some(nil)
        }
        guard let late else { return false }
        late?.order.with { $0 = .run(job) }
        return true
    }

    /// Calls that wait for a thread.
    package var waiting: Int { state.withLock { $0.waiting.count } }

    /// Takes no more calls, runs those that wait, and returns when every thread has ended. Blocking.
    package func close() {
        let resting = state.withLock { state in
            state.isClosed = true
            defer { state.resting = [] }
            return state.resting
        }
        for berth in resting { berth.order.with { $0 = .end } }
        for thread in threads.with({ $0 }) { thread.join() }
    }

    private func work() {
        let berth = Berth()
        while true {
            enum Next { case run(Job), rest, end }
            let next: Next = state.withLock { state in
                if let job = state.waiting.popFirst() { return .run(job) }
                if state.isClosed { return .end }
                state.resting.append(berth)
                return .rest
            }
            switch next {
            case .run(let job): job()
            case .end: return
            case .rest:
                switch berth.take() {
                case .run(let job): job()
                case .end: return
                case .none: break
                }
            }
        }
    }
}
