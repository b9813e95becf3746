import DropCore
import ThreadKit

extension DropPipeline {
    /// S4: commits whatever is prepared, together; nobody waits for company.
    func commitLoop() throws(DropError) {
        while true {
            let batch = takeBatch()
            guard !batch.isEmpty else { return }
            try commit(batch)
            state.with { $0.committing = 0 }
        }
    }

    private func takeBatch() -> [Prepared] {
        state.wait(until: { state in
            !state.commitQueue.isEmpty || state.isCancelled || state.isStopping && state.scheduler.busy == 0
        }) { state in
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
            if let source = sources[prepared.record.source], let first = try repeated(by: prepared.record, source) {
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
            case .failure(let error):
                pair.changes.abandon()
                var record = pair.record
                record.state = .registered
                try remedy(error, for: record)
            }
        }
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
