import Glibc

/// Signals that ask the process to end, taken on a thread instead of in a handler.
package enum Signals {
    /// The terminal was closed (SIGHUP).
    package static let hangUp = SIGHUP

    /// Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and all threads it starts, and ignores SIGPIPE. Call it first of
    /// all.
    package static func takeOver() {
        outliveClosedPipes()
        var set = endings()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Ignores SIGPIPE: a write into a pipe that nobody reads any more is an error like any other.
    package static func outliveClosedPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Waits for the next of the signals above; its number.
    package static func wait() -> CInt {
        var set = endings()
        var number: CInt = 0
        while unsafe sigwait(&set, &number) != 0 {}
        return number
    }

    private static func endings() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, number) }
        return set
    }
}
