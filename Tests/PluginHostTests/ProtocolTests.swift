import CTwinDropWire
import DropCore
import PluginHost
import Testing

@Suite struct `A worker that breaks the protocol` {
    static let faults: [(String, String)] = [
        ("huge-length", "4294967295"), ("unknown-type", "type 99"), ("second-hello", "type 1"), ("bad-hash", "hash"),
        ("torn-end", "END"), ("torn-error", "ERROR"), ("bad-key", "UTF-8"), ("closed-pipe", "closed its result pipe"),
        ("data-after-end", "after its last frame"),
    ]

    @Test(arguments: faults)
    func `fails its drop, and the next drop is served`(fault: String, word: String) throws {
        let bench = Bench("honest", worker: Workshop.program("fake-worker"))
        let sink = RecordingSink()
        let failure = try #require(bench.failure(name: fault, into: sink))
        #expect(failure.code == .protocol)
        #expect(failure.message.contains(word), "\(failure.message)")
        #expect(sink.restarts == 1)
        try bench.run(name: "good")
    }

    @Test func `by ending before END has crashed`() throws {
        let failure = Bench("honest", worker: Workshop.program("fake-worker")).failure(name: "early-end")
        #expect(failure?.code == .crashed)
        #expect(failure?.message.contains("exited with code 0") == true)
    }
}

@Suite struct `The operation stream` {
    @Test func `is written with every entry, verb and type`() throws {
        let sink = RecordingSink()
        try Bench("every-entry").run(String(repeating: "x", count: 40), into: sink)
        let expected = """
            span 0 0 10 header
            record 0 5
            upsertTwin twin p11 p0=absent p1=false p2=true p3=-300 p4=0.0 p5='grün' p6=dateTime(-1,-60) p7=date(-1) \
            p8=time(86399999999) p9=duration(1,2) p10=json({"a":[1]})
            patchTwin twin -
            replaceTwin twin -
            deleteTwin twin
            record 5 5
            upsertRelationship a p0 b p0:b p3=1
            replaceRelationship a p0 b r
            deleteRelationship a -  r
            record 0 5
            span 2 0 1 blank
            reject bad-row Column 2 is empty.
            record 0 5
            span 1 0 4 total
            """
        let entries = sink.entries
        #expect(entries.prefix(12) == (0..<12).map { "key \($0 + 1) p\($0)" }[...])
        #expect(entries.dropFirst(12).first == "scope part")
        #expect(entries.dropFirst(13).joined(separator: "\n") == expected)
    }

    @Test func `has the numbers that the C header has`() {
        #expect(Int(OperationEntry.record.rawValue) == TD_ENTRY_RECORD)
        #expect(Int(OperationEntry.span.rawValue) == TD_ENTRY_SPAN)
        #expect(Int(OperationEntry.reject.rawValue) == TD_ENTRY_REJECT)
        #expect(Int(OperationEntry.key.rawValue) == TD_ENTRY_KEY)
        #expect(Int(OperationEntry.scope.rawValue) == TD_ENTRY_SCOPE)
        let verbs = [
            TD_OP_UPSERT_TWIN, TD_OP_PATCH_TWIN, TD_OP_REPLACE_TWIN, TD_OP_DELETE_TWIN, TD_OP_UPSERT_RELATIONSHIP,
            TD_OP_REPLACE_RELATIONSHIP, TD_OP_DELETE_RELATIONSHIP,
        ]
        #expect(OperationVerb.allCases.map { Int($0.rawValue) } == verbs)
        let types = [
            TD_TYPE_ABSENT, TD_TYPE_FALSE, TD_TYPE_TRUE, TD_TYPE_INTEGER, TD_TYPE_DOUBLE, TD_TYPE_STRING, TD_TYPE_DATETIME,
            TD_TYPE_DATE, TD_TYPE_TIME, TD_TYPE_DURATION, TD_TYPE_JSON,
        ]
        #expect(PropertyType.allCases.map { Int($0.rawValue) } == types)
    }

    @Test func `keeps every record whole over many frames`() throws {
        let sink = RecordingSink()
        let rows = (0..<60_000).map { "twin-\($0) \($0)\n" }
        try Bench("honest").run(rows.joined(), into: sink)
        let entries = sink.entries
        #expect(sink.frames > 5)
        #expect(entries.count == 1 + 2 * rows.count)
        #expect(entries.last == "upsertTwin twin-59999 - temperature=59999")
    }

    @Test func `does not have the operations of a refused record`() throws {
        let sink = RecordingSink()
        try Bench("honest").run("a 1\n!b 2\nc 3\n", into: sink)
        #expect(
            sink.entries.dropFirst() == [
                "record 0 4", "upsertTwin a - temperature=1", "record 0 5", "reject refused It starts with a bang.", "record 0 4",
                "upsertTwin c - temperature=3",
            ])
    }

    static let rules: [(String, DropError.Code, String)] = [
        ("no-record", .pluginFailed, "before the first record"), ("set-outside", .pluginFailed, "outside an operation"),
        ("begin-twice", .pluginFailed, "inside another"), ("unknown-key", .pluginFailed, "unknown key"),
        ("delete-with-property", .pluginFailed, "no properties"), ("no-end", .pluginFailed, "inside an operation"),
    ]

    /// What cannot be sent refuses its record, and no more.
    @Test(arguments: [
        ("long-text", "text-too-long", "512 KiB"), ("long-record", "record-too-large", "1 MiB"),
        ("long-id", "text-too-long", "512 KiB"), ("no-target", "id", "no target"),
    ])
    func `has a reject for the record that cannot be sent`(rule: String, code: String, word: String) throws {
        let sink = RecordingSink()
        try Bench("rules", settings: "\"\(rule)\"").run(into: sink)
        #expect(sink.entries.count == 3, "\(sink.entries)")
        #expect(sink.entries.last?.hasPrefix("reject \(code) ") == true && sink.entries.last?.contains(word) == true)
    }

    /// The host judges it; the worker hands it on as it is.
    @Test(arguments: ["infinite", "bad-duration", "bad-time", "bad-offset", "bad-json", "bad-text"])
    func `has values that are none, for the host to judge`(rule: String) throws {
        let sink = RecordingSink()
        try Bench("rules", settings: "\"\(rule)\"").run(into: sink)
        #expect(sink.entries.count == 3, "\(sink.entries)")
        #expect(sink.entries.last?.hasPrefix("upsertTwin t ") == true)
    }

    @Test(arguments: rules)
    func `is not begun by a plugin that breaks the rules`(rule: String, code: DropError.Code, word: String) throws {
        let failure = try #require(Bench("rules", settings: "\"\(rule)\"").failure())
        #expect(failure.code == code)
        #expect(failure.message.contains(word), "\(failure.message)")
    }

    @Test func `has no more operations than the limit`() throws {
        var limits = Bench.limits()
        limits.operations = 0
        let bench = Bench("honest", limits: limits)
        try bench.run("abcd\n")
        let failure = bench.failure("a\nb\nc\nd\ne\nf\ng\nh\n" + "", drop: Workshop.dropID())
        #expect(failure == nil)
        let flood = Bench("output-flood", limits: limits).failure("x")
        #expect(flood?.code == .limit)
        #expect(flood?.message.contains("more operations") == true)
    }
}
