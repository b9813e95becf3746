internal import ValueRules

/// The clocks of one place, for reading times without an offset: with a fixed offset from UTC, or by the rules of an IANA zone.
///
/// Ask the host for it (`Host.zone`), once, in `init`.
public struct Zone: Sendable {
    /// How to read a time that the clocks never showed, or showed twice, because they were put forward or back.
    public enum Choice: Sendable {
        /// No time at all.
        case refuse
        /// The earlier of the two moments it could be.
        case earlier
        /// The later of them.
        case later
    }

    /// As it was asked for: `Europe/Berlin`, `+01:00`.
    public let name: String
    private let offsetMinutes: Int32
    private let rules: ZoneRules?

    /// Clocks that are always `offsetMinutes` ahead of UTC.
    public init(offsetMinutes: Int32) {
        (self.offsetMinutes, rules) = (offsetMinutes, nil)
        name = "a fixed offset"
    }

    init(name: String, rules: ZoneRules) {
        (self.name, offsetMinutes, self.rules) = (name, 0, rules)
    }

    /// The moment when the clocks show `date` and `time`.
    ///
    /// An offset that is not a whole number of minutes, as before the time of zones, is written as UTC: the moment is the same.
    /// Errors: `time-gap`, `time-overlap`, `not-a-date-time` outside of the years 1 to 9999.
    public func timestamp(
        _ date: CalendarDate, _ time: TimeOfDay, gap: Choice = .refuse, overlap: Choice = .refuse
    ) throws(ValueError) -> Timestamp {
        try timestamp(date, microseconds: time.microseconds, gap: gap, overlap: overlap)
    }

    /// - Parameter microseconds: since midnight; a whole day is allowed, after rounding.
    func timestamp(
        _ date: CalendarDate, microseconds: Int64, gap: Choice, overlap: Choice
    ) throws(ValueError) -> Timestamp {
        guard let rules else { return try Timestamp(checking: date, microseconds, offsetMinutes: offsetMinutes) }
        let local = Int64(date.days) * 86_400 + microseconds / 1_000_000
        let found: ZoneRules.Change
        switch rules.meaning(of: local) {
        case .one(let only): found = only
        case .gap(let earlier, let later):
            guard gap != .refuse else {
                throw ValueError(
                    "time-gap", "a time that clocks in \(name) show",
                    remark: "They were put forward over it. Set gap to earlier or later to read it all the same.")
            }
            found = gap == .earlier ? earlier : later
        case .overlap(let earlier, let later):
            guard overlap != .refuse else {
                throw ValueError(
                    "time-overlap", "a time that clocks in \(name) show once",
                    remark: "They were put back, and showed it twice. Set overlap to earlier or later, or state the offset.")
            }
            found = overlap == .earlier ? earlier : later
        }
        let moment = found.at * 1_000_000 + microseconds % 1_000_000
        let minutes = found.offset % 60 == 0 ? found.offset / 60 : 0
        return try Timestamp(checking: moment, offsetMinutes: minutes)
    }
}

extension Timestamp {
    /// Errors: `not-a-date-time` outside of what a date-time can be.
    init(checking microseconds: Int64, offsetMinutes: Int64) throws(ValueError) {
        guard ValueLimits.holds(microseconds: microseconds, offsetMinutes: offsetMinutes) else {
            throw ValueError("not-a-date-time", "a date and time in the years 1 to 9999, with its offset and in UTC")
        }
        self.init(microseconds: microseconds, offsetMinutes: Int32(offsetMinutes))
    }

    /// - Parameter microseconds: since midnight.
    init(checking date: CalendarDate, _ microseconds: Int64, offsetMinutes: Int32) throws(ValueError) {
        let local = Int64(date.days) * ValueLimits.day + microseconds
        try self.init(checking: local - Int64(offsetMinutes) * 60_000_000, offsetMinutes: Int64(offsetMinutes))
    }
}

extension Host {
    /// The clocks that `name` names: `Z`, `+01:00`, or an IANA zone such as `Europe/Berlin`.
    ///
    /// TwinDrop hands over the zones that the settings name: their schema in the manifest marks the setting with
    /// `"format": "time-zone"`. Errors: kind `settings`.
    public func zone(_ name: String) throws(PluginError) -> Zone {
        if let minutes = ZoneRules.offsetMinutes(name) { return Zone(offsetMinutes: minutes) }
        guard ZoneRules.isName(name) else {
            throw PluginError(.settings, "'\(name)' is no time zone: write Z, +01:00 or a name such as Europe/Berlin.")
        }
        let (key, table) = (Bytes(kept: name), Bytes("org.twindrop.zones"))
        defer { key.freeKept() }
        guard let text = lookup(key, in: table), let rules = ZoneRules(text: text.text) else {
            throw PluginError(
                .settings,
                "The time zone '\(name)' was not handed over: its setting needs \"format\": \"time-zone\" in the manifest."
            )
        }
        return Zone(name: name, rules: rules)
    }
}
