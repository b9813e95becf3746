package import DropCore
import ThreadKit
package import TwinModel

extension DropPipeline {
    /// A held drop goes on, without its guards: `release`. It keeps the place it had when it came, unless `force` says that it is
    /// the newest; releasing a snapshot older than the newest applied one needs that.
    package func release(
        _ id: DropID, force: Bool, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        var record = try find(id)
        guard record.state == .held else { throw wrongState(record, "released", needs: "held") }
        let newest = state.with { $0.newestApplied[record.source] }
        if !force, let objection = DropJudgement.objection(toRelease: record, of: sources[record.source], newest: newest) {
            throw objection
        }
        if !force { try checkList(record, "release") }
        let held = record.reason
        record.state = .registered
        record.released = true
        record.forced = force
        record.reason = nil
        record.books = nil
        record.plugin = nil
        record.changedAt = clock.now()
        var facts: [JSON.Member] = held.map { [.init("held", .string($0.code.text))] } ?? []
        if force { facts.append(.init("force", true)) }
        try perform(act(.release, record, person, reason, facts), changing: [record])
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

    /// The bytes of a quarantined drop run again as a new drop: `retry`. Also resumes a suspended source. The new drop has the
    /// place of the old one, as with `release`.
    package func retry(
        _ id: DropID, force: Bool = false, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        var old = try find(id)
        if old.state == .registered || old.state == .claimed {
            try perform(act(.retry, old, person, reason, []), changing: [])
            state.with { $0.resume(old.source) }
            return old
        }
        guard old.state == .quarantined else { throw wrongState(old, "retried", needs: "quarantined") }
        if !force { try checkList(old, "retry") }
        let now = clock.now()
        let record = DropRecord(
            id: clock.nextID(), source: old.source, fileName: old.fileName, bytes: old.bytes, digest: old.digest, state: .claimed,
            claimedAt: now, changedAt: now, intake: old.intake, link: DropLink(kind: .retries, drop: old.id), forced: force)
        let day = UTCDay(milliseconds: old.claimedAt)
        let isInQuarantine = ports.spool.isQuarantined(old.id, on: day)
        guard isInQuarantine || old.container != nil else {
            throw ByteLoss.missing(ports.spool.quarantinedPath(of: old.id, on: day))
        }
        let quarantined = old
        old.state = .retried
        old.closedBy = DropClosing(drop: record.id, how: .retry)
        old.changedAt = now
        // One delivery, one open drop: from here on it is the new one. A start after a crash finds it without its bytes, and the
        // old one is what it was.
        var facts: [JSON.Member] = [.init("as", .string(record.id.description))]
        if force { facts.append(.init("force", true)) }
        try perform(act(.retry, old, person, reason, facts), changing: [record, old])
        do throws(DropError) {
            if isInQuarantine {
                try ports.spool.respool(old.id, on: day, as: record.id)
            } else {
                try ports.spool.fill(record.id) { (descriptor) throws(DropError) in try ports.fetch(quarantined.id, descriptor) }
            }
        } catch {
            try ports.register.withdraw([record.id])
            try ports.register.update([quarantined])
            throw error
        }
        try tidy(afterClosing: old)
        state.with { state in
            state.active += 1
            state.inFlight[record.id] = record
            state.resume(old.source)
        }
        enqueueClaimed(record)
        return record
    }

    /// Whether a drop does not go on before a person acts on its source or on a drop before it.
    package func isStuck(_ drop: DropRecord) -> Bool { state.quietly { $0.scheduler.isStuck(drop.id, of: drop.source) } }

    /// Sources whose drops wait because plugin or settings cannot be used.
    package var suspended: Set<SourceName> { state.quietly { $0.scheduler.suspended } }

    /// A suspended source goes on with the drops that wait.
    package func resume(_ source: SourceName) { state.with { $0.resume(source) } }

    /// The error that stopped the pipeline, if one did.
    package var failure: DropError? { state.quietly { $0.failure } }

    /// A drop that is not applied is given up: `discard`. Its bytes stay in the archive.
    package func discard(_ id: DropID, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        var record = try find(id)
        if record.state == .claimed || record.state == .registered || isGivenUp(record) {
            return try discardUnfinished(record, discarding(record, person, reason))
        }
        let isApplied = record.state == .applied && record.hasLostBytes
        guard record.state.needsPerson || isApplied else {
            throw wrongState(record, "discarded", needs: "not applied yet, held or quarantined")
        }
        // Of these there is nothing that the archive could take.
        let isLost = record.hasLostBytes && record.container == nil || record.digest == nil
        let wasQuarantined = record.state == .quarantined || isLost
        if wasQuarantined && record.container == nil && !isLost {
            throw DropError(
                .notArchived, "The bytes of drop \(id) are not in the archive yet.", hint: "Try again in a moment.",
                remedy: .retry(after: .seconds(1)))
        }
        let was: [JSON.Member] = [.init("was", .string(record.state.rawValue))]
        record.state = .discarded
        record.changedAt = clock.now()
        try perform(act(.discard, record, person, reason, was), changing: [record])
        forget(record)
        if wasQuarantined {
            let day = UTCDay(milliseconds: record.claimedAt)
            if record.container != nil { try ports.spool.forgetQuarantined(id, on: day) }
            // Bytes that are not those that arrived are kept for whoever looks into it, and nowhere else.
            if isLost, ports.spool.contains(id), let reason = record.reason {
                try ports.spool.quarantine(id, on: day, reason: Self.note(on: record, reason))
            }
            try giveReceipt(record, synced: true)
        } else {
            state.with { $0.active += 1 }
            enqueueEnded([Ended(record: record, commitSequence: nil)])
        }
        tell(.settledOtherwise(record))
        return record
    }

    /// Before `start`: when the drop's turn comes it is given up instead, so that one which ends the program can be discarded
    /// without being worked on. `discard` then answers.
    package func willDiscard(_ id: DropID, by person: Person, reason: String?) throws(DropError) {
        let record = try find(id)
        guard record.state == .claimed || record.state == .registered else { return }
        state.with { [act = discarding(record, person, reason)] in $0.unwanted[id] = act }
    }

    private func isGivenUp(_ record: DropRecord) -> Bool {
        record.state == .discarded && state.quietly { $0.unwanted[record.id] != nil }
    }

    /// A drop on its way: taken out of the queue, or out of the hands of whoever transforms it. One that is being committed ends
    /// applied, and the answer says so.
    private func discardUnfinished(_ record: DropRecord, _ act: Act) throws(DropError) -> DropRecord {
        let deadline = ContinuousClock.now + .seconds(20)
        defer { state.with { $0.unwanted[record.id] = nil } }
        while true {
            let waiting: DropRecord? = state.with { state in
                state.unwanted[record.id] = state.unwanted[record.id] ?? act
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
                    .notYet, "Drop \(record.id) (\(record.fileName)) is still being read.", hint: "Try again in a moment.",
                    remedy: .retry(after: .seconds(1)))
            }
            state.wait(until: { $0.inFlight[record.id] == nil }, timeout: .milliseconds(50)) { _ in }
        }
    }

    /// Ends an unfinished drop as discarded; nothing of it was applied.
    func giveUp(_ record: DropRecord) throws(DropError) {
        let act = state.quietly { $0.unwanted[record.id] }
        var ended = record
        ended.state = .discarded
        ended.reason = DropReason(
            code: .discarded, message: "A person gave it up before it was applied.",
            hint: "Its bytes are in the archive; drop the file again if it is wanted after all.")
        ended.changedAt = clock.now()
        guard try insisting({ [ended] () throws(DropError) in try ports.register.update([ended], by: act) }) else { return }
        if let act { noteDone(act) }
        state.with { $0.inFlight[record.id] = nil }
        leaveHand(record.id)
        tell(.settledOtherwise(ended))
        enqueueEnded([Ended(record: ended, commitSequence: nil)])
    }

    private func discarding(_ record: DropRecord, _ person: Person, _ reason: String?) -> Act {
        act(.discard, record, person, reason, [.init("was", .string(record.state.rawValue))])
    }

    /// Writes down an act that changes no drop: `adopt`, `forget`.
    package func note(
        _ kind: Act.Kind, source: SourceName?, facts: [JSON.Member], by person: Person, reason: String?
    ) throws(DropError) {
        let act = Act(
            id: clock.nextID(), kind: kind, at: clock.now(), by: person, reason: Act.kept(reason), drop: nil, source: source,
            facts: facts)
        try perform(act, changing: [])
    }

    private func act(
        _ kind: Act.Kind, _ record: DropRecord, _ person: Person, _ reason: String?, _ facts: [JSON.Member]
    ) -> Act {
        Act(
            id: clock.nextID(), kind: kind, at: clock.now(), by: person, reason: Act.kept(reason), drop: record.id,
            source: record.source, facts: facts)
    }

    /// The act and what it changes become durable together; its record in the chain follows.
    private func perform(_ act: Act, changing drops: [DropRecord]) throws(DropError) {
        try ports.register.update(drops, by: act)
        noteDone(act)
    }

    private func noteDone(_ act: Act) {
        state.with { $0.unrecordedActs += 1 }
        tell(.acted(act))
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
        throw DropError(.noDrop, "There is no drop \(id).", hint: "`twindrop drops` lists them.", remedy: .quarantine)
    }

    private func wrongState(_ record: DropRecord, _ act: String, needs: String) -> DropError {
        DropError(
            .wrongState, "Drop \(record.id) (\(record.fileName)) is \(record.state.rawValue) and cannot be \(act).",
            hint: "Only drops that are \(needs) can be.", remedy: .quarantine)
    }
}
