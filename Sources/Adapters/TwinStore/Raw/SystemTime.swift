import Glibc

/// The clock of the system.
package enum SystemTime {
    /// Units of 100 nanoseconds since 1970 (CLOCK_REALTIME).
    @Sendable package static func ticks() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 10_000_000 + Int64(now.tv_nsec) / 100
    }
}
