import DropCore
import Foundation
import Glibc
import Testing

@testable import PluginHost

@Suite(.serialized) struct `A worker without work` {
    /// Waits, at most a minute, until the source has no warm worker.
    private func waitUntilCold(_ bench: Bench) {
        let deadline = Date(timeIntervalSinceNow: 60)
        while bench.host.status()[0].hasWarmWorker, deadline > .now { usleep(20_000) }
    }

    @Test func `is ended at once when its drop left a thread behind, and the drop stands`() throws {
        let bench = Bench("left-thread")
        let summary = try bench.run()
        #expect(summary.log.contains { $0.contains("2 threads after its drop") }, "\(summary.log)")
        #expect(!bench.host.status()[0].hasWarmWorker)
        try bench.run()
        #expect(bench.host.status()[0].workerStarts == 2)
    }

    @Test func `is ended at the end of its time, though no drop comes`() throws {
        var limits = Bench.limits()
        limits.workerAge = .milliseconds(300)
        let bench = Bench("honest", limits: limits)
        try bench.run()
        waitUntilCold(bench)
        #expect(!bench.host.status()[0].hasWarmWorker)
    }
}

@Suite struct `A required sandbox` {
    private func failure(_ worker: String) -> DropError? {
        let source = SourceName("tests")!
        var configuration = PluginHost.Configuration(
            workerPath: worker,
            sources: [PluginSource(name: source, libraryPath: Workshop.plugin("honest"), limits: Bench.limits())],
            keyTable: EmptyKeyTable())
        configuration.requiresWholeSandbox = true
        let host = PluginHost(configuration: configuration)
        do throws(DropError) {
            _ = try host.identify(source)
            return nil
        } catch { return error }
    }

    @Test func `is judged by what is said before any code of the plugin runs`() {
        let error = failure(Workshop.program("forged-hello"))
        #expect(error?.code == .sandbox && error?.remedy == .suspendSource, "\(error?.message ?? "")")
    }

    @Test func `is known without a plugin`() {
        let host = PluginHost(
            configuration: .init(workerPath: Workshop.worker, sources: [], keyTable: EmptyKeyTable()))
        #expect(host.sandboxMissing() != nil)
        #expect(failure(Workshop.worker)?.code == (host.sandboxMissing() == [] ? nil : .sandbox))
    }
}
