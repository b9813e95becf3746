import Glibc

/// The clocks of the kernel. Units: nanoseconds.
package enum SystemClock {
    /// Since 1970-01-01T00:00:00Z; people and time servers set it.
    package static func wall() -> Int64 { read(CLOCK_REALTIME) }

    /// Since an arbitrary start; it neither jumps nor, while the machine sleeps, goes on.
    package static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Since the machine was started; it never jumps, and goes on while the machine sleeps.
    package static func sinceBoot() -> Int64 { read(CLOCK_BOOTTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Whole nanoseconds, clamped to 9 thousand million seconds (285 years), so that a point of a clock can be added.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let limit: Int64 = 9_000_000_000
        guard seconds < limit else { return limit * 1_000_000_000 }
        guard seconds > -limit else { return -limit * 1_000_000_000 }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
