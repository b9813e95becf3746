import DropCore
import ThreadKit
import TwinModel

extension DropPipeline {
    /// S5 to S7: containers, chain, receipts, and only then out of the spool. A container closes when it is full or nothing waits.
    func archiveLoop() throws(DropError) {
        let archive = try ports.makeArchive()
        var open: [Ended] = []
        var cleaned: [DropRecord] = []
        while true {
            let batch = ended.popAll(max: limits.batchDrops, timeout: .milliseconds(500))
            for end in batch {
                try append(end, to: archive)
                open.append(end)
                if archive.isFull { cleaned = try close(archive, &open, cleaning: cleaned) }
            }
            if ended.count == 0, !open.isEmpty { cleaned = try close(archive, &open, cleaning: cleaned) }
            if batch.isEmpty {
                if !cleaned.isEmpty {
                    try ports.register.update(cleaned)
                    cleaned = []
                }
                try archive.seal(stopping: false)
                if isDone() { break }
            }
        }
        try archive.seal(stopping: true)
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
        try archive.append(ArchiveItem(record: record, path: path, kind: kind, lineage: .object(lineage)))
    }

    /// Closes the container; returns the drops whose spool files are gone and whose rows say so with the next transaction.
    private func close(
        _ archive: any DropArchive, _ open: inout [Ended], cleaning cleaned: [DropRecord]
    ) throws(DropError) -> [DropRecord] {
        let items = try archive.close()
        var records: [DropRecord] = []
        let now = clock.now()
        for (end, item) in zip(open, items) {
            precondition(end.record.id == item.drop, "the archive returned its items in another order")
            var record = end.record
            record.container = item.container
            record.member = item.member
            if record.state == .applied {
                record.state = .archived
                record.changedAt = now
            }
            records.append(record)
        }
        try ports.register.update(cleaned + records)
        for (record, item) in zip(records, items) { try ports.receipts.write(record, leaf: item.leaf) }
        try ports.spool.remove(records.filter { $0.state != .quarantined }.map(\.id))
        for record in records {
            state.with { $0.inFlight[record.id] = nil }
            tell(.archived(record))
        }
        open = []
        state.with { state in
            state.archiving -= records.count
            state.active -= records.count
        }
        return records.filter { $0.state == .archived }.map { record in
            var record = record
            record.state = .clean
            return record
        }
    }
}
