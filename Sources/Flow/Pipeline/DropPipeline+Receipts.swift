import DropCore
import ThreadKit

/// Receipts, and S7: out of the spool. Behind everything else, because both can be done at any time, from the register alone.
///
/// A source whose receipts cannot be written keeps nobody waiting, not even its own drops: they are applied and archived, and
/// their receipts are owed. The receipts thread tries again every second; what is owed when the program ends, the next start
/// writes (decision 0033).
extension DropPipeline {
    /// A receipt that could not be written.
    struct Owed {
        let record: DropRecord
        let leaf: UInt64?
        /// The drop is archived and is at its end with its receipt.
        let isLast: Bool
        var trouble: Trouble
        /// False where a command that ends has given up waiting for it.
        var isWaitedFor = true
    }

    /// Writes a receipt now or, where its folder cannot be used, as soon as it can.
    func giveReceipt(_ record: DropRecord, leaf: UInt64? = nil, synced: Bool = false) throws(DropError) {
        do throws(DropError) {
            try ports.receipts.write(record, leaf: leaf)
            if synced { try ports.receipts.sync([record]) }
        } catch {
            guard case .retry = error.remedy else { throw error }
            return owe([Receipted(record: record, leaf: leaf)], error, isLast: false)
        }
        state.quietly { state in
            // What was to be said before is out of date.
            if state.owed[record.id]?.isLast == false { state.owed[record.id] = nil }
        }
    }

    /// A burst of small files has its receipts when it is over, or when it has gone on for three seconds.
    func receiptLoop() throws(DropError) {
        while true {
            var batch = unreceipted.popAll(max: limits.intakeFiles, timeout: .seconds(1))
            guard !batch.isEmpty else {
                if unreceipted.isClosed, unreceipted.count == 0 { return }
                try payOwed()
                continue
            }
            let isOver = { (state: borrowing State) in
                state.isStopping || state.active - state.unreceipted <= state.scheduler.stuck
                    || state.unreceipted > Self.unreceiptedMax
            }
            state.wait(until: isOver, timeout: .seconds(3)) { _ in }
            batch += unreceipted.popAll(max: limits.intakeFiles, timeout: .zero)
            try finish(batch)
        }
    }

    /// Drops that may wait for their receipt while others are on their way. Units: drops.
    static var unreceiptedMax: Int { 8192 }

    private func finish(_ archived: [Receipted]) throws(DropError) {
        // A receipt is the last word to the sender: of a drop in the archive, that it is done.
        let batch = archived.map { drop in
            var record = drop.record
            if record.state == .archived { record.state = .done }
            return Receipted(record: record, leaf: drop.leaf)
        }
        // Receipts first: ext4 is slow in making files shortly after others were deleted. What makes room is done even when
        // there was none for a receipt.
        let failed = try writeReceipts(batch)
        let spooled = batch.map(\.record).filter { !$0.state.isQuarantined }.map(\.id)
        guard try insisting({ () throws(DropError) in try ports.spool.remove(spooled) }) else { return }
        try close(batch.filter { failed[$0.record.source] == nil })
        for (source, error) in failed { owe(batch.filter { $0.record.source == source }, error, isLast: true) }
    }

    /// Drops whose receipts are written are at their end.
    private func close(_ batch: [Receipted]) throws(DropError) {
        guard !batch.isEmpty else { return }
        let records = batch.map(\.record)
        let isDone = try insisting { () throws(DropError) in
            try ports.register.noteArchived(records.filter { $0.state != .done }, done: records.map(\.id), head: nil)
            try tidyClosed(records)
        }
        guard isDone else { return }
        state.with { state in
            for record in records where state.owed.removeValue(forKey: record.id)?.isWaitedFor ?? true {
                state.unreceipted -= 1
                state.active -= 1
            }
        }
    }

    /// Writes receipts and makes them durable; what kept those of a source from it.
    func writeReceipts(_ drops: [Receipted]) throws(DropError) -> [SourceName: DropError] {
        var failed: [SourceName: DropError] = [:]
        for drop in drops where failed[drop.record.source] == nil {
            do throws(DropError) { try ports.receipts.write(drop.record, leaf: drop.leaf) } catch {
                guard case .retry = error.remedy else { throw error }
                failed[drop.record.source] = error
            }
        }
        let written = drops.map(\.record).filter { failed[$0.source] == nil }
        guard !written.isEmpty else { return failed }
        do throws(DropError) { try ports.receipts.sync(written) } catch {
            guard case .retry = error.remedy else { throw error }
            // Whose folder it is, each source's own tells.
            for (source, records) in Dictionary(grouping: written, by: \.source) {
                do throws(DropError) { try ports.receipts.sync(records) } catch {
                    guard case .retry = error.remedy else { throw error }
                    failed[source] = error
                }
            }
        }
        return failed
    }

    /// Tries again what could not be written.
    private func payOwed() throws(DropError) {
        let owed = state.quietly { $0.owed.values.sorted { $0.record.id < $1.record.id } }
        guard !owed.isEmpty else { return }
        let failed = try writeReceipts(owed.map { Receipted(record: $0.record, leaf: $0.leaf) })
        let paid = owed.filter { failed[$0.record.source] == nil }
        try close(paid.filter(\.isLast).map { Receipted(record: $0.record, leaf: $0.leaf) })
        state.with { state in for one in paid where !one.isLast { state.owed[one.record.id] = nil } }
        for source in Set(paid.map(\.record.source)) { tell(.goesOn(.receiptsUnusable, source)) }
        for (source, error) in failed { noteAgain(source, error) }
    }

    private func owe(_ drops: [Receipted], _ error: DropError, isLast: Bool) {
        let now = clock.now()
        let isNew = state.with { state in
            guard let source = drops.first?.record.source else { return false }
            let known = state.owed.values.first { $0.record.source == source }?.trouble
            for drop in drops {
                let before = state.owed[drop.record.id]
                state.owed[drop.record.id] = Owed(
                    record: drop.record, leaf: drop.leaf ?? before?.leaf, isLast: isLast || before?.isLast ?? false,
                    trouble: known ?? Trouble(error: error, since: now), isWaitedFor: before?.isWaitedFor ?? true)
            }
            return known == nil
        }
        if isNew { tell(.failed(error)) }
    }

    private func noteAgain(_ source: SourceName, _ error: DropError) {
        let now = clock.now()
        let isToBeTold = state.with { state in
            var isToBeTold = false
            for (id, one) in state.owed where one.record.source == source {
                let trouble = Trouble.noting(error, in: one.trouble, at: now)
                isToBeTold = isToBeTold || trouble.isToBeTold
                state.owed[id]?.trouble = trouble
                // A command that ends waits for its own work alone: the next start writes them.
                guard !limits.waitsForSpace, trouble.attempts >= Self.receiptAttemptsAlone, one.isLast, one.isWaitedFor else {
                    continue
                }
                state.owed[id]?.isWaitedFor = false
                state.unreceipted -= 1
                state.active -= 1
            }
            return isToBeTold
        }
        if isToBeTold { tell(.failed(error)) }
    }

    /// How often a command that ends tries to write receipts.
    private static let receiptAttemptsAlone = 3

    /// Quarantined drops that were closed while the archive took them.
    private func tidyClosed(_ records: [DropRecord]) throws(DropError) {
        for record in records where record.state.isQuarantined {
            guard let now = try ports.register.drop(record.id), now.state != .quarantined else { continue }
            try tidy(afterClosing: now)
        }
    }
}
