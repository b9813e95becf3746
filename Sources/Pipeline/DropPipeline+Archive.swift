import DropCore
import ThreadKit
import TwinModel

extension DropPipeline {
    /// S5 to S7: containers, chain, receipts, and only then out of the spool. A container closes when it is full or nothing waits.
    func archiveLoop() throws(DropError) {
        let archive = try ports.makeArchive()
        var work = ArchiveWork()
        while true {
            if work.pending.count == work.written {
                work.pending += ended.popAll(max: limits.batchDrops, timeout: .milliseconds(work.pending.isEmpty ? 500 : 0))
            }
            let wasIdle = work.pending.isEmpty
            do throws(DropError) {
                try advance(&work, archive)
                if wasIdle {
                    if !work.cleaned.isEmpty { try ports.register.noteArchived([], clean: work.cleaned) }
                    work.cleaned = []
                    try archive.seal(stopping: false)
                }
            } catch {
                guard case .retry(let delay) = error.remedy else { throw error }
                tell(.failed(error))
                work.written = archive.drops.count
                if state.wait(until: { $0.isCancelled }, timeout: delay, { $0.isCancelled }) { return }
            }
            if wasIdle, isDone() { break }
        }
        try archive.seal(stopping: true)
    }

    /// What the archiving thread has in hand.
    private struct ArchiveWork {
        /// Drops that are in no closed container; the first `written` of them are in the open one.
        var pending: [Ended] = []
        var written = 0
        /// Drops that are out of the spool, whose rows say so with the next transaction.
        var cleaned: [DropID] = []
    }

    private func advance(_ work: inout ArchiveWork, _ archive: any DropArchive) throws(DropError) {
        while work.written < work.pending.count {
            try append(work.pending[work.written], to: archive)
            work.written += 1
            if archive.isFull { try close(archive, &work) }
        }
        if work.written > 0, ended.count == 0 { try close(archive, &work) }
    }

    /// True when the pipeline stops and no stage can hand over another drop.
    private func isDone() -> Bool {
        state.with { [intake, claimed] state in
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
        let source = sources[record.source]
        var lineage: [JSON.Member] = []
        if let sequence = end.commitSequence { lineage.append(.init("commit", .int(Int64(sequence)))) }
        if let source { lineage.append(.init("epoch", .string(source.epoch.description))) }
        if let link = record.link { lineage.append(.init(link.kind.rawValue, .string(link.drop.description))) }
        let kind = record.state == .applied || record.state == .archived ? "applied" : record.state.rawValue
        let same = record.link?.kind == .duplicates ? record.link?.drop : nil
        try archive.append(ArchiveItem(record: record, path: path, kind: kind, lineage: .object(lineage), sameBytesAs: same))
    }

    private func close(_ archive: any DropArchive, _ work: inout ArchiveWork) throws(DropError) {
        let items = try archive.close()
        let now = clock.now()
        let records = zip(work.pending, items).map { end, item in
            precondition(end.record.id == item.drop, "the archive returned its items in another order")
            var record = end.record
            record.container = item.container
            record.member = item.member
            if record.state == .applied {
                record.state = .archived
                record.changedAt = now
            }
            return record
        }
        work.pending.removeFirst(records.count)
        work.written = 0
        try ports.register.noteArchived(records, clean: work.cleaned)
        for (record, item) in zip(records, items) { try ports.receipts.write(record, leaf: item.leaf) }
        try ports.spool.remove(records.filter { $0.state != .quarantined }.map(\.id))
        state.with { state in
            for record in records { state.inFlight[record.id] = nil }
            state.archiving -= records.count
            state.active -= records.count
        }
        for record in records { tell(.archived(record)) }
        work.cleaned = records.filter { $0.state == .archived }.map(\.id)
    }
}
