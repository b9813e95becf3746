import DropCore
import Testing

private typealias Rule = DropCore.Expectation

@Suite struct `When a source is late` {
    private static let hour: UInt64 = 3_600_000
    private static let day = 24 * hour
    /// 2026-11-30T00:00:00Z, a Monday.
    private static let monday: UInt64 = 1_795_996_800_000

    private func due(_ expectation: Rule, after last: UInt64, zone: Int64 = 0) -> UInt64 {
        expectation.due(after: last) { _ in zone * Int64(Self.hour) }
    }

    @Test func `it is so long after its last delivery, and its grace`() {
        #expect(due(Rule(rhythm: .every(.seconds(86_400))), after: 5) == 5 + Self.day)
        #expect(due(Rule(rhythm: .every(.seconds(3600)), grace: .seconds(60)), after: 5) == 5 + Self.hour + 60_000)
    }

    @Test func `it is at the time of day that no delivery is nearest to`() {
        let expectation = Rule(rhythm: .at(minutes: [6 * 60], days: Set(0...6)), grace: .seconds(1800))
        let six = Self.monday + 6 * Self.hour
        let grace = Self.hour / 2
        // Ten minutes early, in time, and hours late: each is the day's.
        for offset: Int64 in [-600_000, 0, 18_000_000] {
            let came = UInt64(Int64(six) + Int64(offset))
            let expected: UInt64 = six + Self.day + grace
            #expect(due(expectation, after: came) == expected)
        }
        // After the middle of the night it is the next day's.
        let (night, after): (UInt64, UInt64) = (six + 13 * Self.hour, six + 2 * Self.day + grace)
        #expect(due(expectation, after: night) == after)
        // One that is years old: the next time after it.
        let (old, then): (UInt64, UInt64) = (six - 1000 * Self.day, six - 999 * Self.day + grace)
        #expect(due(expectation, after: old) == then)
    }

    @Test func `days that do not count are passed over`() {
        let expectation = Rule(rhythm: .at(minutes: [6 * 60, 18 * 60], days: [0, 1, 2, 3, 4]))
        let (friday, morning, evening) = (Self.monday + 4 * Self.day, 6 * Self.hour, 18 * Self.hour)
        let next: UInt64 = friday + 3 * Self.day + morning
        #expect(due(expectation, after: friday + morning) == friday + evening)
        #expect(due(expectation, after: friday + evening) == next)
        let sundays = Rule(rhythm: .at(minutes: [0], days: [6]))
        let sunday: UInt64 = Self.monday + 6 * Self.day
        #expect(due(sundays, after: sunday) == sunday + 7 * Self.day)
    }

    @Test func `times are those of its zone`() {
        let expectation = Rule(rhythm: .at(minutes: [6 * 60], days: Set(0...6)), zone: "Europe/Berlin")
        let last: UInt64 = Self.monday + 6 * Self.hour
        // West of it the delivery came on Sunday at 22:00, which is nearest to Monday's 06:00; the next is Tuesday's.
        let (east, west): (UInt64, UInt64) = (Self.monday + 29 * Self.hour, Self.monday + 38 * Self.hour)
        #expect(due(expectation, after: last, zone: 1) == east)
        #expect(due(expectation, after: last, zone: -8) == west)
    }

    @Test func `a change of clocks moves the time with the zone`() {
        let expectation = Rule(rhythm: .at(minutes: [6 * 60], days: Set(0...6)), zone: "Europe/Berlin")
        // 2026-10-25T01:00:00Z, clocks go back from +2 to +1.
        let change: UInt64 = 1_792_890_000_000
        let offset: (UInt64) -> Int64 = { ($0 < change ? 2 : 1) * Int64(Self.hour) }
        let saturday = change - 25 * Self.hour + 4 * Self.hour  // 2026-10-24T04:00:00Z, 06:00 in Berlin
        #expect(expectation.due(after: saturday, offset: offset) == saturday + 25 * Self.hour)
    }

    /// Whatever the rhythm: later deliveries never make it due earlier, and it is always due after the last.
    @Test(arguments: 0..<200)
    func `a delivery never brings the next one nearer`(seed: Int) {
        var random = SystemRandomNumberGenerator()
        let minutes = Set((0...Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 0..<1440, using: &random) })
        let days = Set((0...Int.random(in: 0...6, using: &random)).map { _ in Int.random(in: 0...6, using: &random) })
        let expectation = Rule(rhythm: .at(minutes: Array(minutes), days: days))
        let times = (0..<20).map { _ in Self.monday + UInt64.random(in: 0..<21 * Self.day, using: &random) }.sorted()
        let dues = times.map { due(expectation, after: $0, zone: 3) }
        #expect(dues == dues.sorted(), "minutes \(minutes), days \(days), times \(times)")
        for (time, due) in zip(times, dues) { #expect(due > time, "minutes \(minutes), days \(days), \(time)") }
    }
}
