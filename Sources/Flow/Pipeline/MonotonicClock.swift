package import DropCore
import Synchronization

/// Times as they are written down: the wall clock, but never running backwards (docs/failure-model.md, "Time").
package final class MonotonicClock: Sendable {
    private struct State {
        var last: UInt64 = 0
        var ids = DropIDGenerator()
        var random = SystemRandomNumberGenerator()
    }

    private let read: @Sendable () -> UInt64
    private let state: Mutex<State>

    /// - Parameters:
    ///   - notBefore: the newest label of an earlier run, in milliseconds since 1970.
    ///   - read: the wall clock, in the same unit.
    package init(notBefore: UInt64 = 0, _ read: @escaping @Sendable () -> UInt64) {
        self.read = read
        state = Mutex(State(last: notBefore))
    }

    /// Now, in milliseconds since 1970.
    package func now() -> UInt64 {
        let wall = read()
        return state.withLock { state in
            state.last = max(state.last, wall)
            return state.last
        }
    }

    /// A new drop id, greater than every one before.
    package func nextID() -> DropID {
        let milliseconds = now()
        return state.withLock { $0.ids.next(milliseconds: milliseconds, using: &$0.random) }
    }
}
