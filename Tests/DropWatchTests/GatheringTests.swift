import DropCore
import Glibc
import Testing
import ThreadKit

@testable import DropWatch

/// The watcher's turns, one by one, without its threads.
private final class Turns {
    let home = Home()
    let deliveries = Deliveries()
    let loop: WatchLoop

    init(files: Int) {
        for index in 0..<files { write("x", to: home.path("f\(10_000 + index * 7919 % files)")) }
        var timing = WatchTiming()
        timing.probe = .seconds(3600)  // Nobody answers the probe here.
        loop = WatchLoop(
            sources: [.test(home.landing, .close)], dropZone: nil, ownership: nil, timing: timing,
            handler: deliveries.handler, truncation: TruncationRule(), purpose: .watching)
    }

    var root: WatchRoot { loop.state.folders.roots[0] }

    /// One turn with this signal, and an event of this file; whether nothing is left to do at once.
    func turn(_ signal: HelperFrame? = nil, event: String? = nil) -> Bool {
        var inbox = Inbox()
        if let signal { inbox.signal(.frame(signal)) }
        if let event { inbox.hint(FolderPath(home.landing), FileName(event), arrival: .written) }
        let (all, hints) = inbox.take()
        return loop.turn(all, hints: hints)
    }

    /// Takes turns until nothing is left to do; at most so many.
    func finish(_ max: Int = 200) {
        for _ in 0..<max where turn() { return }
        Issue.record("it does not end")
    }

    /// Begins, and ends the first scan, as where events arrive.
    func begin() {
        _ = turn(.ready(watches: 1))
        finish()
        loop.health.setMode(.events, of: root)
    }
}

@Suite struct `Gathering files` {
    @Test func `delivers none before all names are read`() {
        let test = Turns(files: 1250)
        #expect(!test.turn(.ready(watches: 1)) && test.deliveries.settledNames.isEmpty)
        #expect(!test.turn() && test.deliveries.settledNames.isEmpty)
        test.finish()
        #expect(test.deliveries.settledNames.count == 1250)
    }

    @Test func `is not done by a scan of the clock, so that a new file does not wait for its end`() {
        let test = Turns(files: 1250)
        test.begin()
        test.root.nextScan = .now
        #expect(!test.turn(), "the scan has more to read")
        write("x", to: test.home.path("new"))
        #expect(!test.turn(event: "new"), "the scan has more to read")
        #expect(test.deliveries.settledNames.last == "new")
    }

    @Test func `is done when events were lost: a file that is told of now waits for those that lie there`() {
        let test = Turns(files: 1250)
        test.begin()
        for index in 0..<20 { write("x", to: test.home.path("lost\(10 + index)")) }
        usleep(20_000)
        write("x", to: test.home.path("a new one"))
        #expect(!test.turn(.overflow, event: "a new one"))
        #expect(test.deliveries.settledNames.count == 1250, "it was not gathered")
        test.finish()
        #expect(test.deliveries.settledNames.dropFirst(1250).count == 21)
        #expect(test.deliveries.settledNames.last == "a new one")
    }

    @Test func `again and again, because events are lost in each turn, stops no file for good`() {
        let test = Turns(files: 1250)
        _ = test.turn(.ready(watches: 1))
        for _ in 0..<100 where test.deliveries.settledNames.count < 1250 { _ = test.turn(.overflow) }
        #expect(test.deliveries.settledNames.count == 1250)
    }
}

@Suite struct `The scans of a root` {
    private let root = FolderPath("/landing")
    private let below = FolderPath("/landing/below")

    @Test func `begin with those that gather, and leave the others out while they are not wanted`() {
        var scans = RootScans()
        scans.add(root, deep: true, gathers: false)
        #expect(!scans.isGathering && !scans.hasNext(others: false) && scans.hasNext(others: true))
        scans.add(below, deep: true, gathers: true)
        #expect(scans.isGathering && scans.willGather(below) && !scans.willGather(root))
        #expect(scans.next(others: false)?.folder == below)
        #expect(scans.next(others: false) == nil && !scans.isGathering)
        #expect(scans.next(others: true)?.folder == root)
        #expect(scans.next(others: true) == nil)
    }

    @Test func `are asked for once, as the most that was asked`() {
        var scans = RootScans()
        scans.add(root, deep: false, gathers: true)
        scans.add(root, deep: true, gathers: false)
        let next = scans.next(others: true)
        #expect(next?.deep == true && next?.gathers == true)
        #expect(!scans.hasNext(others: true))
    }
}
