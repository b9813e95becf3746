package import DropCore
import ThreadKit

extension DropPipeline {
    /// A held drop goes on, without its guards: `release`. Releasing a snapshot older than the newest applied one needs `force`.
    package func release(_ id: DropID, force: Bool) throws(DropError) -> DropRecord {
        var record = try find(id)
        guard record.state == .held else { throw wrongState(record, "released", needs: "held") }
        if let source = sources[record.source], source.policy.mode == .snapshot, !force,
            let newest = state.with({ $0.newestApplied[record.source] }), newest.id > record.id
        {
            throw DropError(
                "older-snapshot",
                "Drop \(id) is older than the newest applied snapshot of \(record.source) (\(newest.id)): releasing it would undo that one.",
                hint: "Discard it, or release it with --force if the older state is the right one.", remedy: .hold)
        }
        record.state = .registered
        record.released = true
        record.reason = nil
        record.changedAt = clock.now()
        try ports.register.update([record])
        takeUp(record)
        return record
    }

    /// The bytes of a quarantined drop run again as a new drop: `retry`. Also resumes a suspended source.
    package func retry(_ id: DropID) throws(DropError) -> DropRecord {
        let old = try find(id)
        if old.state == .registered || old.state == .claimed {
            state.with { $0.scheduler.resume(old.source) }
            return old
        }
        guard old.state == .quarantined else { throw wrongState(old, "retried", needs: "quarantined") }
        let now = clock.now()
        let record = DropRecord(
            id: clock.nextID(), source: old.source, fileName: old.fileName, bytes: old.bytes, digest: old.digest, state: .claimed,
            claimedAt: now, changedAt: now, intake: old.intake, link: DropLink(kind: .retries, drop: old.id))
        try ports.register.intend([record])
        try ports.spool.respool(old.id, on: UTCDay(milliseconds: old.claimedAt), as: record.id)
        state.with { state in
            state.active += 1
            state.inFlight[record.id] = record
            state.scheduler.unblock(old.source, from: old.id)
            state.scheduler.resume(old.source)
        }
        enqueueClaimed(record)
        return record
    }

    /// Sources whose drops wait because plugin or settings cannot be used.
    package var suspended: Set<SourceName> { state.quietly { $0.scheduler.suspended } }

    /// A suspended source goes on with the drops that wait.
    package func resume(_ source: SourceName) { state.with { $0.scheduler.resume(source) } }

    /// A held or quarantined drop is given up: `discard`. Its bytes stay in the archive.
    package func discard(_ id: DropID) throws(DropError) -> DropRecord {
        var record = try find(id)
        guard record.state == .held || record.state == .quarantined else {
            throw wrongState(record, "discarded", needs: "held or quarantined")
        }
        let wasQuarantined = record.state == .quarantined
        if wasQuarantined && record.container == nil {
            throw DropError(
                "not-archived", "The bytes of drop \(id) are not in the archive yet.", hint: "Try again in a moment.",
                remedy: .retry(after: .seconds(1)))
        }
        record.state = .discarded
        record.changedAt = clock.now()
        try ports.register.update([record])
        state.with { $0.scheduler.unblock(record.source, from: id) }
        if wasQuarantined {
            try ports.spool.forgetQuarantined(id, on: UTCDay(milliseconds: record.claimedAt))
            try ports.receipts.write(record, leaf: nil)
        } else {
            state.with { $0.active += 1 }
            enqueueEnded([Ended(record: record, commitSequence: nil)])
        }
        tell(.settledOtherwise(record))
        return record
    }

    private func takeUp(_ record: DropRecord) {
        state.with { state in
            state.active += 1
            state.inFlight[record.id] = record
            state.scheduler.unblock(record.source, from: record.id)
            state.scheduler.enqueue(record)
        }
    }

    private func find(_ id: DropID) throws(DropError) -> DropRecord {
        if let record = try ports.register.drop(id) { return record }
        throw DropError("no-drop", "There is no drop \(id).", hint: "`twindrop drops` lists them.", remedy: .quarantine)
    }

    private func wrongState(_ record: DropRecord, _ act: String, needs: String) -> DropError {
        DropError(
            "wrong-state", "Drop \(record.id) (\(record.fileName)) is \(record.state.rawValue) and cannot be \(act).",
            hint: "Only drops that are \(needs) can be.", remedy: .quarantine)
    }
}
