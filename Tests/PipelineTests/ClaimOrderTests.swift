import DropCore
import DropSpooling
import Foundation
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// Claims every file but, where it `fails`, the first it is asked for, which it leaves; that answer waits until it may be given.
private final class FailingOnceClaimer: FileClaimer {
    private let diary: Diary
    private let spool: SpoolFolder
    private let hasFailed: Monitor<Bool>
    let mayAnswer = Monitor(false)

    init(_ diary: Diary, _ spool: SpoolFolder, fails: Bool = true) {
        self.diary = diary
        self.spool = spool
        hasFailed = Monitor(!fails)
    }

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        diary.note("asked for " + files.map(\.file.name.description).joined(separator: " "))
        let fails = hasFailed.with { failed in
            defer { failed = true }
            return !failed
        }
        return FakeClaim(files) { [mayAnswer, spool] in
            if fails {
                mayAnswer.wait(until: { $0 }) { _ in }
                return files.map { _ in .notYet(WaitingReason(.changed, "rename failed")) }
            }
            for (_, id) in files { try? Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id))) }
            return files.map { .claimed($0.id, bytes: 3) }
        }
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { [] }
}

/// A spool whose files cannot be read.
private func unreadable(_ spool: SpoolFolder) -> SpoolReadOtherwise {
    SpoolReadOtherwise(spool: spool) { (drop, _) throws(DropError) in
        throw DropError(.unreadable, "\(drop) cannot be read.", hint: "Look at the disk.", remedy: .quarantine)
    }
}

/// A pipeline of fakes over a real spool, with one source `s`.
private func makePipeline(
    _ books: Books, _ claimer: any FileClaimer, _ spool: any DropSpool, order: DropOrder = .none,
    afterClaim: @escaping @Sendable ([(SettledFile, ClaimResult)]) -> Void = { _ in }
) -> DropPipeline {
    let diary = books.diary
    let ports = PipelinePorts(
        register: books, graph: books, transformer: Transforming(diary: diary, outcome: nil), claimer: claimer, spool: spool,
        receipts: books, makeArchive: { () throws(DropError) in books }, clock: { 1_795_000_000_000 })
    return DropPipeline(
        ports: ports, sources: [PipelineSource(name: SourceName("s")!, policy: ApplyPolicy(), order: order)],
        afterClaim: afterClaim, emit: { _ in })
}

private func settled(_ name: String, defect: DropError? = nil) -> SettledFile {
    SettledFile(
        source: SourceName("s")!, folder: "/", name: FileName(name), bytes: 3,
        identity: FileIdentity(device: 1, inode: UInt64(name.utf8.count), changeTime: 3), defect: defect)
}

@Suite struct `Files behind one that cannot be claimed` {
    private let scratch: Scratch
    private let spool: SpoolFolder
    private let diary = Diary()

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
    }

    /// What the claimer was asked for: `a` fails once while `b` waits for its claim; then both are handed over again.
    private func asked(_ order: DropOrder) -> [String] {
        let claimer = FailingOnceClaimer(diary, spool)
        let pipeline = makePipeline(Books(diary), claimer, spool, order: order) { [diary] results in
            for case (let file, .notYet) in results { diary.note("back: \(file.name)") }
        }
        #expect(throws: Never.self) { try pipeline.start() }
        pipeline.submit([settled("a")])
        diary.waitFor("asked for a")
        pipeline.submit([settled("bb")])
        claimer.mayAnswer.with { $0 = true }
        if order == .none { diary.waitFor("asked for bb") } else { diary.waitFor("back: bb") }
        pipeline.submit([settled("a"), settled("bb")])
        diary.waitFor("asked for a bb")
        pipeline.stop(patience: .zero)
        return diary.lines.with { $0.filter { $0.hasPrefix("asked") || $0.hasPrefix("back") } }
    }

    @Test func `wait with it where their source keeps an order`() {
        #expect(asked(.name) == ["asked for a", "back: a", "back: bb", "asked for a bb"])
    }

    @Test func `go on where it keeps none`() {
        #expect(asked(.none) == ["asked for a", "back: a", "asked for bb", "asked for a bb"])
    }
}

@Suite struct `A commit that finds no room until the end is asked for` {
    @Test func `is left to the next start with what waits behind it`() throws {
        let scratch = try Scratch()
        let spool = try SpoolFolder(state: scratch.path)
        let diary = Diary()
        let books = Books(diary)
        books.commitFailure.with {
            $0 = DropError(.diskFull, "There is no room.", hint: "Make some.", remedy: .retry(after: .seconds(60)))
        }
        let pipeline = makePipeline(books, FailingOnceClaimer(diary, spool, fails: false), spool, order: .name)
        try pipeline.start()
        pipeline.submit([settled("a")])
        diary.waitFor("no room")
        pipeline.submit([settled("bb")])
        let deadline = Date(timeIntervalSinceNow: 30)
        while !pipeline.snapshot().queues.contains(where: { $0 == ("commit", 1) }), deadline > .now { usleep(10_000) }
        books.commitFailure.with { $0 = nil }
        let begun = ContinuousClock.now
        pipeline.stop()
        #expect(ContinuousClock.now - begun < .seconds(10), "the end was waited for")
        #expect(diary.lines.with { $0.count { $0 == "transformed" } } == 2)
        #expect(!diary.lines.with { $0.contains("committed") }, "bb passed a")
    }
}

@Suite struct `A doubted file that cannot be read` {
    private let scratch: Scratch
    private let spool: SpoolFolder

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
    }

    @Test func `is doubted still by the next run, which can read it`() throws {
        let defect = TruncationRule.defect(of: FileName("x.csv"))
        let first = Books(Diary())
        let claimer = FailingOnceClaimer(first.diary, spool)
        claimer.mayAnswer.with { $0 = true }
        let pipeline = makePipeline(first, claimer, unreadable(spool))
        try pipeline.start()
        pipeline.submit([settled("other")])  // The one that the claimer leaves.
        first.diary.waitFor("asked for other")
        pipeline.submit([settled("x.csv", defect: defect)])
        first.diary.waitFor("quarantined")
        pipeline.stop(patience: .zero)
        let row = try #require(first.rows.with { $0.values.first })
        #expect(row.reason?.code == TruncationRule.code)
        #expect(row.digest == nil)

        let second = Books(Diary())
        second.rows.with { $0[row.id] = row }
        let next = makePipeline(second, FailingOnceClaimer(second.diary, spool), spool)
        try next.start()
        second.diary.waitFor("quarantined")
        next.stop(patience: .zero)
        let again = try #require(second.rows.with { $0[row.id] })
        #expect(again.state == .quarantined && again.reason?.code == TruncationRule.code)
        #expect(again.digest != nil)
        #expect(!second.diary.lines.with { $0.contains("transformed") })
    }
}

@Suite struct `A duplicate that reaches the archive before the drop it repeats` {
    @Test func `is archived with its bytes`() throws {
        let scratch = try Scratch()
        let spool = try SpoolFolder(state: scratch.path)
        let books = Books(Diary())
        func row(_ low: UInt64, _ state: DropState, _ link: DropLink? = nil) -> DropRecord {
            let id = DropID(high: 1 << 40, low: low)
            try? Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id)))
            return DropRecord(
                id: id, source: SourceName("s")!, fileName: FileName("f\(low)"), bytes: 3,
                digest: ContentDigest(bytes: [UInt8](repeating: 3, count: 32)), state: state, claimedAt: 1, changedAt: 1,
                intake: FileIdentity(device: 1, inode: low, changeTime: 1), link: link)
        }
        let first = row(2, .applied)
        let before = row(1, .duplicate, DropLink(kind: .duplicates, drop: first.id))
        let behind = row(3, .duplicate, DropLink(kind: .duplicates, drop: first.id))
        books.rows.with { for record in [before, first, behind] { $0[record.id] = record } }
        let pipeline = makePipeline(books, FailingOnceClaimer(books.diary, spool), spool)
        try pipeline.start()
        books.same.wait(until: { $0.count == 3 }) { same in
            #expect(same == [nil, nil, first.id])
        }
        pipeline.stop(patience: .zero)
    }
}
