import SystemKit

/// The clock of the system.
package enum SystemTime {
    /// Units of 100 nanoseconds since 1970.
    @Sendable package static func ticks() -> Int64 { SystemClock.wall() / 100 }
}
