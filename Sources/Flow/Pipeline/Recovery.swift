import DropCore
import ThreadKit

/// Takes up what an earlier run left unfinished, from the register and the file system alone (docs/failure-model.md, "Recovery").
/// It can be interrupted anywhere and run again.
///
/// A drop whose bytes are gone is set aside, alone and aloud; it never keeps the others from going on (decision 0033).
struct Recovery {
    let pipeline: DropPipeline

    /// Drops that go on at S2, and drops that go on at S5.
    struct Resumed {
        var toRegister: [DropRecord] = []
        var toArchive: [DropPipeline.Ended] = []
        /// Drops that lack only their receipt, which cannot be written now.
        var toReceipt: [DropPipeline.Receipted] = []
        /// Drops whose end is known now, for their rows, receipts and the spool.
        fileprivate var finished: [DropRecord] = []
    }

    private var ports: PipelinePorts { pipeline.ports }

    func run() throws(DropError) -> Resumed {
        var unfinished = try ports.register.unfinished()
        unfinished = try settleClaims(unfinished)
        unfinished = try settleQuarantine(unfinished)
        let archived = try archivedAlready(unfinished)
        var resumed = Resumed()
        var closing: [DropRecord] = []
        for record in unfinished {
            switch record.state {
            case .claimed, .registered, .held:
                if ports.spool.contains(record.id) {
                    try goOn(record, &resumed)
                } else {
                    try setAside(record, at: archived[record.id])
                }
            case .applied, .duplicate, .discarded, .quarantined, .retried, .resolved:
                if let place = archived[record.id] {
                    resumed.finished.append(finish(record, at: place))
                } else {
                    try archive(record, &resumed)
                }
            case .archived:
                // The spool's copy goes only when the archive holds the bytes.
                if archived[record.id] != nil || !ports.spool.contains(record.id) {
                    resumed.finished.append(finish(record, at: archived[record.id]))
                } else {
                    pipeline.tell(.failed(lostContainer(of: record)))
                }
            case .done: break
            }
            // What it put right may not know it yet.
            if record.state.isApplied || record.state == .duplicate { closing.append(record) }
        }
        try close(&resumed, archived)
        try rememberSources()
        for record in closing { try close(by: record) }
        try pipeline.sweepQuarantine()
        pipeline.state.with { state in
            state.active += resumed.toRegister.count + resumed.toArchive.count + resumed.toReceipt.count
            state.unreceipted += resumed.toReceipt.count
            for record in resumed.toRegister {
                state.inFlight[record.id] = record
                state.waited.insert(record.id)
            }
        }
        return resumed
    }

    /// A drop that had not ended, and whose bytes are in the spool.
    private func goOn(_ record: DropRecord, _ resumed: inout Resumed) throws(DropError) {
        guard record.state == .held else {
            var record = record
            // It takes its way into quarantine: it ended the program twice in a row (decision 0034).
            if ports.inHand?.culprits.contains(record.id) == true { record.reason = .endedTheDaemon(record) }
            return resumed.toRegister.append(record)
        }
        // The last run may have ended before the sender was told.
        try pipeline.giveReceipt(record)
        pipeline.state.with { $0.scheduler.block(behind: record) }
    }

    /// A drop that has ended and is not in the archive yet.
    private func archive(_ record: DropRecord, _ resumed: inout Resumed) throws(DropError) {
        let isChanged = record.reason?.code == ByteLoss.changed
        let isLost = record.digest == nil || record.reason?.code == ByteLoss.missing
        if record.state != .applied, isChanged || isLost && !isThere(record) {
            // Nothing is left that could be archived. Until a person gives it up, it is told again.
            if record.state == .quarantined, let reason = record.reason { pipeline.tell(.failed(lost(record, reason))) }
            return
        }
        let sequence = record.state == .applied ? try ports.register.commitSequence(of: record.id) : nil
        resumed.toArchive.append(.init(record: record, commitSequence: sequence))
    }

    /// Rows, receipts and spool of drops whose end is known.
    private func close(_ resumed: inout Resumed, _ archived: [DropID: ArchivedItem]) throws(DropError) {
        guard !resumed.finished.isEmpty else { return }
        let drops = resumed.finished.map { DropPipeline.Receipted(record: $0, leaf: archived[$0.id]?.leaf) }
        let failed = try pipeline.writeReceipts(drops)
        let rows = resumed.finished.filter { failed[$0.source] == nil }
        try ports.spool.remove(rows.filter { !$0.state.isQuarantined }.map(\.id))
        try ports.register.update(rows)
        // Of the others, what the archive says is noted: they lack their receipt alone.
        let owing = drops.filter { failed[$0.record.source] != nil }.map { drop in
            var drop = drop
            if drop.record.state == .done { drop.record.state = .archived }
            return drop
        }
        try ports.register.update(owing.map(\.record).filter { $0.state == .archived })
        resumed.toReceipt = owing
    }

    /// Intents whose file was or was not moved.
    private func settleClaims(_ unfinished: [DropRecord]) throws(DropError) -> [DropRecord] {
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
        if !void.isEmpty { try withdraw(void, of: intents) }
        let gone = Set(void)
        return unfinished.filter { !gone.contains($0.id) }.map { record in
            var record = record
            if let bytes = sizes[record.id] { record.bytes = bytes }
            return record
        }
    }

    /// Ends a drop whose bytes are not in the spool: by what the archive says of it, else as quarantined.
    private func setAside(_ record: DropRecord, at place: ArchivedItem?) throws(DropError) {
        var ended = record
        ended.state = .quarantined
        ended.changedAt = pipeline.clock.now()
        if let place {
            ended.container = place.container
            ended.member = place.member
            ended.digest = place.content ?? record.digest
            ended.reason = archivedBefore(record, place)
            if place.kind == DropState.discarded.rawValue { ended.state = .discarded }
        } else {
            ended.reason = DropReason(ByteLoss.missing(ports.spool.path(of: record.id)))
        }
        try ports.register.update([ended])
        try pipeline.giveReceipt(ended, leaf: place?.leaf, synced: true)
        pipeline.tell(.settledOtherwise(ended))
    }

    private func archivedBefore(_ record: DropRecord, _ place: ArchivedItem) -> DropReason {
        let how = place.kind.map { "as \($0) " } ?? ""
        return DropReason(
            code: ByteLoss.archivedBefore,
            message:
                "The archive closed this drop \(how)in \(place.container); the database takes it for \(record.state.rawValue), "
                + "so it is older than the archive, and the graph may lack what the drop did.",
            hint: "`twindrop retry \(record.id)` runs its bytes again, out of the archive, as a new drop; "
                + "`twindrop discard \(record.id)` leaves the graph as it is.")
    }

    /// A retry that got no bytes leaves the drop that it was to run again as it was.
    private func withdraw(_ void: [DropID], of intents: [DropRecord]) throws(DropError) {
        var reopened: [DropRecord] = []
        for intent in intents where void.contains(intent.id) && intent.link?.kind == .retries {
            guard let link = intent.link, var old = try ports.register.drop(link.drop), old.closedBy?.drop == intent.id,
                old.state == .retried
            else { continue }
            old.state = .quarantined
            old.closedBy = nil
            reopened.append(old)
        }
        try ports.register.withdraw(void)
        if !reopened.isEmpty { try ports.register.update(reopened) }
    }

    private func close(by record: DropRecord) throws(DropError) {
        if record.state == .duplicate {
            guard let link = record.link, try ports.register.drop(link.drop)?.state.isApplied == true else { return }
        }
        try pipeline.closeOthers(by: record)
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
    private func settleQuarantine(_ unfinished: [DropRecord]) throws(DropError) -> [DropRecord] {
        var settled: [DropRecord] = []
        var rows: [DropRecord] = []
        for var record in unfinished {
            let isOpen = record.state == .claimed || record.state == .registered
            let isUnread = record.state == .quarantined && record.digest == nil
            let isGone = record.state == .quarantined && record.reason?.code == ByteLoss.missing
            if isOpen || isUnread || isGone, !ports.spool.contains(record.id), isQuarantined(record) {
                try ports.spool.respool(record.id, on: UTCDay(milliseconds: record.claimedAt), as: record.id)
            }
            if isUnread || isGone, ports.spool.contains(record.id) {
                record.state = record.digest == nil ? .claimed : .registered
                // A defect is about what came before the claim: it is quarantined for it again, now with its bytes in the
                // archive.
                if let reason = record.reason, !SettledFile.defects.contains(reason.code) { record.reason = nil }
                rows.append(record)
            }
            settled.append(record)
        }
        if !rows.isEmpty { try ports.register.update(rows) }
        return settled
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
        let items = try ports.makeArchive().recover(asked)
        return Dictionary(items.map { ($0.drop, $0) }) { first, _ in first }
    }

    private func finish(_ record: DropRecord, at place: ArchivedItem?) -> DropRecord {
        var record = record
        if let place {
            record.container = place.container
            record.member = place.member
        }
        if record.state.isApplied { record.state = .done }
        return record
    }

    private func rememberSources() throws(DropError) {
        let quarantined = try ports.register.drops(in: [.quarantined])
        pipeline.state.with { state in
            for record in quarantined {
                state.quarantined[record.source, default: [:]][record.fileName, default: []].insert(record.id)
            }
        }
        for (name, source) in pipeline.sources {
            let newest = try ports.register.newestApplied(of: name)
            let highest = source.order == .name ? try ports.register.highestName(of: name) : nil
            let blocking = try ports.register.blocking(name, source.order)
            pipeline.state.with { state in
                state.newestApplied[name] = newest
                state.highestNames[name] = highest
                for record in blocking { state.scheduler.block(behind: record) }
            }
        }
    }
}
