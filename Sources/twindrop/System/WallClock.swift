import Glibc

/// The wall clock.
enum WallClock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    static func milliseconds() -> UInt64 {
        let time = nanoseconds()
        return time / 1_000_000
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
