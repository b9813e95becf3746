import Testing
import TwinDropTesting

@Suite struct `The mapping plugin` {
    @Test func `gives what its golden file says`() throws {
        let folder = "\(PluginLibraries.folder("mapping"))/Samples"
        let settings = String(decoding: try FileBytes.read("\(folder)/forklifts.settings.json"), as: UTF8.self)
        let lookups = ["sites": ["HAM": "Hamburg", "MUC": "München"]]
        let recording = try PluginLibraries.mapping(settings: settings, lookups: lookups).transform(
            file: "\(folder)/forklifts.csv")
        #expect(recording.violations.isEmpty)
        let differences = try GoldenFile("\(folder)/forklifts.golden.ndjson").differences(from: recording)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    /// One property from one cell, and what becomes of it: a value, nil for none, or the code of a rejection.
    struct Cell: Sendable, CustomTestStringConvertible {
        let cell: String
        let property: String
        let value: RecordedValue?
        var rejection: String?
        var testDescription: String { "\(cell) by \(property)" }

        init(_ cell: String, _ property: String, _ value: RecordedValue?) {
            (self.cell, self.property, self.value) = (cell, property, value)
        }

        init(_ cell: String, _ property: String, rejected code: String) {
            (self.cell, self.property, value, rejection) = (cell, property, nil, code)
        }
    }

    @Test(arguments: [
        Cell("x", #"{}"#, .text("x")), Cell("", #"{}"#, .absent), Cell("", #"{"onEmpty":"skip"}"#, nil),
        Cell("", #"{"type":"json","case":"lower","default":"TRUE"}"#, .json("true")),
        Cell("", #"{"onEmpty":"reject"}"#, rejected: "missing-value"), Cell("", #"{"default":"d"}"#, .text("d")),
        Cell("NA", #"{"nulls":["NA"]}"#, .absent), Cell("", #"{"nulls":["NA"]}"#, .text("")),
        Cell(" Ab ", #"{"trim":true,"case":"upper"}"#, .text("AB")), Cell("Ab", #"{"case":"lower"}"#, .text("ab")),
        Cell("12", #"{"type":"int"}"#, .int(12)), Cell("-9223372036854775808", #"{"type":"int"}"#, .int(.min)),
        Cell("9223372036854775808", #"{"type":"int"}"#, rejected: "number-too-large"), Cell("3.0", #"{"type":"int"}"#, .int(3)),
        Cell("3.5", #"{"type":"int"}"#, rejected: "not-a-whole-number"), Cell("1e3", #"{"type":"int"}"#, .int(1000)),
        Cell("1.234.567", #"{"type":"int","group":".","decimal":","}"#, .int(1_234_567)),
        Cell("1.23", #"{"type":"int","group":".","decimal":","}"#, rejected: "not-a-number"),
        Cell("x", #"{"type":"int","onBad":"empty"}"#, .absent),
        Cell("x", #"{"type":"int","onBad":"empty","onEmpty":"skip"}"#, nil),
        Cell(".0000", #"{"type":"double"}"#, .double(0)),
        Cell("1 234,5", #"{"type":"double","group":" ","decimal":","}"#, .double(1234.5)),
        Cell("3149.0ft²", #"{"type":"double","unit":true}"#, .double(3149)),
        Cell("1e999", #"{"type":"double"}"#, rejected: "number-too-large"),
        Cell("0.500", #"{"type":"double","group":".","decimal":","}"#, rejected: "not-a-number"),
        Cell("0,500", #"{"type":"int","group":","}"#, rejected: "not-a-number"),
        Cell("9007199254740993", #"{"type":"double"}"#, rejected: "too-many-digits"),
        Cell("9007199254740993", #"{"type":"double","round":true}"#, .double(9_007_199_254_740_992)),
        Cell("5 kg", #"{"type":"int","unit":"kg"}"#, .int(5)),
        Cell("3.5", #"{"type":"int","round":true}"#, .int(4)), Cell("-3.5", #"{"type":"int","round":true}"#, .int(-4)),
        Cell("0.4999", #"{"type":"int","round":true}"#, .int(0)), Cell("9.99", #"{"type":"int","round":true}"#, .int(10)),
        Cell("1e-400", #"{"type":"int","round":true}"#, .int(0)),
        Cell("9223372036854775807.5", #"{"type":"int","round":true}"#, rejected: "number-too-large"),
        Cell(" 5 kg", #"{"type":"int","unit":"kg"}"#, rejected: "not-a-number"),
        Cell("5\u{A0}kg", #"{"type":"int","unit":"kg"}"#, .int(5)),
        Cell("P292000Y", #"{"type":"duration"}"#, .duration(months: 3_504_000, microseconds: 0)),
        Cell("P292000Y1M", #"{"type":"duration"}"#, rejected: "not-a-duration"),
        Cell("-P400000Y", #"{"type":"duration"}"#, rejected: "not-a-duration"),
        Cell("5 t", #"{"type":"int","unit":"kg"}"#, rejected: "not-a-number"),
        Cell("5", #"{"type":"int","unit":"kg"}"#, rejected: "not-a-number"),
        Cell("5", #"{"type":"int","unit":["kg",""]}"#, .int(5)),
        Cell("5 kg 200 g", #"{"type":"int","unit":true}"#, rejected: "not-a-number"),
        Cell("nan", #"{"type":"double"}"#, rejected: "not-a-number"), Cell("yes", #"{"type":"bool"}"#, .bool(true)),
        Cell("FALSE", #"{"type":"bool"}"#, .bool(false)), Cell("J", #"{"type":"bool"}"#, rejected: "not-a-bool"),
        Cell("2024-02-29", #"{"type":"date"}"#, .date(days: 19782)),
        Cell("2023-02-29", #"{"type":"date"}"#, rejected: "not-a-date"),
        Cell("29.2.24", #"{"type":"date","format":"d.M.yy"}"#, .date(days: 19782)),
        Cell("3-Mar-2024", #"{"type":"date","format":"d-MMM-yyyy"}"#, .date(days: 19785)),
        Cell("2024-02-29 12:00", #"{"type":"dateTime"}"#, .dateTime(microseconds: 1_709_208_000_000_000, offsetMinutes: 0)),
        Cell(
            "2024-02-29T12:00:00.5-05:00", #"{"type":"dateTime"}"#,
            .dateTime(microseconds: 1_709_226_000_500_000, offsetMinutes: -300)),
        Cell(
            "2/29/2024 1:05 PM", #"{"type":"dateTime","format":"M/d/yyyy h:mm a","zone":"+01:00"}"#,
            .dateTime(microseconds: 1_709_208_300_000_000, offsetMinutes: 60)),
        Cell("08:30", #"{"type":"time"}"#, .time(microseconds: 30_600_000_000)),
        Cell("24:00", #"{"type":"time"}"#, rejected: "not-a-time"),
        Cell("08:30:00.1234567", #"{"type":"time"}"#, rejected: "not-a-time"),
        Cell("08:30:00.1234567", #"{"type":"time","round":true}"#, .time(microseconds: 30_600_123_457)),
        Cell(
            "2026-07-01 12:00", #"{"type":"dateTime","zone":"Europe/Berlin"}"#,
            .dateTime(microseconds: 1_782_900_000_000_000, offsetMinutes: 120)),
        Cell("2026-03-29 02:30", #"{"type":"dateTime","zone":"Europe/Berlin"}"#, rejected: "time-gap"),
        Cell(
            "2026-03-29 02:30", #"{"type":"dateTime","zone":"Europe/Berlin","gap":"later"}"#,
            .dateTime(microseconds: 1_774_747_800_000_000, offsetMinutes: 120)),
        Cell("2026-10-25 02:30", #"{"type":"dateTime","zone":"Europe/Berlin"}"#, rejected: "time-overlap"),
        Cell(
            "2026-10-25 02:30", #"{"type":"dateTime","zone":"Europe/Berlin","overlap":"earlier"}"#,
            .dateTime(microseconds: 1_792_888_200_000_000, offsetMinutes: 120)),
        Cell(
            "2026-10-25 02:30Z", #"{"type":"dateTime","zone":"Europe/Berlin"}"#,
            .dateTime(microseconds: 1_792_895_400_000_000, offsetMinutes: 0)),
        Cell("PT1H30M", #"{"type":"duration"}"#, .duration(months: 0, microseconds: 5_400_000_000)),
        Cell("-P1Y2M", #"{"type":"duration"}"#, .duration(months: -14, microseconds: 0)),
        Cell("90", #"{"type":"duration","unit":"minutes"}"#, .duration(months: 0, microseconds: 5_400_000_000)),
        Cell("90", #"{"type":"duration"}"#, rejected: "not-a-duration"), Cell("[1]", #"{"type":"json"}"#, .json("[1]")),
        Cell("[1", #"{"type":"json"}"#, rejected: "not-json"), Cell("1e999", #"{"type":"json"}"#, rejected: "not-json"),
        Cell("A", #"{"values":{"A":"7"},"type":"int"}"#, .int(7)),
        Cell("B", #"{"values":{"A":"7"},"otherwise":"reject"}"#, rejected: "unknown-word"),
        Cell("B", #"{"values":{"A":"7"},"otherwise":"empty"}"#, .absent), Cell("B", #"{"values":{"A":"7"}}"#, .text("B")),
        Cell("HAM", #"{"lookup":"sites"}"#, .text("Hamburg")), Cell("b", #"{"text":"{k}/{v|upper}"}"#, .text("1/B")),
        Cell("", #"{"text":"{k}/{v}"}"#, .absent), Cell("x", #"{"constant":1.5}"#, .double(1.5)),
        Cell("x", #"{"constant":true}"#, .bool(true)),
        Cell("x", #"{"constant":"2024-02-29","type":"date"}"#, .date(days: 19782)),
        Cell("x", ##"{"column":"#1","type":"int"}"##, .int(1)),
    ])
    func `makes a property of a cell`(_ cell: Cell) throws {
        let settings = #"{"dialect":{"delimiter":"|"},"twins":[{"id":"t-{k}","properties":{"v":\#(cell.property)}}]}"#
        let harness = try PluginLibraries.mapping(settings: settings, lookups: ["sites": ["HAM": "Hamburg"]])
        let recording = harness.transform(Array("k|v\n1|\(cell.cell)\n".utf8), name: "x.csv")
        #expect(recording.violations.isEmpty && recording.status == 0, "\(recording.failure ?? "") \(recording.violations)")
        #expect(recording.allRecords.first?.rejection?.code == cell.rejection)
        if cell.rejection == nil { #expect(recording.allOperations.first?["v"] == cell.value) }
    }

    @Test(arguments: [
        (#"{"column":"v","equals":"a"}"#, ["a"]), (#"{"column":"v","not":["a","b"]}"#, ["A", "abc", ""]),
        (#"{"column":"v","empty":true}"#, [""]), (#"{"column":"v","matches":"a*"}"#, ["a", "abc"]),
        (#"{"column":"v","notMatches":["a*","?"]}"#, [""]), (#"{"column":"v","equals":"a","ignoreCase":true}"#, ["a", "A"]),
        (#"[{"column":"v","matches":"a*"},{"column":"v","not":"a"}]"#, ["abc"]),
        (
            #"{"any":[{"column":"v","empty":true},{"all":[{"column":"v","matches":"*b*"},{"column":"v","not":"b"}]}]}"#,
            ["abc", ""]
        ),
    ])
    func `uses the records that meet the condition`(condition: String, used: [String]) throws {
        let settings =
            #"{"where":\#(condition),"twins":[{"id":"t-{@record}","properties":{"v":{"onEmpty":"skip","nulls":["-"]}}}]}"#
        let text = ["k,v", "1,a", "2,A", "3,b", "4,abc", "5,"].joined(separator: "\n")
        let recording = try PluginLibraries.mapping(settings: settings).transform(Array(text.utf8), name: "x.csv")
        #expect(recording.allOperations.map { $0["v"] } == used.map { .text($0) })
        #expect(Int(recording.filtered) == 5 - used.count)
        #expect(recording.rejected == 0)
    }

    @Test func `writes what an id may not have as percent codes`() throws {
        let recording = try PluginLibraries.mapping(
            settings: #"{"twins":[{"id":"{k|trim|lower}"},{"id":"{k}","escape":"none"}]}"#
        )
        .transform(Array("k\n A/b %ü \n".utf8), name: "x.csv")
        #expect(recording.twins.map(\.key) == ["a%2Fb%20%25%C3%BC", " A/b %ü "])
    }

    @Test func `refuses ids that are too long or have no value`() throws {
        let harness = try PluginLibraries.mapping(settings: #"{"twins":[{"id":"{k}"}]}"#)
        let text = "k,x\n" + String(repeating: "é", count: 128) + ",1\n" + String(repeating: "x", count: 129) + ",1\n,1\n"
        let settings = #"{"twins":[{"id":"{k}","escape":"none"}]}"#
        let recording = try PluginLibraries.mapping(settings: settings).transform(Array(text.utf8), name: "x.csv")
        #expect(recording.rejectionCodes == ["id-too-long", "missing-id"])
        #expect(recording.operations == 1)
        #expect(
            harness.transform(Array(text.utf8), name: "x.csv").rejectionCodes == ["id-too-long", "id-too-long", "missing-id"])
    }

    @Test func `deletes a relationship with a stable id when its target is empty`() throws {
        let settings =
            #"{"relationships":[{"source":"f-{k}","name":"order","target":"o-{v}","id":"current","onEmpty":"delete"}]}"#
        let recording = try PluginLibraries.mapping(settings: settings).transform(Array("k,v\n1,7\n2,\n".utf8), name: "x.csv")
        #expect(recording.allOperations.map(\.verb) == [.upsert, .delete])
        #expect(recording.allOperations.map(\.key) == ["f-1/current", "f-2/current"])
        #expect(recording.status == 0)
    }

    @Test func `counts occurrences anew in each file`() throws {
        let harness = try PluginLibraries.mapping(settings: #"{"occurrence":["k"],"twins":[{"id":"{k}-{@occurrence}"}]}"#)
        for _ in 0..<2 {
            let recording = harness.transform(Array("k\na\nb\na\na\n".utf8), name: "x.csv")
            #expect(recording.twins.map(\.key) == ["a-1", "b-1", "a-2", "a-3"])
        }
    }

    @Test func `quotes a refused cell only where the settings allow it`() throws {
        for (shows, words) in [("false", "the cell is not a number, such as"), ("true", "'secret' is not a number, such as")] {
            let settings = #"{"showValues":\#(shows),"twins":[{"id":"t","properties":{"k":{"type":"int"}}}]}"#
            let recording = try PluginLibraries.mapping(settings: settings).transform(Array("k\nsecret\n".utf8), name: "x.csv")
            let message = recording.allRecords.first?.rejection?.message ?? ""
            #expect(message.contains(words))
            #expect(message.contains("secret") == (shows == "true"), "the form is shown, not the text: \(message)")
        }
    }

    /// What was expected, and how the cell looked.
    @Test(arguments: [
        ("12345678901234567890", #"{"type":"int"}"#, "at most 64 bits", "'99999999999999999999'"),
        ("2024/01/05", #"{"type":"date"}"#, "yyyy-MM-dd", "'9999/99/99'"),
        ("5.1.2024", #"{"type":"dateTime"}"#, "yyyy-MM-dd['T'][' ']HH:mm[:ss][.S][XXX]", "'9.9.9999'"),
        ("31.12.24", #"{"type":"date","format":"dd.MM.yyyy"}"#, "dd.MM.yyyy", "'99.99.99'"),
        ("0.512", #"{"type":"double","decimal":",","group":"."}"#, "read in two ways", "'0.999'"),
        ("100-", #"{"type":"int"}"#, "sign stands at the end", "'999-'"),
        ("7.5", #"{"type":"int"}"#, "a whole number", "'9.9'"),
        ("vielleicht", #"{"type":"bool"}"#, "true, 1, yes", "'aaaaaaaaaa'"),
        ("5 lb", #"{"type":"double","unit":"kg"}"#, "followed by kg", "'9 aa'"),
        ("[1,]", #"{"type":"json"}"#, "At byte 3", "'[9,]'"), ("2 h", #"{"type":"duration"}"#, "PT1H30M", "'9 a'"),
    ])
    func `says what was expected and how the cell looked`(cell: String, property: String, expected: String, looked: String) throws
    {
        let settings = #"{"dialect":{"delimiter":"|"},"twins":[{"id":"t-{k}","properties":{"v":\#(property)}}]}"#
        let recording = try PluginLibraries.mapping(settings: settings).transform(Array("k|v\n1|\(cell)\n".utf8), name: "x.csv")
        let message = recording.allRecords.first?.rejection?.message ?? ""
        #expect(message.contains(expected) && message.contains(looked), "\(message)")
    }

    @Test func `takes one unit a file where it takes any`() throws {
        let settings = #"{"twins":[{"id":"{k}","properties":{"v":{"type":"double","unit":true}}}]}"#
        let harness = try PluginLibraries.mapping(settings: settings)
        let recording = harness.transform(Array("k,v\n1,5 kg\n2,7\n3,2 t\n4,8kg\n".utf8), name: "x.csv")
        #expect(recording.allOperations.map { $0["v"] } == [.double(5), .double(8)])
        #expect(recording.allRecords[1].rejection?.message.contains("in the unit kg") == true, "a number without one")
        #expect(recording.allRecords[2].rejection?.message.contains("in the unit kg") == true)
        let next = harness.transform(Array("k,v\n1,2 t\n".utf8), name: "y.csv")
        #expect(next.allOperations.map { $0["v"] } == [.double(2)], "the next file has its own")
        let bare = harness.transform(Array("k,v\n1,2\n2,3 t\n3,4\n".utf8), name: "z.csv")
        #expect(bare.allOperations.map { $0["v"] } == [.double(2), .double(4)])
        #expect(bare.allRecords[1].rejection?.message.contains("a number without a unit") == true)
    }

    @Test func `keeps the words for false out of the nulls of the mapping, in any case`() throws {
        let settings =
            #"{"twins":[{"id":"{k}","properties":{"v":{"type":"bool","trueWords":["X"],"falseWords":[""]},"w":{"column":"v"}}}]}"#
        let recording = try PluginLibraries.mapping(settings: settings).transform(
            Array("k,v\n1,X\n2,\n3,x\n".utf8), name: "x.csv")
        #expect(recording.allOperations.map { $0["v"] } == [.bool(true), .bool(false), .bool(true)])
        #expect(recording.allOperations.map { $0["w"] } == [.text("X"), .absent, .text("x")])
    }

    @Test func `knows the case of all letters`() throws {
        let settings = """
            {"twins":[{"id":"{k|lower}","deleteWhen":{"column":"v","equals":"gelöscht","ignoreCase":true},"where":{"column":"v",
            "notMatches":"ära*","ignoreCase":true},"properties":{"v":{"case":"lower"},"u":{"column":"v","case":"upper"},
            "b":{"column":"v","type":"bool","trueWords":["Да","ÑO"],"falseWords":["ΌΧΙΣ"],"onBad":"empty"}}}]}
            """
        let recording = try PluginLibraries.mapping(settings: settings).transform(
            Array("k,v\nÖ1,GELÖSCHT\n2,дА\n3,όχις\n4,ño\n5,Straße\n6,ÄRA 7\n".utf8), name: "x.csv")
        #expect(recording.violations.isEmpty && recording.status == 0, "\(recording.failure ?? "")")
        #expect(recording.twins.map(\.key) == ["%C3%961", "2", "3", "4", "5"])
        let all = recording.allOperations.dropFirst()
        #expect(all.map { $0["v"] } == [.text("да"), .text("όχις"), .text("ño"), .text("straße")])
        #expect(all.map { $0["u"] } == [.text("ДА"), .text("ΌΧΙΣ"), .text("ÑO"), .text("STRAßE")])
        #expect(all.map { $0["b"] } == [.bool(true), .bool(false), .bool(true), .absent])
    }

    @Test func `names the columns there are when one is missing`() throws {
        let settings = #"{"twins":[{"id":"{nope}"}]}"#
        let recording = try PluginLibraries.mapping(settings: settings).transform(Array("k,v\n1,2\n".utf8), name: "x.csv")
        #expect(recording.status == 1)
        #expect(recording.failure == "The file has no column 'nope'. Its columns are: k, v.")
    }

    @Test(arguments: [
        ("{}", "nothing would be made"), (#"{"twins":[{}]}"#, "twins.0: 'id' is missing"),
        (#"{"twins":[{"id":"{x"}]}"#, "twins.0.id: '{x' has '{' without '}'"),
        (#"{"twins":[{"id":"{x|loud}"}]}"#, "trim, lower and upper"),
        (#"{"twins":[{"id":"{@occurrence}"}]}"#, "'occurrence' does not say of what"),
        (
            #"{"twins":[{"id":"a","properties":{"p":{"type":"date","format":"QQ"}}}]}"#,
            "twins.0.properties.p.format: The pattern 'QQ'"
        ),
        (#"{"twins":[{"id":"a","properties":{"p":{"typ":"date"}}}]}"#, "twins.0.properties.p.typ: is unknown here"),
        (#"{"twins":[{"id":"a","where":{"column":"x"}}]}"#, "needs exactly one of equals"),
        (#"{"decimal":",","group":",","twins":[]}"#, "same character"),
        (#"{"zone":"Mars/Phobos","twins":[]}"#, "zone: The time zone 'Mars/Phobos'"),
        (#"{"zone":"+1","twins":[]}"#, "zone: '+1' is no time zone"),
        (
            #"{"twins":[{"id":"a","properties":{"p":{"type":"bool","trueWords":["X"],"falseWords":["x"]}}}]}"#,
            "case does not count"
        ),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"bool","falseWords":[""],"nulls":[""]}}}]}"#, "Keep one"),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"int","unit":"5"}}}]}"#, "'5' is no unit"),
        (
            #"{"twins":[{"id":"a","properties":{"p":{"type":"int","default":"none"}}}]}"#,
            "twins.0.properties.p.default: is not"
        ),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"bool","default":"maybe"}}}]}"#, "default: is not a word for true"),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"date","default":"1.2.2026"}}}]}"#, "default: is not"),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"json","default":"{"}}}]}"#, "default: is not"),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"int","onBad":"empty","default":"x"}}}]}"#, "default: is not"),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"json","case":"upper","default":"true"}}}]}"#, "default: is not"),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"time","format":"yyyy-MM-dd HH:mm"}}}]}"#, "would be left out"),
        (#"{"twins":[{"id":"a","properties":{"p":{"type":"date","zone":"Z"}}}]}"#, "goes with the type dateTime only"),
        (#"{"relationships":[{"source":"a","name":"n","target":"t","onEmpty":"delete"}]}"#, "'delete' needs an 'id'"),
        (#"{"dialect":{"delimiter":""},"twins":[{"id":"a"}]}"#, "dialect: delimiter"), ("[", "at byte 1"),
    ])
    func `refuses settings that make no sense, with their path`(settings: String, words: String) throws {
        let error = #expect(throws: HarnessError.self) { try PluginLibraries.mapping(settings: settings) }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func `answers a probe only for the files it names`() throws {
        let harness = try PluginLibraries.mapping(settings: #"{"files":["inv-*.csv"],"twins":[{"id":"a"}]}"#)
        #expect(harness.probe(name: "inv-1.csv", head: []) == 80)
        #expect(harness.probe(name: "other.csv", head: []) == 0)
    }
}
