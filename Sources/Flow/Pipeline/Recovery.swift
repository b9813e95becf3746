import DropCore
import ThreadKit

/// Takes up what an earlier run left unfinished, from the register and the file system alone (docs/failure-model.md, "Recovery").
/// It can be interrupted anywhere and run again.
///
/// A drop whose bytes are gone is set aside, alone and aloud; it never keeps the others from going on (decision 0033).
struct Recovery: Sendable {
    let shared: Shared
    let ports: PipelinePorts
    let receipts: ReceiptDesk
    let closing: Closing

    /// Drops that go on at S2, and drops that go on at S5.
    struct Resumed {
        var toRegister: [DropRecord] = []
        var toArchive: [Ended] = []
        /// Drops that lack only their receipt, which cannot be written now.
        var toReceipt: [Receipted] = []
        /// Drops whose end is known now, for their rows, receipts and the spool.
        fileprivate var finished: [DropRecord] = []
    }

    func run() throws(DropError) -> Resumed {
        var unfinished = try ports.register.unfinished()
        unfinished = try recoverClaims(unfinished)
        unfinished = try recoverQuarantine(unfinished)
        let archived = try archivedAlready(unfinished)
        var resumed = Resumed()
        var done: [DropRecord] = []
        let replaced = replacedDrops(among: unfinished)
        for record in unfinished {
            switch record.state {
            case .claimed, .registered, .held:
                if let new = replaced[record.id], record.state == .held, ports.spool.contains(record.id) {
                    let closed = record.replaced(by: new, at: shared.clock.now())
                    try ports.register.update([closed])
                    try archive(closed, &resumed)
                    continue
                }
                if ports.spool.contains(record.id) {
                    try goOn(record, &resumed)
                } else {
                    try setAside(record, at: archived[record.id])
                }
            case .applied, .duplicate, .discarded, .quarantined, .retried, .resolved:
                if let place = archived[record.id] {
                    resumed.finished.append(record.finished(in: place))
                } else {
                    try archive(record, &resumed)
                }
            case .archived:
                // The spool's copy goes only when the archive holds the bytes.
                if archived[record.id] != nil || !ports.spool.contains(record.id) {
                    resumed.finished.append(record.finished(in: archived[record.id]))
                } else {
                    shared.emit(.failed(lostContainer(of: record)))
                }
            case .done: break
            }
            // What it put right may not know it yet.
            if record.state.isApplied || record.state == .duplicate { done.append(record) }
        }
        try close(&resumed, archived)
        try rememberSources()
        for record in done { try close(by: record) }
        try closing.sweepQuarantine()
        shared.ledger.with { ledger in
            for record in resumed.toRegister { ledger.begin(.resumed(record)) }
            for end in resumed.toArchive { ledger.begin(.ended(end.record)) }
            for drop in resumed.toReceipt { ledger.begin(.archived(drop.record)) }
        }
        return resumed
    }

    /// Held drops in whose place a corrected file runs: the last run may have ended before they were closed.
    private func replacedDrops(among unfinished: [DropRecord]) -> [DropID: DropID] {
        var replaced: [DropID: DropID] = [:]
        for record in unfinished where record.state == .claimed || record.state == .registered {
            guard let link = record.link, link.kind == .retries, ports.spool.contains(record.id) else { continue }
            replaced[link.drop] = record.id
        }
        return replaced
    }

    /// A drop that had not ended, and whose bytes are in the spool.
    private func goOn(_ record: DropRecord, _ resumed: inout Resumed) throws(DropError) {
        guard record.state == .held else {
            var record = record
            // It takes its way into quarantine: it ended the program twice in a row (decision 0034).
            if ports.inHand?.culprits.contains(record.id) == true { record.reason = .endedTheDaemon(record) }
            return resumed.toRegister.append(record)
        }
        if let link = record.link, record.reason?.code == .amendedHeld, try ports.register.drop(link.drop)?.state != .held {
            // The last run ended before this correction was judged again.
            let amendment = record.noLongerHeld(at: shared.clock.now())
            try ports.register.update([amendment])
            return resumed.toRegister.append(amendment)
        }
        // The last run may have ended before the sender was told.
        try receipts.give(record)
        shared.ledger.with { $0.scheduler.block(behind: record) }
    }

    /// A drop that has ended and is not in the archive yet.
    private func archive(_ record: DropRecord, _ resumed: inout Resumed) throws(DropError) {
        let isChanged = record.reason?.code == ByteLoss.changed
        let isLost = record.digest == nil || record.reason?.code == ByteLoss.missing
        if record.state != .applied, isChanged || isLost && !isThere(record) {
            // Nothing is left that could be archived. Until a person gives it up, it is told again.
            if record.state == .quarantined, let reason = record.reason { shared.emit(.failed(lost(record, reason))) }
            return
        }
        let sequence = record.state == .applied ? try ports.register.commitSequence(of: record.id) : nil
        resumed.toArchive.append(Ended(record: record, commitSequence: sequence))
    }

    /// Rows, receipts and spool of drops whose end is known.
    private func close(_ resumed: inout Resumed, _ archived: [DropID: ArchivedItem]) throws(DropError) {
        guard !resumed.finished.isEmpty else { return }
        let drops = resumed.finished.map { Receipted(record: $0, leaf: archived[$0.id]?.leaf) }
        let failed = try receipts.write(drops)
        let rows = resumed.finished.filter { failed[$0.source] == nil }
        try ports.spool.remove(rows.filter { !$0.state.isQuarantined }.map(\.id))
        try ports.register.update(rows)
        // Of the others, what the archive says is noted: they lack their receipt alone.
        let owing = drops.filter { failed[$0.record.source] != nil }
            .map { Receipted(record: $0.record.notDone(), leaf: $0.leaf) }
        try ports.register.update(owing.map(\.record).filter { $0.state == .archived })
        resumed.toReceipt = owing
    }

    /// Intents whose file was or was not moved.
    private func recoverClaims(_ unfinished: [DropRecord]) throws(DropError) -> [DropRecord] {
        let intents = unfinished.filter { $0.state == .claimed && !isQuarantined($0) }
        guard !intents.isEmpty else { return unfinished }
        var sizes: [DropID: UInt64] = [:]
        var void: [DropID] = []
        for outcome in try ports.claimer.recover(intents) {
            switch outcome {
            case .adopted(let id, let bytes): sizes[id] = bytes
            case .withdrawn(let id): void.append(id)
            case .missing(let id):
                // A retry's bytes are where they were. Others are set aside below, unless the archive has them.
                if intents.first(where: { $0.id == id })?.link?.kind == .retries { void.append(id) }
            }
        }
        let reopened = void.isEmpty ? [] : try withdraw(void, of: intents)
        let gone = Set(void)
        return unfinished.filter { !gone.contains($0.id) }.map { record in
            var record = reopened.first { $0.id == record.id } ?? record
            if let bytes = sizes[record.id] { record.bytes = bytes }
            return record
        }
    }

    /// Ends a drop whose bytes are not in the spool: by what the archive says of it, else as quarantined.
    private func setAside(_ record: DropRecord, at place: ArchivedItem?) throws(DropError) {
        let now = shared.clock.now()
        let ended =
            place.map {
                record.closed(in: $0, because: ByteLoss.archivedBefore(record, kind: $0.kind, container: $0.container), at: now)
            }
            ?? record.quarantined(because: DropReason(ByteLoss.missing(ports.spool.path(of: record.id))), at: now)
        try ports.register.update([ended])
        try receipts.give(ended, leaf: place?.leaf, synced: true)
        shared.emit(.endedWithoutApply(ended))
    }

    /// A retry that got no bytes leaves the drop that it was to run again as it was: those drops.
    private func withdraw(_ void: [DropID], of intents: [DropRecord]) throws(DropError) -> [DropRecord] {
        var reopened: [DropRecord] = []
        for intent in intents where void.contains(intent.id) && intent.link?.kind == .retries {
            guard let link = intent.link, let old = try ports.register.drop(link.drop), old.closedBy?.drop == intent.id,
                old.state == .retried
            else { continue }
            reopened.append(old.reopened())
        }
        // In this order: a start that ends between the two does it again.
        if !reopened.isEmpty { try ports.register.update(reopened) }
        try ports.register.withdraw(void)
        return reopened
    }

    private func close(by record: DropRecord) throws(DropError) {
        if record.state == .duplicate {
            guard let link = record.link, try ports.register.drop(link.drop)?.state.isApplied == true else { return }
        }
        try closing.closeOthers(by: record)
    }

    private func isThere(_ record: DropRecord) -> Bool {
        record.state.isQuarantined ? isQuarantined(record) : ports.spool.contains(record.id)
    }

    private func lost(_ record: DropRecord, _ reason: DropReason) -> DropError {
        DropError(
            reason.code, "Drop \(record.id) (\(record.fileName) of \(record.source)) is still quarantined. \(reason.message)",
            hint: reason.hint, remedy: .quarantine)
    }

    private func lostContainer(of record: DropRecord) -> DropError {
        DropError(
            .missing,
            "The container of drop \(record.id) (\(record.fileName), \(record.state.rawValue)) is missing or damaged; its bytes stay in "
                + "\(ports.spool.path(of: record.id)).",
            hint: "Restore the archive folder from a backup; `twindrop verify` tells more.", remedy: .quarantine)
    }

    /// Drops whose bytes were moved into quarantine when the last run ended before their row said so, or that were put there
    /// because they could not be read: they are moved back and take their way again, which ends as it did or better. So do those
    /// whose bytes were gone and are back.
    private func recoverQuarantine(_ unfinished: [DropRecord]) throws(DropError) -> [DropRecord] {
        var recovered: [DropRecord] = []
        var rows: [DropRecord] = []
        for var record in unfinished {
            let isOpen = record.state == .claimed || record.state == .registered
            let isUnread = record.state == .quarantined && record.digest == nil
            let isGone = record.state == .quarantined && record.reason?.code == ByteLoss.missing
            if isOpen || isUnread || isGone, !ports.spool.contains(record.id), isQuarantined(record) {
                try ports.spool.requeueFromQuarantine(record.id, on: UTCDay(milliseconds: record.claimedAt), as: record.id)
            }
            if isUnread || isGone, ports.spool.contains(record.id) {
                record = record.takenUpAgain()
                rows.append(record)
            }
            recovered.append(record)
        }
        if !rows.isEmpty { try ports.register.update(rows) }
        return recovered
    }

    private func isQuarantined(_ record: DropRecord) -> Bool {
        ports.spool.isQuarantined(record.id, on: UTCDay(milliseconds: record.claimedAt))
    }

    /// Where the archive has those that ended, and those whose bytes are not in the spool though they did not: in a database that
    /// was restored from a backup, some drops wait that had ended long ago.
    private func archivedAlready(_ unfinished: [DropRecord]) throws(DropError) -> [DropID: ArchivedItem] {
        let open: Set<DropState> = [.claimed, .registered, .held]
        let asked = unfinished.filter { record in
            if record.reason?.code == ByteLoss.missing, record.state != .applied { return false }  // It was asked then.
            return !open.contains(record.state) || !ports.spool.contains(record.id)
        }
        guard !asked.isEmpty else { return [:] }
        let items: [ArchivedItem]
        do throws(DropError) { items = try ports.makeArchive().recover(asked) } catch {
            guard case .retry = error.remedy else { throw error }
            // Nothing else begins before it is known what the archive has: a start does not wait for room.
            throw DropError(error.code, error.message, hint: "Free space there, then start again.", remedy: .stop)
        }
        return Dictionary(items.map { ($0.drop, $0) }) { first, _ in first }
    }

    private func rememberSources() throws(DropError) {
        let quarantined = try ports.register.drops(in: [.quarantined])
        shared.ledger.with { ledger in for record in quarantined { ledger.order.quarantined(record) } }
        for (name, source) in shared.sources.sorted(by: { $0.key < $1.key }) {
            let newest = try ports.register.newestApplied(of: name)
            let highest = source.order == .name ? try ports.register.highestName(of: name) : nil
            let blocking = try ports.register.blocking(name, source.order)
            shared.ledger.with { ledger in
                ledger.order.remember(name, newestApplied: newest, highestName: highest)
                for record in blocking { ledger.scheduler.block(behind: record) }
            }
        }
    }
}
