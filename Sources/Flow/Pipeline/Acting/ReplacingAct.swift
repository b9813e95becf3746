import DropCore
import ThreadKit
import TwinModel

/// A corrected file runs in the place of a drop that waits for a person.
struct ReplacingAct: Sendable {
    let acts: PersonActs

    /// A corrected file runs in the place of a held or quarantined drop (docs/decisions/0048-replacing-a-drop.md): under its
    /// name, and as old as it is, so that what newer drops of its source said stays. `force` says that it is the newest, as with
    /// `retry`.
    func replace(
        _ id: DropID, with file: Replacement, force: Bool, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        try acts.alone(with: id) { () throws(DropError) in
            try replaceAlone(id, with: file, force: force, by: person, reason: reason)
        }
    }

    private func replaceAlone(
        _ id: DropID, with file: Replacement, force: Bool, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        let old = try acts.find(id)
        guard old.state.needsPerson else { throw acts.wrongState(old, "replaced", needs: "held or quarantined") }
        guard old.link?.kind != .amends else {
            throw DropError(
                .wrongState,
                "Drop \(id) (\(old.fileName)) holds corrected records of drop \(old.link?.drop ?? id) and cannot be replaced.",
                hint: "Correct the rows in the file of rejects of that drop, deliver it, and discard this one.",
                remedy: .quarantine)
        }
        if !force, let undoing = try objection(toReplace: old) { throw undoing }
        let now = acts.shared.clock.now()
        let record = old.replacing(as: acts.shared.clock.nextID(), bytes: file.bytes, force: force, at: now)
        var facts: [JSON.Member] = [.init("as", .string(record.id.description)), .init("corrected", true)]
        if force { facts.append(.init("force", true)) }
        let wasHeld = old.state == .held
        // As with a retry: a start after a crash finds the new drop without its bytes, and takes it back. The bytes of one that
        // is held are in the spool, so it is closed once those of the new one are there.
        let closed = wasHeld ? old.replaced(by: record.id, at: now) : old.retried(by: record.id, at: now)
        try acts.perform(acts.act(.retry, old, person, reason, facts), changing: wasHeld ? [record] : [record, closed])
        do throws(DropError) { try acts.spool.fill(record.id, file.copy) } catch {
            if !wasHeld { try acts.register.update([old]) }
            try acts.register.withdraw([record.id])
            throw error
        }
        if wasHeld { try acts.register.update([closed]) }
        // Where it fails, the new one goes on all the same.
        let tidied = Result { () throws(DropError) in try tidy(closed) }
        acts.shared.ledger.with { ledger in
            ledger.begin(.retrying(record))
            ledger.resume(old.source)
        }
        acts.claimed.push(record)
        try tidied.get()
        return record
    }

    private func objection(toReplace old: DropRecord) throws(DropError) -> DropError? {
        DropJudgement.objection(
            toReplace: old, of: acts.shared.sources[old.source], newest: acts.newest(of: old),
            delivery: try acts.register.firstOfLine(old))
    }

    /// What follows when a drop was closed by the file in its place.
    private func tidy(_ closed: DropRecord) throws(DropError) {
        guard closed.state == .discarded else { return try acts.closing.tidy(afterClosing: closed) }
        acts.shared.ledger.with { ledger in
            ledger.forget(closed)
            ledger.begin(.ended(closed))
        }
        acts.performer.archive([Ended(record: closed, commitSequence: nil)])
        acts.shared.emit(.endedWithoutApply(closed))
        try acts.takeUpAmendments(of: closed)
    }
}
