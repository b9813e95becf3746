import DropCore
import ThreadKit

/// S3, several threads: one drop at a time each, of different sources. A thread that is done with a drop takes the next in the
/// same step, most often of the same source, whose worker and tables are warm; nobody else is woken for it.
struct TransformStage: Sendable {
    let shared: Shared
    let preparation: Preparation
    let performer: Performer
    let room: DiskRoom
    /// Told of each drop that is worked on; nil where nobody keeps that.
    let inHand: (any DropsInHand)?

    /// What a transforming thread has finished and not handed on.
    private struct Done {
        var drop: DropRecord?
        var prepared: Prepared?
        /// How long that took; nil where it was not done.
        var took: Duration?
    }

    /// One of the threads.
    func run() throws(DropError) {
        var done = Done()
        while let (record, generation) = next(after: done) {
            done = Done(drop: record)
            guard !isGivenUp(record.id) else {
                guard try letGo(Attempt(record), nil) else { return }
                continue
            }
            if !shared.limits.waitsForSpace, let shortage = room.shortage(shared.limits.hardFree) {
                guard try letGo(Attempt(record), shortage) else { return }
                continue
            }
            inHand?.take(record.id)
            guard room.wait(above: shared.limits.hardFree) else { return shared.ledger.with { handOver(done, &$0) } }
            var attempt = Attempt(record)
            do throws(DropError) {
                let begin = ContinuousClock.now
                done.prepared = try preparation.prepare(&attempt, generation)
                done.took = .now - begin
            } catch {
                performer.leaveHand(record.id)
                guard try letGo(attempt, error) else { return }
            }
        }
    }

    /// The drop does not go to the commit: because of an error, or because a person gave it up. False when the pipeline stops.
    private func letGo(_ attempt: Attempt, _ error: DropError?) throws(DropError) -> Bool {
        let drop = attempt.record.id
        switch shared.ledger.waitForClaim(of: drop) {
        case .void: shared.ledger.with { $0.drops.change(drop) { $0.leftAsVoid() } }
        case .unknown: return false
        case .durable:
            if isGivenUp(drop) { return try performer.giveUp(drop) }
            guard let error, error.code != .cancelled else { return false }
            let judged = againstUncommitted(byItsBytes(error, attempt.record), attempt.record)
            return try performer.fail(attempt.told(judged), judged)
        }
        return true
    }

    private func isGivenUp(_ drop: DropID) -> Bool { shared.ledger.withoutWaking { $0.drops.isGivenUp(drop) } }

    /// A guard that stopped a drop while drops of its source waited for their commit judged it by a graph that was out of date.
    private func againstUncommitted(_ error: DropError, _ record: DropRecord) -> DropError {
        guard error.remedy == .hold, shared.ledger.withoutWaking({ $0.order.hasUncommitted(record.source) }) else { return error }
        return DropError(error.code, error.message, hint: error.hint, remedy: .retry(after: .milliseconds(50)))
    }

    /// A drop that waited is not judged by other bytes than those that arrived: whatever was found wrong with it, that is what is
    /// wrong.
    private func byItsBytes(_ error: DropError, _ record: DropRecord) -> DropError {
        guard error.remedy == .hold || error.remedy == .quarantine else { return error }
        do throws(DropError) { try preparation.compareBytes(of: record) } catch {
            if error.remedy == .quarantine { return error }
        }
        return error
    }

    // MARK: - From drop to drop

    /// Whether the commit can take more: change sets of small files cost more than their bytes.
    private func hasRoom(_ ledger: borrowing Ledger) -> Bool {
        ledger.commits.bytes < shared.limits.commitBytes && ledger.commits.count < 2 * shared.limits.batchDrops
            && ledger.caution.maySearch(isQuiet: ledger.isQuiet())
    }

    /// Hands over what the caller has done, then waits for its next drop; nil when the pipeline stops.
    private func next(after done: Done) -> (record: DropRecord, generation: Int)? {
        typealias Next = (drop: (record: DropRecord, generation: Int)?, isOver: Bool)
        let clock = shared.clock
        func take(_ ledger: inout Ledger) -> Next {
            guard !ledger.run.isStopping else { return (nil, true) }
            return (hasRoom(ledger) ? ledger.takeNext(now: clock.now()) : nil, false)
        }
        var taken: Next = shared.ledger.with { ledger in
            handOver(done, &ledger)
            return take(&ledger)
        }
        while !taken.isOver {
            if let drop = taken.drop { return drop }
            taken = shared.ledger.wait(
                until: { $0.run.isStopping || hasRoom($0) && $0.scheduler.hasNext(now: clock.now()) },
                timeout: .seconds(1), asOneOfMany: true, take)
        }
        return nil
    }

    private func handOver(_ done: Done, _ ledger: inout Ledger) {
        guard let drop = done.drop else { return }
        let source = drop.source
        ledger.progress[drop.id] = nil
        if let took = done.took { ledger.times.note(.transform, took) }
        if let prepared = done.prepared {
            ledger.handOver(prepared)
            // What a snapshot leaves out is known when the one before it is committed: its source goes on then.
            if shared.sources[source]?.waitsForCommit ?? false { return }
        }
        ledger.scheduler.finished(source)
    }
}
