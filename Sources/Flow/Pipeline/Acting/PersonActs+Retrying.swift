import DropCore
import ThreadKit
import TwinModel

extension PersonActs {
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
