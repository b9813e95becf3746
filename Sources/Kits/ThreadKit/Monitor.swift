import Glibc

/// State that threads share and wait on: a mutex and conditions in one (a "monitor", Hoare 1974).
///
/// Each waiting thread has its own condition variable. The thread that changes the state checks the condition of each waiter, and
/// wakes only those whose condition holds. With one condition variable for all, a change woke every waiter, mostly for nothing.
/// With thousands of small files that cost more than reading them.
///
/// `@unchecked Sendable`: what `state` points to and `waiters` are touched only while `mutex` is held.
@safe package final class Monitor<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    /// Memory of its own, so that a condition looks at the state where it is. A stored property would be copied for it.
    private let state: UnsafeMutablePointer<State>
    private var waiters: [Waiter] = []
    /// Whether a `Conductor` may say who goes on; false for its own.
    private let isConducted: Bool

    package convenience init(_ state: sending State) { self.init(state, isConducted: true) }

    init(_ state: sending State, isConducted: Bool) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: state)
        self.isConducted = isConducted
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// Runs `body` under the mutex, then wakes the waiters whose condition holds now.
    package func with<T, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
        unsafe pthread_mutex_lock(mutex)
        defer { unlockAndWake() }
        return try unsafe body(&state.pointee)
    }

    /// Runs `body` under the mutex and wakes nobody: for reading, and for changes that nobody waits for.
    package func withoutWaking<T, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&state.pointee)
    }

    /// Waits until `ready` holds or `timeout` has passed, then runs `body` under the mutex and wakes the others.
    ///
    /// `ready` may be called on any thread, while the state is locked. It must depend only on the state and the time, and must
    /// not use this monitor.
    ///
    /// - Parameter asOneOfMany: the caller is one of several threads that do the same work; a monitor has at most one such group.
    ///   Only one of them is woken at a time, the one that came last. When it has run its `body`, the next is checked.
    package func wait<T, E: Error>(
        until ready: (borrowing State) -> Bool, timeout: Duration? = nil, asOneOfMany: Bool = false,
        _ body: (inout State) throws(E) -> T
    ) throws(E) -> T {
        unsafe pthread_mutex_lock(mutex)
        defer { unlockAndWake() }
        if unsafe !ready(state.pointee) {
            if isConducted, let seat = Conductor.seat {
                wait(for: seat, until: ready, timeout)
            } else {
                withoutActuallyEscaping(ready) { ready in
                    let waiter = Waiter(isOneOfMany: asOneOfMany) { unsafe ready(self.state.pointee) }
                    waiters.append(waiter)
                    sleep(waiter, deadline: timeout.map { Self.deadline(after: $0) })
                    waiters.removeAll { $0 === waiter }
                    waiter.isReady = { false }
                }
            }
        }
        return try unsafe body(&state.pointee)
    }

    /// Waits where a conductor says who goes on. With the mutex held, before and after.
    private func wait(for seat: Conductor.Seat, until ready: (borrowing State) -> Bool, _ timeout: Duration?) {
        withoutActuallyEscaping(ready) { ready in
            unsafe pthread_mutex_unlock(mutex)
            seat.conductor.wait(seat.number, until: { [self] in withoutWaking { ready($0) } }, timeout: timeout)
            unsafe pthread_mutex_lock(mutex)
        }
    }

    /// Until the question of `waiter` is answered yes, or the deadline has passed. With the mutex held.
    private func sleep(_ waiter: Waiter, deadline: timespec?) {
        var deadline = deadline
        repeat {
            waiter.isWoken = false
            if deadline != nil {
                if unsafe pthread_cond_timedwait(waiter.condition, mutex, &deadline!) == ETIMEDOUT { return }
            } else {
                unsafe pthread_cond_wait(waiter.condition, mutex)
            }
        } while !waiter.isReady()
    }

    /// Signals after the mutex is free, so that the woken thread does not have to wait for it.
    private func unlockAndWake() {
        let woken = Waiter.wake(waiters)
        unsafe pthread_mutex_unlock(mutex)
        for waiter in woken { unsafe pthread_cond_signal(waiter.condition) }
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

/// A waiting thread, its condition, and what wakes it; it lives as long as anybody may signal it. Other threads call `isReady`
/// while they hold the mutex, and never after it was removed from `waiters`.
///
/// Not generic, and outside `Monitor`: it is looked at after each change of a state, and generic code is several times slower.
///
/// `@unchecked Sendable`: `isWoken` and `isReady` are touched only while the monitor's mutex is held.
@safe private final class Waiter: @unchecked Sendable {
    let condition: UnsafeMutablePointer<pthread_cond_t>
    let isOneOfMany: Bool
    var isReady: () -> Bool
    var isWoken = false

    init(isOneOfMany: Bool, _ isReady: @escaping () -> Bool) {
        self.isOneOfMany = isOneOfMany
        self.isReady = isReady
        unsafe condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
    }

    /// Marks those that are to be woken, the last that came first.
    static func wake(_ waiters: [Waiter]) -> [Waiter] {
        var woken: [Waiter] = []
        var oneIsAwake = waiters.contains { $0.isOneOfMany && $0.isWoken }
        for waiter in waiters.reversed() where !waiter.isWoken && !(waiter.isOneOfMany && oneIsAwake) {
            guard waiter.isReady() else { continue }
            waiter.isWoken = true
            woken.append(waiter)
            if waiter.isOneOfMany { oneIsAwake = true }
        }
        return woken
    }
}
