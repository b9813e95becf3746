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
/// | `'T'`, `''` | text as it stands; a quotation mark |
/// | `[…]` | may be missing as a whole |
///
/// Other letters are refused; all else stands for itself.
public struct DatePattern: Sendable {
    /// What a pattern must hold.
    public enum Need: Sendable { case date, time, dateTime }

    private enum Step: Sendable {
        case literal(UInt8)
        case number(Part, least: Int, most: Int)
        case month
        case fraction(least: Int, most: Int)
        case halfDay
        case offset
        case optional(end: Int)
        case endOptional
    }

    private enum Part: Int, Sendable { case year, shortYear, month, day, hour, hour12, minute, second }

    private let steps: [Step]
    /// The pattern as it was written.
    public let text: String

    /// Errors: a sentence that says what is wrong with the pattern; kind `settings`.
    public init(_ text: String, need: Need) throws(PluginError) {
        self.text = text
        steps = try Self.compile(text)
        var seen: Set<Int> = []
        for case .number(let part, _, _) in steps { seen.insert(part.rawValue) }
        if steps.contains(where: { if case .month = $0 { true } else { false } }) { seen.insert(Part.month.rawValue) }
        let hasYear = seen.contains(Part.year.rawValue) || seen.contains(Part.shortYear.rawValue)
        let hasDate = hasYear && seen.contains(Part.month.rawValue) && seen.contains(Part.day.rawValue)
        let hasTime = seen.contains(Part.hour.rawValue) || seen.contains(Part.hour12.rawValue)
        let isEnough =
            switch need {
            case .date: hasDate
            case .time: hasTime
            case .dateTime: hasDate
            }
        guard isEnough else {
            throw PluginError(.settings, "The pattern '\(text)' lacks \(need == .time ? "the hour" : "year, month or day").")
        }
    }

    /// The day in `field`; a time of day in it is read and left out.
    ///
    /// Errors: `not-a-date`.
    public func date(_ field: Bytes) throws(ValueError) -> CalendarDate {
        let fields = try parse(field, "not-a-date")
        guard let date = fields.date else { throw ValueError("not-a-date", "a day that exists") }
        return date
    }

    /// The time of day in `field`.
    ///
    /// Errors: `not-a-time`.
    public func time(_ field: Bytes) throws(ValueError) -> TimeOfDay {
        let fields = try parse(field, "not-a-time")
        guard let time = fields.time else { throw ValueError("not-a-time", "a time of day that exists") }
        return time
    }

    /// The moment in `field`; `offsetMinutes` holds where the field states none.
    ///
    /// Errors: `not-a-date-time`.
    public func timestamp(_ field: Bytes, offsetMinutes: Int32) throws(ValueError) -> Timestamp {
        let fields = try parse(field, "not-a-date-time")
        guard let date = fields.date, let time = fields.time else {
            throw ValueError("not-a-date-time", "a day and time that exist")
        }
        return Timestamp(date: date, time: time, offsetMinutes: fields.offset ?? offsetMinutes)
    }

    // MARK: - Reading

    private struct Fields {
        var year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0
        var microseconds: Int64 = 0
        var isAfternoon: Bool?
        var offset: Int32?

        var date: CalendarDate? { CalendarDate(year: year, month: month, day: day) }

        var time: TimeOfDay? {
            var hour = hour
            if let isAfternoon {
                guard (1...12).contains(hour) else { return nil }
                hour = hour % 12 + (isAfternoon ? 12 : 0)
            }
            guard hour < 24, minute < 60, second < 60 else { return nil }
            return TimeOfDay(microseconds: Int64((hour * 60 + minute) * 60 + second) * 1_000_000 + microseconds)
        }
    }

    private func parse(_ field: Bytes, _ code: StaticString) throws(ValueError) -> Fields {
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
                    guard let saved = retreat else { throw ValueError(code, "the declared date format") }
                    (index, position, fields) = (saved.step, saved.position, saved.fields)
                    retreat = nil
                }
            }
            index += 1
        }
        guard position == field.count else { throw ValueError(code, "the declared date format") }
        return fields
    }

    private static func take(_ step: Step, _ field: Bytes, _ position: inout Int, _ fields: inout Fields) -> Bool {
        switch step {
        case .literal(let byte):
            guard position < field.count, field[position] == byte else { return false }
            position += 1
            return true
        case .number(let part, let least, let most):
            guard let value = takeDigits(field, &position, least, most)?.value else { return false }
            assign(value, to: part, in: &fields)
            return true
        case .month:
            guard position + 3 <= field.count else { return false }
            let name = field.dropFirst(position).prefix(3)
            for (index, month) in months.enumerated() where name.equalsIgnoringCase(Bytes(month)) {
                fields.month = index + 1
                position += 3
                return true
            }
            return false
        case .fraction(let least, let most):
            guard let (value, count) = takeDigits(field, &position, least, most) else { return false }
            var nanoseconds = Int64(value)
            for _ in count..<9 { nanoseconds *= 10 }
            fields.microseconds = nanoseconds / 1_000
            return true
        case .halfDay:
            guard position + 2 <= field.count, field[position + 1] | 0x20 == UInt8(ascii: "m") else { return false }
            let letter = field[position] | 0x20
            guard letter == UInt8(ascii: "a") || letter == UInt8(ascii: "p") else { return false }
            fields.isAfternoon = letter == UInt8(ascii: "p")
            position += 2
            return true
        case .offset:
            return takeOffset(field, &position, &fields)
        case .optional, .endOptional:
            return true
        }
    }

    private static func assign(_ value: Int, to part: Part, in fields: inout Fields) {
        switch part {
        case .year: fields.year = value
        case .shortYear: fields.year = value < 70 ? 2000 + value : 1900 + value
        case .month: fields.month = value
        case .day: fields.day = value
        case .hour, .hour12: fields.hour = value
        case .minute: fields.minute = value
        case .second: fields.second = value
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
        if position < field.count, field[position] == UInt8(ascii: ":") { position += 1 }
        let minutes = takeDigits(field, &position, 2, 2)?.value ?? 0
        guard minutes < 60 else { return false }
        fields.offset = Int32(hours * 60 + minutes) * (first == 0x2D ? -1 : 1)
        return true
    }

    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    // MARK: - Compiling

    private static func compile(_ text: String) throws(PluginError) -> [Step] {
        var steps: [Step] = []
        var open: Int?
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            var run = 1
            while index + run < bytes.count, bytes[index + run] == byte { run += 1 }
            switch byte {
            case UInt8(ascii: "'"):
                index = try compileQuoted(bytes, index, &steps, text)
                continue
            case UInt8(ascii: "["):
                guard open == nil else { throw PluginError(.settings, "The pattern '\(text)' nests '['.") }
                open = steps.count
                steps.append(.optional(end: 0))
                run = 1
            case UInt8(ascii: "]"):
                guard let start = open else { throw PluginError(.settings, "The pattern '\(text)' has ']' without '['.") }
                steps[start] = .optional(end: steps.count)
                steps.append(.endOptional)
                open = nil
                run = 1
            case _ where (byte | 0x20) &- 0x61 < 26:
                guard let step = step(for: byte, run: run) else {
                    let letters = String(repeating: Character(Unicode.Scalar(byte)), count: run)
                    throw PluginError(.settings, "The pattern '\(text)' has '\(letters)', which means nothing.")
                }
                steps.append(step)
            default:
                steps.append(contentsOf: repeatElement(.literal(byte), count: run))
            }
            index += run
        }
        guard open == nil else { throw PluginError(.settings, "The pattern '\(text)' has '[' without ']'.") }
        return steps
    }

    private static func compileQuoted(
        _ bytes: [UInt8], _ start: Int, _ steps: inout [Step], _ text: String
    ) throws(PluginError) -> Int {
        var index = start + 1
        if index < bytes.count, bytes[index] == UInt8(ascii: "'") {
            steps.append(.literal(UInt8(ascii: "'")))
            return index + 1
        }
        while index < bytes.count, bytes[index] != UInt8(ascii: "'") {
            steps.append(.literal(bytes[index]))
            index += 1
        }
        guard index < bytes.count else { throw PluginError(.settings, "The pattern '\(text)' has an open quotation mark.") }
        return index + 1
    }

    private static func step(for letter: UInt8, run: Int) -> Step? {
        switch (letter, run) {
        case (UInt8(ascii: "y"), 4): .number(.year, least: 4, most: 4)
        case (UInt8(ascii: "y"), 2): .number(.shortYear, least: 2, most: 2)
        case (UInt8(ascii: "M"), 3): .month
        case (UInt8(ascii: "M"), 1...2): .number(.month, least: run, most: 2)
        case (UInt8(ascii: "d"), 1...2): .number(.day, least: run, most: 2)
        case (UInt8(ascii: "H"), 1...2): .number(.hour, least: run, most: 2)
        case (UInt8(ascii: "h"), 1...2): .number(.hour12, least: run, most: 2)
        case (UInt8(ascii: "m"), 1...2): .number(.minute, least: run, most: 2)
        case (UInt8(ascii: "s"), 1...2): .number(.second, least: run, most: 2)
        case (UInt8(ascii: "S"), 1): .fraction(least: 1, most: 9)
        case (UInt8(ascii: "S"), 2...9): .fraction(least: run, most: run)
        case (UInt8(ascii: "a"), 1): .halfDay
        case (UInt8(ascii: "X"), 1...3): .offset
        default: nil
        }
    }
}
