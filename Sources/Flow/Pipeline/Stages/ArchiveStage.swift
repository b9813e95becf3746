import DropCore
import ThreadKit
import TwinModel

/// S5 and S6, one thread: containers, chain, register. A container closes when it is full, when no other drop is on its way, or
/// when its first drop has waited two seconds.
struct ArchiveStage: Sendable {
    let shared: Shared
    let makeArchive: @Sendable () throws(DropError) -> any DropArchive
    let register: any DropRegister
    let spool: any DropSpool
    let receipts: ReceiptDesk
    let precompress: PrecompressStage
    let ended: BoundedQueue<Ended>
    /// Where archived drops go.
    let archived: BoundedQueue<Receipted>
    /// Whether no file and no claimed drop waits, and none can come.
    let isIntakeOver: @Sendable () -> Bool

    func run() throws(DropError) {
        defer { archived.close() }
        guard let archive = try open() else { return ended.close() }
        let side = precompress.start(archive)
        defer { precompress.end(side) }
        let acts = try register.unrecordedActs().count
        shared.ledger.with { $0.unrecordedActs = max($0.unrecordedActs, acts) }
        var work = Work()
        while true {
            if work.isTakenUp {
                let patience: Duration = .milliseconds(work.queued.isEmpty ? 500 : 20)
                work.queued += ended.popAll(max: shared.limits.batchDrops, timeout: patience)
            }
            let wasIdle = work.queued.isEmpty && work.closed.isEmpty
            do throws(DropError) {
                try recordActs(archive)
                try advance(&work, archive)
                if wasIdle { try seal(archive, stopping: false) }
                work.failures = 0
                noteGoesOn()
            } catch {
                let delay = try work.delay(after: error)
                work.written = archive.drops.count
                try noteTrouble(error)
                let isOver = shared.ledger.wait(
                    until: { $0.run.isCancelled || $0.hasToLeaveArchive }, timeout: delay
                ) { $0.run.isCancelled || $0.hasToLeaveArchive }
                if isOver { return ended.close() }
            }
            if wasIdle, isDone() { break }
        }
        archived.close()
        precompress.end(side)
        try sealAtEnd(archive)
    }

    /// Nil when the pipeline stops before the archive has room.
    private func open() throws(DropError) -> (any DropArchive)? {
        while true {
            do throws(DropError) { return try makeArchive() } catch {
                guard case .retry(let delay) = error.remedy else { throw error }
                try noteTrouble(error)
                let isStopping = shared.ledger.wait(until: { $0.run.isStopping }, timeout: delay) { $0.run.isStopping }
                if isStopping { return nil }
            }
        }
    }

    private func sealAtEnd(_ archive: any DropArchive) throws(DropError) {
        do throws(DropError) { try seal(archive, stopping: true) } catch {
            // The next stop seals what this one found no room to seal.
            guard case .retry = error.remedy else { throw error }
            shared.emit(.failed(error))
        }
    }

    /// The database hears of a seal when it is there: so somebody who removes it, and chain.head with it, is found out.
    private func seal(_ archive: any DropArchive, stopping: Bool) throws(DropError) {
        let before = archive.head.seal
        try archive.seal(stopping: stopping)
        let head = archive.head
        // A chain that has only its first record proves no drop. A database that knew it would take the right archive, put back,
        // for another one.
        if head.seal != before, head.records > 1 { try register.noteArchived([], done: [], head: head) }
    }

    /// Acts of people go into the chain as soon as they are done.
    private func recordActs(_ archive: any DropArchive) throws(DropError) {
        // An act is durable before it is counted: what is read now has all that were counted until now.
        let counted = shared.ledger.withoutWaking { $0.unrecordedActs }
        guard counted > 0 else { return }
        let acts = try register.unrecordedActs()
        let leaves = try archive.note(acts)
        try register.noteRecorded(zip(acts, leaves).map { (act: $0.id, leaf: $1) })
        shared.ledger.with { $0.unrecordedActs -= counted }
    }

    /// True when the pipeline stops and no stage can hand over another drop: they have nothing, or have ended.
    private func isDone() -> Bool {
        let isOver = ended.isClosed && ended.count == 0
        return shared.ledger.withoutWaking { ledger in
            let nothingComes = isOver || isIntakeOver() && ledger.isQuiet() && ledger.drops.archiving == 0
            return ledger.run.isCancelled || ledger.run.isStopping && nothingComes && ledger.unrecordedActs == 0
        }
    }

    // MARK: - Trouble

    /// Notes what keeps the archive from going on. A command that ends has waited for it long enough after a while.
    private func noteTrouble(_ error: DropError) throws(DropError) {
        guard case .retry = error.remedy else { return shared.emit(.failed(error)) }
        let now = shared.clock.now()
        let trouble = shared.ledger.with { ledger in
            let trouble = Trouble.noting(error, in: ledger.storage.archive, at: now)
            ledger.storage.archive = trouble
            return trouble
        }
        if trouble.isToBeTold { shared.emit(.failed(error)) }
        guard shared.limits.waitsForSpace || trouble.attempts < DiskRoom.attemptsAlone else {
            throw DropError(error.code, error.message, hint: error.hint, remedy: .stop)
        }
    }

    private func noteGoesOn() {
        guard shared.ledger.withoutWaking({ $0.storage.archive != nil }) else { return }
        shared.ledger.with { $0.storage.archive = nil }
        shared.emit(.goesOn(.archiveFull, nil))
    }

    // MARK: - Containers

    /// What the archiving thread has in hand.
    private struct Work {
        /// Drops that are in no closed container; the first `written` of them are in the open one.
        var queued: [Ended] = []
        var written = 0
        /// Drops of a closed container whose rows do not know it yet.
        var closed: [(row: DropRecord, item: ArchivedItem)] = []
        /// What the archive has come to with them.
        var head: ArchiveHead?
        /// When the first of `queued` was written.
        var since = Conductor.now
        /// How often in a row a container could not be closed because of the bytes of a drop in it.
        var failures = 0

        /// All that was handed over is written, so there is room for more.
        var isTakenUp: Bool { queued.count == written && closed.isEmpty }

        /// How long to wait before it is tried again; what cannot be is thrown. Bytes that changed while their container was
        /// closed are found by the next `append`, which names the drop.
        mutating func delay(after error: DropError) throws(DropError) -> Duration {
            switch error.remedy {
            case .retry(let delay): return delay
            case .quarantine where failures < 3:
                failures += 1
                return .zero
            default: throw error
            }
        }
    }

    private func advance(_ work: inout Work, _ archive: any DropArchive) throws(DropError) {
        try noteClosed(&work)
        while work.written < work.queued.count {
            // What is compressed ahead is a container of its own.
            if work.written > 0, work.queued[work.written].record.bytes >= shared.limits.aheadBytes { try close(archive, &work) }
            if work.written == 0 { work.since = Conductor.now }
            do throws(DropError) { try append(work.queued[work.written], to: archive) } catch {
                guard error.remedy == .quarantine else { throw error }
                try setAside(work.queued[work.written], error)
                work.queued.remove(at: work.written)
                continue
            }
            work.written += 1
            if archive.isFull { try close(archive, &work) }
        }
        guard work.written > 0, ended.count == 0 else { return }
        let isAlone = shared.ledger.withoutWaking { $0.drops.beforeReceipt <= work.queued.count || $0.run.isStopping }
        if isAlone || Conductor.now - work.since > .seconds(2) { try close(archive, &work) }
    }

    private func append(_ end: Ended, to archive: any DropArchive) throws(DropError) {
        let record = end.record
        let path =
            record.state.isQuarantined
            ? spool.quarantinedPath(of: record.id, on: UTCDay(milliseconds: record.claimedAt)) : spool.path(of: record.id)
        let same = try sameBytes(as: record, archive)
        try archive.append(
            ArchiveItem(record: record, path: path, kind: record.closingKind, lineage: end.lineage, sameBytesAs: same))
    }

    /// The archived drop that holds these bytes already: evidence is stored once, by digest. A small file is not looked for,
    /// since storing it again costs less.
    private func sameBytes(as record: DropRecord, _ archive: any DropArchive) throws(DropError) -> DropID? {
        if let link = record.link, link.kind == .duplicates {
            // The drop it repeats may be behind it: a commit is seen before its drop is handed over. A record of the archive
            // names only what stands before it.
            if archive.drops.contains(link.drop) { return link.drop }
            return try register.drop(link.drop)?.container == nil ? nil : link.drop
        }
        guard let digest = record.digest, record.bytes >= Self.repeatedBytesMin else { return nil }
        return try register.archived(with: digest)
    }

    /// Files from this size on are stored once. Units: bytes.
    private static let repeatedBytesMin: UInt64 = 64 << 10

    private func close(_ archive: any DropArchive, _ work: inout Work) throws(DropError) {
        let items = try shared.ledger.timed(.archive) { () throws(DropError) in try archive.close() }
        let now = shared.clock.now()
        work.closed = zip(work.queued, items).map { end, item in
            precondition(end.record.id == item.drop, "the archive returned its items in another order")
            return (end.record.archived(in: item, at: now), item)
        }
        work.queued.removeFirst(items.count)
        work.written = 0
        work.head = archive.head
        try noteClosed(&work)
    }

    /// S6 for the drops of a closed container; can be run again when storage had no room for a part of it.
    private func noteClosed(_ work: inout Work) throws(DropError) {
        guard !work.closed.isEmpty else { return }
        let rows = work.closed.map(\.row)
        // A row with a place in the archive is unfinished only while it says `archived`: other drops get theirs with their
        // receipt.
        try register.noteArchived(rows.filter { $0.state == .archived }, done: [], head: work.head)
        shared.ledger.with { ledger in
            for row in rows { ledger.drops.change(row.id) { $0.archived(as: row) } }
        }
        let closed = work.closed
        work.closed = []
        for (row, item) in closed {
            shared.emit(.archived(row))
            archived.push(Receipted(record: row, leaf: item.leaf))
        }
    }

    // MARK: - Drops that the archive cannot take

    /// What becomes of a drop whose bytes are gone, or not those that arrived, when the archive wants them: it is set aside
    /// alone, and its row says why. Other bytes are never archived as what arrived, and the digest of those stays in its row:
    /// they lie in quarantine for whoever looks into it. An applied drop stays as it is until a person gives it up.
    private func setAside(_ end: Ended, _ error: DropError) throws(DropError) {
        var row = end.record
        row.reason = DropReason(error)
        if error.code == ByteLoss.changed, let known = row.digest {
            let (path, found) = try presentBytes(of: row)
            guard found != known else { throw error }
            let changed = DropReason(ByteLoss.changed(path, known: known, found: found))
            row.reason = changed
            if row.closingKind != DropState.applied.rawValue, !row.state.isQuarantined {
                try spool.quarantine(row.id, on: UTCDay(milliseconds: row.claimedAt), reason: changed.note(on: row))
            }
        }
        if row.closingKind == DropState.applied.rawValue { row.reason = row.reason?.ofApplied(row.id) }
        shared.emit(.failed(error.keepingFromArchive(row)))
        try register.update([row])
        try receipts.give(row, synced: true)
        shared.ledger.with { $0.drops.change(row.id) { $0.setAside() } }
    }

    private func presentBytes(of record: DropRecord) throws(DropError) -> (path: String, digest: ContentDigest) {
        guard record.state.isQuarantined else { return (spool.path(of: record.id), try spool.digest(of: record.id)) }
        let day = UTCDay(milliseconds: record.claimedAt)
        return (spool.quarantinedPath(of: record.id, on: day), try spool.quarantinedDigest(of: record.id, on: day).digest)
    }
}

extension Ended {
    /// Whatever else determines what the drop did, for replay.
    fileprivate var lineage: JSON {
        var lineage: [JSON.Member] = []
        if let commitSequence { lineage.append(.init("commit", .int(Int64(commitSequence)))) }
        if let transformDigest = record.plugin?.transformDigest {
            lineage.append(.init("epoch", .string(transformDigest.description)))
        }
        if let rules = record.plugin?.rules { lineage.append(.init("rules", .string(rules))) }
        if let link = record.link { lineage.append(.init(link.kind.rawValue, .string(link.drop.description))) }
        return .object(lineage)
    }
}

extension DropError {
    /// Said of the drop that cannot be archived because of this.
    fileprivate func keepingFromArchive(_ record: DropRecord) -> DropError {
        let graph = record.closingKind == DropState.applied.rawValue ? " Its changes are in the graph." : ""
        return DropError(
            code, "Drop \(record.id) (\(record.fileName) of \(record.source)) cannot be archived. \(message)\(graph)",
            hint: hint, remedy: remedy)
    }
}
