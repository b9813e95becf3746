/// When deliveries of a source are expected (decision 0036). Pure: the time, and the zone's offset from UTC, are passed in.
package struct Expectation: Sendable, Equatable {
    package enum Rhythm: Sendable, Equatable {
        /// The next delivery comes at most this long after the last.
        case every(Duration)
        /// One delivery for each of these times of day, in minutes after midnight, on these days of the week (0: Monday).
        case at(minutes: [Int], days: Set<Int>)
    }

    package let rhythm: Rhythm
    /// How much later than expected a delivery may come.
    package let grace: Duration
    /// Name of a time zone: `Europe/Berlin`.
    package let zone: String

    package init(rhythm: Rhythm, grace: Duration = .zero, zone: String = "UTC") {
        self.rhythm = rhythm
        self.grace = grace
        self.zone = zone
    }

    /// When the source is late, unless a delivery comes before, in milliseconds since 1970.
    ///
    /// A delivery counts for the time of day it is nearest to: one that came late for yesterday is not today's.
    ///
    /// - Parameters:
    ///   - last: when the last delivery came, or, where none ever did, since when one is expected.
    ///   - offset: of the zone at a time, both in milliseconds: what is added to UTC.
    package func due(after last: UInt64, offset: @escaping (UInt64) -> Int64) -> UInt64 {
        let grace = UInt64(max(0, grace / .milliseconds(1)))
        switch rhythm {
        case .every(let pause): return last &+ UInt64(max(0, pause / .milliseconds(1))) &+ grace
        case .at(let minutes, let days):
            // The first expected time for which the last delivery came before the middle between it and the time before.
            var times = Times(minutes: minutes.sorted(), days: days, from: last, offset)
            var before = times.next()
            while true {
                let time = times.next()
                if before + (time - before) / 2 > last { return time + grace }
                before = time
            }
        }
    }

    /// The expected times, from one that lies at least eight days before a given time.
    private struct Times {
        private let minutes: [Int]
        private let days: Set<Int>
        private let offset: (UInt64) -> Int64
        private var day: Int64
        private var index = 0

        init(minutes: [Int], days: Set<Int>, from start: UInt64, _ offset: @escaping (UInt64) -> Int64) {
            precondition(!minutes.isEmpty && !days.isEmpty, "an expectation has a time and a day")
            self.minutes = minutes
            self.days = days
            self.offset = offset
            day = max(0, Int64(clamping: start) / 86_400_000 - 9)
        }

        mutating func next() -> UInt64 {
            while true {
                // 1970-01-01 was a Thursday.
                if index < minutes.count, days.contains(Int((day + 3) % 7)) {
                    defer { index += 1 }
                    return instant(of: day * 86_400_000 + Int64(minutes[index]) * 60_000)
                }
                day += 1
                index = 0
            }
        }

        /// The moment of a time on the zone's clocks. If the time occurs twice, the earlier one; if it is skipped, the moment
        /// after the gap.
        private func instant(of local: Int64) -> UInt64 {
            let guess = UInt64(max(0, local - offset(UInt64(max(0, local)))))
            return UInt64(max(0, local - offset(guess)))
        }
    }
}

/// Whether a source is late at one moment, and why.
package struct Punctuality: Sendable, Equatable {
    /// When its last delivery came; nil if none ever did. Milliseconds since 1970, as all times here.
    package let last: UInt64?
    /// When it is, or became, late.
    package let due: UInt64
    /// From when on it counts as late: `due`, but not before a daemon that has just started has taken what came meanwhile.
    package let lateFrom: UInt64
    package let isLate: Bool

    package init(last: UInt64?, due: UInt64, lateFrom: UInt64, at now: UInt64) {
        self.last = last
        self.due = due
        self.lateFrom = lateFrom
        isLate = now >= lateFrom
    }
}
