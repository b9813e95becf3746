import CodecKit
import Testing
import TwinDropPluginSDK

@Suite struct `Numbers on bytes` {
    @Test(arguments: UInt64(0)..<8)
    func `are the doubles the standard library reads`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<4000 {
            let text = Self.randomNumber(using: &random)
            let expected = try #require(Double(text), "seed \(seed): \(text)")
            let value = try? Bytes(kept: text).double(NumberFormat(rounds: true))  // Any reason is the same here.
            if expected.isFinite {
                #expect(value == expected, "seed \(seed): \(text)")
            } else {
                #expect(value == nil, "seed \(seed): \(text)")
            }
            // Without rounding it is the same double, or none.
            let whole = try? Bytes(kept: text).double()  // Any reason is the same here.
            #expect(whole == nil || whole == value, "seed \(seed): \(text)")
            let isShort = text.utf8.count { (0x30...0x39).contains($0) } <= 15
            if isShort, expected.isFinite, abs(expected) > 1e-290 { #expect(whole != nil, "seed \(seed): \(text)") }
        }
    }

    @Test(arguments: ["", "-", "+", ".", "1.2.3", "1,5", "0x10", "inf", "nan", "1e", " 1", "1 ", "--1", "e5", "1_000"])
    func `refuse what is none`(text: String) {
        #expect(throws: ValueError.self) { try Bytes(kept: text).double() }
        #expect(throws: ValueError.self) { try Bytes(kept: text).int64() }
    }

    @Test(arguments: [
        ("9007199254740993", 9007199254740992.0), ("0.1", 0.1), ("5e-324", Double.leastNonzeroMagnitude),
        ("1.7976931348623157e308", 1.7976931348623157e308), ("1e-999", 0),
        ("123456789012345678901234567890", 123456789012345678901234567890.0), ("-0", 0), ("+.5", 0.5), ("5.", 5),
        ("0.000000000000000000000000000001", 1e-30),
    ])
    func `are rounded correctly at the edges where that is allowed`(text: String, value: Double) throws {
        let found = try Bytes(kept: text).double(NumberFormat(rounds: true))
        #expect(found == value)
        #expect(found.sign == .plus, "negative zero is written as zero")
    }

    @Test(arguments: [
        "9007199254740993", "123456789012345678901234567890", "3.14159265358979323846", "1e-999", "18446744073709551615",
    ])
    func `are refused where a double would lose digits`(text: String) {
        let error = #expect(throws: ValueError.self) { try Bytes(kept: text).double() }
        #expect(error?.code.description == "too-many-digits")
    }

    @Test(arguments: [
        "9007199254740992", "0.10000000000000001", "0.1000000000000000055511151231257827", "1e22", "0.30000000000000004",
    ])
    func `are taken where the double gives their digits back`(text: String) throws {
        #expect(try Bytes(kept: text).double() == Double(text))
    }

    @Test(arguments: [
        "0.500", "-0.250", "0.001", "000.500", "1.23", "1.2345", "12.34", "1234.567", "1.234.56", ".500", "1..234", "1.234.",
        "0.5",
    ])
    func `are not grouped by a mark that groups no thousands`(text: String) {
        let german = NumberFormat(point: 0x2C, group: 0x2E)
        #expect(throws: ValueError.self) { try Bytes(kept: text).double(german) }
        #expect(throws: ValueError.self) { try Bytes(kept: text).int64(german) }
    }

    @Test func `tell of both readings of a mark`() {
        let error = #expect(throws: ValueError.self) { try Bytes(kept: "0.500").double(NumberFormat(point: 0x2C, group: 0x2E)) }
        #expect(error?.remark.contains("decimal mark") == true && error?.remark.contains("group mark") == true)
        let message = error?.message("the cell", Bytes("0.512")) ?? ""
        #expect(message.contains("'0.999'") && !message.contains("512"), "the form, not the value: \(message)")
    }

    @Test(arguments: [
        "5 kg 200 g", "100-", "12:30", "3/4", "5h30", "5 1/2", "2024-05-01", "1.5e3.2", "5 -", "7 m/", "3 m23", "1,5 kg",
    ])
    func `have no unit that cuts something off`(text: String) {
        #expect(throws: ValueError.self) { try Bytes(kept: text).double(NumberFormat(allowsUnit: true)) }
    }

    @Test(arguments: [
        ("5 kg", "kg"), ("3149.0ft²", "ft²"), ("5%", "%"), ("2 m3", "m3"), ("1e3 kg/m3", "kg/m3"), ("5", ""),
        ("21.5\u{A0}°C", "°C"),
    ])
    func `have a unit that can be asked for`(text: String, unit: String) throws {
        #expect(try Bytes(kept: text).unit(NumberFormat(allowsUnit: true)).text == unit)
    }

    @Test(arguments: [Int64.min, Int64.max, 0, -1, 999_999_999_999_999_999, -1_000_000_000_000_000_000])
    func `reach the ends of 64 bits`(number: Int64) throws {
        #expect(try Bytes(kept: String(number)).int64() == number)
        #expect(try Bytes(kept: String(number)).int64(NumberFormat(point: 0x2C, group: 0x2E)) == number)
    }

    private static func randomNumber(using random: inout SeededGenerator) -> String {
        func digits(_ most: Int) -> String {
            (0..<Int.random(in: 1...most, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
        }
        var text = ["", "-", "+"].randomElement(using: &random)! + digits(random.next() % 4 == 0 ? 25 : 9)
        if Bool.random(using: &random) { text += "." + digits(random.next() % 4 == 0 ? 25 : 6) }
        if random.next() % 3 == 0 { text += "e" + String(Int.random(in: -330...330, using: &random)) }
        return text
    }
}

@Suite struct `Dates on bytes` {
    @Test func `count the days as the calendar does`() throws {
        var days = CalendarDate(year: 1600, month: 1, day: 1)!.days
        #expect(days == -135_140)
        for year in 1600..<2400 {
            for month in 1...12 {
                let length = (28...31).last { CalendarDate(year: year, month: month, day: $0) != nil }!
                #expect(CalendarDate(year: year, month: month, day: 1)?.days == days)
                #expect(CalendarDate(year: year, month: month, day: length + 1) == nil)
                days += Int32(length)
            }
        }
        #expect(CalendarDate(year: 1970, month: 1, day: 1)?.days == 0)
        #expect(CalendarDate(year: 2400, month: 1, day: 1)?.days == days)
    }

    @Test(arguments: [
        "2024-13-01", "2024-00-01", "2024-01-00", "2024-1-01", "24-01-01", "2024/01/01", "2024-01-01x", "", "0000-01-01",
    ])
    func `are refused when they do not exist`(text: String) {
        #expect(throws: ValueError.self) { try Bytes(kept: text).isoDate() }
    }

    @Test(
        arguments: [
            ("yyyyMMdd HHmmss", "20240229 235959", 1_709_251_199_000_000), ("dd.MM.yy", "29.02.24", 1_709_164_800_000_000),
            ("d. MMM yyyy", "1. mar 2024", 1_709_251_200_000_000),
            ("yyyy-MM-dd'T'HH:mm:ssX", "2024-03-01T01:00:00+01", 1_709_251_200_000_000),
            ("yyyy-MM-dd[ HH:mm[:ss]]", "2024-03-01", -1), ("M/d/yyyy h:mm:ss a", "3/1/2024 12:00:00 AM", 1_709_251_200_000_000),
            ("yyyy-MM-dd HH:mm:ss.SSS", "2024-03-01 00:00:00.250", 1_709_251_200_250_000),
            ("yyyy''MM''dd", "2024'03'01", 1_709_251_200_000_000), ("yyyy-MM-dd[ HH:mm]", "2024-03-01", 1_709_251_200_000_000),
        ] as [(String, String, Int64)])
    func `follow their pattern`(pattern: String, text: String, microseconds: Int64) throws {
        guard microseconds >= 0 else {
            #expect(throws: PluginError.self) { try DatePattern(pattern, need: .dateTime) }
            return
        }
        let stamp = try DatePattern(pattern, need: .dateTime).timestamp(Bytes(kept: text), offsetMinutes: 0)
        #expect(stamp.microseconds == microseconds)
    }

    @Test(arguments: [
        ("DD.MM.YYYY", "Write 'dd.MM.yyyy'."), ("YYYY-MM-DD HH:mm", "Write 'yyyy-MM-dd HH:mm'."),
        ("Q.MM.yyyy", "The year is yyyy, the day dd."),
    ])
    func `name the pattern that is meant`(pattern: String, hint: String) {
        let error = #expect(throws: PluginError.self) { try DatePattern(pattern, need: .date) }
        #expect(error?.message.contains(hint) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "yyyy-MM-dd hh:mm", "yyyy-MM-dd HH:mm a", "yyyy-MM-dd'T'HH.S", "yyyy-MM-dd yyyy", "dd.MM.yyyy dd",
    ])
    func `have no pattern that could mean two things`(pattern: String) {
        #expect(throws: PluginError.self) { try DatePattern(pattern, need: .dateTime) }
    }

    @Test(arguments: [
        ("yyyy-MM-dd'T'HH:mmXXX", "2024-01-01T00:00+01:5"), ("yyyy-MM-dd'T'HH:mmXXX", "2024-01-01T00:00+015"),
        ("yyyy-MM-dd'T'HH:mm:ss[.S]", "2024-01-01T00:00:00.1234567"), ("yyyy-MM-dd HH:mm[:ss][.S]", "2024-01-01 00:00.5"),
        ("[yyyy-MM-dd][dd.MM.yyyy]", ""), ("[yyyy-MM-dd][dd.MM.yyyy]", "2024-01-0102.02.2024"),
        ("yyyy-MM-dd'T'HH:mmXXX", "0001-01-01T00:00+01:00"),
        ("yyyy-MM-dd'T'HH:mmXXX", "9999-12-31T23:59-00:01"),
    ])
    func `are not read in part`(pattern: String, text: String) throws {
        let pattern = try DatePattern(pattern, need: .dateTime)
        #expect(throws: ValueError.self) { try pattern.timestamp(Bytes(kept: text), offsetMinutes: 0) }
    }

    @Test func `lose no part that the value cannot hold`() throws {
        let pattern = try DatePattern("yyyy-MM-dd HH:mm", need: .date)
        #expect(throws: ValueError.self) { try pattern.date(Bytes("2024-01-01 23:30")) }
        #expect(try pattern.date(Bytes("2024-01-01 00:00")).days == 19_723)
        #expect(try pattern.date(Bytes("2024-01-01 23:30"), rounding: true).days == 19_723)
        let fine = try DatePattern("yyyy-MM-dd HH:mm:ss.S", need: .dateTime)
        let stamp = try fine.timestamp(Bytes("1970-01-01 23:59:59.9999999"), offsetMinutes: 0, rounding: true)
        #expect(stamp.microseconds == 86_400_000_000, "rounded up into the next day")
    }

    @Test(arguments: [
        ("PT0.1S", 100_000), ("PT0.000001S", 1), ("P2W", 1_209_600_000_000), ("PT0.0000001H", 360), ("-PT1.5S", -1_500_000),
        ("PT9223372036854.775807S", Int64.max),
    ])
    func `have durations that are exact`(text: String, microseconds: Int64) throws {
        #expect(try Bytes(kept: text).isoDuration() == TimeSpan(months: 0, microseconds: microseconds))
    }

    @Test(arguments: [
        ("0.1", TimeUnit.seconds, 100_000), ("2.5", .hours, 9_000_000_000), ("1e-6", .seconds, 1),
        ("-3", .days, -259_200_000_000),
    ])
    func `have durations of a unit that are exact`(text: String, unit: TimeUnit, microseconds: Int64) throws {
        #expect(try Bytes(kept: text).duration(in: unit) == TimeSpan(months: 0, microseconds: microseconds))
    }

    @Test(arguments: ["0.0000001", "1e300", "1e-400", "0.33333333333333333333"])
    func `have no duration of a unit that would be rounded`(text: String) {
        #expect(throws: ValueError.self) { try Bytes(kept: text).duration(in: .seconds) }
    }

    @Test(arguments: [
        "P", "PT", "1H", "PT1", "PT1M1H", "P1H", "P1.5Y", "PT1H-1M", "P99999999999Y", "P1.D", "PT0.0000001S", "P1Y2W",
        "PT1.5H30M",
        "P15250284.99999W", "PT9223372036854.775808S",
    ])
    func `leave no bad duration through`(text: String) {
        #expect(throws: ValueError.self) { try Bytes(kept: text).isoDuration() }
    }
}

@Suite struct `A date of the kit` {
    @Test func `is the day that CodecKit counts`() {
        for days in -719_162...2_932_896 {
            let date = CivilDate(daysSince1970: days)
            guard CalendarDate(year: date.year, month: date.month, day: date.day)?.days == Int32(days) else {
                Issue.record("\(date)")
                return
            }
        }
        for year in [0, 10_000] { #expect(CalendarDate(year: year, month: 1, day: 1) == nil) }
        for (month, day) in [(0, 1), (13, 1), (4, 31), (2, 30), (1, 0), (1, 32)] {
            #expect(CalendarDate(year: 2024, month: month, day: day) == nil)
        }
        #expect(CalendarDate(year: 1900, month: 2, day: 29) == nil)
    }
}

@Suite struct `A glob` {
    @Test(arguments: [
        ("*.csv", "a.csv", true), ("*.csv", "a.csv.gz", false), ("a?c", "abc", true), ("a?c", "ac", false), ("*", "", true),
        ("a*b*c", "aXbXbc", true), ("a*b*c", "aXbX", false), ("", "", true), ("", "x", false),
    ])
    func `matches as people expect`(pattern: String, text: String, matches: Bool) {
        #expect(Glob(pattern).matches(Bytes(kept: text)) == matches)
    }
}

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
