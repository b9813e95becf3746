import Glibc
import SystemKit

/// The wall clock.
package enum WallClock {
    /// Of the clock that no step of the time of day moves. Units: nanoseconds.
    package static func sinceBoot() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    package static func milliseconds() -> UInt64 { UInt64(SystemClock.wall() / 1_000_000) }

    /// How many minutes local clocks were before UTC at a time, in milliseconds since 1970; nil where the zone cannot tell.
    package static func localOffset(at milliseconds: UInt64) -> Int? {
        var seconds = time_t(milliseconds / 1000)
        var parts = unsafe tm()
        guard unsafe localtime_r(&seconds, &parts) != nil else { return nil }
        return unsafe parts.tm_gmtoff / 60
    }

    /// When local clocks show what UTC shows at `wall`, in milliseconds since 1970; nil before that year.
    package static func instant(ofLocal wall: Int64) -> UInt64? {
        var seconds = time_t(wall / 1000)
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return nil }
        unsafe parts.tm_isdst = -1
        let instant = unsafe mktime(&parts)
        return UInt64(exactly: Int64(instant) * 1000 + wall % 1000)
    }
}
