package import DropCore

/// The pipeline at one moment.
package struct PipelineSnapshot: Sendable {
    package let waitingFiles: Int
    package let inFlight: [DropRecord]
    package let suspended: [SourceName]
    package let suspensions: [SourceName: Suspension]
    package let blocked: [SourceName]
    package let diskIsFull: Bool
    package let archiveTrouble: Trouble?
    package let receiptTroubles: [SourceName: Trouble]
    package let times: StageTimes
    /// What waits for each stage.
    package let queues: [(stage: String, count: Int)]

    init(_ ledger: Ledger, queues: [(stage: String, count: Int)]) {
        waitingFiles = queues.first?.count ?? 0
        inFlight = ledger.drops.all.filter(\.isOnItsWay).map(\.record).sorted { $0.id < $1.id }
        suspended = ledger.scheduler.suspended.sorted()
        suspensions = ledger.suspensions
        blocked = ledger.scheduler.blocked.sorted()
        diskIsFull = ledger.storage.diskIsFull
        archiveTrouble = ledger.storage.archive
        receiptTroubles = ledger.owed.troubles
        receiptsAreFull =
            ledger.owed.troubles.values.contains { $0.error.code == .receiptsFull }
            || ledger.drops.all.contains { $0.trouble?.error.code == .receiptsFull }
        times = ledger.times
        self.queues = queues
    }

    /// What keeps the archive from taking drops; nil: nothing does.
    package var archiveReason: WaitingReason? { archiveTrouble?.archiveReason }

    /// Whether receipts, or the files of rejects that go with them, wait for room, for whatever source.
    package let receiptsAreFull: Bool
}
