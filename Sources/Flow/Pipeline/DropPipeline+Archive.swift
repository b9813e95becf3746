import DropCore
import ThreadKit
import TwinModel

extension DropPipeline {
    /// S5 and S6: containers, chain, register. A container closes when it is full, when no other drop is on its way, or when its
    /// first drop has waited two seconds.
    func archiveLoop() throws(DropError) {
        defer { unreceipted.close() }
        guard let archive = try openArchive() else { return ended.close() }
        let side = NamedThread("td-ahead") { [self] in aheadLoop(archive) }
        defer { endAhead(side) }
        var work = ArchiveWork()
        state.with { [acts = try ports.register.unrecordedActs().count] in $0.unrecordedActs = max($0.unrecordedActs, acts) }
        while true {
            if work.pending.count == work.written, work.closed.isEmpty {
                work.pending += ended.popAll(max: limits.batchDrops, timeout: .milliseconds(work.pending.isEmpty ? 500 : 20))
            }
            let wasIdle = work.pending.isEmpty && work.closed.isEmpty
            do throws(DropError) {
                try recordActs(archive)
                try advance(&work, archive)
                if wasIdle { try archive.seal(stopping: false) }
                work.failures = 0
                noteArchiveGoesOn()
            } catch {
                let delay = try Self.delay(after: error, &work)
                work.written = archive.drops.count
                try noteArchiveTrouble(error)
                let isOver = state.wait(until: { $0.isCancelled || $0.hasToLeaveArchive }, timeout: delay) {
                    $0.isCancelled || $0.hasToLeaveArchive
                }
                if isOver { return ended.close() }
            }
            if wasIdle, isDone() { break }
        }
        unreceipted.close()
        endAhead(side)
        do throws(DropError) { try archive.seal(stopping: true) } catch {
            // The next stop seals what this one found no room to seal.
            guard case .retry = error.remedy else { throw error }
            tell(.failed(error))
        }
    }

    /// Nil when the pipeline stops before the archive has room.
    private func openArchive() throws(DropError) -> (any DropArchive)? {
        while true {
            do throws(DropError) { return try ports.makeArchive() } catch {
                guard case .retry(let delay) = error.remedy else { throw error }
                try noteArchiveTrouble(error)
                if state.wait(until: { $0.isStopping }, timeout: delay, { $0.isStopping }) { return nil }
            }
        }
    }

    /// Acts of people go into the chain as soon as they are done.
    private func recordActs(_ archive: any DropArchive) throws(DropError) {
        guard state.quietly({ $0.unrecordedActs > 0 }) else { return }
        let acts = try ports.register.unrecordedActs()
        let leaves = try archive.note(acts)
        try ports.register.noteRecorded(zip(acts, leaves).map { (act: $0.id, leaf: $1) })
        state.with { $0.unrecordedActs = max(0, $0.unrecordedActs - acts.count) }
    }

    /// What the archiving thread has in hand.
    private struct ArchiveWork {
        /// Drops that are in no closed container; the first `written` of them are in the open one.
        var pending: [Ended] = []
        var written = 0
        /// Drops of a closed container whose rows do not know it yet.
        var closed: [(record: DropRecord, item: ArchivedItem)] = []
        /// What the archive has come to with them.
        var head: ArchiveHead?
        /// When the first of `pending` was written.
        var since = ContinuousClock.now
        /// How often in a row a container could not be closed because of the bytes of a drop in it.
        var failures = 0
    }

    /// Notes what keeps the archive from going on. A command that ends has waited for it long enough after a while.
    private func noteArchiveTrouble(_ error: DropError) throws(DropError) {
        guard case .retry = error.remedy else {
            return tell(.failed(error))
        }
        let now = clock.now()
        let trouble = state.with { state in
            let trouble = Trouble.noting(error, in: state.archiveTrouble, at: now)
            state.archiveTrouble = trouble
            return trouble
        }
        if trouble.isToBeTold { tell(.failed(error)) }
        guard limits.waitsForSpace || trouble.attempts < Self.attemptsAlone else {
            throw DropError(error.code, error.message, hint: error.hint, remedy: .stop)
        }
    }

    private func noteArchiveGoesOn() {
        let was = state.quietly { $0.archiveTrouble != nil }
        guard was else { return }
        state.with { $0.archiveTrouble = nil }
        tell(.goesOn(.archiveFull, nil))
    }

    /// How long to wait before it is tried again; what cannot be is thrown. Bytes that changed while their container was closed
    /// are found by the next `append`, which names the drop.
    private static func delay(after error: DropError, _ work: inout ArchiveWork) throws(DropError) -> Duration {
        switch error.remedy {
        case .retry(let delay): return delay
        case .quarantine where work.failures < 3:
            work.failures += 1
            return .zero
        default: throw error
        }
    }

    private func advance(_ work: inout ArchiveWork, _ archive: any DropArchive) throws(DropError) {
        try settle(&work)
        while work.written < work.pending.count {
            // What is compressed ahead is a container of its own.
            if work.written > 0, work.pending[work.written].record.bytes >= limits.aheadBytes { try close(archive, &work) }
            if work.written == 0 { work.since = .now }
            do throws(DropError) { try append(work.pending[work.written], to: archive) } catch {
                guard error.remedy == .quarantine else { throw error }
                try setAside(work.pending[work.written], error)
                work.pending.remove(at: work.written)
                continue
            }
            work.written += 1
            if archive.isFull { try close(archive, &work) }
        }
        guard work.written > 0, ended.count == 0 else { return }
        let isAlone = state.quietly { $0.active - $0.unreceipted <= work.pending.count || $0.isStopping }
        if isAlone || ContinuousClock.now - work.since > .seconds(2) { try close(archive, &work) }
    }

    /// True when the pipeline stops and no stage can hand over another drop.
    private func isDone() -> Bool {
        state.quietly { [intake, claimed] state in
            state.isCancelled
                || state.isStopping && intake.isClosed && claimed.count == 0 && state.scheduler.busy == 0
                    && state.commitQueue.isEmpty && state.committing == 0 && state.ending.isEmpty && state.unrecordedActs == 0
        }
    }

    /// What becomes of a drop whose bytes are gone, or not those that arrived, when the archive wants them: it is set aside
    /// alone, and its row says why. Other bytes are never archived as what arrived, and the digest of those stays in its row:
    /// they lie in quarantine for whoever looks into it. An applied drop stays as it is until a person gives it up.
    private func setAside(_ end: Ended, _ error: DropError) throws(DropError) {
        var record = end.record
        record.reason = DropReason(error)
        if error.code == ByteLoss.changed, let known = record.digest {
            let (path, found) = try presentBytes(of: record)
            guard found != known else { throw error }
            let changed = ByteLoss.changed(path, known: known, found: found)
            record.reason = DropReason(changed)
            if record.closingKind != DropState.applied.rawValue, !record.state.isQuarantined {
                try ports.spool.quarantine(
                    record.id, on: UTCDay(milliseconds: record.claimedAt), reason: Self.note(on: record, DropReason(changed)))
            }
        }
        tell(.failed(about(record, error)))
        try ports.register.update([record])
        try giveReceipt(record, synced: true)
        state.with { state in
            state.inFlight[record.id] = nil
            state.ending[record.id] = nil
            state.active -= 1
        }
    }

    private func presentBytes(of record: DropRecord) throws(DropError) -> (path: String, digest: ContentDigest) {
        guard record.state.isQuarantined else {
            return (ports.spool.path(of: record.id), try ports.spool.digest(of: record.id))
        }
        let day = UTCDay(milliseconds: record.claimedAt)
        return (
            ports.spool.quarantinedPath(of: record.id, on: day),
            try ports.spool.quarantinedDigest(of: record.id, on: day).digest
        )
    }

    private func about(_ record: DropRecord, _ error: DropError) -> DropError {
        let graph = record.closingKind == DropState.applied.rawValue ? " Its changes are in the graph." : ""
        return DropError(
            error.code, "Drop \(record.id) (\(record.fileName) of \(record.source)) cannot be archived. \(error.message)\(graph)",
            hint: error.hint, remedy: error.remedy)
    }

    private func append(_ end: Ended, to archive: any DropArchive) throws(DropError) {
        let record = end.record
        let path =
            record.state.isQuarantined
            ? ports.spool.quarantinedPath(of: record.id, on: UTCDay(milliseconds: record.claimedAt))
            : ports.spool.path(of: record.id)
        var lineage: [JSON.Member] = []
        if let sequence = end.commitSequence { lineage.append(.init("commit", .int(Int64(sequence)))) }
        if let epoch = record.plugin?.epoch { lineage.append(.init("epoch", .string(epoch.description))) }
        if let rules = record.plugin?.rules { lineage.append(.init("rules", .string(rules))) }
        if let link = record.link { lineage.append(.init(link.kind.rawValue, .string(link.drop.description))) }
        let same = try sameBytes(as: record, archive)
        try archive.append(
            ArchiveItem(record: record, path: path, kind: record.closingKind, lineage: .object(lineage), sameBytesAs: same))
    }

    /// The archived drop that holds these bytes already: evidence is stored once, by digest. A small file is not looked for,
    /// since storing it again costs less.
    private func sameBytes(as record: DropRecord, _ archive: any DropArchive) throws(DropError) -> DropID? {
        if let link = record.link, link.kind == .duplicates {
            // The drop it repeats may be behind it: a commit is seen before its drop is handed over. A record of the archive
            // names only what stands before it.
            if archive.drops.contains(link.drop) { return link.drop }
            return try ports.register.drop(link.drop)?.container == nil ? nil : link.drop
        }
        guard let digest = record.digest, record.bytes >= Self.repeatedBytesMin else { return nil }
        return try ports.register.archived(with: digest)
    }

    /// Files from this size on are stored once. Units: bytes.
    private static let repeatedBytesMin: UInt64 = 64 << 10

    private func close(_ archive: any DropArchive, _ work: inout ArchiveWork) throws(DropError) {
        let items = try timed(.archive) { () throws(DropError) in try archive.close() }
        let now = clock.now()
        work.closed = zip(work.pending, items).map { end, item in
            precondition(end.record.id == item.drop, "the archive returned its items in another order")
            var record = end.record
            record.container = item.container
            record.member = item.member
            if record.state == .applied {
                record.state = .archived
                record.changedAt = now
            }
            return (record, item)
        }
        work.pending.removeFirst(items.count)
        work.written = 0
        work.head = archive.head
        try settle(&work)
    }

    /// S6 for the drops of a closed container; can be run again when storage had no room for a part of it.
    private func settle(_ work: inout ArchiveWork) throws(DropError) {
        guard !work.closed.isEmpty else { return }
        let records = work.closed.map(\.record)
        // A row with a place in the archive is unfinished only while it says `archived`: other drops get theirs with their
        // receipt.
        try ports.register.noteArchived(records.filter { $0.state == .archived }, done: [], head: work.head)
        state.with { state in
            for record in records {
                state.inFlight[record.id] = nil
                state.ending[record.id] = nil
            }
            state.unreceipted += records.count
        }
        let closed = work.closed
        work.closed = []
        for (record, item) in closed {
            tell(.archived(record))
            unreceipted.push(Receipted(record: record, leaf: item.leaf))
        }
    }
}
