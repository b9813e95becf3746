import DropCore
import Foundation
import Testing

@testable import PluginHost

@Suite struct `A plugin that is replaced` {
    private let folder: URL
    private var path: String { folder.path + "/plugin.so" }

    init() throws {
        folder = Workshop.folder.appendingPathComponent("changed-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try install(Workshop.plugin("honest"))
    }

    /// Renames a copy into place that looks as if it had been written a while ago.
    private func install(_ library: String, age: TimeInterval = 60) throws {
        try install(Data(contentsOf: URL(fileURLWithPath: library)), age: age)
    }

    private func install(_ content: Data, age: TimeInterval = 60) throws {
        let new = folder.path + "/new"
        try content.write(to: URL(fileURLWithPath: new))
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: new)
        try #require(unsafe rename(new, path) == 0)
    }

    @Test func `runs the next drop, in a new worker and another transform digest`() throws {
        let bench = Bench(path)
        let before = try bench.host.transformDigest(of: bench.source)
        let first = try bench.run()
        #expect(first.transformDigest == before)
        try install(Workshop.plugin("lookup"))
        let after = try bench.host.transformDigest(of: bench.source)
        #expect(after != before)
        #expect(try bench.run("nobody").transformDigest == after)
        #expect(try bench.host.identify(bench.source).digest == PluginLibrary(path: Workshop.plugin("lookup")).digest)
    }

    @Test func `keeps its worker when its bytes are the same`() throws {
        let bench = Bench(path)
        let before = try bench.host.transformDigest(of: bench.source)
        let first = Bench.pid(try bench.run())
        try install(Workshop.plugin("honest"), age: 30)
        #expect(try bench.host.transformDigest(of: bench.source) == before)
        let second = Bench.pid(try bench.run())
        #expect(first != nil && second == first)
    }

    @Test func `is waited for while it is being written`() throws {
        let bench = Bench(path)
        _ = try bench.host.transformDigest(of: bench.source)
        try install(Workshop.plugin("lookup"), age: 0)
        let error = #expect(throws: DropError.self) { try bench.host.transformDigest(of: bench.source) }
        #expect(error?.code == .pluginChanging)
        #expect(bench.host.status()[0].suspension == nil)
    }

    @Test func `suspends its source when it is no library, until it is replaced again`() throws {
        let bench = Bench(path)
        try bench.run()
        try install(Data("no library".utf8))
        let error = #expect(throws: DropError.self) { try bench.host.transformDigest(of: bench.source) }
        #expect(error?.remedy == .suspendSource)
        #expect(bench.host.status()[0].suspension == error)
        #expect(!bench.host.isWorthAnotherTry(bench.source))
        try install(Workshop.plugin("honest"), age: 30)
        #expect(bench.host.isWorthAnotherTry(bench.source))
        bench.host.resume(bench.source)
        _ = try bench.host.transformDigest(of: bench.source)
        try bench.run()
        #expect(bench.host.status()[0].suspension == nil)
    }

    @Test func `ends a suspension by failures of the one before`() throws {
        try install(Workshop.plugin("crash-at-call"))
        let bench = Bench(path)
        _ = try bench.host.transformDigest(of: bench.source)
        for _ in 0..<5 { _ = bench.failure() }
        #expect(bench.failure()?.code == .pluginSuspended)
        try install(Workshop.plugin("honest"))
        #expect(bench.host.isWorthAnotherTry(bench.source))
        _ = try bench.host.transformDigest(of: bench.source)
        try bench.run()
    }
}
