import DropCore
import ThreadKit

/// Receipts, and S7, one thread: out of the spool. Behind everything else, because both can be done at any time, from the
/// register alone.
struct ReceiptStage: Sendable {
    let shared: Shared
    let register: any DropRegister
    let spool: any DropSpool
    let receipts: ReceiptDesk
    let closing: Closing
    let room: DiskRoom
    let archived: BoundedQueue<Receipted>

    /// Drops that may wait for their receipt while others are on their way. Units: drops.
    static let waitingMax = 8192

    /// How often a command that ends tries to write receipts.
    private static let attemptsAlone = 3

    /// A burst of small files has its receipts when it is over, or when it has gone on for three seconds.
    func run() throws(DropError) {
        while true {
            var batch = archived.popAll(max: shared.limits.intakeFiles, timeout: .seconds(1))
            guard !batch.isEmpty else {
                if archived.isClosed, archived.count == 0 { return }
                try payOwed()
                continue
            }
            shared.ledger.wait(
                until: { ledger in
                    ledger.run.isStopping || ledger.drops.beforeReceipt <= ledger.scheduler.stuck
                        || ledger.drops.unreceipted > Self.waitingMax
                }, timeout: .seconds(3)
            ) { _ in }
            batch += archived.popAll(max: shared.limits.intakeFiles, timeout: .zero)
            try finish(batch)
        }
    }

    private func finish(_ archived: [Receipted]) throws(DropError) {
        // A receipt is the last word to the sender: of a drop in the archive, that it is done.
        let batch = archived.map { Receipted(record: $0.record.done(), leaf: $0.leaf) }
        // Receipts first: ext4 is slow in making files shortly after others were deleted. What makes room is done even when
        // there was none for a receipt.
        let failed = try receipts.write(batch)
        let spooled = batch.map(\.record).filter { !$0.state.isQuarantined }.map(\.id)
        guard try room.retryingUntilSpace({ () throws(DropError) in try spool.remove(spooled) }) else { return }
        try end(batch.filter { failed[$0.record.source] == nil })
        for (source, error) in failed { receipts.owe(batch.filter { $0.record.source == source }, error, isLast: true) }
    }

    /// Drops whose receipts are written are at their end.
    private func end(_ batch: [Receipted]) throws(DropError) {
        guard !batch.isEmpty else { return }
        let rows = batch.map(\.record)
        let isDone = try room.retryingUntilSpace { () throws(DropError) in
            try register.noteArchived(rows.filter { $0.state != .done }, done: rows.map(\.id), head: nil)
            try closing.tidyClosed(rows)
        }
        guard isDone else { return }
        shared.ledger.with { ledger in
            for row in rows {
                ledger.owed.paid(row.id)
                ledger.drops.change(row.id) { $0.receipted() }
            }
        }
    }

    /// Tries again what could not be written.
    private func payOwed() throws(DropError) {
        let owed = shared.ledger.withoutWaking { $0.owed.all }
        guard !owed.isEmpty else { return }
        let failed = try receipts.write(owed.map(\.receipt))
        let paid = owed.filter { failed[$0.receipt.record.source] == nil }
        try end(paid.filter(\.isLast).map(\.receipt))
        shared.ledger.with { ledger in for one in paid where !one.isLast { ledger.owed.paid(one.receipt.record.id) } }
        for source in Set(paid.map(\.receipt.record.source)) { shared.emit(.goesOn(.receiptsUnusable, source)) }
        for (source, error) in failed { noteAgain(source, error) }
    }

    private func noteAgain(_ source: SourceName, _ error: DropError) {
        let now = shared.clock.now()
        let isToBeTold = shared.ledger.with { ledger in
            let again = ledger.owed.noteAgain(source, error, at: now)
            // A command that ends waits for its own work alone: the next start writes them.
            for one in again
            where !shared.limits.waitsForSpace && one.trouble.attempts >= Self.attemptsAlone && one.isLast {
                ledger.drops.change(one.receipt.record.id) { $0.receiptIsLeft() }
            }
            return again.contains(where: \.trouble.isToBeTold)
        }
        if isToBeTold { shared.emit(.failed(error)) }
    }
}
