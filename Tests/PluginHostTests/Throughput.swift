import DropCore
import Foundation
import Glibc
import PluginHost
import Testing

/// `TWINDROP_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter Throughput` prints what the wire carries.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["TWINDROP_MEASURE"] != nil)) struct `Throughput` {
    private final class CountingSink: OperationSink {
        var bytes = 0
        var frames = 0
        func absorb(_ entries: RawSpan) throws(DropError) {
            bytes += entries.byteCount
            frames += 1
        }
        func restart() throws(DropError) {}
    }

    @Test func `of operations with twelve properties`() throws {
        var limits = WorkerLimits()
        limits.operations = .max / 2
        limits.outputBytes = .max / 2
        let bench = Bench("synthetic", limits: limits)
        for millions in [1, 4, 4, 4] {
            let sink = CountingSink()
            let descriptor = Workshop.input(String(repeating: "x", count: millions))
            defer { close(descriptor) }
            let started = ContinuousClock.now
            let job = TransformJob(
                drop: Workshop.dropID(), source: bench.source, fileName: FileName("x"), descriptor: descriptor,
                bytes: UInt64(millions))
            _ = try bench.host.transform(job, into: sink)
            let seconds = (ContinuousClock.now - started) / .seconds(1)
            print(
                "\(millions) M operations: \(Double(millions) / seconds) M/s, \(Double(sink.bytes) / seconds / 1e6) MB/s"
            )
        }
    }

    @Test func `of small drops in one warm worker`() throws {
        var limits = WorkerLimits()
        limits.dropsPerWorker = .max
        let bench = Bench("honest", limits: limits)
        try bench.run()
        let started = ContinuousClock.now
        for _ in 0..<2000 { try bench.run() }
        print("a small drop: \((ContinuousClock.now - started) / .microseconds(1) / 2000) µs")
        limits.dropsPerWorker = 1
        let cold = Bench("honest", limits: limits)
        let before = ContinuousClock.now
        for _ in 0..<50 { try cold.run() }
        print("a small drop in a new worker: \((ContinuousClock.now - before) / .microseconds(1) / 50) µs")
    }
}
