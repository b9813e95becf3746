import DropCore
import Foundation
import Glibc
import PluginHost
import Testing

@Suite struct `A source` {
    @Test(arguments: [
        (1, DropError.Code.refused, DropError.Remedy.quarantine, 0), (2, .settings, .suspendSource, 0),
        (6, .pluginFailed, .quarantine, 1), (5, .limit, .quarantine, 0), (77, .pluginFailed, .quarantine, 1),
        (4, .inputFailed, .quarantine, 1),
    ])
    func `gets the plugin's own verdict`(status: Int, code: DropError.Code, remedy: DropError.Remedy, restarts: Int) throws {
        let sink = RecordingSink()
        let failure = try #require(Bench("say", settings: "{\"status\": \(status)}").failure(into: sink))
        #expect(failure.code == code)
        #expect(failure.remedy == remedy)
        #expect(failure.message.contains("Column 3 is missing."))
        #expect(sink.restarts == restarts)
        if remedy == .quarantine { #expect(failure.offset == 17) }
    }

    @Test func `is suspended after five different drops failed in a row, and resumed by a person`() throws {
        let bench = Bench("crash-at-call")
        let same = Workshop.dropID()
        for _ in 0..<6 { #expect(bench.failure(drop: same)?.code == .crashed) }
        for _ in 0..<4 { #expect(bench.failure()?.code == .crashed) }
        let suspended = try #require(bench.failure())
        #expect(suspended.code == .pluginSuspended)
        #expect(suspended.remedy == .suspendSource)
        #expect(suspended.message.contains("5 drops"))
        #expect(bench.host.status()[0].suspension == suspended)
        bench.host.resume(bench.source)
        #expect(bench.failure()?.code == .crashed)
    }

    @Test func `is not suspended by refusals of its files`() throws {
        let bench = Bench("say", settings: "{\"status\": 1}")
        for _ in 0..<7 { #expect(bench.failure()?.code == .refused) }
    }

    @Test(arguments: [["a", "a"], [""], ["a\u{0}"]])
    func `whose stored names cannot be is stopped, not guessed at`(names: [String]) throws {
        let failure = try #require(Bench("honest", keys: names).failure())
        #expect(failure.code.text == "key-table" && failure.remedy == .stop)
    }

    @Test func `keeps its key numbers over drops and workers`() throws {
        var limits = Bench.limits()
        limits.dropsPerWorker = 2
        let bench = Bench("honest", limits: limits, keys: ["stored"])
        for content in ["+1 0\n", "+2 0\n", "+3 0\n", "+1 0\n", "+4 0\n"] { try bench.run(content) }
        #expect(try bench.host.keys(for: bench.source) == ["stored", "temperature", "key1", "key2", "key3", "key4"])
        let sink = RecordingSink()
        try bench.run("a 5\n", into: sink)
        #expect(
            sink.entries.prefix(6).map { $0 }
                == (["stored", "temperature"] + (1...4).map { "key\($0)" }).enumerated().map { "key \($0 + 1) \($1)" })
        #expect(sink.entries.last == "upsertTwin a - temperature=5")
    }

    @Test func `keeps its key numbers when a drop that defined new ones fails`() throws {
        let bench = Bench("honest")
        let sink = RecordingSink()
        try bench.run("+1 0\n")
        sink.error = DropError(.tooManyRejects, "x", hint: "y", remedy: .quarantine)
        #expect(bench.failure("+2 0\n", into: sink)?.code == .tooManyRejects)
        #expect(sink.restarts == 0)
        let second = RecordingSink()
        try bench.run("+3 0\n", into: second)
        #expect(second.entries.filter { $0.hasPrefix("key") }.prefix(2) == ["key 1 temperature", "key 2 key1"])
        #expect(Set(try bench.host.keys(for: bench.source)).count == (try bench.host.keys(for: bench.source)).count)
    }

    @Test func `runs again when the sink finds the output malformed`() throws {
        let sink = RecordingSink()
        let bench = Bench("honest")
        sink.error = DropError(.protocol, "x", hint: "y", remedy: .quarantine)
        try bench.run(into: sink)
        #expect(sink.restarts == 1)
        #expect(sink.entries.last == "upsertTwin a - temperature=1")
    }

    @Test func `transforms one drop at a time`() throws {
        let bench = Bench("honest")
        let group = DispatchGroup()
        for index in 0..<8 {
            DispatchQueue.global().async(group: group) {
                let sink = RecordingSink()
                #expect(throws: Never.self) { try bench.run("+\(index) 1\n", into: sink) }
                #expect(
                    Set(sink.entries.filter { $0.hasPrefix("key") }).count == sink.entries.filter { $0.hasPrefix("key") }.count)
            }
        }
        #expect(group.wait(timeout: .now() + 60) == .success)
        #expect(try bench.host.keys(for: bench.source).count == 9)
    }

    @Test func `looks values up in its tables`() throws {
        let lookups = [
            PluginSource.Lookup(table: "other", entries: [("a", "wrong")]),
            PluginSource.Lookup(table: "names", entries: (0..<1000).map { ("k\($0)", "value \($0)") } + [("k7", "second")]),
        ]
        let bench = Bench("lookup", lookups: lookups)
        let sink = RecordingSink()
        try bench.run("k7", into: sink)
        #expect(sink.entries.last == "upsertTwin k7 - name='value 7'")
        let missing = RecordingSink()
        try bench.run("nobody", into: missing)
        #expect(missing.entries.last == "upsertTwin nobody -")
    }

    @Test func `has another transform digest with other settings or lookups, and the same otherwise`() throws {
        func transformDigest(
            _ settings: String, _ lookups: [PluginSource.Lookup] = [], plugin: String = "honest"
        ) throws -> ContentDigest {
            try Bench(plugin, settings: settings, lookups: lookups).host.transformDigest(of: SourceName("tests")!)
        }
        let base = try transformDigest("{}")
        #expect(try transformDigest("{}") == base)
        #expect(try transformDigest("{ }") != base)
        #expect(try transformDigest("{}", [.init(table: "t", entries: [])]) != base)
        #expect(try transformDigest("{}", plugin: "sleep") != base)
    }

    @Test func `ends its longest idle worker when there are too many`() throws {
        let names = (0..<3).map { SourceName("source-\($0)")! }
        var configuration = PluginHost.Configuration(
            workerPath: Workshop.worker, sources: names.map { PluginSource(name: $0, libraryPath: Workshop.plugin("honest")) },
            keyTable: EmptyKeyTable())
        configuration.warmWorkersMax = 2
        let host = PluginHost(configuration: configuration)
        for name in names {
            let descriptor = Workshop.input("a\n")
            defer { close(descriptor) }
            _ = try host.transform(
                TransformJob(drop: Workshop.dropID(), source: name, fileName: FileName("x"), descriptor: descriptor, bytes: 2),
                into: RecordingSink())
        }
        #expect(host.status().map(\.hasWarmWorker) == [false, true, true])
    }

    @Test func `without a worker program waits with a plain message`() {
        let failure = Bench("honest", worker: "/nonexistent/twindrop-worker").failure()
        #expect(failure?.code == .pluginMissing)
        #expect(failure?.remedy == .suspendSource)
        #expect(failure?.message.contains("No such file or directory") == true)
    }
}
