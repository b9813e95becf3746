import DropCore
import ThreadKit

/// S2, two threads: reads each claimed file once for its digest. The row becomes durable with the commit of S4.
///
/// A large file is read beside, on a thread of its own, so that it holds nobody up but those behind it in its source.
struct RegisterStage: Sendable {
    let shared: Shared
    let spool: any DropSpool
    let room: DiskRoom
    let performer: Performer
    let claimed: BoundedQueue<DropRecord>
    /// Claimed drops that take long to read, and those behind them in their source.
    let claimedLarge: BoundedQueue<DropRecord>
    /// Where registered drops of at least `PipelineLimits.aheadBytes` go as well.
    let large: BoundedQueue<DropRecord>
    /// Drops in the lane of large ones, by source.
    private let inLargeLane = Monitor<[SourceName: Int]>([:])

    init(
        shared: Shared, spool: any DropSpool, room: DiskRoom, performer: Performer, claimed: BoundedQueue<DropRecord>,
        large: BoundedQueue<DropRecord>
    ) {
        (self.shared, self.spool, self.room, self.performer) = (shared, spool, room, performer)
        (self.claimed, self.large) = (claimed, large)
        claimedLarge = BoundedQueue(capacity: 16 * shared.limits.intakeFiles)
    }

    /// Drops that wait to be read.
    var waiting: Int { claimed.count + claimedLarge.count }

    /// The thread of most drops.
    func run() throws(DropError) {
        defer { claimedLarge.close() }
        while let record = claimed.pop() {
            let isForLane = inLargeLane.withoutWaking { lanes in
                let isForLane = isLarge(record) || lanes[record.source, default: 0] > 0
                if isForLane { lanes[record.source, default: 0] += 1 }
                return isForLane
            }
            if isForLane { claimedLarge.push(record) } else { guard try register(record) else { return } }
        }
    }

    /// The thread of large drops. What it has in hand when the pipeline stops is unfinished work, which the next start takes up.
    func runLarge() throws(DropError) {
        while let record = claimedLarge.pop() {
            let now = shared.clock.now()
            let isStopping = shared.ledger.withoutWaking { ledger in
                if isLarge(record) { ledger.drops.change(record.id) { $0.readingBegan(at: now) } }
                return ledger.run.isStopping
            }
            defer {
                shared.ledger.withoutWaking { $0.drops.change(record.id) { $0.readingEnded() } }
                inLargeLane.withoutWaking { $0[record.source, default: 1] -= 1 }
            }
            guard !isStopping, try register(record) else { return }
        }
    }

    private func isLarge(_ record: DropRecord) -> Bool { record.bytes >= shared.limits.aheadBytes }

    /// False when the pipeline stops first.
    private func register(_ record: DropRecord) throws(DropError) -> Bool {
        let reading: DropLifecycle.Reading
        switch Result(catching: { () throws(DropError) in try read(record) }) {
        case .success(nil): return false
        case .success(let done?): reading = done
        case .failure(let error): return try fail(record, error)
        }
        switch reading {
        case .inLine(let record):
            // Only the lane of large files pushes; where there is no room, it is compressed when its turn comes.
            if isLarge(record), large.count < large.capacity { large.push(record) }
            return true
        case .doubted(let reason):
            guard shared.ledger.waitForClaim(of: record.id) == .durable else { return false }
            let now = shared.clock.now()
            return try performer.carryOut(record.id) { $0.quarantined(because: reason, at: now) }
        case .changed(let known, let found):
            return try fail(record, ByteLoss.changed(spool.path(of: record.id), known: known, found: found))
        }
    }

    /// Nil when the pipeline stops first.
    private func read(_ record: DropRecord) throws(DropError) -> DropLifecycle.Reading? {
        let ledger = shared.ledger
        var digest: ContentDigest?
        let isRead = try room.retryingUntilSpace { () throws(DropError) in
            digest = try ledger.timed(.register) { () throws(DropError) in
                try spool.digest(of: record.id) { ledger.withoutWaking { $0.run.isStopping } && isLarge(record) }
            }
        }
        guard isRead, let digest else { return nil }
        let reading = ledger.with { $0.read(record.id, digest) }
        guard let reading else { preconditionFailure("the claimed drop \(record.id) is not in the flow") }
        return reading
    }

    private func fail(_ record: DropRecord, _ error: DropError) throws(DropError) -> Bool {
        guard shared.ledger.waitForClaim(of: record.id) == .durable else { return false }
        return try performer.fail(record, error)
    }
}
