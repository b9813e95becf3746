import DropCore
import Foundation
import PluginHost
import Testing

@Suite struct `The page plugin-abi.md` {
    @Test func `has an example that compiles and runs as it says`() throws {
        let page = try String(contentsOfFile: Workshop.root.path + "/docs/plugin-abi.md", encoding: .utf8)
        let start = try #require(page.range(of: "```c\n"))
        let end = try #require(page.range(of: "```", range: start.upperBound..<page.endIndex))
        let library = Workshop.plugin("lines", source: String(page[start.upperBound..<end.lowerBound]))
        let sink = RecordingSink()
        try Bench(library).run("a\nbb\n", into: sink)
        #expect(sink.entries == ["record 0 2", "upsertTwin a -", "record 0 3", "upsertTwin bb -"])
        let failure = Bench(library).failure("a\nb")
        #expect(failure?.code == .refused)
        #expect(failure?.offset == 2)
    }

    @Test func `has a manifest that is read, and the one of door-counter fits its library`() throws {
        let page = try String(contentsOfFile: Workshop.root.path + "/docs/plugin-abi.md", encoding: .utf8)
        let start = try #require(page.range(of: "```json\n"))
        let end = try #require(page.range(of: "```", range: start.upperBound..<page.endIndex))
        let example = try PluginManifest(parsing: Array(page[start.upperBound..<end.lowerBound].utf8), path: "plugin-abi.md")
        let path = Workshop.root.path + "/Plugins/door-counter/door-counter.plugin.json"
        let real = try PluginManifest(parsing: Array(try Data(contentsOf: URL(fileURLWithPath: path))), path: path)
        #expect(example.id == real.id)
        let bench = Bench(Workshop.repositoryPlugin("door-counter", sources: ["door_counter.c"]))
        let identity = try bench.host.identify(bench.source)
        #expect(identity.id == real.id)
        #expect(identity.version == real.version)
    }
}
