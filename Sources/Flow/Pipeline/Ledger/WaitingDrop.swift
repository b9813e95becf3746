package import DropCore

/// A drop that does not go on, and why.
package struct WaitingDrop: Sendable {
    package let record: DropRecord
    package let reason: WaitingReason
    /// Milliseconds since 1970.
    package let since: UInt64
}

extension Ledger {
    /// A short delay may end by itself. Only one that has lasted this long is reported as a reason. Units: milliseconds.
    private static let retryingMin: UInt64 = 3000
    private static let readingMin: UInt64 = 3000

    /// Drops that do not go on, each with why: their source is suspended, or waits for a person; or what they need next cannot be
    /// had.
    func waitingDrops(at now: UInt64) -> [WaitingDrop] {
        var found: [DropID: WaitingDrop] = [:]
        let first = goingFirst(at: now)
        for life in drops.all {
            found[life.record.id] = waiting(life, at: now) ?? first[life.record.source].flatMap { Self.waiting(life, behind: $0) }
        }
        for one in owed.all {
            let record = one.receipt.record
            found[record.id] = WaitingDrop(record: record, reason: one.trouble.receiptReason, since: one.trouble.since)
        }
        for (drop, blocker) in scheduler.stuckDrops {
            found[drop.id] = stuck(drop, behind: blocker, suspensions[drop.source])
        }
        return found.values.sorted { $0.record.id < $1.record.id }
    }

    /// The drop of each source that others wait behind, where there is one: it is tried again and again, and its source rests
    /// between; or it is large, and being read.
    private func goingFirst(at now: UInt64) -> [SourceName: WaitingDrop] {
        var first: [SourceName: WaitingDrop] = [:]
        for life in drops.all
        where (life.trouble != nil || life.readingSince != nil) && life.isOnItsWay && !life.record.state.isApplied {
            guard let drop = waiting(life, at: now), first[life.record.source].map({ drop.record.id < $0.record.id }) ?? true
            else { continue }
            first[life.record.source] = drop
        }
        return first
    }

    private static func waiting(_ life: DropLifecycle, behind first: WaitingDrop) -> WaitingDrop? {
        let record = life.record
        // What is behind a large file has not been read either.
        let isBehind =
            first.reason.code == .reading ? life.phase == .claimed && record.id > first.record.id : life.phase == .waiting
        guard isBehind, record.id != first.record.id else { return nil }
        let goesFirst = "Drop \(first.record.id) (\(first.record.fileName)) of its source goes first, and"
        let why =
            first.reason.code == .reading
            ? "\(goesFirst) its \(ByteCount.text(first.record.bytes)) are being read for their SHA-256."
            : "\(goesFirst) waits: \(first.reason.message)"
        return WaitingDrop(
            record: record, reason: WaitingReason(first.reason.code, why, hint: first.reason.hint),
            since: max(record.claimedAt, first.since))
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
