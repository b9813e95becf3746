import DropCore
import SystemKit
import Testing

@testable import DropWatch

private func facts(bytes: UInt64 = 10, modified: Int64 = 1, inode: UInt64 = 7) -> FileFacts {
    FileFacts(
        kind: .file, device: 1, inode: inode, bytes: bytes, bytesAllocated: bytes, links: 1, owner: 0, mode: 0o644,
        modified: modified,
        changed: modified)
}

private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

private func rule(_ kind: ReadinessRule.Kind) -> ReadinessRule {
    var rule = ReadinessRule()
    rule.kind = kind
    return rule
}

@Suite struct `A stable file` {
    private var settling = Settling(rule: rule(.stable), settle: .seconds(2), at: at(0))

    @Test mutating func `is complete after two equal looks the settle time apart`() {
        #expect(
            settling.look(facts(), vouching: .notAsked, at: at(0))
                == .wait(.stable(since: at(0), needed: .seconds(2)), until: at(2)))
        #expect(settling.look(facts(), vouching: .notAsked, at: at(2)) == .probe)
        #expect(settling.probed(.granted, facts(), at: at(2)) == .ready)
    }

    @Test(arguments: [facts(bytes: 11), facts(modified: 2), facts(inode: 8)])
    mutating func `starts anew when size, times or inode change`(changed: FileFacts) {
        _ = settling.look(facts(), vouching: .notAsked, at: at(0))
        #expect(
            settling.look(changed, vouching: .notAsked, at: at(2))
                == .wait(.stable(since: at(2), needed: .seconds(2)), until: at(4)))
    }

    @Test mutating func `waits as long as a writer has it open, however still it is`() {
        _ = settling.look(facts(), vouching: .notAsked, at: at(0))
        _ = settling.look(facts(), vouching: .notAsked, at: at(600))
        #expect(settling.probed(.writerHasIt, facts(), at: at(600)) == .wait(.writer(since: at(600)), until: at(602)))
        #expect(settling.probed(.writerHasIt, facts(), at: at(700)) == .wait(.writer(since: at(600)), until: at(702)))
    }

    @Test mutating func `is judged by our clock and not by its times, which may lie in the future`() {
        let future = facts(modified: 4_000_000_000_000_000_000)
        _ = settling.look(future, vouching: .notAsked, at: at(0))
        #expect(settling.look(future, vouching: .notAsked, at: at(2)) == .probe)
    }
}

@Suite struct `A file of a rename or close source` {
    @Test(arguments: [ReadinessRule.Kind.rename, .close])
    func `is complete at once when it was renamed and nobody has it open`(kind: ReadinessRule.Kind) {
        var settling = Settling(rule: rule(kind), settle: .seconds(2), at: at(0))
        #expect(settling.look(facts(), vouching: .notAsked, arrival: .renamed, at: at(0)) == .probe)
        #expect(settling.probed(.granted, facts(), at: at(0)) == .ready)
    }

    @Test func `is complete at once under close, however it came`() {
        var settling = Settling(rule: rule(.close), settle: .seconds(2), at: at(0))
        #expect(settling.look(facts(), vouching: .notAsked, at: at(0)) == .probe)
        #expect(settling.probed(.granted, facts(), at: at(0)) == .ready)
    }

    @Test func `has to be stable under rename when nothing tells of a rename`() {
        var settling = Settling(rule: rule(.rename), settle: .seconds(2), at: at(0))
        #expect(
            settling.look(facts(), vouching: .notAsked, at: at(0))
                == .wait(.stable(since: at(0), needed: .seconds(2)), until: at(2)))
        #expect(settling.look(facts(), vouching: .notAsked, at: at(2)) == .probe)
    }

    @Test func `is left under rename when it was written under its own name`() {
        var settling = Settling(rule: rule(.rename), settle: .seconds(2), at: at(0))
        #expect(settling.look(facts(), vouching: .notAsked, arrival: .written, at: at(0)) == .wait(.rename, until: nil))
    }

    @Test(arguments: [ReadinessRule.Kind.rename, .close])
    func `has to be stable when it is empty`(kind: ReadinessRule.Kind) {
        var settling = Settling(rule: rule(kind), settle: .seconds(2), at: at(0))
        let empty = facts(bytes: 0)
        #expect(
            settling.look(empty, vouching: .notAsked, at: at(0))
                == .wait(.stable(since: at(0), needed: .seconds(2)), until: at(2)))
        #expect(settling.look(empty, vouching: .notAsked, at: at(2)) == .probe)
    }

    @Test func `has to be stable under close where the lease may not be asked for`() {
        var settling = Settling(rule: rule(.close), settle: .seconds(2), at: at(0))
        _ = settling.look(facts(), vouching: .notAsked, at: at(0))
        #expect(
            settling.probed(.notPermitted, facts(), at: at(0)) == .wait(.stable(since: at(0), needed: .seconds(2)), until: at(2)))
        _ = settling.look(facts(), vouching: .notAsked, at: at(2))
        #expect(settling.probed(.notPermitted, facts(), at: at(2)) == .ready)
    }
}

@Suite struct `A file of a marker source` {
    private var settling = Settling(rule: rule(.marker), settle: .seconds(2), at: at(0))
    private let marker = FileName("a.done")

    @Test mutating func `waits for its marker without end`() {
        let waiting = Settling.Verdict.wait(.marker([marker]), until: nil)
        #expect(settling.look(facts(), vouching: .missing([marker]), at: at(0)) == waiting)
        #expect(settling.look(facts(), vouching: .missing([marker]), at: at(9999)) == waiting)
    }

    @Test mutating func `is complete with a marker, also when it is empty`() {
        #expect(settling.look(facts(bytes: 0), vouching: .present(marker, Manifest()), at: at(0)) == .probe)
    }

    @Test mutating func `waits until it has the size its manifest states`() {
        let vouching = Settling.Vouching.present(marker, Manifest(bytes: 20))
        let expected = Settling.Waiting.manifest(marker, "it states 20 bytes, the file has 10")
        #expect(settling.look(facts(), vouching: vouching, at: at(0)) == .wait(expected, until: at(2)))
        #expect(settling.look(facts(bytes: 20), vouching: vouching, at: at(1)) == .probe)
    }
}

@Suite struct `A manifest` {
    @Test func `states size and digest`() {
        let hex = String(repeating: "ab", count: 32)
        #expect(
            Manifest.parse(Array(#"{"size": 12, "sha256": "\#(hex)", "rows": 3}"#.utf8))
                == .success(Manifest(bytes: 12, digest: ContentDigest(hex: hex))))
    }

    @Test(arguments: ["", "done\n", "2026-11-21"])
    func `that is no JSON object is a plain marker`(text: String) {
        #expect(Manifest.parse(Array(text.utf8)) == .success(Manifest()))
    }

    @Test(arguments: [#"{"size": -1}"#, #"{"sha256": "12"}"#, #"{"size": 1"#])
    func `that is wrong vouches for nothing`(text: String) {
        guard case .failure = Manifest.parse(Array(text.utf8)) else {
            Issue.record("\(text) was accepted")
            return
        }
    }
}

@Suite struct `After a power cut` {
    private func rule(bootedAt: UInt64 = 1_100_000, lastBoot: String = "a", clean: Bool = false) -> TruncationRule {
        var rule = TruncationRule()
        rule.start(
            after: .init(bootID: lastBoot, stoppedCleanly: clean, aliveAt: 1_000_000), bootID: "b", bootedAt: bootedAt)
        return rule
    }

    private func file(changedAt milliseconds: Int64) -> FileIdentity {
        FileIdentity(device: 1, inode: 1, changeTime: milliseconds * 1_000_000)
    }

    @Test(
        arguments: [(940_000, true), (1_000_000, true), (1_000_500, true), (939_999, false), (1_100_000, false)]
            as [(Int64, Bool)])
    func `a file is doubted when it was changed shortly before the end`(changedAt: Int64, doubted: Bool) {
        #expect(rule().doubts(file(changedAt: changedAt), isVouchedFor: false) == doubted)
    }

    @Test func `a marker vouches for a file`() {
        #expect(!rule().doubts(file(changedAt: 1_000_000), isVouchedFor: true))
    }

    @Test(arguments: [("b", false), ("a", true)])
    func `nothing is doubted in the same boot or after a clean stop`(lastBoot: String, clean: Bool) {
        #expect(rule(lastBoot: lastBoot, clean: clean).doubted == [])
    }

    @Test func `a clock that went back hides no doubtful file`() {
        #expect(rule(bootedAt: 5).doubts(file(changedAt: 999_000), isVouchedFor: false))
    }

    @Test func `earlier doubts stand, the four newest of them`() {
        var rule = TruncationRule()
        for cut in 1...6 as ClosedRange<UInt64> {
            rule.start(
                after: .init(bootID: "\(cut)", stoppedCleanly: false, aliveAt: cut * 1_000_000), bootID: "\(cut + 1)",
                bootedAt: cut * 1_000_000 + 1)
        }
        #expect(rule.doubted.map { $0.lowerBound } == [2_940_000, 3_940_000, 4_940_000, 5_940_000])
    }
}

@Suite struct `Frames of the helper` {
    private func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt32(payload.count + 1)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + [type] + payload
    }

    @Test func `are read whatever pieces they arrive in`() {
        let event = frame(2, [8, 0, 0, 0, 2, 0, 0, 0] + Array("/a".utf8) + [0xFF, 0x0A])
        var reader = HelperFrameReader()
        var seen: [HelperFrameReader.Next] = []
        for byte in event + frame(3, []) {
            reader.append([byte])
            let next = reader.next()
            if next != .incomplete { seen.append(next) }
        }
        #expect(
            seen == [.frame(.event(mask: 8, folder: FolderPath("/a"), name: FileName(bytes: [0xFF, 0x0A]))), .frame(.overflow)])
    }

    @Test(
        arguments: [[0, 0, 0, 0], [255, 255, 255, 255], [1, 0, 0, 0, 99], [9, 0, 0, 0, 2, 0, 0, 0, 0, 200, 0, 0, 0]] as [[UInt8]])
    func `that are malformed are refused`(bytes: [UInt8]) {
        var reader = HelperFrameReader()
        reader.append(bytes[...])
        #expect(reader.next() == .malformed)
    }
}

@Suite struct `The queue of due looks` {
    @Test(arguments: UInt64(0)..<20)
    func `gives them back in the order of their times`(seed: UInt64) {
        var state = seed &* 6_364_136_223_846_793_005 &+ 1
        var queue = DueQueue<Int64>()
        for _ in 0..<200 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let due = Int64(state >> 40)
            queue.add(due, due: Instant(nanoseconds: due))
        }
        var out: [Int64] = []
        while let next = queue.next(by: Instant(nanoseconds: .max)) { out.append(next.item) }
        #expect(out == out.sorted() && out.count == 200)
    }

    @Test func `gives those of one time back in the order in which they were added`() {
        var queue = DueQueue<Int>()
        for item in 0..<500 { queue.add(item, due: Instant(nanoseconds: item < 250 ? 2 : 1)) }
        var out: [Int] = []
        while let next = queue.next(by: Instant(nanoseconds: 2)) { out.append(next.item) }
        #expect(out == Array(250..<500) + Array(0..<250))
    }
}

@Suite struct `The inbox` {
    private let folder = FolderPath("/landing")

    @Test func `names a file once, in the order of the first events`() {
        var inbox = Inbox()
        for name in ["b", "a", "b"] { inbox.hint(folder, FileName(name)) }
        #expect(inbox.take().hints.map(\.hint.name.description) == ["b", "a"])
        #expect(inbox.isEmpty)
    }

    @Test func `asks for a scan in place of more names than it holds`() {
        var inbox = Inbox()
        for index in 0...Inbox.hintsMax { inbox.hint(folder, FileName("\(index)")) }
        let (all, hints) = inbox.take()
        #expect(all.flooded == [folder] && all.folders.isEmpty && hints.isEmpty)
    }

    @Test func `keeps the probe's answer, whatever scans are asked for`() {
        let probe = FileName(".twindrop-probe-1-1")
        var inbox = Inbox()
        inbox.hint(folder, probe)
        inbox.scanEverything()
        inbox.scan(folder)
        #expect(inbox.take().hints.map(\.hint.name) == [probe])
        inbox.scan(folder)
        inbox.hint(folder, probe)
        #expect(inbox.take().hints.map(\.hint.name) == [probe])
    }
}
