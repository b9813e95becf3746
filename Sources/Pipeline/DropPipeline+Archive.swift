import DropCore
import ThreadKit
import TwinModel

extension DropPipeline {
    /// S5 and S6: containers, chain, register. A container closes when it is full, when no other drop is on its way, or when its
    /// first drop has waited two seconds.
    func archiveLoop() throws(DropError) {
        defer { unreceipted.close() }
        let archive = try ports.makeArchive()
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
            } catch {
                let delay = try Self.delay(after: error, &work)
                tell(.failed(error))
                work.written = archive.drops.count
                if state.wait(until: { $0.isCancelled }, timeout: delay, { $0.isCancelled }) { return }
            }
            if wasIdle, isDone() { break }
        }
        unreceipted.close()
        endAhead(side)
        try archive.seal(stopping: true)
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
                if let other = try withoutBytes(work.pending[work.written], error) {
                    work.pending[work.written] = other
                } else {
                    work.pending.remove(at: work.written)
                }
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
                    && state.commitQueue.isEmpty && state.committing == 0 && state.archiving == 0 && state.unrecordedActs == 0
        }
    }

    /// What becomes of a drop whose bytes are gone, or not those that arrived, when the archive wants them: it is set aside
    /// alone, and its row says why. Nil where the archive cannot take it.
    ///
    /// What changed nothing in the graph is archived as it is now, with the reason. Of an applied drop other bytes would be false
    /// evidence: it stays as it is until a person gives it up.
    private func withoutBytes(_ end: Ended, _ error: DropError) throws(DropError) -> Ended? {
        var record = end.record
        let day = UTCDay(milliseconds: record.claimedAt)
        let isChanged = error.code == ByteLoss.changed
        if record.reason == nil || record.closingKind == DropState.applied.rawValue { record.reason = DropReason(error) }
        if isChanged, record.closingKind != DropState.applied.rawValue {
            let known = record.digest
            if record.state.isQuarantined {
                (record.bytes, record.digest) = try ports.spool.quarantinedDigest(of: record.id, on: day)
            } else {
                record.digest = try ports.spool.digest(of: record.id)
                record.bytes = try ports.spool.withDescriptor(of: record.id) { (_, bytes) throws(DropError) in bytes }
            }
            guard record.digest != known else { throw error }
            tell(.failed(error))
            try ports.register.update([record])
            return Ended(record: record, commitSequence: end.commitSequence)
        }
        if !isChanged { record.reason = DropReason(error) }
        tell(.failed(about(record, error)))
        try ports.register.update([record])
        try ports.receipts.write(record, leaf: nil)
        try ports.receipts.sync([record])
        state.with { state in
            state.inFlight[record.id] = nil
            state.archiving -= 1
            state.active -= 1
        }
        return nil
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
            for record in records { state.inFlight[record.id] = nil }
            state.archiving -= records.count
            state.unreceipted += records.count
        }
        let closed = work.closed
        work.closed = []
        for (record, item) in closed {
            tell(.archived(record))
            unreceipted.push(Receipted(record: record, leaf: item.leaf))
        }
    }

    /// Receipts and S7, out of the spool: behind everything else, because both can be done at any time, from the register alone.
    /// A burst of small files has them when it is over, or when it has gone on for three seconds.
    func receiptLoop() throws(DropError) {
        while true {
            var batch = unreceipted.popAll(max: limits.intakeFiles)
            guard !batch.isEmpty else { return }
            let isOver = { (state: borrowing State) in
                state.isStopping || state.active - state.unreceipted <= state.scheduler.stuck
                    || state.unreceipted > Self.unreceiptedMax
            }
            state.wait(until: isOver, timeout: .seconds(3)) { _ in }
            batch += unreceipted.popAll(max: limits.intakeFiles, timeout: .zero)
            try finish(batch)
        }
    }

    /// Drops that may wait for their receipt while others are on their way. Units: drops.
    static var unreceiptedMax: Int { 8192 }

    private func finish(_ archived: [Receipted]) throws(DropError) {
        // A receipt is the last word to the sender: of a drop in the archive, that it is done.
        let batch = archived.map { drop in
            var record = drop.record
            if record.state == .archived { record.state = .done }
            return Receipted(record: record, leaf: drop.leaf)
        }
        let records = batch.map(\.record)
        let isDone = try insisting { () throws(DropError) in
            // Receipts first: ext4 is slow in making files shortly after others were deleted. What makes room is done even when
            // there was none for a receipt.
            let receipts = Result { () throws(DropError) in
                for drop in batch { try ports.receipts.write(drop.record, leaf: drop.leaf) }
                try ports.receipts.sync(records)
            }
            try ports.spool.remove(records.filter { !$0.state.isQuarantined }.map(\.id))
            try receipts.get()
            try ports.register.noteArchived(records.filter { $0.state != .done }, done: records.map(\.id), head: nil)
            try tidyClosed(records)
        }
        guard isDone else { return }
        state.with { state in
            state.unreceipted -= batch.count
            state.active -= batch.count
        }
    }

    /// Quarantined drops that were closed while the archive took them.
    private func tidyClosed(_ records: [DropRecord]) throws(DropError) {
        for record in records where record.state.isQuarantined {
            guard let now = try ports.register.drop(record.id), now.state != .quarantined else { continue }
            try tidy(afterClosing: now)
        }
    }
}
