import DropCore
import Foundation
import PluginHost
import Testing

enum DateText {
    /// `2024-05-01T10:00:00Z`, by Foundation.
    static func utc(_ seconds: Int64) -> String { Date(timeIntervalSince1970: Double(seconds)).ISO8601Format() }
}

@Suite struct `The plugin door-counter` {
    private static let folder = Workshop.root.path + "/Plugins/door-counter"

    private func bench(settings: String = "{}") -> Bench {
        Bench(Workshop.repositoryPlugin("door-counter", sources: ["door_counter.c"]), settings: settings)
    }

    @Test(arguments: ["morning", "with-rejects"])
    func `gives what its golden files have`(sample: String) throws {
        let content = try String(contentsOfFile: "\(Self.folder)/Samples/\(sample).cnt", encoding: .utf8)
        let sink = RecordingSink()
        try bench().run(content, into: sink)
        let found = GoldenText(stream: sink.bytes, inputBytes: content.utf8.count).lines
        let path = "\(Self.folder)/Samples/\(sample).golden.ndjson"
        if ProcessInfo.processInfo.environment["TWINDROP_RECORD"] != nil {
            try (found.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(found == expected)
    }

    @Test(arguments: [
        ("", "trailer is missing"), ("no header\n", "no header"), ("H20261120HQ\nT000001\n", "rows are missing"),
        ("H20261120HQ\nT000000\nD\n", "after the trailer"), (String(repeating: "x", count: 300), "longer than 256 bytes"),
        ("H20261120HQ\nDMAIN    20261120060000000012000007+0215O\n", "trailer is missing"),
    ])
    func `refuses what is no whole export`(content: String, word: String) throws {
        let failure = try #require(bench().failure(content))
        #expect(failure.code == .refused)
        #expect(failure.message.contains(word), "\(failure.message)")
    }

    @Test(arguments: ["[]", "{\"prefix\": 1}", "{\"unknown\": \"x\"}", "{", "{\"model\": \"\"}"])
    func `does not accept wrong settings`(settings: String) {
        #expect(bench(settings: settings).failure()?.code == .settings)
    }

    @Test func `takes prefix and model from its settings`() throws {
        let sink = RecordingSink()
        let settings = "{ \"prefix\": \"d:\", \"model\": \"dtmi:x:Door;2\" }"
        try bench(settings: settings).run("H20261120HQ\nDMAIN    20261120060000000012000007+0215O\nT000001\n", into: sink)
        #expect(sink.entries.contains { $0.hasPrefix("upsertTwin d:HQ-MAIN dtmi:x:Door;2 ") })
    }

    @Test func `reads lines that stand across its buffer's end`() throws {
        let rows = 5000
        let row = "DMAIN    20261120060000000012000007+0215O\n"
        let sink = RecordingSink()
        try bench().run("H20261120HQ\n" + String(repeating: row, count: rows) + "T005000\n", into: sink)
        #expect(sink.entries.filter { $0 == "record 0 42" }.count == rows)
    }

    @Test func `knows its files by their head`() throws {
        let bench = bench()
        #expect(try bench.host.probe(bench.source, name: FileName("x"), head: Array("H20261120HQ\nDMAIN".utf8)) == 90)
        #expect(try bench.host.probe(bench.source, name: FileName("x"), head: Array("id;name\n1;2\n".utf8)) == 0)
    }
}
