import DropCore
import ThreadKit

/// The only state that the threads of the flow share, behind one `Monitor`. Each of its values has one job, and what concerns
/// two of them is a method here (docs/decisions/0038-one-life-cycle.md).
struct Ledger: Sendable {
    var scheduler: Scheduler
    var drops = LiveDrops()
    var commits = CommitQueue()
    var order = SourceOrder()
    var run = RunState()
    var storage = StorageTrouble()
    var owed = ReceiptsOwed()
    /// Why each suspended source is, and since when.
    private(set) var suspensions: [SourceName: Suspension] = [:]
    /// Acts of people that no record of the chain has yet.
    var unrecordedActs = 0
    var times = StageTimes()
    var caution = Caution()
    /// Drops that are being transformed.
    var progress: [DropID: DropProgress] = [:]

    init(orders: [SourceName: DropOrder]) { scheduler = Scheduler(orders: orders) }

    /// Nothing is left that can go on. A drop can wait behind another before its claim is made.
    var isIdle: Bool { drops.undurable == 0 && drops.inHand <= scheduler.stuck }

    /// Nothing is being transformed or committed, but for `taken` drops that were just taken.
    func isQuiet(butFor taken: Int = 0) -> Bool { commits.isIdle && scheduler.busy <= taken }

    /// What the archive has not taken is left to the next start.
    var hasToLeaveArchive: Bool { run.isStopping && storage.archive != nil }

    // MARK: - Drops and their sources

    /// The drop waits for its turn from here on.
    mutating func begin(_ life: DropLifecycle, _ token: Tokens.Token? = nil) {
        drops.begin(life, token)
        if life.phase == .waiting { scheduler.enqueue(life.record) }
    }

    /// S2 of a drop is done; nil where it is not in the flow.
    mutating func read(_ drop: DropID, _ digest: ContentDigest) -> DropLifecycle.Reading? {
        let reading = drops.change(drop) { $0.read(digest) }
        if case .inLine(let record)? = reading { scheduler.enqueue(record) }
        return reading
    }

    /// Takes a drop whose claim failed before it was durable out of the line. False where a thread works with the drop.
    mutating func void(_ drop: DropID, of source: SourceName) -> Bool {
        let isInLine = scheduler.remove(drop, of: source)
        drops.change(drop) { $0.claimCameToNothing() }
        return isInLine
    }

    /// The drop goes to the commit with its changes.
    mutating func handOver(_ prepared: Prepared) {
        drops.change(prepared.record.id) { $0.handedOn(as: prepared.record) }
        commits.append(prepared)
        order.handOver(prepared.record)
    }

    /// An earlier drop failed at its commit. This one is processed again.
    mutating func setBack(_ drop: DropID) {
        guard let record = drops.change(drop, { $0.setBack() }) else { return }
        scheduler.enqueue(record)
    }

    /// The next drop to transform, and the generation of its source; nil where none may be begun now. It goes alone where it is
    /// suspected (decision 0034).
    mutating func takeNext(now: UInt64) -> (record: DropRecord, generation: Int)? {
        guard let record = scheduler.next(now: now) else { return nil }
        guard caution.admits(record.id, isQuiet: isQuiet(butFor: 1)) else {
            scheduler.finished(record.source)
            scheduler.enqueue(record)
            return nil
        }
        drops.change(record.id) { $0.taken() }
        progress[record.id] = DropProgress(record)
        return (record, scheduler.generation(of: record.source))
    }

    /// Whether work on the drop is for nothing.
    func isUnwanted(_ drop: DropID) -> Bool {
        run.isCancelled || drops.isGivenUp(drop) || drops[drop]?.claim == .void
    }

    /// Carries out what a life cycle has to say to the ledger.
    mutating func take(_ notes: [DropAnswer.Note]) {
        for note in notes {
            switch note {
            case .block(let record): scheduler.block(behind: record)
            case .remember(let record): order.quarantined(record)
            case .putBack(let record, let notBefore): scheduler.putBack(record, notBefore: notBefore)
            case .suspend(let source, let error, let since): suspend(source, error, since: since)
            case .applied(let record, let isNewest):
                order.applied(record, isNewest: isNewest, byName: scheduler.order(of: record.source) == .name)
                times.note(.applied, .milliseconds(Int64(clamping: record.changedAt) - Int64(clamping: record.claimedAt)))
            }
        }
    }

    /// The drop waits for a person no longer.
    mutating func forget(_ record: DropRecord) {
        order.forget(record)
        scheduler.unblock(record.source, from: record.id)
    }

    // MARK: - Suspended sources

    private mutating func suspend(_ source: SourceName, _ error: DropError, since: UInt64) {
        scheduler.suspend(source)
        suspensions[source] = Suspension(error: error, since: suspensions[source]?.since ?? since)
    }

    mutating func resume(_ source: SourceName) {
        scheduler.resume(source)
        suspensions[source] = nil
    }

    /// A suspended source is so for another reason now.
    mutating func restate(_ source: SourceName, _ error: DropError) {
        guard let known = suspensions[source] else { return }
        suspensions[source] = Suspension(error: error, since: known.since)
    }
}

extension Monitor<Ledger> {
    /// Runs `body`, and notes how long it took when it goes through.
    func timed<T>(_ stage: StageTimes.Stage, _ body: () throws(DropError) -> T) throws(DropError) -> T {
        let begin = ContinuousClock.now
        let result = try body()
        let duration = ContinuousClock.now - begin
        withoutWaking { $0.times.note(stage, duration) }
        return result
    }

    /// Waits until the drop's claim is durable: nothing that outlives a power cut is written about it before
    /// (docs/failure-model.md, "Life cycle"). Of a drop that is not in the flow nothing is written at all.
    func waitForClaim(of drop: DropID) -> ClaimEnd {
        let known = withoutWaking { $0.drops[drop]?.claim }
        if known == .durable { return .durable }
        return wait(until: { $0.run.isCancelled || $0.drops[drop]?.claim != .underWay }) { ledger in
            switch ledger.drops[drop]?.claim {
            case .durable: .durable
            case .underWay: .unknown
            case .void, nil: .void
            }
        }
    }
}

/// What became of the claim of a drop that was begun before its claim was durable.
enum ClaimEnd {
    case durable
    case void
    /// The pipeline was cancelled first.
    case unknown
}
