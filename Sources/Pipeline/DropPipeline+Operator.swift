package import DropCore
import ThreadKit

extension DropPipeline {
    /// A held drop goes on, without its guards: `release`. Releasing a snapshot older than the newest applied one needs `force`.
    package func release(_ id: DropID, force: Bool) throws(DropError) -> DropRecord {
        var record = try find(id)
        guard record.state == .held else { throw wrongState(record, "released", needs: "held") }
        if record.reason?.code == .late, !force {
            throw DropError(
                "older-drop", "Drop \(id) (\(record.fileName)) came too late: \(record.reason?.message ?? "")",
                hint: "Discard it, or release it with --force if the older state is the right one.", remedy: .hold)
        }
        if let source = sources[record.source], source.sequence == nil, record.link?.kind != .amends,
            source.policy.mode == .snapshot, !force,
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
        try takeUpAmendments(of: record)
        return record
    }

    /// Corrections of a drop that was held go on behind it.
    private func takeUpAmendments(of record: DropRecord) throws(DropError) {
        for var amendment in try ports.register.drops(in: [.held])
        where amendment.source == record.source && amendment.reason?.code == .amendedHeld && amendment.link?.drop == record.id {
            amendment.state = .registered
            amendment.reason = nil
            amendment.changedAt = clock.now()
            try ports.register.update([amendment])
            takeUp(amendment)
        }
    }

    /// The bytes of a quarantined drop run again as a new drop: `retry`. Also resumes a suspended source.
    package func retry(_ id: DropID) throws(DropError) -> DropRecord {
        let old = try find(id)
        if old.state == .registered || old.state == .claimed {
            state.with { $0.resume(old.source) }
            return old
        }
        guard old.state == .quarantined else { throw wrongState(old, "retried", needs: "quarantined") }
        let now = clock.now()
        let record = DropRecord(
            id: clock.nextID(), source: old.source, fileName: old.fileName, bytes: old.bytes, digest: old.digest, state: .claimed,
            claimedAt: now, changedAt: now, intake: old.intake, link: DropLink(kind: .retries, drop: old.id))
        let day = UTCDay(milliseconds: old.claimedAt)
        let isInQuarantine = ports.spool.isQuarantined(old.id, on: day)
        guard isInQuarantine || old.container != nil else {
            throw ByteLoss.missing(ports.spool.quarantinedPath(of: old.id, on: day))
        }
        try ports.register.intend([record])
        do throws(DropError) {
            if isInQuarantine {
                try ports.spool.respool(old.id, on: day, as: record.id)
            } else {
                try ports.spool.fill(record.id) { (descriptor) throws(DropError) in try ports.fetch(old.id, descriptor) }
            }
        } catch {
            try ports.register.withdraw([record.id])
            throw error
        }
        state.with { state in
            state.active += 1
            state.inFlight[record.id] = record
            state.scheduler.unblock(old.source, from: old.id)
            state.resume(old.source)
        }
        enqueueClaimed(record)
        return record
    }

    /// Sources whose drops wait because plugin or settings cannot be used.
    package var suspended: Set<SourceName> { state.quietly { $0.scheduler.suspended } }

    /// A suspended source goes on with the drops that wait.
    package func resume(_ source: SourceName) { state.with { $0.resume(source) } }

    /// Drops that do not go on, each with why: their source is suspended, or waits for a person.
    package func waitingDrops() -> [(drop: DropRecord, reason: WaitingReason)] {
        state.quietly { state in
            state.scheduler.stuckDrops.map { drop, blocker in
                if let blocker { return (drop, WaitingReason(behind: blocker)) }
                let error = state.suspensions[drop.source]?.error
                if error?.code == "disk-full", let error { return (drop, WaitingReason(error)) }
                return (drop, WaitingReason(.sourceSuspended, error?.message, hint: error?.hint))
            }
        }
    }

    /// The error that stopped the pipeline, if one did.
    package var failure: DropError? { state.quietly { $0.failure } }

    /// A drop that is not applied is given up: `discard`. Its bytes stay in the archive.
    package func discard(_ id: DropID) throws(DropError) -> DropRecord {
        var record = try find(id)
        if record.state == .claimed || record.state == .registered || isGivenUp(record) { return try discardUnfinished(record) }
        let isApplied = record.state == .applied && record.hasLostBytes
        guard record.state == .held || record.state == .quarantined || isApplied else {
            throw wrongState(record, "discarded", needs: "not applied yet, held or quarantined")
        }
        // Of these there is nothing that the archive could take.
        let isLost = record.reason?.code == ByteLoss.missing || record.digest == nil
        let wasQuarantined = record.state == .quarantined || isLost
        if wasQuarantined && record.container == nil && !isLost {
            throw DropError(
                "not-archived", "The bytes of drop \(id) are not in the archive yet.", hint: "Try again in a moment.",
                remedy: .retry(after: .seconds(1)))
        }
        record.state = .discarded
        record.changedAt = clock.now()
        try ports.register.update([record])
        state.with { $0.scheduler.unblock(record.source, from: id) }
        if wasQuarantined {
            if record.container != nil { try ports.spool.forgetQuarantined(id, on: UTCDay(milliseconds: record.claimedAt)) }
            try ports.receipts.write(record, leaf: nil)
            try ports.receipts.sync([record])
        } else {
            state.with { $0.active += 1 }
            enqueueEnded([Ended(record: record, commitSequence: nil)])
        }
        tell(.settledOtherwise(record))
        return record
    }

    /// Before `start`: when the drop's turn comes it is given up instead, so that one which ends the program can be discarded
    /// without being worked on. `discard` then answers.
    package func willDiscard(_ id: DropID) { state.with { _ = $0.unwanted.insert(id) } }

    private func isGivenUp(_ record: DropRecord) -> Bool {
        record.state == .discarded && state.quietly { $0.unwanted.contains(record.id) }
    }

    /// A drop on its way: taken out of the queue, or out of the hands of whoever transforms it. One that is being committed ends
    /// applied, and the answer says so.
    private func discardUnfinished(_ record: DropRecord) throws(DropError) -> DropRecord {
        let deadline = ContinuousClock.now + .seconds(20)
        defer { state.with { _ = $0.unwanted.remove(record.id) } }
        while true {
            let waiting: DropRecord? = state.with { state in
                state.unwanted.insert(record.id)
                guard state.scheduler.remove(record.id, of: record.source) else { return nil }
                return state.inFlight[record.id] ?? record
            }
            if let waiting { try giveUp(waiting) }
            let now = try find(record.id)
            if now.state == .discarded { return now }
            guard now.state == .claimed || now.state == .registered else {
                throw wrongState(now, "discarded", needs: "not applied yet, held or quarantined")
            }
            guard ContinuousClock.now < deadline else {
                throw DropError(
                    "not-yet", "Drop \(record.id) (\(record.fileName)) is still being read.", hint: "Try again in a moment.",
                    remedy: .retry(after: .seconds(1)))
            }
            state.wait(until: { $0.inFlight[record.id] == nil }, timeout: .milliseconds(50)) { _ in }
        }
    }

    /// Ends an unfinished drop as discarded; nothing of it was applied.
    func giveUp(_ record: DropRecord) throws(DropError) {
        var ended = record
        ended.state = .discarded
        ended.reason = DropReason(
            code: "discarded", message: "A person gave it up before it was applied.",
            hint: "Its bytes are in the archive; drop the file again if it is wanted after all.")
        ended.changedAt = clock.now()
        guard try insisting({ [ended] () throws(DropError) in try ports.register.update([ended]) }) else { return }
        state.with { $0.inFlight[record.id] = nil }
        leaveHand(record.id)
        tell(.settledOtherwise(ended))
        enqueueEnded([Ended(record: ended, commitSequence: nil)])
    }

    private func takeUp(_ record: DropRecord) {
        state.with { state in
            state.active += 1
            state.waited.insert(record.id)
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
