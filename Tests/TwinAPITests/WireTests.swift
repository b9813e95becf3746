import CodecKit
import DropCore
import Testing
import TwinModel

@testable import TwinAPI

@Suite struct `A path` {
    @Test func `is split before it is decoded`() throws {
        #expect(try Route(rawPath: "/digitaltwins/a%2Fb/relationships/c%2525") == .relationship("c%25", ofTwin: "a/b"))
        #expect(try Route(rawPath: "/models/dtmi%3Aa%3Ab%3B1") == .model("dtmi:a:b;1"))
    }

    @Test func `matches in any case, its ids as they stand`() throws {
        #expect(try Route(rawPath: "/EventRoutes/MyRoute") == .eventRoute("MyRoute"))
        #expect(try Route(rawPath: "/DIGITALTWINS/T/Components/C/TELEMETRY") == .componentTelemetry("C", ofTwin: "T"))
    }

    @Test(arguments: [
        "", "x", "/", "/nowhere", "/digitaltwins", "/digitaltwins/a/b", "/jobs", "/jobs/imports/a/b", "/models/a/b",
    ])
    func `that names nothing has no route`(path: String) throws {
        #expect(try Route(rawPath: path) == nil)
    }

    @Test(arguments: ["/models/%", "/models/%2", "/models/%zz", "/models/%ff", "/models/%00"])
    func `with a broken escape is refused`(path: String) {
        #expect(throws: APIError.self) { try Route(rawPath: path) }
    }
}

@Suite struct `A page token` {
    @Test func `carries all that the list was asked for`() throws {
        let token = PageToken(list: "models", position: "dtmi:a;1", limit: 7, filters: ["x", "ü&="], withDefinitions: true)
        #expect(try PageToken(token.text, list: "models", limitMax: 100) == token)
        #expect(PercentCoding.encoded(token.text) == token.text, "no byte of it needs an escape")
    }

    @Test func `is refused by another list, and when it is damaged`() {
        let token = PageToken(list: "models", position: "p", limit: 7).text
        #expect(throws: APIError.self) { try PageToken(token, list: "eventroutes", limitMax: 100) }
        for damaged in ["", "*", String(token.dropLast(2)), token + "A"] {
            #expect(throws: APIError.self) { try PageToken(damaged, list: "models", limitMax: 100) }
        }
    }

    @Test func `never asks for more than a page may have`() throws {
        #expect(try PageToken(PageToken(list: "m", limit: 1 << 40).text, list: "m", limitMax: 50).limit == 50)
    }
}

@Suite struct `An instant` {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.0000000Z"), (1_653_550_128_721_260, "2022-05-26T07:28:48.7212600Z"),
        (951_782_400_000_001, "2000-02-29T00:00:00.0000010Z"), (-1, "1969-12-31T23:59:59.9999990Z"),
    ])
    func `has seven digits of a second`(microseconds: Int64, text: String) {
        #expect(Instant.text(microseconds: microseconds) == text)
    }

    @Test func `of an upload has no trailing zeros`() {
        #expect(Instant.offsetText(microseconds: 1_653_550_128_652_186) == "2022-05-26T07:28:48.652186+00:00")
        #expect(Instant.offsetText(microseconds: 1_653_550_128_000_000) == "2022-05-26T07:28:48+00:00")
    }

    @Test func `is found by its day`() {
        #expect(Instant.microseconds(day: "2024-02-29") == 1_709_164_800_000_000)
        for none in ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "24-01-01", "2024-01-01x"] {
            #expect(Instant.microseconds(day: none) == nil)
        }
    }
}

@Suite struct `The elements of a JSON list` {
    @Test func `keep the text they were sent as`() {
        let list = #" [ {"a" : "],\"[" , "b":[1, 2]} , 3,"x,y", [ ] ,{}]"#
        let texts = JSONElements.texts(of: Array(list.utf8)).map { String(decoding: $0, as: UTF8.self) }
        #expect(texts == [#"{"a" : "],\"[" , "b":[1, 2]}"#, "3", #""x,y""#, "[ ]", "{}"])
        #expect(JSONElements.texts(of: Array("[ ]".utf8)).isEmpty)
    }

    @Test(arguments: UInt64(0)..<50) func `are as many as the parser finds`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let values = (0..<Int.random(in: 0...6, using: &random)).map { _ in Self.value(&random, depth: 3) }
        let text = JSON.array(values).utf8(.pretty)
        #expect(try JSONElements.texts(of: text).map { try JSON(parsing: $0) } == values)
    }

    private static func value(_ random: inout Seeded, depth: Int) -> JSON {
        switch Int.random(in: 0...(depth > 0 ? 4 : 2), using: &random) {
        case 0: .int(Int64.random(in: -5...5, using: &random))
        case 1: .string(String((0..<3).map { _ in "[]{},\\\" x".randomElement(using: &random)! }))
        case 2: .null
        case 3: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth - 1) })
        default:
            .object((0..<Int.random(in: 0...2, using: &random)).map { JSON.Member("k\($0)", value(&random, depth: depth - 1)) })
        }
    }

    /// SplitMix64.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

@Suite struct `A list of tags` {
    @Test func `is split outside quotes only`() {
        #expect(Call.tags(in: #"W/"a", W/"b,c" ,*"#) == [#"W/"a""#, #"W/"b,c""#, "*"])
        #expect(Call.tags(in: " , ").isEmpty)
    }
}

@Suite struct `Metrics` {
    @Test func `are written as Prometheus reads them`() {
        var waiting = MetricFamily("td_waiting", .gauge, "What\nwaits \\ here.")
        waiting.add(2.5, ["source": "a\"b\\c\nd"])
        var times = MetricFamily("td_seconds", .histogram, "Time.")
        var histogram = DurationHistogram()
        histogram.note(.milliseconds(3))
        histogram.note(.seconds(3600))
        times.add(histogram)
        let text = MetricFamily.text([waiting, times, MetricFamily("td_none", .counter, "Nothing.")])
        #expect(
            text.hasPrefix(
                "# HELP td_waiting What\\nwaits \\\\ here.\n# TYPE td_waiting gauge\ntd_waiting{source=\"a\\\"b\\\\c\\nd\"} 2.5\n"
            ))
        #expect(text.contains("td_seconds_bucket{le=\"0.0025\"} 0\ntd_seconds_bucket{le=\"0.005\"} 1\n"))
        #expect(text.contains("td_seconds_bucket{le=\"300\"} 1\ntd_seconds_bucket{le=\"+Inf\"} 2\n"))
        #expect(text.hasSuffix("td_seconds_sum 3600.003\ntd_seconds_count 2\n"))
    }
}
