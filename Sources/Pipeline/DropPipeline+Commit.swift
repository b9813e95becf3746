import DropCore
import ThreadKit

extension DropPipeline {
    /// S4: commits whatever is prepared, together; nobody waits for company.
    func commitLoop() throws(DropError) {
        while let batch = takeBatch() {
            if batch.isEmpty {
                try ports.upkeep(clock.now())
                continue
            }
            try commit(batch)
            state.with { $0.committing = 0 }
        }
    }

    /// What is prepared; empty when nothing came for a while; nil when nothing can come any more.
    private func takeBatch() -> [Prepared]? {
        state.wait(
            until: { state in
                !state.commitQueue.isEmpty || state.isCancelled || state.isStopping && state.scheduler.busy == 0
            }, timeout: .seconds(1)
        ) { state in
            let isOver = state.isCancelled || state.isStopping && state.scheduler.busy == 0
            if isOver && state.commitQueue.isEmpty { return nil }
            var batch: [Prepared] = []
            var bytes: UInt64 = 0
            while batch.count < limits.batchDrops, let first = state.commitQueue.first,
                batch.isEmpty || bytes + first.record.bytes <= limits.commitBytes
            {
                bytes += first.record.bytes
                batch.append(state.commitQueue.removeFirst())
            }
            state.commitBytes -= bytes
            state.committing = batch.count
            return batch
        }
    }

    private func commit(_ batch: [Prepared]) throws(DropError) {
        let now = clock.now()
        var pairs: [(changes: any ChangeSet, record: DropRecord)] = []
        for prepared in batch {
            // The check of S3 may have been made before an equal drop was committed.
            if let first = try repeatedMeanwhile(prepared.record) {
                prepared.changes.abandon()
                try end(prepared.record, asDuplicateOf: first)
                continue
            }
            var record = prepared.record
            record.state = .applied
            record.changedAt = now
            pairs.append((prepared.changes, record))
        }
        guard !pairs.isEmpty else { return }
        let results = try ports.graph.commit(pairs)
        for (pair, result) in zip(pairs, results) {
            switch result {
            case .success(let done):
                var record = pair.record
                record.books = done.books
                finishCommit(of: record, sequence: done.sequence)
            case .failure(let error) where error.code == "already-applied":
                try takeUpApplied(pair.record)
            case .failure(let error):
                var record = pair.record
                record.state = .registered
                try remedy(error, for: record)
            }
        }
    }

    private func repeatedMeanwhile(_ record: DropRecord) throws(DropError) -> DropRecord? {
        guard let source = sources[record.source] else { return nil }
        let mayRepeat = source.duplicates == .skipAny || state.with { $0.newestApplied[record.source]?.digest == record.digest }
        return mayRepeat ? try repeated(by: record, source) : nil
    }

    /// An earlier commit had applied it, and its answer was lost: what is left is to archive it.
    private func takeUpApplied(_ record: DropRecord) throws(DropError) {
        guard let known = try ports.register.drop(record.id) else { return }
        enqueueEnded(Ended(record: known, commitSequence: nil))
    }

    private func finishCommit(of record: DropRecord, sequence: UInt64) {
        state.with { state in
            state.inFlight[record.id] = record
            state.newestApplied[record.source] = record
        }
        tell(.applied(record))
        enqueueEnded(Ended(record: record, commitSequence: sequence))
    }
}
