import DropCore
import ThreadKit

/// S4, one thread: commits whatever is prepared, together; nobody waits for company.
struct CommitStage: Sendable {
    let shared: Shared
    let graph: any TwinGraph
    let register: any DropRegister
    let placing: Placing
    let performer: Performer
    let room: DiskRoom
    /// Maintenance of the database, for moments in which nothing is to be committed.
    let maintenance: @Sendable (UInt64) throws(DropError) -> Void

    /// A drop that is committed, and how.
    private struct Committed {
        let row: DropRecord
        let sequence: UInt64?
        var isNewest = true
    }

    private typealias Pair = (changes: any ChangeSet, record: DropRecord)

    func run() throws(DropError) {
        while let batch = takeBatch() {
            if batch.isEmpty {
                // The archive's end of a drop is a commit, too, and would wait.
                if shared.ledger.withoutWaking({ $0.drops.archiving == 0 }) { try maintain() }
                continue
            }
            var rest = batch[...]
            while !rest.isEmpty {
                var goesOn = true
                let hadRoom = try room.retryingUntilSpace { () throws(DropError) in goesOn = try commit(&rest) }
                guard hadRoom, goesOn else { return giveUp(rest) }
            }
            shared.ledger.with { ledger in
                ledger.commits.finished()
                for source in batch.lazy.map(\.record.source) {
                    ledger.order.ended(source)
                    if shared.sources[source]?.waitsForCommit ?? false { ledger.scheduler.finished(source) }
                }
            }
        }
    }

    /// Asked to end while storage has no room: all that is prepared is unfinished work, which the next start takes up. What waits
    /// behind `rest` must not pass it.
    private func giveUp(_ rest: ArraySlice<Prepared>) {
        let behind = shared.ledger.with { $0.commits.removeAll() }
        for prepared in rest + behind {
            prepared.changes.abandon()
            performer.leaveHand(prepared.record.id)
        }
    }

    /// What is prepared; empty when nothing came for a while; nil when nothing can come any more.
    private func takeBatch() -> [Prepared]? {
        let isOver = { (ledger: borrowing Ledger) in
            ledger.run.isCancelled || ledger.run.isStopping && ledger.scheduler.busy == 0
        }
        return shared.ledger.wait(
            until: { $0.commits.count > 0 || isOver($0) }, timeout: .milliseconds(200)
        ) { ledger in
            if isOver(ledger), ledger.commits.count == 0 { return nil }
            return ledger.commits.takeBatch(dropsMax: shared.limits.batchDrops, bytesMax: shared.limits.commitBytes)
        }
    }

    /// Commits the first drops of `rest` together and takes them off it; at least one goes, unless an error is thrown. False when
    /// the pipeline stops first.
    private func commit(_ rest: inout ArraySlice<Prepared>) throws(DropError) -> Bool {
        guard let pairs = try takeTogether(&rest) else { return false }
        guard !pairs.isEmpty else { return true }
        let results = try shared.ledger.timed(.commit) { () throws(DropError) in try graph.commit(pairs) }
        rest = rest.dropFirst(pairs.count)
        var committed: [Committed] = []
        for (pair, result) in zip(pairs, results) {
            switch result {
            case .success(let done):
                var row = pair.record
                row.books = done.books
                if let reason = done.reason { row.reason = reason }
                committed.append(Committed(row: row, sequence: done.sequence, isNewest: done.isNewest))
            case .failure(let error) where error.code == .alreadyApplied:
                // A commit of several transactions failed after this one's: it counts, and its row tells what it did.
                pair.changes.abandon()
                committed.append(
                    Committed(
                        row: try register.drop(pair.record.id) ?? pair.record,
                        sequence: try register.commitSequence(of: pair.record.id)))
            case .failure(let error):
                try finish(committed)
                committed = []
                try fail(pair.record, error)
            }
        }
        try finish(committed)
        return true
    }

    /// A drop that failed at its commit: none of its source passes it before it is settled what becomes of it.
    private func fail(_ record: DropRecord, _ error: DropError) throws(DropError) {
        performer.leaveHand(record.id)
        shared.ledger.with { $0.scheduler.setBack(record.source) }
        _ = try performer.fail(record, error)
        shared.ledger.with { $0.scheduler.finishedSettingBack(record.source) }
    }

    /// Maintenance that finds no room is done another time.
    private func maintain() throws(DropError) {
        do throws(DropError) { try maintenance(shared.clock.now()) } catch {
            guard case .retry = error.remedy else { throw error }
        }
    }

    /// The drops that one commit can take; nil when the pipeline stops first.
    ///
    /// Those that were set back are taken off `rest` and go the way of a registered drop again; duplicates are ended and taken
    /// off. Of a source that keeps an order there is one, because the next must wait when it fails. A drop that may repeat one of
    /// its own source is not in one commit with drops of that source before it: what the newest applied one is, is known after
    /// theirs.
    private func takeTogether(_ rest: inout ArraySlice<Prepared>) throws(DropError) -> [Pair]? {
        let now = shared.clock.now()
        var pairs: [Pair] = []
        /// The digests of each source's drops in `pairs`.
        var taken: [SourceName: Set<ContentDigest?>] = [:]
        for prepared in rest {
            let record = prepared.record
            if shared.ledger.withoutWaking({ $0.scheduler.generation(of: record.source) }) != prepared.generation {
                guard pairs.isEmpty else { break }
                takeOff(prepared, &rest)
                shared.ledger.with { $0.setBack(record.id) }
                continue
            }
            let before = taken[record.source]
            let mayRepeat = mayRepeat(record, before ?? [])
            if before != nil, shared.keepsOrder(record.source) || mayRepeat { break }
            // The check of S3 may have been made before an equal drop was committed.
            if mayRepeat, let source = shared.sources[record.source], let first = try placing.repeated(by: record, source) {
                guard pairs.isEmpty else { break }
                guard try performer.end(record, asDuplicateOf: first) else { return nil }
                takeOff(prepared, &rest)
                continue
            }
            pairs.append((prepared.changes, record.applied(at: now)))
            taken[record.source, default: []].insert(record.digest)
        }
        return pairs
    }

    private func takeOff(_ prepared: Prepared, _ rest: inout ArraySlice<Prepared>) {
        prepared.changes.abandon()
        rest = rest.dropFirst()
        performer.leaveHand(prepared.record.id)
    }

    private func mayRepeat(_ record: DropRecord, _ before: Set<ContentDigest?>) -> Bool {
        shared.sources[record.source]?.duplicates == .skipAny || before.contains(record.digest)
            || shared.ledger.withoutWaking { $0.order.newestApplied(of: record.source)?.digest } == record.digest
    }

    /// Tells of drops that are committed, in order, and hands them to the archive together.
    private func finish(_ committed: [Committed]) throws(DropError) {
        let answers = shared.ledger.withoutWaking { ledger in
            committed.map { one in
                let answer = ledger.drops.change(one.row.id) {
                    $0.committed(as: one.row, sequence: one.sequence, isNewest: one.isNewest)
                }
                ledger.take(answer?.notes ?? [])
                return answer?.then ?? []
            }
        }
        var ends: [Ended] = []
        for (one, effects) in zip(committed, answers) { ends += try performer.finishTogether(effects, one.row.id) }
        performer.archive(ends)
    }
}
