import DropCore
import Glibc
import Testing
import ThreadKit

@testable import DropWatch

/// A watcher of several sources.
private final class SeveralWatching {
    let scratch = Scratch()
    let deliveries = Deliveries()
    let watcher: DropWatcher

    init(dropZone: Bool = false, timing: WatchTiming = WatchTiming(), _ sources: (Scratch) -> [WatchedSource]) {
        let state = scratch.folder("state")
        watcher = DropWatcher(
            sources: sources(scratch), dropZone: dropZone ? scratch.folder("zone") : nil, helperPath: helperPath,
            ownership: FolderOwnership(instance: "test", stateFolder: state), timing: timing, handler: deliveries.handler)
        watcher.start()
        precondition(watcher.waitUntilWatching(timeout: .seconds(20)), "the watcher did not start")
    }

    deinit { watcher.stop() }

    /// Names by source.
    var settled: [String: [String]] {
        deliveries.state.with {
            Dictionary(grouping: $0.settled, by: \.source.text).mapValues { $0.map(\.name.description).sorted() }
        }
    }
}

@Suite(.serialized) struct `Sources that share a folder` {
    @Test func `are all served, each with the files its patterns fit`() {
        let test = SeveralWatching { scratch in
            let folder = scratch.folder("landing")
            return ["a", "b", "c"].map { .test(folder, name: $0, .close, patterns: ["\($0)-*"]) }
        }
        for name in ["a-1", "b-1", "c-1", "b-2", "d-1"] { write("x", to: test.scratch.path + "/landing/" + name) }
        #expect(test.deliveries.wait { $0.settled.count == 4 && Set($0.refused.map(\.name)).count == 1 })
        #expect(test.settled == ["a": ["a-1"], "b": ["b-1", "b-2"], "c": ["c-1"]])
        #expect(test.deliveries.state.with { $0.refused[0].reason.code } == .unmatchedName)
        #expect(test.watcher.status().map(\.source.text) == ["a", "b", "c"])
    }

    @Test func `keep their own rules`() {
        let test = SeveralWatching { scratch in
            let folder = scratch.folder("landing")
            return [
                .test(folder, name: "marked", .marker, patterns: ["*.csv"]),
                .test(folder, name: "closed", .close, patterns: ["*.xml"]),
            ]
        }
        let landing = test.scratch.path + "/landing/"
        write("x", to: landing + "a.csv")
        write("x", to: landing + "a.xml")
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        write("", to: landing + "a.csv.done")
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        #expect(test.settled == ["closed": ["a.xml"], "marked": ["a.csv"]])
    }

    @Test func `and lie in one another are all served`() {
        let test = SeveralWatching { scratch in
            let outer = scratch.folder("outer")
            let inner = scratch.folder("outer/inner")
            return [
                .test(outer, name: "outer", .close, patterns: ["*.csv"], recursive: true),
                .test(inner, name: "inner", .close, patterns: ["*.xml"]),
            ]
        }
        let inner = test.scratch.path + "/outer/inner"
        unsafe mkdir(inner + "/deep", 0o755)
        for name in ["inner/1.xml", "inner/2.csv", "3.csv", "inner/deep/4.csv"] {
            write("x", to: test.scratch.path + "/outer/" + name)
        }
        #expect(test.deliveries.wait { $0.settled.count == 4 })
        #expect(test.settled == ["inner": ["1.xml"], "outer": ["2.csv", "3.csv", "4.csv"]])
    }

    @Test func `are asked about what no pattern fits only where they want to be`() {
        let routing = Routing(members: [
            .test("/l", name: "a", patterns: ["a-*"]), .test("/l", name: "b", probes: true),
            .test("/l", name: "c", patterns: ["c-*"]),
        ])
        guard case .data(let member) = routing.answer(for: FileName("a-1")),
            case .ask(let asked) = routing.answer(for: FileName("x"))
        else {
            Issue.record("a pattern does not decide, or nobody is asked")
            return
        }
        #expect(member.source.name.text == "a")
        #expect(asked.map(\.source.name.text) == ["b"])
    }

    @Test func `take corrected rejects by the drop that the name tells, where no pattern fits`() {
        let id = DropID(high: 1 << 30, low: 1)
        let sources: [WatchedSource] = [
            .test("/l", name: "a", patterns: ["a-*"]), .test("/l", name: "b", patterns: ["b-*"]),
        ]
        let routing = Routing(members: sources) { $0 == id ? SourceName("b") : nil }
        guard case .data(let member) = routing.answer(for: FileName("\(id).rejects.csv")),
            case .data(let fitting) = routing.answer(for: FileName("a-\(id).rejects.csv")),
            case .unmatched = routing.answer(for: FileName("\(id).csv")),
            case .unmatched = routing.answer(for: FileName("\(DropID(high: 1, low: 1)).rejects.csv"))
        else {
            Issue.record("the drop does not tell, or it tells too much")
            return
        }
        #expect(member.source.name.text == "b")
        #expect(fitting.source.name.text == "a", "a pattern tells first")
    }

    @Test func `in the drop zone are told apart by patterns, and a tie is nobody's`() {
        let test = SeveralWatching(dropZone: true) { scratch in
            ["a", "b"].map { .test(scratch.folder($0), name: $0, .close, patterns: ["*.csv", "\($0).*"]) }
        }
        for name in ["1.csv", "a.xml", "b.xml"] { write("x", to: test.scratch.path + "/zone/" + name) }
        #expect(test.deliveries.wait(20) { $0.settled.count == 2 && $0.refused.count == 1 })
        #expect(test.settled == ["a": ["a.xml"], "b": ["b.xml"]])
        #expect(test.deliveries.state.with { $0.refused[0].reason.code } == .severalRoutes)
    }
}

@Suite(.serialized) struct `A source with more files than it may hand over` {
    @Test func `delays no other, and hands them over in order`() {
        let scratch = Scratch()
        let receiver = Receiver(rooms: ["flood": 3, "calm": 1000])
        let deliveries = receiver.deliveries
        let watcher = DropWatcher(
            sources: ["flood", "calm"].map { .test(scratch.folder($0), name: $0, .close) }, helperPath: helperPath,
            ownership: FolderOwnership(instance: "test", stateFolder: scratch.folder("state")), handler: receiver.handler)
        watcher.start()
        defer { watcher.stop() }
        #expect(watcher.waitUntilWatching(timeout: .seconds(60)))
        // From then on events alone tell of files; a scan that begins now could find a later one first.
        #expect(eventually { watcher.status().allSatisfy { $0.mode == .events } })
        for index in 10..<60 { write("x", to: "\(scratch.path)/flood/\(index)") }
        #expect(deliveries.wait(60) { $0.settled.count == 3 })
        write("x", to: scratch.path + "/calm/1")
        #expect(deliveries.wait(60) { $0.settled.contains { $0.source.text == "calm" } })
        #expect(deliveries.state.with { $0.settled.count } == 4)
        // Those that were handed over are queued, too, until the pipeline has taken them.
        #expect(
            eventually {
                let files = watcher.waiting(limit: 100)?.files
                return files?.count { $0.reason.code == .queued && $0.source?.text == "flood" } == 50
            })
        while receiver.claimed < 51 {
            #expect(deliveries.wait(60) { $0.settled.count > receiver.claimed })
            guard receiver.claimNext(watcher) > 0 else { break }
        }
        let names = deliveries.state.with { $0.settled.filter { $0.source.text == "flood" }.map(\.name.description) }
        #expect(names == (10..<60).map(String.init))
    }
}
