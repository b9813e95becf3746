import DropCore
import DropSpooling
import Foundation
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// What the parts of a pipeline were asked to do, in order.
private final class Diary: Sendable {
    let lines = Monitor<[String]>([])
    /// Whether the claim's folders are synced.
    let isSynced = Monitor(false)

    func note(_ line: String) { lines.with { $0.append(line) } }

    func waitFor(_ line: String) { lines.wait(until: { $0.contains(line) }) { _ in } }
}

/// Moves files and syncs when it is told to.
private struct SlowClaimer: FileClaimer {
    let diary: Diary
    let spool: SpoolFolder

    func claim(
        _ files: [(file: SettledFile, id: DropID)], at milliseconds: UInt64, whenMoved: ([ClaimResult?]) -> Void
    ) throws(DropError) -> [ClaimResult] {
        for (_, id) in files {
            try? Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id)))
        }
        let results = files.map { ClaimResult.claimed($0.id, bytes: 3) }
        whenMoved(results)
        diary.isSynced.wait(until: { $0 }) { _ in }
        diary.note("synced")
        return results
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { [] }
}

private struct Transforming: Transformer {
    let diary: Diary
    let outcome: DropError?

    func transform(_ job: TransformJob, into sink: any OperationSink) throws(DropError) -> TransformSummary {
        diary.note("transformed")
        if let outcome { throw outcome }
        return TransformSummary(
            pluginID: "p", pluginVersion: "1", pluginDigest: ContentDigest(bytes: [UInt8](repeating: 0, count: 32)), log: [])
    }

    func epoch(of source: SourceName) throws(DropError) -> ContentDigest {
        ContentDigest(bytes: [UInt8](repeating: 1, count: 32))
    }
}

private final class Changes: ChangeSetBuilder, ChangeSet {
    let drop: DropID
    let rejections = [
        Rejection(record: 1, offset: 0, length: 1, code: "bad", message: "It is bad.")
    ]
    let spans: [FileSpan] = []
    let books = DropBooks()

    init(_ drop: DropID) { self.drop = drop }
    func absorb(_ entries: RawSpan) throws(DropError) {}
    func restart() throws(DropError) {}
    func finish() throws(DropError) -> any ChangeSet { self }
    func abandon() {}
}

/// Graph, register, receipts and archive that write down what would be written down.
private final class Books: TwinGraph, DropRegister, ReceiptBook, DropArchive {
    let diary: Diary
    private let container = Monitor<[DropID]>([])

    init(_ diary: Diary) { self.diary = diary }

    func changeSet(for job: ApplyJob) throws(DropError) -> any ChangeSetBuilder { Changes(job.drop) }
    func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)]
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        diary.note("committed")
        return batch.map { .success(CommitResult(drop: $0.record.id, sequence: 1, books: DropBooks())) }
    }
    func isUntouched(since drop: DropID, source: SourceName) throws(DropError) -> Bool { true }

    func intend(_ drops: [DropRecord]) throws(DropError) {}
    func withdraw(_ drops: [DropID]) throws(DropError) {}
    func update(_ drops: [DropRecord]) throws(DropError) { for drop in drops { diary.note(drop.state.rawValue) } }
    func drop(_ id: DropID) throws(DropError) -> DropRecord? { nil }
    func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord] { [] }
    func noteArchived(_ drops: [DropRecord], clean: [DropID]) throws(DropError) {}
    func unfinished() throws(DropError) -> [DropRecord] { [] }
    func page(source: SourceName?, states: Set<DropState>?, before: DropID?, limit: Int) throws(DropError) -> [DropRecord] { [] }
    func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord] { [] }
    func newestApplied(of source: SourceName) throws(DropError) -> DropRecord? { nil }
    func commitSequence(of id: DropID) throws(DropError) -> UInt64? { nil }
    func archived(with digest: ContentDigest) throws(DropError) -> DropID? { nil }
    func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord? { nil }
    func drop(withIntake identity: FileIdentity, of source: SourceName, before id: DropID) throws(DropError) -> DropRecord? {
        nil
    }

    func write(_ record: DropRecord, leaf: UInt64?) throws(DropError) { diary.note("receipt") }
    func writeRejects(
        _ rejections: [Rejection], spans: [FileSpan], of record: DropRecord, spooledAt path: String
    ) throws(DropError) { diary.note("rejects") }
    func receipt(of record: DropRecord) throws(DropError) -> JSON? { nil }

    func append(_ item: ArchiveItem) throws(DropError) { container.with { $0.append(item.record.id) } }
    var drops: [DropID] { container.with { $0 } }
    var isFull: Bool { false }
    func close() throws(DropError) -> [ArchivedItem] {
        container.with { drops in
            defer { drops = [] }
            return drops.map { ArchivedItem(drop: $0, container: "c", member: "m", leaf: 1) }
        }
    }
    func seal(stopping: Bool) throws(DropError) {}
    func compressAhead(_ record: DropRecord, path: String, until isOver: () -> Bool) { diary.note("ahead") }
    func forgetAhead(_ drop: DropID) { diary.note("forgotten") }
    func recover(_ drops: [DropRecord]) throws(DropError) -> [ArchivedItem] { [] }
}

@Suite struct `A file whose claim is not durable yet` {
    private let scratch: Scratch
    private let spool: SpoolFolder
    private let diary = Diary()
    private let source = SourceName("s")!

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
    }

    /// What was written down before the claim was durable, and what after it.
    private func run(
        _ outcome: DropError?, aheadBytes: UInt64 = 64 << 20, until line: String
    ) throws -> (before: [String], after: [String]) {
        var limits = PipelineLimits()
        limits.aheadBytes = aheadBytes
        limits.softFree = (0, 0)
        let books = Books(diary)
        let ports = PipelinePorts(
            register: books, graph: books, transformer: Transforming(diary: diary, outcome: outcome),
            claimer: SlowClaimer(diary: diary, spool: spool), spool: spool, receipts: books,
            makeArchive: { [diary] () throws(DropError) in Books(diary) }, clock: { 1_795_000_000_000 })
        let pipeline = DropPipeline(
            ports: ports,
            sources: [
                PipelineSource(name: source, policy: ApplyPolicy())
            ], limits: limits, tell: { _ in })
        try pipeline.start()
        pipeline.submit([
            SettledFile(
                source: source, folder: "/", name: FileName("x.csv"), bytes: 3,
                identity: FileIdentity(device: 1, inode: 2, changeTime: 3))
        ])
        diary.waitFor("transformed")
        if aheadBytes == 3 { diary.waitFor("ahead") }
        // Room for what must not come.
        diary.lines.wait(until: { $0.count > 1 }, timeout: .milliseconds(100)) { _ in }
        diary.isSynced.with { $0 = true }
        diary.waitFor(line)
        pipeline.stop(patience: .zero)
        let lines = diary.lines.with { $0 }
        let parts = lines.split(separator: "synced", maxSplits: 1, omittingEmptySubsequences: false)
        return (Array(parts[0]), Array(parts[1]))
    }

    @Test func `is transformed already, and its rejects and changes are written after`() throws {
        let (before, after) = try run(nil, until: "committed")
        #expect(before == ["transformed"])
        #expect(after.prefix(2) == ["rejects", "committed"])
    }

    @Test func `is compressed ahead where it is large, and that forgotten when the archive has it`() throws {
        let (before, after) = try run(nil, aheadBytes: 3, until: "forgotten")
        #expect(before.sorted() == ["ahead", "transformed"])
        #expect(after.contains("committed"))
    }

    @Test(arguments: [DropError.Remedy.quarantine, .hold, .suspendSource])
    func `has what was compressed ahead forgotten when it ends otherwise`(remedy: DropError.Remedy) throws {
        let refusal = DropError("refused", "It is no CSV.", hint: "Send CSV.", remedy: remedy)
        let (before, _) = try run(refusal, aheadBytes: 3, until: "forgotten")
        #expect(before.contains("ahead"))
    }

    @Test func `is held or quarantined after`() throws {
        let refusal = DropError("refused", "It is no CSV.", hint: "Send CSV.", remedy: .quarantine)
        let (before, after) = try run(refusal, until: "quarantined")
        #expect(before == ["transformed"])
        #expect(after.first == "quarantined")
    }
}
