import Testing
import TwinModel

@Suite struct `A JSON patch` {
    private func applied(_ patch: String, to document: String) throws -> String {
        var value = try JSON(parsing: document)
        for operation in try JSONPatch(JSON(parsing: patch)).operations { try value.apply(operation) }
        return value.text()
    }

    @Test(arguments: [
        (#"[{"op":"add","path":"/b","value":2}]"#, #"{"a":1}"#, #"{"a":1,"b":2}"#),
        (#"[{"op":"add","path":"/a","value":null}]"#, #"{"a":1}"#, #"{"a":null}"#),
        (#"[{"op":"replace","path":"/a/b","value":[]}]"#, #"{"a":{"b":1}}"#, #"{"a":{"b":[]}}"#),
        (#"[{"op":"remove","path":"/a"}]"#, #"{"a":1,"b":2}"#, #"{"b":2}"#),
        (#"[{"op":"add","path":"/a/1","value":9}]"#, #"{"a":[1,2]}"#, #"{"a":[1,9,2]}"#),
        (#"[{"op":"add","path":"/a/-","value":9}]"#, #"{"a":[1,2]}"#, #"{"a":[1,2,9]}"#),
        (#"[{"op":"replace","path":"/a/0","value":9}]"#, #"{"a":[1,2]}"#, #"{"a":[9,2]}"#),
        (#"[{"op":"remove","path":"/a/1"}]"#, #"{"a":[1,2]}"#, #"{"a":[1]}"#),
        (#"[{"op":"add","path":"/~1~0~01","value":1}]"#, "{}", #"{"/~~1":1}"#),
        (#"[{"op":"add","path":"/","value":1}]"#, "{}", #"{"":1}"#),
    ]) func `changes what its paths name`(patch: String, document: String, result: String) throws {
        #expect(try applied(patch, to: document) == result)
    }

    @Test(arguments: [
        #"[{"op":"replace","path":"/b","value":1}]"#, #"[{"op":"remove","path":"/b"}]"#,
        #"[{"op":"add","path":"/b/c","value":1}]"#,
        #"[{"op":"add","path":"/a/b","value":1}]"#, #"[{"op":"add","path":"/l/3","value":1}]"#,
        #"[{"op":"replace","path":"/l/2","value":1}]"#, #"[{"op":"replace","path":"/l/01","value":1}]"#,
        #"[{"op":"remove","path":"/l/-"}]"#, #"[{"op":"add","path":"/l/x","value":1}]"#,
    ]) func `fails where its path leads nowhere, and names it`(patch: String) throws {
        let path = try #require(JSON(parsing: patch).elements?.first?["path"]?.string)
        let error = #expect(throws: JSONPatchError.self) { try applied(patch, to: #"{"a":1,"l":[1,2]}"#) }
        #expect(error?.message.hasPrefix("Could not resolve path \(path)") == true)
    }

    @Test(arguments: [
        "{}", "[1]", "[{}]", #"[{"op":"test","path":"/a","value":1}]"#, #"[{"op":"add","value":1}]"#,
        #"[{"op":"add","path":"/a"}]"#,
        #"[{"op":"add","path":"a","value":1}]"#, #"[{"op":"add","path":"","value":1}]"#,
        #"[{"op":"add","path":"/~2","value":1}]"#,
        #"[{"op":"add","path":"/~","value":1}]"#,
    ]) func `is refused where it is malformed`(patch: String) throws {
        #expect(throws: JSONPatchError.self) { try JSONPatch(JSON(parsing: patch)) }
    }
}

@Suite struct `Dates read from text` {
    @Test(arguments: [
        "2026-11-21T08:54:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-02-29T12:00:00.5+05:30",
        "1969-12-31T23:59:59.000001-23:59",
    ]) func `are those that print the same`(text: String) throws {
        let time = try #require(CalendarText.exactDateTime(text))
        #expect(CalendarText.dateTime(time.microseconds, offsetMinutes: time.offsetMinutes) == text)
    }

    @Test(arguments: [
        "2026-11-21T08:54:00.50Z", "2026-11-21T08:54:00.0000001Z", "2026-02-30T00:00:00Z", "2026-11-21t08:54:00Z",
        "2026-11-21T08:54:00+00:00", "2026-11-21T24:00:00Z", "2026-11-21", "", "2026-11-21T08:54Z", "0000-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-11-21T08:54:00.Z", "2026-11-21T08:54:00+1:00",
    ]) func `are none where they would print otherwise`(text: String) {
        #expect(CalendarText.exactDateTime(text) == nil)
    }

    @Test func `include days before 1970 and leap days`() {
        #expect(CalendarText.exactDate("1970-01-01") == 0)
        #expect(CalendarText.exactDate("1969-12-31") == -1)
        #expect(CalendarText.exactDate("2000-02-29").map { CalendarText.date(days: Int64($0)) } == "2000-02-29")
        #expect(CalendarText.exactDate("2100-02-29") == nil)
        #expect(CalendarText.ticks(1) == "1970-01-01T00:00:00.0000001Z")
        #expect(CalendarText.ticks(10_000_000) == "1970-01-01T00:00:01.0000000Z")
    }
}
