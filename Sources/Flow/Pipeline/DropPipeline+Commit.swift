import DropCore
import ThreadKit

extension DropPipeline {
    /// S4: commits whatever is prepared, together; nobody waits for company.
    func commitLoop() throws(DropError) {
        while let batch = takeBatch() {
            if batch.isEmpty {
                // The archive's end of a drop is a commit, too, and would wait.
                if state.quietly({ $0.ending.isEmpty }) { try tend() }
                continue
            }
            var rest = batch[...]
            while !rest.isEmpty {
                guard try insisting({ () throws(DropError) in try commit(&rest) }) else { return giveUp(rest) }
            }
            state.with { state in
                state.committing = 0
                for prepared in batch {
                    let source = prepared.record.source
                    state.uncommitted[source, default: 0] -= 1
                    if state.uncommitted[source] == 0 { state.handedNames[source] = nil }
                    if sources[source]?.waitsForCommit ?? false { state.scheduler.finished(source) }
                }
            }
        }
    }

    /// Asked to end while storage has no room: all that is prepared is unfinished work, which the next start takes up. What waits
    /// behind `rest` must not pass it.
    private func giveUp(_ rest: ArraySlice<Prepared>) {
        let behind = state.with { state in
            defer { state.commitQueue.removeAll() }
            return Array(state.commitQueue)
        }
        for prepared in rest + behind {
            prepared.changes.abandon()
            leaveHand(prepared.record.id)
        }
    }

    /// What is prepared; empty when nothing came for a while; nil when nothing can come any more.
    private func takeBatch() -> [Prepared]? {
        state.wait(
            until: { state in
                !state.commitQueue.isEmpty || state.isCancelled || state.isStopping && state.scheduler.busy == 0
            }, timeout: .milliseconds(200)
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

    /// Commits the first drops of `rest` together and takes them off it; at least one goes, unless an error is thrown.
    private func commit(_ rest: inout ArraySlice<Prepared>) throws(DropError) {
        let pairs = try takeTogether(&rest)
        guard !pairs.isEmpty else { return }
        let results = try timed(.commit) { () throws(DropError) in try ports.graph.commit(pairs) }
        rest = rest.dropFirst(pairs.count)
        var committed: [Ended] = []
        var late: Set<DropID> = []
        for (pair, result) in zip(pairs, results) {
            switch result {
            case .success(let done):
                var record = pair.record
                record.books = done.books
                if let reason = done.reason { record.reason = reason }
                if !done.isNewest { late.insert(record.id) }
                committed.append(Ended(record: record, commitSequence: done.sequence))
            case .failure(let error) where error.code == .alreadyApplied:
                // A commit of several transactions failed after this one's: it counts, and its row tells what it did.
                pair.changes.abandon()
                committed.append(
                    Ended(
                        record: try ports.register.drop(pair.record.id) ?? pair.record,
                        commitSequence: try ports.register.commitSequence(of: pair.record.id)))
            case .failure(let error):
                try finish(committed, late: late)
                committed = []
                var record = pair.record
                record.state = .registered
                leaveHand(record.id)
                state.with { $0.scheduler.setBack(record.source) }
                try remedy(error, for: record)
                state.with { $0.scheduler.settled(record.source) }
            }
        }
        try finish(committed, late: late)
    }

    /// Upkeep that finds no room is done another time.
    private func tend() throws(DropError) {
        do throws(DropError) { try ports.upkeep(clock.now()) } catch {
            guard case .retry = error.remedy else { throw error }
        }
    }

    /// The drops that one commit can take.
    ///
    /// Those that were set back are taken off `rest` and go the way of a registered drop again; duplicates are ended and taken
    /// off. Of a source that keeps an order there is one, because the next must wait when it fails. A drop that may repeat one of
    /// its own source is not in one commit with drops of that source before it: what the newest applied one is, is known after
    /// theirs.
    private func takeTogether(
        _ rest: inout ArraySlice<Prepared>
    ) throws(DropError) -> [(changes: any ChangeSet, record: DropRecord)] {
        let now = clock.now()
        var pairs: [(changes: any ChangeSet, record: DropRecord)] = []
        /// The digests of each source's drops in `pairs`.
        var taken: [SourceName: Set<ContentDigest?>] = [:]
        for prepared in rest {
            let record = prepared.record
            if state.quietly({ $0.scheduler.generation(of: record.source) }) != prepared.generation {
                guard pairs.isEmpty else { break }
                prepared.changes.abandon()
                rest = rest.dropFirst()
                leaveHand(record.id)
                state.with { $0.scheduler.enqueue(record) }
                continue
            }
            let before = taken[record.source]
            let mayRepeat = mayRepeat(record, before ?? [])
            if before != nil, keepsOrder(record.source) || mayRepeat { break }
            // The check of S3 may have been made before an equal drop was committed.
            if mayRepeat, let source = sources[record.source], let first = try repeated(by: record, source) {
                guard pairs.isEmpty else { break }
                try end(record, asDuplicateOf: first)
                prepared.changes.abandon()
                leaveHand(record.id)
                rest = rest.dropFirst()
                continue
            }
            var applied = record
            applied.state = .applied
            applied.changedAt = now
            pairs.append((prepared.changes, applied))
            taken[record.source, default: []].insert(record.digest)
        }
        return pairs
    }

    /// True where drops must not overtake one another.
    func keepsOrder(_ name: SourceName) -> Bool {
        guard let source = sources[name] else { return false }
        return source.order != .none || source.waitsForCommit
    }

    private func mayRepeat(_ record: DropRecord, _ before: Set<ContentDigest?>) -> Bool {
        sources[record.source]?.duplicates == .skipAny || before.contains(record.digest)
            || state.quietly { $0.newestApplied[record.source]?.digest } == record.digest
    }

    /// Tells of drops that are committed, in order, and hands them to the archive together. After those of `late`, what their
    /// source said last is still what newer ones said.
    private func finish(_ committed: [Ended], late: Set<DropID>) throws(DropError) {
        state.quietly { state in
            for record in committed.lazy.map(\.record) {
                state.inFlight[record.id] = record
                if !state.retrying.isEmpty { state.retrying[record.id] = nil }
                if record.link?.kind != .amends {
                    if !late.contains(record.id) { state.newestApplied[record.source] = record }
                    if sources[record.source]?.order == .name {
                        state.highestNames[record.source] = max(
                            record.fileName, state.highestNames[record.source] ?? record.fileName)
                    }
                }
                state.times.note(.applied, .milliseconds(Int64(clamping: record.changedAt) - Int64(clamping: record.claimedAt)))
            }
        }
        for end in committed {
            leaveHand(end.record.id)
            tell(.applied(end.record))
            // Before the archive has it: a start after a crash finds an applied drop, and does this again.
            _ = try insisting { () throws(DropError) in try closeOthers(by: end.record) }
        }
        enqueueEnded(committed)
    }
}
