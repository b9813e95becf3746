import Glibc

/// State that threads share and wait on: a mutex and a condition in one (a "monitor", Hoare 1974).
///
/// `@unchecked Sendable`: `state` is touched only while `mutex` is held.
@safe package final class Monitor<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    package init(_ state: sending State) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        self.state = state
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` alone, then wakes whoever waits.
    package func with<T, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(condition)
            unsafe pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Runs `body` alone and wakes nobody: for looking, and for changes that nobody waits for.
    package func quietly<T, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Waits until `ready` holds or `timeout` has passed, then runs `body` alone and wakes the others.
    package func wait<T, E: Error>(
        until ready: (borrowing State) -> Bool, timeout: Duration? = nil, _ body: (inout State) throws(E) -> T
    ) throws(E) -> T {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(condition)
            unsafe pthread_mutex_unlock(mutex)
        }
        var deadline = timeout.map { Self.deadline(after: $0) }
        while !ready(state) {
            if deadline != nil {
                if unsafe pthread_cond_timedwait(condition, mutex, &deadline!) == ETIMEDOUT { break }
            } else {
                unsafe pthread_cond_wait(condition, mutex)
            }
        }
        return try body(&state)
    }

    private static func deadline(after timeout: Duration) -> timespec {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        let (seconds, attoseconds) = timeout.components
        var nanoseconds = now.tv_nsec + Int(attoseconds / 1_000_000_000)
        var whole = now.tv_sec + Int(seconds)
        if nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            whole += 1
        }
        return timespec(tv_sec: whole, tv_nsec: nanoseconds)
    }
}
