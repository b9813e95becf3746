import DropCore
import ThreadKit

/// One life of a delivery: what put a drop right closes it (decision 0028).
struct Closing: Sendable {
    let shared: Shared
    let register: any DropRegister
    let graph: any TwinGraph
    let spool: any DropSpool
    let receipts: ReceiptDesk

    /// Closes the drops that `record`, which was applied or repeats one that was, put right. Can be run again.
    func closeOthers(by record: DropRecord) throws(DropError) {
        guard let (drops, how) = try putRight(by: record) else { return }
        let closed = try register.close(drops, by: DropClosing(drop: record.id, how: how), at: shared.clock.now())
        for drop in closed { try tidy(afterClosing: drop) }
    }

    /// - A retry puts right what it runs again, and what that ran again.
    /// - Corrected rejects put right the drop they are of.
    /// - Any other delivery puts right quarantined ones of the same name before it, and what those ran again; but not where the
    ///   name is one that the source uses again and again, because then it says nothing about what is in the file.
    private func putRight(by record: DropRecord) throws(DropError) -> (drops: [DropID], how: DropClosing.How)? {
        guard record.outcome != .nothingUsable else { return nil }
        if let link = record.link {
            switch link.kind {
            case .retries: return ([link.drop] + (try register.retried(by: link.drop)), .retry)
            case .amends: return (try corrected(by: record, of: link.drop), .amendment)
            case .duplicates: break
            }
        }
        let named = shared.ledger.withoutWaking { $0.order.quarantined(named: record.fileName, of: record.source) }
            .filter { $0 < record.id }.sorted()
        guard let first = named.first, try !register.hasApplied(record.fileName, of: record.source, before: first) else {
            return nil
        }
        var drops: [DropID] = []
        for drop in named { drops += [drop] + (try register.retried(by: drop)) }
        return (drops, .delivery)
    }

    /// Once nothing of a drop is left to be corrected, it and the corrections that had refused records of their own; before that,
    /// the drop alone where this correction has all that is open still refused, because its own file of rejects has that.
    private func corrected(by record: DropRecord, of drop: DropID) throws(DropError) -> [DropID] {
        guard let refusals = try graph.refusals(of: drop) else { return [drop] }
        let open = refusals.records.filter { refusals.corrections[$0.record] == nil }.count
        guard open == 0 else { return UInt64(open) <= record.books?.recordsRejected ?? 0 ? [drop] : [] }
        return try [drop] + register.openAmendments(of: drop, source: record.source).filter { $0 != record.id }
    }

    /// What follows when a drop was closed: its source goes on, its sender is told, its bytes are in the archive alone. Where the
    /// archive does not have them yet, the end of that does the rest.
    func tidy(afterClosing record: DropRecord) throws(DropError) {
        shared.ledger.with { $0.forget(record) }
        if record.container != nil {
            try receipts.give(record)
            let day = UTCDay(milliseconds: record.claimedAt)
            if record.state.isQuarantined, spool.isQuarantined(record.id, on: day) {
                try spool.deleteQuarantined(record.id, on: day)
            }
        }
        shared.emit(.closed(record))
    }

    /// Quarantined drops that were closed while the archive took them.
    func tidyClosed(_ records: [DropRecord]) throws(DropError) {
        for record in records where record.state.isQuarantined {
            guard let now = try register.drop(record.id), now.state != .quarantined else { continue }
            try tidy(afterClosing: now)
        }
    }

    /// At a start: bytes in quarantine of drops that were closed, and that the archive holds.
    func sweepQuarantine() throws(DropError) {
        for id in try spool.quarantinedDrops() {
            guard let record = try register.drop(id), record.container != nil, record.state != .quarantined else { continue }
            try spool.deleteQuarantined(id, on: UTCDay(milliseconds: record.claimedAt))
        }
    }
}

extension DropRegister {
    /// The drops whose bytes `drop` ran again, the newest first.
    func retried(by drop: DropID) throws(DropError) -> [DropID] {
        var drops: [DropID] = []
        var next = try self.drop(drop)
        while let link = next?.link, link.kind == .retries, !drops.contains(link.drop) {
            drops.append(link.drop)
            next = try self.drop(link.drop)
        }
        return drops
    }

    /// The delivery that a drop runs again; itself, where it is none that was retried.
    func firstOfLine(_ record: DropRecord) throws(DropError) -> DropID { try retried(by: record.id).last ?? record.id }
}
