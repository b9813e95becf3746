import DropCore
import ThreadKit

/// Takes up what an earlier run left unfinished, from the register and the file system alone (failure-model: section 6). It can
/// be interrupted anywhere and run again.
struct Recovery {
    let pipeline: DropPipeline

    /// Drops that go on at S2, and drops that go on at S5.
    struct Resumed {
        var toRegister: [DropRecord] = []
        var toArchive: [DropPipeline.Ended] = []
    }

    private var ports: PipelinePorts { pipeline.ports }

    func run() throws(DropError) -> Resumed {
        var unfinished = try ports.register.unfinished()
        unfinished = try settleClaims(unfinished)
        unfinished = try settleQuarantine(unfinished)
        let archived = try archivedAlready(unfinished)
        var resumed = Resumed()
        var rows: [DropRecord] = []
        for record in unfinished {
            switch record.state {
            case .claimed, .registered:
                var record = record
                // It takes its way into quarantine: it ended the program twice in a row (decision 0034).
                if ports.inHand?.culprits.contains(record.id) == true { record.reason = .endedTheDaemon(record) }
                resumed.toRegister.append(record)
            case .held:
                // The last run may have ended before the sender was told.
                try ports.receipts.write(record, leaf: nil)
                pipeline.state.with { $0.scheduler.block(behind: record) }
            case .applied, .duplicate, .discarded, .quarantined:
                if let place = archived[record.id] {
                    rows.append(finish(record, at: place))
                } else if isThere(record) {
                    let sequence = record.state == .applied ? try ports.register.commitSequence(of: record.id) : nil
                    resumed.toArchive.append(.init(record: record, commitSequence: sequence))
                } else {
                    pipeline.tell(.failed(lostBytes(record)))
                }
            case .archived:
                // The spool's copy goes only when the archive holds the bytes.
                if archived[record.id] != nil || !ports.spool.contains(record.id) {
                    rows.append(finish(record, at: archived[record.id]))
                } else {
                    pipeline.tell(.failed(lostBytes(record)))
                }
            case .clean: break
            }
        }
        for record in rows { try ports.receipts.write(record, leaf: archived[record.id]?.leaf) }
        try ports.spool.remove(rows.filter { $0.state != .quarantined }.map(\.id))
        if !rows.isEmpty { try ports.register.update(rows) }
        try rememberSources()
        pipeline.state.with { state in
            state.active += resumed.toRegister.count + resumed.toArchive.count
            for record in resumed.toRegister { state.inFlight[record.id] = record }
        }
        return resumed
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
                void.append(id)
                pipeline.tell(.failed(lost(id)))
            }
        }
        if !void.isEmpty { try ports.register.withdraw(void) }
        let gone = Set(void)
        return unfinished.filter { !gone.contains($0.id) }.map { record in
            var record = record
            if let bytes = sizes[record.id] { record.bytes = bytes }
            return record
        }
    }

    private func lost(_ id: DropID) -> DropError {
        DropError(
            "missing", "Drop \(id) was being claimed when the last run ended, and its file is nowhere.",
            hint: "Its sender or somebody else removed it before it was claimed; deliver it again.", remedy: .quarantine)
    }

    private func isThere(_ record: DropRecord) -> Bool {
        record.digest != nil && (record.state == .quarantined ? isQuarantined(record) : ports.spool.contains(record.id))
    }

    private func lostBytes(_ record: DropRecord) -> DropError {
        DropError(
            "missing",
            "The bytes of drop \(record.id) (\(record.fileName), \(record.state.rawValue)) are not where they must be.",
            hint: "Restore the state and archive folders from a backup of one moment; `twindrop doctor` tells more.",
            remedy: .quarantine)
    }

    /// Drops whose bytes were moved into quarantine when the last run ended before their row said so, or that were put there
    /// because they could not be read: they are moved back and take their way again, which ends as it did or better.
    private func settleQuarantine(_ unfinished: [DropRecord]) throws(DropError) -> [DropRecord] {
        var settled: [DropRecord] = []
        var rows: [DropRecord] = []
        for var record in unfinished {
            let isOpen = record.state == .claimed || record.state == .registered
            let isUnread = record.state == .quarantined && record.digest == nil
            if isOpen || isUnread, !ports.spool.contains(record.id), isQuarantined(record) {
                try ports.spool.respool(record.id, on: UTCDay(milliseconds: record.claimedAt), as: record.id)
            }
            if isUnread, ports.spool.contains(record.id) {
                record.state = .claimed
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

    private func archivedAlready(_ unfinished: [DropRecord]) throws(DropError) -> [DropID: ArchivedItem] {
        let ended = unfinished.filter { ![.claimed, .registered, .held].contains($0.state) }
        guard !ended.isEmpty else { return [:] }
        let items = try ports.makeArchive().recover(ended)
        return Dictionary(items.map { ($0.drop, $0) }) { first, _ in first }
    }

    private func finish(_ record: DropRecord, at place: ArchivedItem?) -> DropRecord {
        var record = record
        if let place {
            record.container = place.container
            record.member = place.member
        }
        if record.state == .applied || record.state == .archived { record.state = .clean }
        return record
    }

    private func rememberSources() throws(DropError) {
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
