import CodecKit

/// How far the clocks of one place are ahead of UTC at every moment: the known changes, and the rule for the time after them.
package struct ZoneRules: Sendable, Equatable {
    /// From `at` (seconds since 1970-01-01T00:00:00Z) on, clocks are `offset` seconds ahead of UTC.
    package struct Change: Sendable, Equatable {
        package let at: Int64
        package let offset: Int64

        package init(at: Int64, offset: Int64) { (self.at, self.offset) = (at, offset) }
    }

    /// Before the first change.
    let first: Int64
    /// Ascending.
    let changes: [Change]
    /// The rule after the last change; nil: the offset stays.
    let rule: YearlyRule?

    init(first: Int64, changes: [Change], rule: YearlyRule?) {
        (self.first, self.changes, self.rule) = (first, changes, rule)
    }

    /// What a time that clocks of the place show can be, in seconds since 1970-01-01T00:00:00Z.
    package enum Meaning: Equatable {
        case one(Change)
        /// Clocks were put forward, so they never showed this time. With the offset after the change it is the earlier moment;
        /// with the offset before, the later one.
        case gap(earlier: Change, later: Change)
        /// Clocks were put back, and showed it twice.
        case overlap(earlier: Change, later: Change)
    }

    /// The offset at a moment.
    package func offset(at moment: Int64) -> Int64 {
        if let rule, moment >= changes.last?.at ?? .min { return rule.offset(at: moment) }
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= moment { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : changes[low - 1].offset
    }

    /// What `local` is: seconds since 1970-01-01T00:00:00 as the place's clocks count them.
    package func meaning(of local: Int64) -> Meaning {
        let reach: Int64 = 26 * 3600  // No offset is further from UTC.
        let start = local - reach
        let steps = [Change(at: start, offset: offset(at: start))] + changes(after: start, upTo: local + reach)
        var moments: [Change] = []
        for offset in Set(steps.map(\.offset)) where self.offset(at: local - offset) == offset {
            moments.append(Change(at: local - offset, offset: offset))
        }
        moments.sort { $0.at < $1.at }
        if moments.count == 1 { return .one(moments[0]) }
        if let earlier = moments.first, let later = moments.last { return .overlap(earlier: earlier, later: later) }
        for (before, after) in zip(steps, steps.dropFirst())
        where local >= after.at + before.offset && local < after.at + after.offset {
            return .gap(earlier: moment(local - after.offset), later: moment(local - before.offset))
        }
        preconditionFailure("a local time is shown once, twice, or lies in a gap between two offsets")
    }

    private func moment(_ at: Int64) -> Change { Change(at: at, offset: offset(at: at)) }

    /// The changes in `(start, end]`, ascending, those of the rule among them.
    private func changes(after start: Int64, upTo end: Int64) -> [Change] {
        let known = changes.filter { $0.at > start && $0.at <= end }
        guard let rule else { return known }
        let last = changes.last?.at ?? .min
        return known + rule.changes(around: start, end).filter { $0.at > max(start, last) && $0.at <= end }
    }
}

/// A rule without an end, in the form of the TZ variable of POSIX: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct YearlyRule: Sendable, Equatable {
    enum Day: Sendable, Equatable {
        /// 1 to 365; the 29th of February is never counted.
        case withoutLeapDay(Int64)
        /// 0 to 365.
        case ofYear(Int64)
        /// Month, week (5: the last), day of the week (0: Sunday).
        case weekday(month: Int64, week: Int64, day: Int64)
    }

    struct Turn: Sendable, Equatable {
        let day: Day
        /// Seconds after midnight, on the clocks that are in force before.
        let time: Int64
    }

    let standard: Int64
    /// Nil: the clocks are never changed.
    let summer: (offset: Int64, from: Turn, to: Turn)?

    static func == (left: Self, right: Self) -> Bool {
        left.standard == right.standard && left.summer?.offset == right.summer?.offset && left.summer?.from == right.summer?.from
            && left.summer?.to == right.summer?.to
    }

    func offset(at moment: Int64) -> Int64 {
        guard summer != nil else { return standard }
        return changes(around: moment, moment).last { $0.at <= moment }?.offset ?? standard
    }

    /// The changes of the years around two moments, ascending.
    func changes(around start: Int64, _ end: Int64) -> [ZoneRules.Change] {
        guard let summer else { return [] }
        var changes: [ZoneRules.Change] = []
        for year in (Days.year(ofSecond: start) - 1)...(Days.year(ofSecond: end) + 1) {
            changes.append(.init(at: Self.second(summer.from, in: year) - standard, offset: summer.offset))
            changes.append(.init(at: Self.second(summer.to, in: year) - summer.offset, offset: standard))
        }
        return changes.sorted { $0.at < $1.at }
    }

    private static func second(_ turn: Turn, in year: Int64) -> Int64 {
        let newYear = Days.since1970(year, 1, 1)
        let day: Int64
        switch turn.day {
        case .withoutLeapDay(let number): day = newYear + number - 1 + (Days.isLeap(year) && number > 59 ? 1 : 0)
        case .ofYear(let number): day = newYear + number
        case .weekday(let month, let week, let weekday):
            let firstOfMonth = Days.since1970(year, month, 1)
            let next = month == 12 ? Days.since1970(year + 1, 1, 1) : Days.since1970(year, month + 1, 1)
            var found = firstOfMonth + (weekday - Days.weekday(firstOfMonth) + 7) % 7 + (week - 1) * 7
            while found >= next { found -= 7 }
            day = found
        }
        return day * 86_400 + turn.time
    }
}

/// Days of the calendar, in the numbers that zones are given in.
enum Days {
    static func since1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        Int64(CivilDate.daysSince1970(year: Int(year), month: Int(month), day: Int(day)))
    }

    /// The year of a second since 1970.
    static func year(ofSecond second: Int64) -> Int64 {
        let days = (second >= 0 ? second : second - 86_399) / 86_400
        return Int64(CivilDate(daysSince1970: Int(days)).year)
    }

    /// 0 for Sunday.
    static func weekday(_ days: Int64) -> Int64 { ((days + 4) % 7 + 7) % 7 }

    static func isLeap(_ year: Int64) -> Bool { CivilDate.isLeap(Int(year)) }
}
