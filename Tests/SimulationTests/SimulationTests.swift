import Foundation
import Testing
import ThreadKit

/// Each test runs in a process of its own, so that what goes wrong there ends that one alone.
@Suite struct `The simulated flow` {
    @Test func `keeps every promise, whatever goes wrong`() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) { Seeds.run() }
        expectSilence(result?.standardErrorContent)
    }

    @Test func `keeps every promise about one file, wherever the machine goes off`() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) { Seeds.runOneFile() }
        expectSilence(result?.standardErrorContent)
    }

    /// What a seed finds, its process says; where the process did not come to its end, the seeds it was at are said.
    private func expectSilence(_ said: [UInt8]?) {
        guard let said else {
            Issue.record("The process ended at the seeds \(Report.begun()); run one by SIMULATION_SEED.")
            return
        }
        let text = String(decoding: said, as: UTF8.self)
        if text.contains("SIMULATION_SEED=") { Issue.record("\(text)") }
    }
}

/// Which seeds are run: `SIMULATION_SEEDS` is how many, `SIMULATION_SEED` is one alone.
enum Seeds {
    static func run() {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["SIMULATION_SEED"].flatMap({ UInt64($0) }) { return inThreads([one]) { $0.live() } }
        let count = environment["SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 1000
        inThreads(Array(1...max(1, count))) { $0.live() }
    }

    /// One file goes its way; the machine goes off at each call in turn, before or after it has done its work. A file's way has
    /// fewer calls than half as many seeds.
    static func runOneFile() {
        inThreads(Array(1...240)) { simulation in
            simulation.world.calmDown()
            simulation.deliver()
            simulation.world.goOff(after: Int(simulation.seed + 1) / 2)
            simulation.run { pipeline in
                simulation.look(pipeline)
                simulation.rest(pipeline, mayFail: true)
            }
            simulation.live(runs: 0)
        }
    }

    /// On two threads, each seed by itself.
    private static func inThreads(_ seeds: [UInt64], _ body: @escaping @Sendable (Simulation) -> Void) {
        let workers = (0..<2).map { worker in
            NamedThread("simulation-\(worker)") {
                for seed in seeds where seed % 2 == UInt64(worker) {
                    Report.begin(seed, on: worker)
                    let (findings, trace) = Simulation.findings(seed: seed, body)
                    if !findings.isEmpty { Report.stop(seed, findings, trace: trace) }
                }
            }
        }
        for worker in workers { worker.join() }
    }
}

/// How a seed is told that found something.
enum Report {
    private static func place(_ worker: Int) -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent("twindrop-simulation-\(worker)")
    }

    /// Kept in a file, for the case that the process does not come to its end.
    static func begin(_ seed: UInt64, on worker: Int) { try? Data("\(seed)".utf8).write(to: place(worker)) }

    static func begun() -> String {
        (0..<2).compactMap { try? String(decoding: Data(contentsOf: place($0)), as: UTF8.self) }.joined(separator: " and ")
    }

    /// Ends the process: the test that started it reads what is said here.
    static func stop(_ seed: UInt64, _ findings: [String], trace: [String]) -> Never {
        var text = "SIMULATION_SEED=\(seed) finds:\n"
        for finding in findings.prefix(20) { text += "  \(finding)\n" }
        text += "The last calls: \(trace.suffix(60).joined(separator: ", "))\n"
        FileHandle.standardError.write(Data(text.utf8))
        exit(0)
    }
}
