import DropCore
import DropSpooling
import Foundation
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// What the parts of a pipeline were asked to do, in order.
final class Diary: Sendable {
    let lines = Monitor<[String]>([])
    /// Whether the claim's folders are synced.
    let isSynced = Monitor(false)

    func note(_ line: String) { lines.with { $0.append(line) } }

    func waitFor(_ line: String) { waitFor("the line \(line)") { $0.contains(line) } }

    /// Records an issue when `isThere` does not come true within half a minute.
    func waitFor(_ what: String, _ isThere: ([String]) -> Bool) {
        let came = lines.wait(until: { isThere($0) }, timeout: .seconds(30)) { isThere($0) }
        if !came { Issue.record("waited in vain for \(what) in \(lines.with { $0 })") }
    }
}

struct Transforming: Transformer {
    let diary: Diary
    let outcome: DropError?

    func transform(
        _ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?
    ) throws(DropError) {
        diary.note("transformed")
        ran = TransformSummary(
            pluginID: "p", pluginVersion: "1", pluginDigest: ContentDigest(bytes: [UInt8](repeating: 0, count: 32)),
            log: ["info: it was run"])
        if let outcome { throw outcome }
    }

    func transformDigest(of source: SourceName) throws(DropError) -> ContentDigest {
        ContentDigest(bytes: [UInt8](repeating: 1, count: 32))
    }
}

final class Changes: ChangeSetBuilder, ChangeSet {
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
final class Books: TwinGraph, DropRegister, ReceiptStore, DropArchive {
    let diary: Diary
    private let container = Monitor<[DropID]>([])
    /// Whose bytes each archived item said it has.
    let same = Monitor<[DropID?]>([])
    /// What every commit fails with.
    let commitFailure = Monitor<DropError?>(nil)
    /// What the archive, and receipts of a source, fail with.
    let archiveFailure = Monitor<DropError?>(nil)
    let receiptFailures = Monitor<[SourceName: DropError]>([:])
    /// Whether receipts are written; those who write wait.
    let mayWrite = Monitor(true)
    /// The drops as their receipts had them.
    let written = Monitor<[DropRecord]>([])
    /// Intents, and those that were taken back.
    let intended = Monitor<[DropRecord]>([])
    let withdrawn = Monitor<[DropID]>([])
    /// What the next calls that take intents back fail with.
    let withdrawFailures = Monitor<[DropError]>([])
    /// The applied drop with the bytes that are asked for.
    let sameBytes = Monitor<DropRecord?>(nil)
    /// The drop that an earlier run made of every file.
    let known = Monitor<DropRecord?>(nil)
    /// The register's rows.
    let rows = Monitor<[DropID: DropRecord]>([:])

    init(_ diary: Diary) { self.diary = diary }

    func changeSet(for job: ApplyJob) throws(DropError) -> any ChangeSetBuilder { Changes(job.drop) }
    func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)]
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        if let failure = commitFailure.with({ $0 }) {
            diary.note("no room")
            throw failure
        }
        diary.note("committed")
        return batch.map { .success(CommitResult(drop: $0.record.id, sequence: 1, books: DropBooks())) }
    }
    func isUntouched(since drop: DropID, source: SourceName) throws(DropError) -> Bool { true }
    func refusals(of drop: DropID) throws(DropError) -> Refusals? { nil }

    func recordIntents(_ drops: [DropRecord]) throws(DropError) {
        intended.with { $0 += drops }
    }

    func withdraw(_ drops: [DropID]) throws(DropError) {
        if let failure = withdrawFailures.with({ $0.popLast() }) { throw failure }
        withdrawn.with { $0 += drops }
    }

    func update(_ drops: [DropRecord], by act: Act?) throws(DropError) {
        rows.with { rows in for drop in drops { rows[drop.id] = drop } }
        for drop in drops { diary.note(drop.state.rawValue) }
    }
    func drop(_ id: DropID) throws(DropError) -> DropRecord? { rows.with { $0[id] } }
    func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord] { [] }
    func noteArchived(_ drops: [DropRecord], done: [DropID], head: ArchiveHead?) throws(DropError) {}
    func close(
        _ drops: [DropID], by closing: DropClosing, at milliseconds: UInt64
    ) throws(DropError) -> [DropRecord] { [] }
    func unrecordedActs() throws(DropError) -> [Act] { [] }
    func noteRecorded(_ acts: [(act: DropID, leaf: UInt64)]) throws(DropError) {}
    func hasApplied(_ name: FileName, of source: SourceName, before id: DropID) throws(DropError) -> Bool { false }
    func unfinished() throws(DropError) -> [DropRecord] { rows.with { $0.values.sorted { $0.id < $1.id } } }
    func blocking(_ source: SourceName, _ order: DropOrder) throws(DropError) -> [DropRecord] { [] }
    func page(source: SourceName?, states: Set<DropState>?, before: DropID?, limit: Int) throws(DropError) -> [DropRecord] { [] }
    func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord] { [] }
    func newestApplied(of source: SourceName) throws(DropError) -> DropRecord? { nil }
    func highestName(of source: SourceName) throws(DropError) -> FileName? { nil }
    func commitSequence(of id: DropID) throws(DropError) -> UInt64? { nil }
    func archived(with digest: ContentDigest) throws(DropError) -> DropID? { nil }
    func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord? { sameBytes.with { $0 } }
    func drop(withIntake identity: FileIdentity, of source: SourceName, before id: DropID) throws(DropError) -> DropRecord? {
        known.with { $0 }
    }

    func write(_ record: DropRecord, leaf: UInt64?) throws(DropError) {
        mayWrite.wait(until: { $0 }) { _ in }
        if let failure = receiptFailures.with({ $0[record.source] }) { throw failure }
        diary.note("receipt")
        written.with { $0.append(record) }
    }
    func sync(_ records: [DropRecord]) throws(DropError) { diary.note("receipts synced") }
    func writeRejects(
        _ rejections: [Rejection], spans: [FileSpan], of record: DropRecord, marking drop: DropID, dialect: TextDialect?,
        spooledAt path: String
    ) throws(DropError) { diary.note("rejects") }
    func receipt(of record: DropRecord) throws(DropError) -> JSON? { nil }

    func append(_ item: ArchiveItem) throws(DropError) {
        if let failure = archiveFailure.with({ $0 }) {
            diary.note("archive failed")
            throw failure
        }
        container.with { $0.append(item.record.id) }
        same.with { $0.append(item.sameBytesAs) }
    }
    var drops: [DropID] { container.with { $0 } }
    var isFull: Bool { false }
    var head: ArchiveHead {
        let none = ContentDigest(bytes: [UInt8](repeating: 0, count: 32))
        return ArchiveHead(bytes: 0, records: 0, leaf: none, root: none)
    }
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
    func note(_ acts: [Act]) throws(DropError) -> [UInt64] { [] }
}

/// A claim of files that are all ready: what is done when they are to be moved, and when that is to be durable.
final class FakeClaim: PreparedClaim {
    let openings: [ClaimOpening]
    private(set) var leasedDescriptor: CInt?
    private let move: () throws(DropError) -> [ClaimResult?]
    private let wait: () throws(DropError) -> [ClaimResult]

    /// - Parameter move: at the commit; where it answers nil of a file, `wait` must know more.
    init(
        _ files: [(file: SettledFile, id: DropID)], held: CInt? = nil, move: @escaping () throws(DropError) -> [ClaimResult?],
        wait: @escaping () throws(DropError) -> [ClaimResult]
    ) {
        openings = files.map { .ready(bytes: $0.file.bytes) }
        (leasedDescriptor, self.move, self.wait) = (held, move, wait)
    }

    /// All is done at the commit.
    convenience init(
        _ files: [(file: SettledFile, id: DropID)], _ move: @escaping () -> [ClaimResult]
    ) {
        let results = Monitor<[ClaimResult]>([])
        self.init(
            files,
            move: { () throws(DropError) in
                let moved = move()
                results.with { $0 = moved }
                return moved
            }, wait: { () throws(DropError) in results.with { $0 } })
    }

    func commit() throws(DropError) -> [ClaimResult?] { try move() }
    func finish() throws(DropError) -> [ClaimResult] { try wait() }
    func close() { leasedDescriptor = nil }
}

/// A spool that is read for digests in another way.
struct SpoolReadOtherwise: DropSpool {
    let spool: SpoolFolder
    let read: @Sendable (_ drop: DropID, _ isCancelled: () -> Bool) throws(DropError) -> ContentDigest

    func digest(of drop: DropID, isCancelled: () -> Bool) throws(DropError) -> ContentDigest { try read(drop, isCancelled) }
    func path(of drop: DropID) -> String { spool.path(of: drop) }
    func contains(_ drop: DropID) -> Bool { spool.contains(drop) }
    func attachDescriptor(_ descriptor: CInt, as drop: DropID) throws(DropError) {
        try spool.attachDescriptor(descriptor, as: drop)
    }
    func detachDescriptor(of drop: DropID) { spool.detachDescriptor(of: drop) }
    func withDescriptor<T>(
        of drop: DropID, _ body: (_ descriptor: CInt, _ bytes: UInt64) throws(DropError) -> T
    ) throws(DropError) -> T { try spool.withDescriptor(of: drop, body) }
    func quarantinedDigest(
        of drop: DropID, on day: UTCDay
    ) throws(DropError) -> (bytes: UInt64, digest: ContentDigest) { try spool.quarantinedDigest(of: drop, on: day) }
    func fill(_ drop: DropID, _ body: (_ descriptor: CInt) throws(DropError) -> Void) throws(DropError) {
        try spool.fill(drop, body)
    }
    func remove(_ drops: [DropID]) throws(DropError) { try spool.remove(drops) }
    func freeSpace() throws(DropError) -> FreeSpace { try spool.freeSpace() }
    func quarantine(_ drop: DropID, on day: UTCDay, reason: JSON) throws(DropError) {
        try spool.quarantine(drop, on: day, reason: reason)
    }
    func quarantinedPath(of drop: DropID, on day: UTCDay) -> String { spool.quarantinedPath(of: drop, on: day) }
    func isQuarantined(_ drop: DropID, on day: UTCDay) -> Bool { spool.isQuarantined(drop, on: day) }
    func requeueFromQuarantine(_ drop: DropID, on day: UTCDay, as copy: DropID) throws(DropError) {
        try spool.requeueFromQuarantine(drop, on: day, as: copy)
    }
    func quarantinedDrops() throws(DropError) -> [DropID] { try spool.quarantinedDrops() }
    func deleteQuarantined(_ drop: DropID, on day: UTCDay) throws(DropError) { try spool.deleteQuarantined(drop, on: day) }
}
