import CodecKit
import ThreadKit

/// Times as people and JSON see them: RFC 3339, in UTC; for people in the machine's time zone where they ask for it (`--local`).
package enum Times {
    /// `2026-11-21T08:25:22.123Z`, from milliseconds since 1970.
    package static func text(_ milliseconds: UInt64) -> String {
        UTCTime(milliseconds: milliseconds).description
    }

    // MARK: For people

    /// Whether people asked for local times.
    private static let local = Monitor(false)

    package static var isLocal: Bool { local.with { $0 } }

    package static func useLocalTime() { local.with { $0 = true } }

    /// The time for people: as `text`, or `2026-11-21T09:25:22.123+01:00`.
    package static func shown(_ milliseconds: UInt64) -> String {
        guard isLocal else { return text(milliseconds) }
        guard let offset = WallClock.localOffset(at: milliseconds) else { return text(milliseconds) }
        let wall = text(UInt64(max(0, Int64(milliseconds) + Int64(offset) * 60_000))).dropLast()
        return wall + (offset == 0 ? "+00:00" : RFC3339.offset(minutes: offset))
    }

    /// `2026-11-21T08:25:22.123Z (3 min ago)`
    package static func shownWithAge(_ milliseconds: UInt64, now: UInt64 = WallClock.milliseconds()) -> String {
        "\(shown(milliseconds)) (\(distance(milliseconds, now: now)))"
    }

    /// How far a time is from now: `3 min ago`, `in 2 h`, `now`.
    package static func distance(_ milliseconds: UInt64, now: UInt64 = WallClock.milliseconds()) -> String {
        let isPast = milliseconds <= now
        let seconds = (isPast ? now - milliseconds : milliseconds - now) / 1000
        let units: [(UInt64, String)] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
        guard let (size, name) = units.first(where: { seconds >= 2 * $0.0 || ($0.0 == 1 && seconds > 0) }) else { return "now" }
        return isPast ? "\(seconds / size) \(name) ago" : "in \(seconds / size) \(name)"
    }

    // MARK: Reading

    /// What a person wrote: a time, or a whole day.
    package struct Written {
        /// Milliseconds since 1970: the time, or the first of the day.
        package let first: UInt64
        /// The same, or the last of the day.
        package let last: UInt64
    }

    /// Reads `YYYY-MM-DD`, or that with `THH:MM[:SS[.fff]]` and an offset (`Z`, `+01:00`); without one it is UTC, or local where
    /// that was asked for. Nil for anything else: half a date is none.
    package static func read(_ text: String) -> Written? {
        var rest = Array(text.utf8)[...]
        guard let date = CivilDate(rest.prefix(10)), (1970...9999).contains(date.year) else { return nil }
        rest = rest.dropFirst(10)
        let midnight = Int64(date.daysSince1970) * 86_400_000
        if rest.isEmpty {
            guard let first = shifted(midnight, offset: nil), let next = shifted(midnight + 86_400_000, offset: nil) else {
                return nil
            }
            return Written(first: first, last: next - 1)
        }
        guard take("T", &rest) || take("t", &rest) || take(" ", &rest), let clock = clock(&rest), let offset = offset(&rest),
            let time = shifted(midnight + clock, offset: offset.minutes)
        else { return nil }
        return Written(first: time, last: time)
    }

    /// Milliseconds since midnight.
    private static func clock(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        guard let hour = number(2, &rest), take(":", &rest), let minute = number(2, &rest), hour < 24, minute < 60 else {
            return nil
        }
        var total = Int64(hour * 60 + minute) * 60_000
        guard take(":", &rest) else { return total }
        guard let second = number(2, &rest), second < 60 else { return nil }
        total += Int64(second) * 1000
        guard take(".", &rest) else { return total }
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        let thousandths = (Array(digits) + [0x30, 0x30, 0x30]).prefix(3).reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        return total + thousandths
    }

    /// From UTC, where one is written.
    private struct Offset { let minutes: Int? }

    /// The offset at the end; nil where what stands there is none.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Offset? {
        if rest.isEmpty { return Offset(minutes: nil) }
        if rest.count == 1, take("Z", &rest) || take("z", &rest) { return Offset(minutes: 0) }
        let sign = rest.first == UInt8(ascii: "-") ? -1 : 1
        guard take("+", &rest) || take("-", &rest), let hours = number(2, &rest), hours <= 23 else { return nil }
        if rest.isEmpty { return Offset(minutes: sign * hours * 60) }
        _ = take(":", &rest)
        guard let minutes = number(2, &rest), minutes < 60, rest.isEmpty else { return nil }
        return Offset(minutes: sign * (hours * 60 + minutes))
    }

    /// The instant at which clocks show `wall`; nil before 1970.
    private static func shifted(_ wall: Int64, offset: Int?) -> UInt64? {
        if let offset { return UInt64(exactly: wall - Int64(offset) * 60_000) }
        guard isLocal else { return UInt64(exactly: wall) }
        return WallClock.instant(ofLocal: wall)
    }

    private static func take(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Exactly so many digits.
    private static func number(_ digits: Int, _ rest: inout ArraySlice<UInt8>) -> Int? {
        let taken = rest.prefix(digits)
        guard taken.count == digits, taken.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest = rest.dropFirst(digits)
        return taken.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
