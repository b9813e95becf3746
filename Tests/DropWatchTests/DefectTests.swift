import DropCore
import Glibc
import SystemKit
import Testing
import ThreadKit

@testable import DropWatch

@Suite(.serialized) struct `The watcher, of files that are not in order,` {
    @Test func `delivers a marker whose data does not come to be quarantined`() throws {
        var timing = WatchTiming()
        timing.rescan = .milliseconds(50)
        let test = Watching(.marker, writerTimeout: .milliseconds(100), timing: timing)
        write("", to: test.home.path("a.done"))
        try #require(test.deliveries.wait { $0.settled.map(\.defect?.code) == [.markerWithoutData] })
        let marker = test.deliveries.state.with { $0.settled[0] }
        test.watcher.noteClaims([(marker, .notYet(WaitingReason(.changed, "test")))])
        #expect(test.deliveries.wait { $0.settled.count == 2 })
    }

    @Test func `delivers a file that its writer keeps open once to be quarantined, and takes it in the end`() throws {
        let test = Watching(.close, settle: .milliseconds(10), writerTimeout: .milliseconds(600))
        let writer = unsafe open(test.home.path("x"), O_WRONLY | O_CLOEXEC | O_CREAT, mode_t(0o644))
        try? SystemCall.write([1], count: 1, to: writer)
        try #require(test.deliveries.wait { $0.settled.map(\.defect?.code) == [.stillOpen] })
        let held = test.deliveries.state.with { $0.settled[0] }
        test.watcher.noteClaims([(held, .claimed(dropID(1), bytes: 1))])
        #expect(waitForWhy(test, "x", "writer"))
        close(writer)
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        #expect(test.deliveries.state.with { $0.settled[1].defect } == nil)
    }

    @Test func `waits for a slow writer for as long as it writes`() {
        let test = Watching(.close, settle: .milliseconds(10), writerTimeout: .milliseconds(700))
        let writer = unsafe open(test.home.path("x"), O_WRONLY | O_CLOEXEC | O_CREAT, mode_t(0o644))
        let began = Instant.now
        while Instant.now - began < .seconds(2) {
            try? SystemCall.write([1], count: 1, to: writer)
            #expect(
                !test.deliveries.state.wait(until: { !$0.settled.isEmpty }, timeout: .milliseconds(50)) { !$0.settled.isEmpty })
        }
        close(writer)
        #expect(test.deliveries.wait { $0.settled.map(\.defect) == [nil] })
    }

    @Test(arguments: [ReadinessRule.Kind.close, .stable, .rename])
    func `delivers a file that may have lost its tail in a power cut as one to be quarantined`(kind: ReadinessRule.Kind) {
        let test = Watching(kind, truncation: TruncationRule(doubted: [0..<UInt64.max]))
        write("x", to: test.home.path(".x"))
        unsafe rename(test.home.path(".x"), test.home.path("x"))
        #expect(test.deliveries.wait { $0.settled.map(\.defect?.code) == [.suspectTruncated] })
    }

    @Test func `trusts a marker, and a source that proves the end of its files, after a power cut`() {
        let doubt = TruncationRule(doubted: [0..<UInt64.max])
        let marked = Watching(.marker, truncation: doubt)
        write("x", to: marked.home.path("x"))
        write("", to: marked.home.path("x.done"))
        #expect(marked.deliveries.wait { $0.settled.map(\.defect) == [nil] })
        let proven = Watching(.close, truncation: doubt, provesEnd: true)
        write("x", to: proven.home.path("x"))
        #expect(proven.deliveries.wait { $0.settled.map(\.defect) == [nil] })
    }
}
