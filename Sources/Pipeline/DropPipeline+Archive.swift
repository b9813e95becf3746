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
        while true {
            if work.pending.count == work.written, work.closed.isEmpty {
                work.pending += ended.popAll(max: limits.batchDrops, timeout: .milliseconds(work.pending.isEmpty ? 500 : 20))
            }
            let wasIdle = work.pending.isEmpty && work.closed.isEmpty
            do throws(DropError) {
                try advance(&work, archive)
                if wasIdle { try archive.seal(stopping: false) }
            } catch {
                guard case .retry(let delay) = error.remedy else { throw error }
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

    /// What the archiving thread has in hand.
    private struct ArchiveWork {
        /// Drops that are in no closed container; the first `written` of them are in the open one.
        var pending: [Ended] = []
        var written = 0
        /// Drops of a closed container whose rows do not know it yet.
        var closed: [(record: DropRecord, item: ArchivedItem)] = []
        /// When the first of `pending` was written.
        var since = ContinuousClock.now
    }

    private func advance(_ work: inout ArchiveWork, _ archive: any DropArchive) throws(DropError) {
        try settle(&work)
        while work.written < work.pending.count {
            // What is compressed ahead is a container of its own.
            if work.written > 0, work.pending[work.written].record.bytes >= limits.aheadBytes { try close(archive, &work) }
            if work.written == 0 { work.since = .now }
            try append(work.pending[work.written], to: archive)
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
                    && state.commitQueue.isEmpty && state.committing == 0 && state.archiving == 0
        }
    }

    private func append(_ end: Ended, to archive: any DropArchive) throws(DropError) {
        let record = end.record
        let path =
            record.state == .quarantined
            ? ports.spool.quarantinedPath(of: record.id, on: UTCDay(milliseconds: record.claimedAt))
            : ports.spool.path(of: record.id)
        var lineage: [JSON.Member] = []
        if let sequence = end.commitSequence { lineage.append(.init("commit", .int(Int64(sequence)))) }
        if let epoch = record.plugin?.epoch { lineage.append(.init("epoch", .string(epoch.description))) }
        if let rules = record.plugin?.rules { lineage.append(.init("rules", .string(rules))) }
        if let link = record.link { lineage.append(.init(link.kind.rawValue, .string(link.drop.description))) }
        let kind = record.state == .applied || record.state == .archived ? "applied" : record.state.rawValue
        let same = try sameBytes(as: record, archive)
        try archive.append(ArchiveItem(record: record, path: path, kind: kind, lineage: .object(lineage), sameBytesAs: same))
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
        try settle(&work)
    }

    /// S6 for the drops of a closed container; can be run again when storage had no room for a part of it.
    private func settle(_ work: inout ArchiveWork) throws(DropError) {
        guard !work.closed.isEmpty else { return }
        let records = work.closed.map(\.record)
        // A row with a place in the archive is unfinished only while it says `archived`: other drops get theirs with their
        // receipt.
        try ports.register.noteArchived(records.filter { $0.state == .archived }, clean: [])
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

    private func finish(_ batch: [Receipted]) throws(DropError) {
        let records = batch.map(\.record)
        let isDone = try insisting { () throws(DropError) in
            // Receipts first: ext4 is slow in making files shortly after others were deleted. What makes room is done even when
            // there was none for a receipt.
            let receipts = Result { () throws(DropError) in
                for drop in batch { try ports.receipts.write(drop.record, leaf: drop.leaf) }
            }
            try ports.spool.remove(records.filter { $0.state != .quarantined }.map(\.id))
            try receipts.get()
            try ports.register.noteArchived(records.filter { $0.state != .archived }, clean: records.map(\.id))
        }
        guard isDone else { return }
        state.with { state in
            state.unreceipted -= batch.count
            state.active -= batch.count
        }
    }
}
