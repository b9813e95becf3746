/// How dates and times are written, compiled once: `dd.MM.yyyy`, `M/d/yyyy H:mm:ss`, `yyyy-MM-dd'T'HH:mm:ss[.S]XXX`.
///
/// | letters | meaning |
/// | --- | --- |
/// | `yyyy`, `yy` | year; two digits are 1970 … 2069 |
/// | `MM`, `M`, `MMM` | month with two, with one or two digits, as English `Jan` |
/// | `dd`, `d` | day |
/// | `HH`, `H`, `hh`, `h` with `a` | hour of 24; hour of 12 with AM or PM |
/// | `mm`, `m`, `ss`, `s` | minute, second |
/// | `S`, `SSS` | one to nine digits of a second; exactly as many as letters |
/// | `XXX`, `XX`, `X` | `Z` or an offset: `+01:00`, `+0100`, `+01` |
/// | `'T'`, `''` | text as it is; a quotation mark |
/// | `[…]` | may be missing as a whole |
///
/// Other letters are refused; all other characters match themselves. A field is read completely: a part that the value cannot
/// hold, such as digits below the microsecond, is refused unless the caller allows rounding.
public struct DatePattern: Sendable {
    /// What a pattern must hold.
    public enum Need: Sendable { case date, time, dateTime }

    /// One step of reading a field.
    enum Step: Sendable {
        case literal(UInt8)
        case number(Part, least: Int, most: Int)
        case shortYear
        case month
        case fraction(least: Int, most: Int)
        case halfDay
        case offset
        case optional(end: Int)
        case endOptional

        var part: Part? {
            switch self {
            case .number(let part, _, _): part
            case .shortYear: .year
            case .month: .month
            case .fraction: .fraction
            case .halfDay: .halfDay
            case .offset: .offset
            case .literal, .optional, .endOptional: nil
            }
        }
    }

    /// What a step reads.
    enum Part: Int, Sendable {
        case year, month, day, hour, hour12, minute, second, fraction, halfDay, offset

        var word: String {
            ["year", "month", "day", "hour", "hour", "minute", "second", "fraction", "AM or PM", "offset"][rawValue]
        }
    }

    private let steps: [Step]
    private let parts: Set<Part>
    /// The pattern as it was written.
    public let text: String

    /// Errors: a sentence that says what is wrong with the pattern; kind `settings`.
    public init(_ text: String, need: Need) throws(PluginError) {
        self.text = text
        steps = try Self.compile(text)
        var seen: Set<Part> = []
        var isOptional = false
        for step in steps {
            if case .optional = step { isOptional = true }
            if case .endOptional = step { isOptional = false }
            guard let part = step.part else { continue }
            guard seen.insert(part).inserted || isOptional else {
                throw PluginError(.settings, "The pattern '\(text)' has the \(part.word) twice.")
            }
        }
        parts = seen
        if seen.contains(.hour12) != seen.contains(.halfDay) {
            throw PluginError(
                .settings, "The pattern '\(text)' has one of 'h' and 'a': hours of 12 need AM or PM. Write H for 24.")
        }
        if seen.contains(.fraction), !seen.contains(.second) {
            throw PluginError(.settings, "The pattern '\(text)' has 'S', but no seconds that it is a part of.")
        }
        let hasDate = seen.isSuperset(of: [.year, .month, .day])
        let hasTime = seen.contains(.hour) || seen.contains(.hour12)
        guard need == .time ? hasTime : hasDate else {
            throw PluginError(.settings, "The pattern '\(text)' lacks \(need == .time ? "the hour" : "year, month or day").")
        }
    }

    /// Whether it reads a day.
    public var readsDate: Bool { !parts.isDisjoint(with: [.year, .month, .day]) }

    /// Whether it reads an offset from UTC.
    public var readsOffset: Bool { parts.contains(.offset) }

    /// The day in `field`.
    ///
    /// A time of day other than 00:00, or an offset, is not part of a date: `rounding` leaves it out; otherwise the field is
    /// refused. Errors: `not-a-date`.
    public func date(_ field: Bytes, rounding: Bool = false) throws(ValueError) -> CalendarDate {
        let fields = try parse(field, "not-a-date", "a date as \(text)")
        guard let date = fields.date, let time = fields.microsecondsOfDay(rounding: true) else {
            throw ValueError("not-a-date", "a day that exists, as \(text)")
        }
        guard rounding || (time == 0 && !fields.subMicrosecond && fields.offset == nil) else {
            throw ValueError("not-a-date", "a date alone", remark: "Its time of day or its offset from UTC would be left out.")
        }
        return date
    }

    /// The time of day in `field`.
    ///
    /// A day, an offset, or digits below the microsecond are not part of it: `rounding` leaves them out; otherwise the field is
    /// refused. Errors: `not-a-time`.
    public func time(_ field: Bytes, rounding: Bool = false) throws(ValueError) -> TimeOfDay {
        let fields = try parse(field, "not-a-time", "a time as \(text)")
        guard fields.seen.isDisjoint(with: [.year, .month, .day]) || fields.date != nil,
            let time = fields.microsecondsOfDay(rounding: rounding), time < 86_400_000_000
        else { throw unreadable(fields, "not-a-time", "a time of day that exists, as \(text)") }
        guard rounding || fields.seen.isDisjoint(with: [.year, .month, .day, .offset]) else {
            throw ValueError("not-a-time", "a time of day alone", remark: "Its date or its offset from UTC would be left out.")
        }
        return TimeOfDay(microseconds: time)
    }

    /// The moment in `field`; `offsetMinutes` is used if the field states no offset.
    ///
    /// Errors: `not-a-date-time`.
    public func timestamp(_ field: Bytes, offsetMinutes: Int32, rounding: Bool = false) throws(ValueError) -> Timestamp {
        try timestamp(field, zone: Zone(offsetMinutes: offsetMinutes), rounding: rounding)
    }

    /// The moment in `field`, read by the clocks of `zone` if the field states no offset. `gap` and `overlap` say what a time
    /// is that these clocks never showed, or showed twice.
    ///
    /// Digits below the microsecond are rounded with `rounding`, and refused otherwise. Errors: `not-a-date-time`, `time-gap`,
    /// `time-overlap`.
    public func timestamp(
        _ field: Bytes, zone: Zone, gap: Zone.Choice = .refuse, overlap: Zone.Choice = .refuse, rounding: Bool = false
    ) throws(ValueError) -> Timestamp {
        let fields = try parse(field, "not-a-date-time", "a date and time as \(text)")
        guard let date = fields.date, let time = fields.microsecondsOfDay(rounding: rounding) else {
            throw unreadable(fields, "not-a-date-time", "a day and time that exist, as \(text)")
        }
        if let offset = fields.offset {
            return try Timestamp(checking: date, time, offsetMinutes: offset)
        }
        return try zone.timestamp(date, microseconds: time, gap: gap, overlap: overlap)
    }

    private func unreadable(_ fields: Fields, _ code: StaticString, _ expectation: String) -> ValueError {
        guard fields.subMicrosecond else { return ValueError(code, expectation) }
        return ValueError(
            code, "a time of whole microseconds, as \(text)",
            remark: "Its seconds have more than 6 decimals and would be rounded.")
    }

    // MARK: - Reading

    private struct PartSet: OptionSet {
        let rawValue: Int

        init(rawValue: Int) { self.rawValue = rawValue }

        init(_ part: Part) { rawValue = 1 << part.rawValue }

        static let year = PartSet(.year)
        static let month = PartSet(.month)
        static let day = PartSet(.day)
        static let hour = PartSet(.hour)
        static let hour12 = PartSet(.hour12)
        static let second = PartSet(.second)
        static let offset = PartSet(.offset)
    }

    private struct Fields {
        var year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0
        var nanoseconds = 0
        var isAfternoon = false
        var offset: Int32?
        /// The parts that the field has.
        var seen: PartSet = []

        /// Nil if a part of it is missing, or the day does not exist.
        var date: CalendarDate? {
            seen.isSuperset(of: [.year, .month, .day]) ? CalendarDate(year: year, month: month, day: day) : nil
        }

        var subMicrosecond: Bool { nanoseconds % 1000 != 0 }

        /// Since midnight; rounded up, it can be all of the day. Nil if there is no such time, or it would be rounded.
        func microsecondsOfDay(rounding: Bool) -> Int64? {
            var hour = hour
            if seen.contains(.hour12) {
                guard (1...12).contains(hour) else { return nil }
                hour = hour % 12 + (isAfternoon ? 12 : 0)
            }
            guard hour < 24, minute < 60, second < 60, rounding || !subMicrosecond else { return nil }
            return Int64((hour * 60 + minute) * 60 + second) * 1_000_000 + Int64((nanoseconds + 500) / 1000)
        }
    }

    private func parse(_ field: Bytes, _ code: StaticString, _ expectation: String) throws(ValueError) -> Fields {
        var fields = Fields()
        var position = 0
        var index = 0
        var retreat: (step: Int, position: Int, fields: Fields)?
        while index < steps.count {
            switch steps[index] {
            case .optional(let end):
                retreat = (end, position, fields)
            case .endOptional:
                retreat = nil
            default:
                if !Self.take(steps[index], field, &position, &fields) {
                    guard let saved = retreat else { throw ValueError(code, expectation) }
                    (index, position, fields) = (saved.step, saved.position, saved.fields)
                    retreat = nil
                }
            }
            index += 1
        }
        guard position == field.count else { throw ValueError(code, expectation) }
        return fields
    }

    private static func take(_ step: Step, _ field: Bytes, _ position: inout Int, _ fields: inout Fields) -> Bool {
        if let part = step.part {
            guard !fields.seen.contains(PartSet(part)) else { return false }  // No part is there twice.
            fields.seen.insert(PartSet(part))
        }
        switch step {
        case .literal(let byte):
            guard position < field.count, field[position] == byte else { return false }
            position += 1
        case .number(let part, let least, let most):
            guard let value = takeDigits(field, &position, least, most)?.value else { return false }
            assign(value, to: part, in: &fields)
        case .shortYear:
            guard let value = takeDigits(field, &position, 2, 2)?.value else { return false }
            fields.year = value < 70 ? 2000 + value : 1900 + value
        case .month: return takeMonth(field, &position, &fields)
        case .fraction(let least, let most):
            guard fields.seen.contains(.second), var (value, count) = takeDigits(field, &position, least, most) else {
                return false
            }
            while count < 9 {
                value *= 10
                count += 1
            }
            fields.nanoseconds = value
        case .halfDay:
            guard position + 2 <= field.count, field[position + 1] | 0x20 == UInt8(ascii: "m") else { return false }
            let letter = field[position] | 0x20
            guard letter == UInt8(ascii: "a") || letter == UInt8(ascii: "p") else { return false }
            fields.isAfternoon = letter == UInt8(ascii: "p")
            position += 2
        case .offset: return takeOffset(field, &position, &fields)
        case .optional, .endOptional: break
        }
        return true
    }

    private static func takeMonth(_ field: Bytes, _ position: inout Int, _ fields: inout Fields) -> Bool {
        guard position + 3 <= field.count else { return false }
        let name = field.dropFirst(position).prefix(3)
        for (index, month) in months.enumerated() where name.equalsIgnoringCase(Bytes(month)) {
            fields.month = index + 1
            position += 3
            return true
        }
        return false
    }

    private static func assign(_ value: Int, to part: Part, in fields: inout Fields) {
        switch part {
        case .year: fields.year = value
        case .month: fields.month = value
        case .day: fields.day = value
        case .hour, .hour12: fields.hour = value
        case .minute: fields.minute = value
        case .second: fields.second = value
        case .fraction, .halfDay, .offset: break
        }
    }

    private static func takeDigits(_ field: Bytes, _ position: inout Int, _ least: Int, _ most: Int) -> (value: Int, count: Int)?
    {
        var value = 0
        var count = 0
        while count < most, position < field.count, field[position] &- 0x30 < 10 {
            value = value * 10 + Int(field[position] - 0x30)
            position += 1
            count += 1
        }
        return count >= least ? (value, count) : nil
    }

    /// `Z`, `+01`, `+0100` or `+01:00`, complete: half an offset is not an offset.
    private static func takeOffset(_ field: Bytes, _ position: inout Int, _ fields: inout Fields) -> Bool {
        guard position < field.count else { return false }
        let first = field[position]
        position += 1
        if first | 0x20 == UInt8(ascii: "z") {
            fields.offset = 0
            return true
        }
        guard first == 0x2B || first == 0x2D, let hours = takeDigits(field, &position, 2, 2)?.value, hours < 24 else {
            return false
        }
        var minutes = 0
        if position < field.count, field[position] == UInt8(ascii: ":") || field[position] &- 0x30 < 10 {
            if field[position] == UInt8(ascii: ":") { position += 1 }
            guard let value = takeDigits(field, &position, 2, 2)?.value, value < 60 else { return false }
            minutes = value
        }
        fields.offset = Int32(hours * 60 + minutes) * (first == 0x2D ? -1 : 1)
        return true
    }

    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
