import DropCore
import ThreadKit
import TwinModel

/// What people do to drops: each act and what it changes become durable together; its record in the chain follows
/// (decision 0029). From any thread.
struct PersonActs: Sendable {
    let shared: Shared
    let register: any DropRegister
    let spool: any DropSpool
    /// Writes the bytes of an archived drop to a descriptor, checked against its record in the chain.
    let fetch: @Sendable (DropID, CInt) throws(DropError) -> Void
    let performer: Performer
    let receipts: ReceiptDesk
    let closing: Closing
    /// Where drops go that are to be read.
    let claimed: BoundedQueue<DropRecord>
    /// Drops that a person acts on at this moment: two acts on one drop go one after the other.
    let acting = Monitor<Set<DropID>>([])

    // MARK: - Release

    /// A held drop goes on, without its guards: `release`. It keeps the place it had when it came, unless `force` says that it is
    /// the newest; releasing a snapshot older than the newest applied one needs that.
    func release(_ id: DropID, force: Bool, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        try alone(with: id) { () throws(DropError) in try releaseAlone(id, force: force, by: person, reason: reason) }
    }

    private func releaseAlone(_ id: DropID, force: Bool, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        let held = try find(id)
        guard held.state == .held else { throw wrongState(held, "released", needs: "held") }
        if !force {
            let objection = DropJudgement.objection(
                toRelease: held, of: shared.sources[held.source], newest: newest(of: held),
                delivery: try register.firstOfLine(held))
            if let objection { throw objection }
        }
        let record = held.released(force: force, at: shared.clock.now())
        var facts: [JSON.Member] = held.reason.map { [.init("held", .string($0.code.text))] } ?? []
        if force { facts.append(.init("force", true)) }
        try perform(act(.release, record, person, reason, facts), changing: [record])
        takeUp(record)
        try takeUpAmendments(of: record)
        return record
    }

    /// Corrections of a drop that is held no longer are judged again: behind one that goes on they go on, and those of one that
    /// was given up are quarantined with that as their reason.
    func takeUpAmendments(of record: DropRecord) throws(DropError) {
        for held in try register.drops(in: [.held])
        where held.source == record.source && held.reason?.code == .amendedHeld && held.link?.drop == record.id {
            try alone(with: held.id) { () throws(DropError) in
                guard try find(held.id) == held else { return }  // Somebody else acted on it.
                let amendment = held.noLongerHeld(at: shared.clock.now())
                try register.update([amendment])
                takeUp(amendment)
            }
        }
    }

    private func takeUp(_ record: DropRecord) {
        shared.ledger.with { ledger in
            ledger.scheduler.unblock(record.source, from: record.id)
            ledger.begin(.released(record))
        }
    }

    // MARK: - Retry

    /// The bytes of a quarantined drop run again as a new drop: `retry`. Also gives a plugin that failed on several drops another
    /// chance. The new drop has the place of the old one, as with `release`.
    func retry(_ id: DropID, force: Bool, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        try alone(with: id) { () throws(DropError) in try retryAlone(id, force: force, by: person, reason: reason) }
    }

    private func retryAlone(_ id: DropID, force: Bool, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        let old = try find(id)
        try checkRetry(old)
        if old.state == .registered || old.state == .claimed {
            try perform(act(.retry, old, person, reason, []), changing: [])
            shared.ledger.with { $0.resume(old.source) }
            return old
        }
        guard old.state == .quarantined else { throw wrongState(old, "retried", needs: "quarantined") }
        if !force {
            let objection = DropJudgement.objection(
                toRetry: old, of: shared.sources[old.source], newest: newest(of: old), delivery: try register.firstOfLine(old))
            if let objection { throw objection }
        }
        let now = shared.clock.now()
        let record = old.retrying(as: shared.clock.nextID(), force: force, at: now)
        let day = UTCDay(milliseconds: old.claimedAt)
        let isInQuarantine = spool.isQuarantined(old.id, on: day)
        if !isInQuarantine, old.container == nil { return try takeUpAgain(old, by: person, reason: reason) }
        let retried = old.retried(by: record.id, at: now)
        // One delivery, one open drop: from here on it is the new one. A start after a crash finds it without its bytes, and the
        // old one is what it was.
        var facts: [JSON.Member] = [.init("as", .string(record.id.description))]
        if force { facts.append(.init("force", true)) }
        try perform(act(.retry, old, person, reason, facts), changing: [record, retried])
        do throws(DropError) {
            if isInQuarantine {
                try spool.requeueFromQuarantine(old.id, on: day, as: record.id)
            } else {
                try spool.fill(record.id) { (descriptor) throws(DropError) in try fetch(old.id, descriptor) }
            }
        } catch {
            // In this order: between the two, a start finds a drop without bytes, and takes it back.
            try register.update([old])
            try register.withdraw([record.id])
            throw error
        }
        // Before the new drop can close the old one. Where it fails, the new one goes on all the same.
        let tidied = Result { () throws(DropError) in try closing.tidy(afterClosing: retried) }
        shared.ledger.with { ledger in
            ledger.begin(.retrying(record))
            ledger.resume(old.source)
        }
        claimed.push(record)
        try tidied.get()
        return record
    }

    // MARK: - Discard

    /// A drop that is not applied is given up: `discard`. Its bytes stay in the archive. An applied drop whose bytes are gone or
    /// changed is ended without them.
    func discard(_ id: DropID, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        try alone(with: id) { () throws(DropError) in try discardAlone(id, by: person, reason: reason) }
    }

    private func discardAlone(_ id: DropID, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        let record = try find(id)
        if record.state == .claimed || record.state == .registered || isGivenUp(record) {
            return try discardUnfinished(record, discarding(record, person, reason))
        }
        if record.state == .applied, record.hasLostBytes { return try endWithoutBytes(record, person, reason) }
        guard record.state.needsPerson else {
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
        let discarded = record.discarded(at: shared.clock.now())
        try perform(discarding(record, person, reason), changing: [discarded])
        shared.ledger.with { $0.forget(discarded) }
        if wasQuarantined {
            try forgetBytes(of: discarded, isLost: isLost)
        } else {
            shared.ledger.with { $0.begin(.ended(discarded)) }
            performer.archive([Ended(record: discarded, commitSequence: nil)])
        }
        shared.emit(.endedWithoutApply(discarded))
        try takeUpAmendments(of: discarded)
        return discarded
    }

    /// An applied drop that the archive cannot take, because its bytes are gone or changed: it is done without them. What it did
    /// stays in the graph, and its outcome and its reason say so (docs/decisions/0047-nobody-writes-unseen.md).
    private func endWithoutBytes(_ record: DropRecord, _ person: Person, _ reason: String?) throws(DropError) -> DropRecord {
        let ended = record.endedWithoutBytes(at: shared.clock.now())
        // First, since a done drop is not looked at by a start.
        try moveLostBytes(of: record)
        try perform(discarding(record, person, reason), changing: [ended])
        shared.ledger.with { $0.forget(ended) }
        try receipts.give(ended, synced: true)
        return ended
    }

    /// Bytes that are not those that arrived are kept for whoever looks into it, and nowhere else.
    private func moveLostBytes(of record: DropRecord) throws(DropError) {
        guard spool.contains(record.id), let reason = record.reason else { return }
        try spool.quarantine(record.id, on: UTCDay(milliseconds: record.claimedAt), reason: reason.note(on: record))
    }

    /// Of a drop that was quarantined, or whose bytes are gone.
    private func forgetBytes(of record: DropRecord, isLost: Bool) throws(DropError) {
        let day = UTCDay(milliseconds: record.claimedAt)
        if record.container != nil { try spool.deleteQuarantined(record.id, on: day) }
        if isLost { try moveLostBytes(of: record) }
        try receipts.give(record, synced: true)
    }

    /// Before the start: when the drop's turn comes it is given up instead, so that one which ends the program can be discarded
    /// without being worked on. `discard` then answers.
    func willDiscard(_ id: DropID, by person: Person, reason: String?) throws(DropError) {
        let record = try find(id)
        guard record.state == .claimed || record.state == .registered else { return }
        let act = discarding(record, person, reason)
        shared.ledger.with { $0.drops.giveUp(id, by: act) }
    }

    private func isGivenUp(_ record: DropRecord) -> Bool {
        record.state == .discarded && shared.ledger.withoutWaking { $0.drops.isGivenUp(record.id) }
    }

    /// A drop on its way: taken out of the queue, or out of the hands of whoever transforms it. One that is being committed ends
    /// applied, and the answer says so.
    private func discardUnfinished(_ record: DropRecord, _ act: Act) throws(DropError) -> DropRecord {
        let ledger = shared.ledger
        let deadline = Conductor.now + .seconds(20)
        defer { ledger.with { $0.drops.forgetAct(record.id) } }
        while true {
            let isOutOfLine = ledger.with { ledger in
                ledger.drops.giveUp(record.id, by: act)
                return ledger.scheduler.remove(record.id, of: record.source)
            }
            if isOutOfLine, ledger.waitForClaim(of: record.id) == .durable { _ = try performer.giveUp(record.id) }
            let now = try find(record.id)
            if now.state == .discarded { return now }
            guard now.state == .claimed || now.state == .registered else {
                throw wrongState(now, "discarded", needs: "not applied yet, held or quarantined")
            }
            guard Conductor.now < deadline else { throw notYet(now, "is still being read") }
            ledger.wait(until: { !($0.drops[record.id]?.isOnItsWay ?? false) }, timeout: .milliseconds(50)) { _ in }
        }
    }

    private func discarding(_ record: DropRecord, _ person: Person, _ reason: String?) -> Act {
        act(.discard, record, person, reason, [.init("was", .string(record.state.rawValue))])
    }

    // MARK: - Acts

    /// Writes down an act that changes no drop: `adopt`, `forget`.
    func note(
        _ kind: Act.Kind, source: SourceName?, facts: [JSON.Member], by person: Person, reason: String?
    ) throws(DropError) {
        let act = Act(
            id: shared.clock.nextID(), kind: kind, at: shared.clock.now(), by: person, reason: Act.kept(reason), drop: nil,
            source: source, facts: facts)
        try perform(act, changing: [])
    }

    func act(
        _ kind: Act.Kind, _ record: DropRecord, _ person: Person, _ reason: String?, _ facts: [JSON.Member]
    ) -> Act {
        Act(
            id: shared.clock.nextID(), kind: kind, at: shared.clock.now(), by: person, reason: Act.kept(reason), drop: record.id,
            source: record.source, facts: facts)
    }

    /// The act and what it changes become durable together.
    func perform(_ act: Act, changing drops: [DropRecord]) throws(DropError) {
        try register.update(drops, by: act)
        performer.noteDone(act)
    }

    func newest(of record: DropRecord) -> DropRecord? {
        shared.ledger.withoutWaking { $0.order.newestApplied(of: record.source) }
    }

    func alone<T>(with id: DropID, _ body: () throws(DropError) -> T) throws(DropError) -> T {
        acting.wait(until: { !$0.contains(id) }) { acting in _ = acting.insert(id) }
        defer { acting.with { acting in _ = acting.remove(id) } }
        return try body()
    }

    /// The drop as it stands, and as the flow knows it to stand: its row is written before the flow lets it go.
    func find(_ id: DropID) throws(DropError) -> DropRecord {
        let record = try row(of: id)
        let ledger = shared.ledger
        // A start tries once more to archive a drop whose bytes were lost, and writes what it finds.
        let isTriedAgain = record.hasLostBytes
        func isFree(_ ledger: borrowing Ledger) -> Bool {
            let phase = ledger.drops[id]?.phase
            return phase != .writing && !(isTriedAgain && phase == .archiving)
        }
        guard !ledger.withoutWaking({ isFree($0) }) else { return record }
        guard ledger.wait(until: { isFree($0) }, timeout: .seconds(20), { isFree($0) }) else {
            throw notYet(record, "is being settled")
        }
        return try row(of: id)
    }

    private func row(of id: DropID) throws(DropError) -> DropRecord {
        if let record = try register.drop(id) { return record }
        throw DropError(.noDrop, "There is no drop \(id).", hint: "`twindrop drops` lists them.", remedy: .quarantine)
    }

    private func notYet(_ record: DropRecord, _ why: String) -> DropError {
        DropError(
            .notYet, "Drop \(record.id) (\(record.fileName)) \(why).", hint: "Try again in a moment.",
            remedy: .retry(after: .seconds(1)))
    }

    func wrongState(_ record: DropRecord, _ act: String, needs: String) -> DropError {
        DropError(
            .wrongState, "Drop \(record.id) (\(record.fileName)) is \(record.state.rawValue) and cannot be \(act).",
            hint: "Only drops that are \(needs) can be.", remedy: .quarantine)
    }
}
