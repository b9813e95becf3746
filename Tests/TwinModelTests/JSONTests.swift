import Testing

@testable import TwinModel

@Suite struct `A JSON text` {
    @Test(arguments: [
        (#" {"b":[1,1.0,-0.5e3,true,null],"a":"é\u00e9\n\ud83d\ude00"} "#, #"{"b":[1,1,-500,true,null],"a":"éé\n😀"}"#),
        ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", "9223372036854776000"),
        ("1e21", "1e+21"), ("1e-7", "1e-7"), ("0.000001", "0.000001"), ("-0", "0"), ("[]", "[]"), ("{}", "{}"),
    ])
    func `is written back as ECMAScript would`(text: String, expected: String) throws {
        #expect(try JSON(parsing: text).text() == expected)
    }

    @Test(arguments: [
        "", "[1,]", "{\"a\":1,\"a\":2}", "01", "1.", "1e", "1e999", "\"\\ud800\"", "\"\\udc00\"", "nul", "[1] 2", "\"\t\"", "+1",
        "\"\\u+123\"", String(repeating: "[", count: 33) + String(repeating: "]", count: 33),
    ])
    func `that breaks the rules is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: text) }
    }

    @Test func `may be 32 deep`() throws {
        let text = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(try JSON(parsing: text).text() == text)
    }

    @Test func `in invalid UTF-8 is refused`() {
        #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xC0, 0x80, 0x22]) }
    }

    @Test func `in canonical form has its members in UTF-16 order`() throws {
        #expect(
            try JSON(parsing: #"{"b":1,"\ud83d\ude00":2,"\ufb33":3,"a":4}"#).text(.canonical)
                == "{\"a\":4,\"b\":1,\"😀\":2,\"דּ\":3}")
    }
}

@Suite struct `A calendar text` {
    @Test(
        arguments: [
            (0, 0, "1970-01-01T00:00:00Z"), (1_760_000_000_250_000, 120, "2025-10-09T10:53:20.25+02:00"),
            (-62_135_596_800_000_000, 0, "0001-01-01T00:00:00Z"), (253_402_300_799_999_999, 0, "9999-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, -90, "2000-02-28T22:30:00-01:30"),
        ] as [(Int64, Int32, String)])
    func `of a moment is RFC 3339`(microseconds: Int64, offset: Int32, expected: String) {
        #expect(CalendarText.dateTime(microseconds, offsetMinutes: offset) == expected)
    }

    @Test(
        arguments: [
            (0, 0, "PT0S"), (14, 0, "P1Y2M"), (0, 93_784_500_000, "P1DT2H3M4.5S"), (-1, -60_000_000, "-P1MT1M"),
            (0, 500_000, "PT0.5S"),
        ] as [(Int32, Int64, String)])
    func `of a duration is ISO 8601`(months: Int32, microseconds: Int64, expected: String) {
        #expect(CalendarText.duration(months: months, microseconds) == expected)
    }
}
