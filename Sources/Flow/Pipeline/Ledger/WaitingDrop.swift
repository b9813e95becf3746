package import DropCore

/// A drop that does not go on, and why.
package struct WaitingDrop: Sendable {
    package let record: DropRecord
    package let reason: WaitingReason
    /// Milliseconds since 1970.
    package let since: UInt64
}

extension Ledger {
    /// What is told of at once may pass in the next moment: it is a reason when it has lasted this long. Units: milliseconds.
    private static let retryingMin: UInt64 = 3000
    private static let readingMin: UInt64 = 3000

    /// Drops that do not go on, each with why: their source is suspended, or waits for a person; or what they need next cannot be
    /// had.
    func waitingDrops(at now: UInt64) -> [WaitingDrop] {
        var found: [DropID: WaitingDrop] = [:]
        for life in drops.all { found[life.record.id] = waiting(life, at: now) }
        for one in owed.all {
            let record = one.receipt.record
            found[record.id] = WaitingDrop(record: record, reason: one.trouble.receiptReason, since: one.trouble.since)
        }
        for (drop, blocker) in scheduler.stuckDrops {
            found[drop.id] = stuck(drop, behind: blocker, suspensions[drop.source])
        }
        return found.values.sorted { $0.record.id < $1.record.id }
    }

    private func waiting(_ life: DropLifecycle, at now: UInt64) -> WaitingDrop? {
        let record = life.record
        if life.phase == .archiving, let trouble = storage.archive {
            return WaitingDrop(record: record, reason: trouble.archiveReason, since: trouble.since)
        }
        guard life.isOnItsWay, !record.state.isApplied else { return nil }
        if let trouble = life.trouble, trouble.since + Self.retryingMin <= now {
            return WaitingDrop(record: record, reason: trouble.retryReason, since: trouble.since)
        }
        if let since = life.readingSince, since + Self.readingMin <= now {
            let why = "It is claimed, and its \(ByteCount.text(record.bytes)) are being read for their SHA-256."
            return WaitingDrop(record: record, reason: WaitingReason(.reading, why), since: since)
        }
        guard storage.diskIsFull else { return nil }
        return WaitingDrop(record: record, reason: WaitingReason(.diskFull), since: record.claimedAt)
    }

    private func stuck(_ drop: DropRecord, behind blocker: DropRecord?, _ why: Suspension?) -> WaitingDrop {
        if let blocker { return WaitingDrop(record: drop, reason: WaitingReason(behind: blocker), since: drop.claimedAt) }
        guard let why else {
            return WaitingDrop(record: drop, reason: WaitingReason(.sourceSuspended), since: drop.claimedAt)
        }
        return WaitingDrop(record: drop, reason: why.reason, since: why.since)
    }
}
