import DropCore
import Glibc
import SystemKit
import Testing
import ThreadKit

@testable import DropWatch

/// What intake costs. The figures are printed, and bounded loosely: the machine is not ours alone.
@Suite(.serialized, .enabled(if: unsafe getenv("TWINDROP_FULL") != nil, "set TWINDROP_FULL=1 to measure"))
struct `The cost of intake` {
    private static func cpu() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    @Test func `of claiming 5,000 small files is bounded`() throws {
        let home = Home()
        let source = WatchedSource.test(home.landing)
        for index in 0..<5000 { write("order \(index)\n", to: home.path("f\(index)")) }
        let files = (0..<5000).map { (file: SettledFile.at(home.path("f\($0)"), source: source), id: dropID(UInt64($0))) }
        let claimer = claimer(home, source)
        let (wall, cpu) = (Instant.now, Self.cpu())
        for start in stride(from: 0, to: 5000, by: 256) {
            _ = try claimer.claim(Array(files[start..<min(start + 256, 5000)]), at: 0)
        }
        let used = Self.cpu() - cpu
        print(
            "claim: \(used.wholeNanoseconds / 5_000_000) µs CPU and \((Instant.now - wall).wholeNanoseconds / 5_000_000) µs a file"
        )
        #expect(names(in: home.spool).count == 5000)
    }

    @Test func `of noticing a lone file is a few milliseconds`() {
        let test = Watching(.close)
        #expect(test.waitForMode(.events))
        var times: [Int64] = []
        for index in 0..<200 {
            let before = Instant.now
            write("x", to: test.home.path("f\(index)"))
            #expect(test.deliveries.wait { $0.settled.count == index + 1 })
            times.append((Instant.now - before).wholeNanoseconds)
        }
        times.sort()
        print("lone file: p50 \(times[100] / 1000) µs, p99 \(times[198] / 1000) µs from open to delivery")
        #expect(times[100] < 20_000_000)
    }
}
