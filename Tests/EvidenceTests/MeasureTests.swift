import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

/// Prints what archiving costs; `TWINDROP_MEASURE=1`, in a release build. The figures' home is docs/benchmarks.md.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["TWINDROP_MEASURE"] != nil)) struct `Measured` {
    private func rows(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        var state: UInt64 = 42
        for row in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let r = state >> 33
            out += Array(
                "A\(100_000 + row);forklift-\(r % 97);site-\(r % 13);\(r % 1000).\(r % 100);2026-11-\(10 + r % 18)T0\(r % 10):"
                    .utf8)
            out += Array("00:00Z;ok;\(r % 7);\(r)\n".utf8)
        }
        return out
    }

    @Test func `one large drop`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let item = try fixture.item(rows(1_300_000))
        let clock = ProcessorClock()
        for _ in 0..<3 {
            let appended = try clock.measure { try writer.append(item, now: Fixture.morning) }
            let closed = try clock.measure { _ = try writer.close(now: Fixture.morning) }
            print("measured, processor time: \(item.record.bytes) bytes, append \(appended), close with reread \(closed)")
        }
        var batches: [BatchFacts] = []
        try ArchiveCatalogue(root: fixture.archive).batches {
            batches.append($0); return true
        }
        print("measured: compressed to \(batches[0].compressedBytes)")
        for full in [false, true] {
            print("measured, processor time: verify full \(full) \(try clock.measure { _ = try fixture.verify(full: full) })")
        }
    }

    @Test func `5,000 small drops`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let content = Array(rows(30).prefix(2000))
        let items = try (0..<5000).map { try fixture.item(content + Array("\($0)".utf8), name: FileName("orders-\($0).csv")) }
        let clock = ProcessorClock()
        var closing = Duration.zero
        let all = try clock.measure {
            for item in items {
                try writer.append(item, now: Fixture.morning)
                if writer.isFull { closing += try clock.measure { _ = try writer.close(now: Fixture.morning) } }
            }
            closing += try clock.measure { _ = try writer.close(now: Fixture.morning) }
        }
        print("measured, processor time: 5,000 small drops \(all), \(all / 5000) each; of it close \(closing)")
        let receipts = ReceiptWriter(root: fixture.folder + "/receipts")
        let written = try clock.measure { for item in items { try receipts.write(item.record) } }
        print("measured, processor time: receipts \(written / 5000) each")
    }
}

/// Processor time of the calling thread, which other work on the machine does not blur; waiting for the medium is not in it.
struct ProcessorClock {
    func measure(_ body: () throws -> Void) rethrows -> Duration {
        let start = Self.now
        try body()
        return Self.now - start
    }

    private static var now: Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
