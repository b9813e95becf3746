import DequeModule
package import DropCore
import ThreadKit
import TwinModel

/// The way of one drop, from settled to archived. Each stage is a thread (transforms: several) behind a bounded queue, so a
/// stage that is slow holds back those before it and, in the end, leaves files where their senders put them:
///
///     submit ─▶ claim ─▶ register ─▶ transform + compare ─▶ commit ─▶ archive
///               (S1)       (S2)            (S3)               (S4)    (S5 – S7)
///
/// Every arrow carries drops whose earlier steps are durable or can be run again; `Recovery` starts from the register alone.
/// S1 to S7 are the steps of docs/failure-model.md, "Life cycle".
package final class DropPipeline: Sendable {
    /// What the threads share.
    struct State {
        var scheduler: Scheduler
        /// Drops between claim and their end, as far as memory knows; the register is the truth.
        var inFlight: [DropID: DropRecord] = [:]
        /// Claimed drops that are not read for their digest yet.
        var unregistered = 0
        /// Drops that are on their way while their claim is being made durable.
        var undurable: Set<DropID> = []
        /// Those of them whose claim came to nothing, until the transforming thread has seen it.
        var void: Set<DropID> = []
        /// Drops whose bytes lay in the spool for longer than their turn took: held, put back, or taken up from an earlier run.
        var waited: Set<DropID> = []
        /// Change sets on their way to the commit, and the bytes of their files: the bound on what they hold in memory.
        var commitQueue: Deque<Prepared> = []
        var commitBytes: UInt64 = 0
        /// Drops of each source in the queue or in the hands of the committing thread.
        var uncommitted: [SourceName: Int] = [:]
        /// Of sources ordered by name: the last of the names that were applied, and of those on their way to the commit.
        var highestNames: [SourceName: FileName] = [:]
        var handedNames: [SourceName: FileName] = [:]
        /// Drops in the hands of the committing thread.
        var committing = 0
        /// Drops that have ended and are not in a durable container yet.
        var ending: [DropID: DropRecord] = [:]
        /// What keeps the archive from taking them.
        var archiveTrouble: Trouble?
        /// Drops whose receipts could not be written.
        var owed: [DropID: Owed] = [:]
        /// Drops that are tried again.
        var retrying: [DropID: (record: DropRecord, trouble: Trouble)] = [:]
        /// Large drops that are being read for their digest.
        var reading: [DropID: (record: DropRecord, since: UInt64)] = [:]
        /// Drops in the lane of large ones, by source.
        var inLargeLane: [SourceName: Int] = [:]
        /// Drops that are being transformed.
        var progress: [DropID: DropProgress] = [:]
        /// Drops that are archived and wait for their receipt.
        var unreceipted = 0
        /// Files and drops in the hands of a stage: submitted, and not at an end or waiting for a person.
        var active = 0
        /// How often files were handed over.
        var submissions = 0
        /// The newest applied drop of each source, so that the common case of the duplicate check asks nobody.
        var newestApplied: [SourceName: DropRecord] = [:]
        /// Quarantined drops by source and name: a delivery of the same name may put them right.
        var quarantined: [SourceName: [FileName: Set<DropID>]] = [:]
        /// Acts of people that no record of the chain has yet.
        var unrecordedActs = 0
        /// Set when no drop goes into the archive any more.
        var isArchiveOver = false
        var isStopping = false
        var isCancelled = false
        var failure: DropError?
        var diskIsFull = false
        /// Why each suspended source is, and since when.
        var suspensions: [SourceName: Suspension] = [:]
        var times = StageTimes()
        var caution = Caution()
        /// Unfinished drops that a person has given up: see `discard`.
        var unwanted: [DropID: Act] = [:]

        /// Nothing is being transformed or committed, but for `taken` drops that were just taken.
        func isQuiet(butFor taken: Int = 0) -> Bool {
            commitQueue.isEmpty && committing == 0 && scheduler.busy <= taken
        }

        /// What the archive has not taken is left to the next start.
        var hasToLeaveArchive: Bool { isStopping && archiveTrouble != nil }

        mutating func resume(_ source: SourceName) {
            scheduler.resume(source)
            suspensions[source] = nil
        }

        /// Hands a registered drop to the transforming threads.
        mutating func enqueue(_ record: DropRecord) {
            inFlight[record.id] = record
            scheduler.enqueue(record)
        }
    }

    /// A drop whose changes wait for the commit.
    struct Prepared: Sendable {
        let changes: any ChangeSet
        let record: DropRecord
        /// Of its source, when the transform began.
        let generation: Int
    }

    /// A settled file that waits for its claim, and the number of the submission it came with.
    struct Submitted: Sendable {
        let file: SettledFile
        let number: Int
    }

    /// A drop that ended and waits for its container.
    struct Ended: Sendable {
        let record: DropRecord
        let commitSequence: UInt64?
    }

    let ports: PipelinePorts
    let sources: [SourceName: PipelineSource]
    let limits: PipelineLimits
    /// A drop that is archived.
    struct Receipted: Sendable {
        var record: DropRecord
        let leaf: UInt64?
    }

    let clock: LabelClock
    let tell: @Sendable (PipelineEvent) -> Void
    let afterClaim: @Sendable ([(SettledFile, ClaimResult)]) -> Void

    let state: Monitor<State>
    /// A lane for each source: none delays another.
    let intake: FairQueue<SourceName, Submitted>
    let claimed: BoundedQueue<DropRecord>
    /// Claimed drops that take long to read, and those behind them in their source.
    let claimedLarge: BoundedQueue<DropRecord>
    /// Registered drops of at least `PipelineLimits.aheadBytes`.
    let large: BoundedQueue<DropRecord>
    let ended: BoundedQueue<Ended>
    let unreceipted: BoundedQueue<Receipted>
    private let threads = Monitor<[NamedThread]>([])

    /// - Parameters:
    ///   - notBefore: the newest label of earlier runs, in milliseconds since 1970.
    ///   - afterClaim: told what became of submitted files, on the claiming thread.
    ///   - tell: told what happens to drops, on the thread where it happens.
    package init(
        ports: PipelinePorts, sources: [PipelineSource], limits: PipelineLimits = PipelineLimits(), notBefore: UInt64 = 0,
        afterClaim: @escaping @Sendable ([(SettledFile, ClaimResult)]) -> Void = { _ in },
        tell: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        self.ports = ports
        self.sources = Dictionary(uniqueKeysWithValues: sources.map { ($0.name, $0) })
        self.limits = limits
        self.tell = tell
        self.afterClaim = afterClaim
        clock = LabelClock(notBefore: notBefore, ports.clock)
        let orders = Dictionary(uniqueKeysWithValues: sources.map { ($0.name, $0.order) })
        state = Monitor(State(scheduler: Scheduler(orders: orders)))
        intake = FairQueue(capacity: limits.laneFiles)
        claimed = BoundedQueue(capacity: limits.intakeFiles)
        claimedLarge = BoundedQueue(capacity: 16 * limits.intakeFiles)
        large = BoundedQueue(capacity: limits.intakeFiles)
        ended = BoundedQueue(capacity: limits.intakeFiles)
        unreceipted = BoundedQueue(capacity: 2 * Self.unreceiptedMax)
    }

    /// Recovers what an earlier run left, then starts the threads. Throws what makes a start impossible.
    package func start() throws(DropError) {
        state.with { $0.caution.suspects = ports.inHand?.suspects ?? [] }
        let resumed = try Recovery(pipeline: self).run()
        threads.with { threads in
            threads.append(NamedThread("td-claim") { [self] in guarded { () throws(DropError) in try claimLoop() } })
            threads.append(NamedThread("td-register") { [self] in guarded { () throws(DropError) in try registerLoop() } })
            threads.append(
                NamedThread("td-register-2") { [self] in guarded { () throws(DropError) in try registerLargeLoop() } })
            for index in 0..<limits.transformThreads {
                threads.append(
                    NamedThread("td-transform-\(index)") { [self] in guarded { () throws(DropError) in try transformLoop() } })
            }
            threads.append(NamedThread("td-commit") { [self] in guarded { () throws(DropError) in try commitLoop() } })
            threads.append(NamedThread("td-receipts") { [self] in guarded { () throws(DropError) in try receiptLoop() } })
            threads.append(NamedThread("td-archive") { [self] in guarded { () throws(DropError) in try archiveLoop() } })
        }
        for record in resumed.toRegister { enqueueClaimed(record) }
        enqueueEnded(resumed.toArchive)
        for drop in resumed.toReceipt { unreceipted.push(drop) }
    }

    /// How many more files of the source `submit` takes without waiting.
    package func room(for source: SourceName) -> Int { intake.room(for: source) }

    /// Hands over complete files. Waits while the lane of their source is full; false once the pipeline stops.
    @discardableResult
    package func submit(_ files: [SettledFile]) -> Bool {
        let number = state.quietly { state in
            state.active += files.count
            state.submissions += 1
            return state.submissions
        }
        var pushed = 0
        var lanes: [SourceName: [Submitted]] = [:]
        for file in byName(files) { lanes[file.source, default: []].append(Submitted(file: file, number: number)) }
        for (source, lane) in lanes { pushed += intake.push(contentsOf: lane, to: source) }
        guard pushed < files.count else { return true }
        state.with { $0.active -= files.count - pushed }
        return false
    }

    /// Waits until nothing is left that can go on; returns the error that stopped the pipeline, if one did.
    package func waitUntilIdle() -> DropError? {
        // A drop can wait behind another before its claim is made.
        state.wait(until: { $0.failure != nil || $0.undurable.isEmpty && $0.active <= $0.scheduler.stuck }) { $0.failure }
    }

    /// Waits until the pipeline has failed or `stop` was called; the error, if it failed.
    package func waitUntilStopping() -> DropError? {
        state.wait(until: { $0.failure != nil || $0.isStopping }) { $0.failure }
    }

    /// Asks for the end without waiting for it: `waitUntilStopping` returns, and `stop` is to follow.
    package func beginStop() { state.with { $0.isStopping = true } }

    /// Ends the patience of a `stop`, under way or to come.
    package func abandon() {
        state.with { state in
            state.isStopping = true
            state.isCancelled = true
        }
    }

    /// Claims no more, finishes the drops in hand within `patience`, then abandons what still runs, seals and ends. What is
    /// abandoned is unfinished work, which the next start takes up.
    package func stop(patience: Duration = .seconds(20)) {
        state.with { $0.isStopping = true }
        intake.close()
        claimed.close()
        let deadline = ContinuousClock.now.advanced(by: patience)
        let running = threads.with { $0 }
        for (index, thread) in running.enumerated() {
            // The last two are those of receipts and archive: nobody hands drops over to them any more.
            if index == running.count - 2 { ended.close() }
            guard !thread.join(timeout: max(.zero, deadline - ContinuousClock.now)) else { continue }
            state.with { $0.isCancelled = true }
            thread.join()
        }
    }

    /// What the daemon reports about itself.
    package func snapshot() -> PipelineSnapshot {
        state.quietly { state in
            PipelineSnapshot(
                waitingFiles: intake.count, inFlight: state.inFlight.values.sorted { $0.id < $1.id },
                suspended: state.scheduler.suspended.sorted(), suspensions: state.suspensions,
                blocked: state.scheduler.blocked.sorted(),
                diskIsFull: state.diskIsFull, archiveTrouble: state.archiveTrouble,
                receiptTroubles: Dictionary(state.owed.values.map { ($0.record.source, $0.trouble) }) { first, _ in first },
                times: state.times,
                queues: [
                    ("claim", intake.count), ("register", claimed.count + claimedLarge.count),
                    ("transform", state.scheduler.pending),
                    ("commit", state.commitQueue.count), ("archive", ended.count), ("receipt", unreceipted.count),
                ])
        }
    }

    // MARK: - Shared by the stages

    /// Runs a stage; an error that reaches here stops the pipeline.
    private func guarded(_ stage: () throws(DropError) -> Void) {
        do throws(DropError) { try stage() } catch { fail(error) }
    }

    func fail(_ error: DropError) {
        let isFirst = state.with { state in
            defer {
                state.failure = state.failure ?? error
                state.isStopping = true
                state.isCancelled = true
            }
            return state.failure == nil
        }
        guard isFirst else { return }
        intake.close()
        claimed.close()
        claimedLarge.close()
        ended.close()
        unreceipted.close()
        tell(.failed(error))
    }

    func enqueueEnded(_ ends: [Ended]) {
        state.quietly { state in for end in ends { state.ending[end.record.id] = end.record } }
        let pushed = ended.push(contentsOf: ends)
        if pushed < ends.count { state.quietly { state in for end in ends[pushed...] { state.ending[end.record.id] = nil } } }
    }

    /// Runs `body` until storage has room for it: a full disk passes, and nothing is given up because of it
    /// (docs/failure-model.md, "Full disks"). `body` can be run any number of times.
    ///
    /// - Returns: false when the pipeline stops first; what `body` was to do is then unfinished work for the next start.
    func insisting(_ body: () throws(DropError) -> Void) throws(DropError) -> Bool {
        var attempts = 0
        while true {
            do throws(DropError) {
                try body()
                if attempts > 0 { state.with { $0.diskIsFull = false } }
                return true
            } catch {
                guard case .retry(let delay) = error.remedy else { throw error }
                if attempts % 600 == 0 { tell(.failed(error)) }
                attempts += 1
                if error.code == .diskFull { state.with { $0.diskIsFull = true } }
                guard limits.waitsForSpace || attempts < Self.attemptsAlone else {
                    throw DropError(error.code, error.message, hint: error.hint, remedy: .stop)
                }
                if state.wait(until: { $0.isStopping }, timeout: delay, { $0.isStopping }) { return false }
            }
        }
    }

    /// How often what finds no room is tried by a command that ends; a daemon goes on trying.
    static let attemptsAlone = 30
}

/// Bounds on what the pipeline keeps at once.
package struct PipelineLimits: Sendable {
    /// Files that wait for each of claim, registration and archiving.
    package var intakeFiles = 4096
    /// Files of one source that wait for their claim.
    package var laneFiles = 1024
    /// Whether a full disk is waited for; a command that ends leaves files and drops where they are.
    package var waitsForSpace = true
    /// Drops transformed side by side, each of another source; at least 1.
    package var transformThreads = 4
    /// Absolute; for what the comparison of a large drop cannot keep in memory.
    package var scratchFolder = ""
    /// Drops in one claim and in one commit.
    package var batchDrops = 256
    /// Bytes of the files whose changes wait for the commit; one drop may be larger.
    package var commitBytes: UInt64 = 24 << 20
    /// A drop from this many bytes on has a container of its own, and is compressed while it is on its way.
    package var aheadBytes: UInt64 = 64 << 20
    /// Free bytes below which nothing is claimed (soft) and nothing transformed (hard): the smaller of share and size counts.
    package var softFree: (share: Double, bytes: UInt64) = (0.10, 2 << 30)
    package var hardFree: (share: Double, bytes: UInt64) = (0.05, 1 << 30)

    package init() {}
}

/// Why the drops of a source wait, all of them.
package struct Suspension: Sendable, Equatable {
    package let error: DropError
    /// Milliseconds since 1970.
    package let since: UInt64
}

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
}
