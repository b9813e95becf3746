import DropCore
import ThreadKit
import TwinModel

/// What runs in the place of a drop that waits for a person: a corrected file, or its own bytes once they are back.
extension PersonActs {
    /// A corrected file runs in the place of a held or quarantined drop (docs/decisions/0048-replacing-a-drop.md): under its
    /// name, and as old as it is, so that what newer drops of its source said stays. `force` says that it is the newest, as with
    /// `retry`.
    func replace(
        _ id: DropID, with file: Replacement, force: Bool, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        try alone(with: id) { () throws(DropError) in
            try replaceAlone(id, with: file, force: force, by: person, reason: reason)
        }
    }

    private func replaceAlone(
        _ id: DropID, with file: Replacement, force: Bool, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        let old = try find(id)
        guard old.state.needsPerson else { throw wrongState(old, "replaced", needs: "held or quarantined") }
        guard old.link?.kind != .amends else {
            throw DropError(
                .wrongState,
                "Drop \(id) (\(old.fileName)) holds corrected records of drop \(old.link?.drop ?? id) and cannot be replaced.",
                hint: "Correct the rows in the file of rejects of that drop, deliver it, and discard this one.",
                remedy: .quarantine)
        }
        if !force, let undoing = try objection(toReplace: old) { throw undoing }
        let now = shared.clock.now()
        let record = old.replacing(as: shared.clock.nextID(), bytes: file.bytes, force: force, at: now)
        var facts: [JSON.Member] = [.init("as", .string(record.id.description)), .init("corrected", true)]
        if force { facts.append(.init("force", true)) }
        let wasHeld = old.state == .held
        // As with a retry: a start after a crash finds the new drop without its bytes, and takes it back. The bytes of one that
        // is held are in the spool, so it is closed once those of the new one are there.
        let closed = wasHeld ? old.replaced(by: record.id, at: now) : old.retried(by: record.id, at: now)
        try perform(act(.retry, old, person, reason, facts), changing: wasHeld ? [record] : [record, closed])
        do throws(DropError) { try spool.fill(record.id, file.copy) } catch {
            if !wasHeld { try register.update([old]) }
            try register.withdraw([record.id])
            throw error
        }
        if wasHeld { try register.update([closed]) }
        // Where it fails, the new one goes on all the same.
        let tidied = Result { () throws(DropError) in try tidy(closed) }
        shared.ledger.with { ledger in
            ledger.begin(.retrying(record))
            ledger.resume(old.source)
        }
        claimed.push(record)
        try tidied.get()
        return record
    }

    private func objection(toReplace old: DropRecord) throws(DropError) -> DropError? {
        DropJudgement.objection(
            toReplace: old, of: shared.sources[old.source], newest: newest(of: old), delivery: try register.firstOfLine(old))
    }

    /// What follows when a drop was closed by the file in its place.
    private func tidy(_ closed: DropRecord) throws(DropError) {
        guard closed.state == .discarded else { return try closing.tidy(afterClosing: closed) }
        shared.ledger.with { ledger in
            ledger.forget(closed)
            ledger.begin(.ended(closed))
        }
        performer.archive([Ended(record: closed, commitSequence: nil)])
        shared.emit(.endedWithoutApply(closed))
        try takeUpAmendments(of: closed)
    }

    /// A quarantined drop whose bytes were gone, and lie in the spool again, takes its own way once more, as at a start.
    func takeUpAgain(_ old: DropRecord, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        guard spool.contains(old.id), old.hasLostBytes || old.digest == nil else {
            throw ByteLoss.missing(spool.path(of: old.id))
        }
        let record = old.takenUpAgain()
        try perform(act(.retry, old, person, reason, []), changing: [record])
        shared.ledger.with { ledger in
            ledger.forget(old)
            ledger.begin(.resumed(record))
            ledger.resume(old.source)
        }
        claimed.push(record)
        return record
    }

    /// Why a drop that is on its way is not to be retried: it would go on no sooner. Nothing is said of others, nor of one whose
    /// source was suspended because its plugin failed on several drops: that one gets another chance by `retry`.
    func checkRetry(_ record: DropRecord) throws(DropError) {
        guard record.state == .registered || record.state == .claimed else { return }
        let now = shared.clock.now()
        // What keeps it is known once it is in line.
        let (suspension, waits) = shared.ledger.wait(
            until: { $0.drops[record.id]?.phase != .claimed }, timeout: .seconds(2)
        ) { ledger in
            (ledger.suspensions[record.source], ledger.waitingDrops(at: now).first { $0.record.id == record.id }?.reason)
        }
        guard suspension?.error.code != .pluginSuspended else { return }
        let row = try register.drop(record.id) ?? record
        guard row.state == .registered || row.state == .claimed else { throw wrongState(row, "retried", needs: "quarantined") }
        throw DropError(
            .wrongState,
            "Drop \(record.id) (\(record.fileName)) only waits and cannot be retried. \(waits?.message ?? "Its turn comes.")",
            hint: waits?.hint ?? "You need not do anything.", remedy: .quarantine)
    }
}
