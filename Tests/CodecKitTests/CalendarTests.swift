import CodecKit
import Testing

@Suite struct `A day of the calendar` {
    @Test(
        arguments: [
            (0, 1970, 1, 1), (-1, 1969, 12, 31), (11_016, 2000, 2, 29), (11_017, 2000, 3, 1), (-719_162, 1, 1, 1),
            (2_932_896, 9999, 12, 31), (-719_468, 0, 3, 1), (-719_528, 0, 1, 1), (-25_509, 1900, 2, 28), (-25_508, 1900, 3, 1),
        ] as [(Int, Int, Int, Int)])
    func `is so many days after 1970`(days: Int, year: Int, month: Int, day: Int) throws {
        let date = try #require(CivilDate(year: year, month: month, day: day))
        #expect(CivilDate(daysSince1970: days) == date)
        #expect(date.daysSince1970 == days)
    }

    @Test func `follows the one before it, from the year 1 to 9999`() {
        var last = CivilDate(daysSince1970: -719_163)
        #expect(last == CivilDate(year: 0, month: 12, day: 31))
        for days in -719_162...2_932_896 {
            let next = CivilDate(daysSince1970: days)
            let isNextDay = next.year == last.year && next.month == last.month && next.day == last.day + 1
            let isNextMonth = next.day == 1 && last.day == CivilDate.days(inMonth: last.month, of: last.year)
            let isNextYear = next.month == 1 && last.month == 12 && next.year == last.year + 1
            let follows =
                isNextDay || isNextMonth && (isNextYear || next.year == last.year && next.month == last.month + 1)
            // One expectation for each of millions of days would take minutes.
            guard follows, next.daysSince1970 == days, last < next else {
                Issue.record("\(next) after \(last)")
                return
            }
            last = next
        }
        #expect(last.description == "9999-12-31")
    }

    @Test(arguments: [
        (2000, true), (1900, false), (2100, false), (2024, true), (2023, false), (0, true), (4, true), (400, true), (100, false),
    ])
    func `knows leap years`(year: Int, isLeap: Bool) {
        #expect(CivilDate.isLeap(year) == isLeap)
        #expect((CivilDate(year: year, month: 2, day: 29) != nil) == isLeap)
    }

    @Test(arguments: [(2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, 32), (2026, 4, 31), (2026, 2, 29)])
    func `must be one that there is`(year: Int, month: Int, day: Int) {
        #expect(CivilDate(year: year, month: month, day: day) == nil)
    }

    @Test func `is read as it is written`() {
        #expect(CivilDate("2026-11-21".utf8) == CivilDate(year: 2026, month: 11, day: 21))
        #expect(CivilDate("0001-01-01".utf8)?.daysSince1970 == -719_162)
        for text in [
            "", "2026-11-2", "2026-11-211", "26-11-21", "2026/11/21", "2026-1121", "+026-11-21", "2026-02-30", "２０26-11-21",
        ] {
            #expect(CivilDate(text.utf8) == nil, "\(text)")
        }
    }
}

@Suite struct `A time as RFC 3339 writes it` {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_251_600_123, "2026-11-21T09:00:00.123Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(UInt64, String)])
    func `reads back`(milliseconds: UInt64, text: String) {
        let time = UTCTime(milliseconds: milliseconds)
        #expect(time.description == text)
        #expect(time.date == text.prefix(10))
        #expect(time.folder == text.prefix(10).split(separator: "-").joined(separator: "/"))
        #expect(UTCTime(text.utf8) == time)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T09:07:27Z", "2026-11-21T09:07:27.12Z", "2026-11-21T09:07:27.1234Z",
        "2026-11-21t09:07:27.123Z",
        "2026-11-21T09:07:27.123z", "2026-11-21T24:00:00.000Z", "2026-11-21T09:60:27.123Z", "2026-11-21T09:07:60.123Z",
        "2026-02-30T09:07:27.123Z", "1969-12-31T23:59:59.999Z", "2026-11-21T09:07:27.123Z ", "2026-11-21 09:07:27.123Z",
    ])
    func `has one form`(text: String) { #expect(UTCTime(text.utf8) == nil) }

    @Test func `has its pieces`() {
        #expect(RFC3339.dateTime(seconds: -1) == "1969-12-31T23:59:59")
        #expect(RFC3339.dateTime(seconds: 253_402_300_800) == "10000-01-01T00:00:00")
        #expect(RFC3339.clock(seconds: 86_399) == "23:59:59")
        #expect(RFC3339.offset(minutes: 0) == "Z")
        #expect(RFC3339.offset(minutes: 60) == "+01:00")
        #expect(RFC3339.offset(minutes: -570) == "-09:30")
        #expect(RFC3339.padded(7, 3) == "007")
        #expect(RFC3339.padded(12_345, 3) == "12345")
        #expect(RFC3339.padded(0, 1) == "0")
        #expect(RFC3339.padded(.max, 2) == "9223372036854775807")
    }
}
