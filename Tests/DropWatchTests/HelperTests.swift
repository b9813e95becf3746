import DropCore
import Glibc
import Testing
import ThreadKit

@testable import DropWatch

@Suite(.serialized) struct `The helper process` {
    /// No scan but those that events, overflow and restarts ask for.
    private static var withoutTimer: WatchTiming {
        var timing = WatchTiming()
        timing.rescan = .seconds(3600)
        return timing
    }

    @Test func `is started again when it is killed, and nothing is missed`() throws {
        let test = Watching(.close, timing: Self.withoutTimer)
        let first = try #require(test.watcher.helperProcess)
        kill(first, SIGKILL)
        for index in 0..<50 { write("x", to: test.home.path("f\(index)")) }
        #expect(test.deliveries.wait { $0.settled.count == 50 })
        #expect(test.waitForMode(.events))
        #expect(test.watcher.helperProcess != first)
        #expect(test.watcher.counters().restarts == 1)
        write("x", to: test.home.path("after"))
        #expect(test.deliveries.wait { $0.settled.count == 51 })
    }

    @Test func `may overflow, and nothing is missed`() throws {
        let full = unsafe getenv("TWINDROP_FULL") != nil
        let count = full ? 100_000 : 20_000
        let test = Watching(.close, timing: Self.withoutTimer)
        #expect(test.waitForMode(.events))
        let helper = try #require(test.watcher.helperProcess)
        kill(helper, SIGSTOP)
        let before = Instant.now
        for index in 0..<count { write("x", to: test.home.path("f\(index)")) }
        let written = Instant.now
        kill(helper, SIGCONT)
        #expect(test.deliveries.wait(60) { $0.settled.count >= count })
        print("burst: \(count) files written in \((written - before).shown), all seen \((Instant.now - written).shown) later")
        #expect(Set(test.deliveries.settledNames).count == count)
        #expect(test.deliveries.settledNames.count == count)
        #expect(test.watcher.counters().overflows >= 1)
    }

    @Test func `ends when its parent's channel does`() throws {
        let scratch = Scratch()
        let helper = try HelperProcess.start(helperPath, folders: [(FolderPath(scratch.path), false)])
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(helper.read(into: &buffer) > 0)
        helper.reap()  // Closes the channel, then waits: it returns only when the process ends by itself.
    }

    @Test func `is done without where it cannot be started`() {
        var timing = WatchTiming()
        timing.settleWithoutEvents = .milliseconds(50)
        timing.rescanPolled = .milliseconds(50)
        let home = Home()
        let deliveries = Deliveries()
        let watcher = DropWatcher(
            sources: [.test(home.landing)], helperPath: "/nonexistent/twindrop-watch", timing: timing, handler: deliveries.handler
        )
        watcher.start()
        defer { watcher.stop() }
        write("x", to: home.path("x"))
        #expect(deliveries.wait { $0.settled.count == 1 })
    }
}
