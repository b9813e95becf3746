import Testing
import TwinDropPluginSDK

@Suite struct `Numbers on bytes` {
    @Test(arguments: UInt64(0)..<8)
    func `are the doubles the standard library reads`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<4000 {
            let text = Self.randomNumber(using: &random)
            let expected = try #require(Double(text), "seed \(seed): \(text)")
            let value = try? Bytes(kept: text).double()
            if expected.isFinite {
                #expect(value == expected, "seed \(seed): \(text)")
            } else {
                #expect(value == nil, "seed \(seed): \(text)")
            }
        }
    }

    @Test(arguments: ["", "-", "+", ".", "1.2.3", "1,5", "0x10", "inf", "nan", "1e", " 1", "1 ", "--1", "e5", "1_000"])
    func `refuse what is none`(text: String) {
        #expect(throws: ValueError.self) { try Bytes(kept: text).double() }
        #expect(throws: ValueError.self) { try Bytes(kept: text).int64() }
    }

    @Test(arguments: [
        ("9007199254740993", 9007199254740992.0), ("0.1", 0.1), ("5e-324", Double.leastNonzeroMagnitude),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("123456789012345678901234567890", 123456789012345678901234567890.0), ("-0", 0), ("+.5", 0.5), ("5.", 5),
        ("0.000000000000000000000000000001", 1e-30),
    ])
    func `are rounded correctly at the edges`(text: String, value: Double) throws {
        let found = try Bytes(kept: text).double()
        #expect(found == value)
        #expect(found.sign == .plus, "negative zero is written as zero")
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

    @Test(arguments: ["P", "PT", "1H", "PT1", "PT1M1H", "P1H", "P1.5Y", "PT1H-1M", "P99999999999Y"])
    func `leave no bad duration through`(text: String) {
        #expect(throws: ValueError.self) { try Bytes(kept: text).isoDuration() }
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
