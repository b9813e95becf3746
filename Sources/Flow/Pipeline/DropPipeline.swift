package import DropCore
import ThreadKit
package import TwinModel

/// The way of one drop, from settled to archived. Each stage is a thread (transforms: several) behind a bounded queue, so a
/// stage that is slow holds back those before it and, in the end, leaves files where their senders put them:
///
///     submit ─▶ claim ─▶ register ─▶ transform + compare ─▶ commit ─▶ archive ─▶ receipt
///               (S1)       (S2)            (S3)               (S4)    (S5, S6)    (S7)
///
/// Every arrow carries drops whose earlier steps are durable or can be run again; `Recovery` starts from the register alone.
/// S1 to S7 are the steps of docs/failure-model.md, "Life cycle". This type starts the stages and ends them, each by its name;
/// what they share is the `Ledger`, and what becomes of a drop its `DropLifecycle` decides.
package final class DropPipeline: Sendable {
    private let shared: Shared
    private let stages: Stages
    private let ports: PipelinePorts
    private let crew = Monitor(Crew())

    /// The threads, from the one where files come in.
    private struct Crew {
        /// Of claim, register, transform and commit, in the order in which they end.
        var flow: [NamedThread] = []
        /// Of receipts and archive. Nobody hands drops over to the archive once the others have ended.
        var receipts: NamedThread?
        var archive: NamedThread?
    }

    /// - Parameters:
    ///   - notBefore: the newest label of earlier runs, in milliseconds since 1970.
    ///   - afterClaim: told what became of submitted files, on the claiming thread.
    ///   - tell: told what happens to drops, on the thread where it happens.
    package init(
        ports: PipelinePorts, sources: [PipelineSource], limits: PipelineLimits = PipelineLimits(), notBefore: UInt64 = 0,
        afterClaim: @escaping @Sendable ([(SettledFile, ClaimResult)]) -> Void = { _ in },
        emit: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        let orders = Dictionary(uniqueKeysWithValues: sources.map { ($0.name, $0.order) })
        shared = Shared(
            ledger: Monitor(Ledger(orders: orders)), sources: Dictionary(uniqueKeysWithValues: sources.map { ($0.name, $0) }),
            limits: limits, clock: MonotonicClock(notBefore: notBefore, ports.clock), emit: emit)
        stages = Stages(shared, ports, afterClaim: afterClaim)
        self.ports = ports
    }

    // MARK: - From start to end

    /// Recovers what an earlier run left, then starts the threads. Throws what makes a start impossible.
    package func start() throws(DropError) {
        shared.ledger.with { $0.caution.suspects = ports.inHand?.suspects ?? [] }
        let resumed = try stages.recovery.run()
        let stages = stages
        crew.with { crew in
            crew.flow = [
                thread("td-claim") { () throws(DropError) in try stages.claim.run() },
                thread("td-register") { () throws(DropError) in try stages.register.run() },
                thread("td-register-2") { () throws(DropError) in try stages.register.runLarge() },
            ]
            for index in 0..<shared.limits.transformThreads {
                crew.flow.append(thread("td-transform-\(index)") { () throws(DropError) in try stages.transform.run() })
            }
            crew.flow.append(thread("td-commit") { () throws(DropError) in try stages.commit.run() })
            crew.receipts = thread("td-receipts") { () throws(DropError) in try stages.receipt.run() }
            crew.archive = thread("td-archive") { () throws(DropError) in try stages.archive.run() }
        }
        for record in resumed.toRegister { stages.register.claimed.push(record) }
        stages.performer.archive(resumed.toArchive)
        for drop in resumed.toReceipt { stages.receipt.archived.push(drop) }
    }

    /// Runs a stage; an error that reaches here stops the pipeline.
    private func thread(_ name: String, _ stage: @escaping @Sendable () throws(DropError) -> Void) -> NamedThread {
        NamedThread(name) { [self] in
            do throws(DropError) { try stage() } catch { fail(error) }
        }
    }

    private func fail(_ error: DropError) {
        guard shared.ledger.with({ $0.run.fail(error) }) else { return }
        stages.closeAll()
        shared.emit(.failed(error))
    }

    /// The error that stopped the pipeline, if one did.
    package var failure: DropError? { shared.ledger.withoutWaking { $0.run.failure } }

    /// Waits until nothing is left that can go on; returns the error that stopped the pipeline, if one did.
    package func waitUntilIdle() -> DropError? {
        shared.ledger.wait(until: { $0.run.failure != nil || $0.isIdle }) { $0.run.failure }
    }

    /// Waits until the pipeline has failed or `stop` was called; the error, if it failed.
    package func waitUntilStopping() -> DropError? {
        shared.ledger.wait(until: { $0.run.failure != nil || $0.run.isStopping }) { $0.run.failure }
    }

    /// Asks for the end without waiting for it: `waitUntilStopping` returns, and `stop` is to follow.
    package func beginStop() { shared.ledger.with { $0.run.stop() } }

    /// Ends the patience of a `stop`, under way or to come.
    package func abandon() { shared.ledger.with { $0.run.cancel() } }

    /// Claims no more, finishes the drops in hand within `patience`, then abandons what still runs, seals and ends. What is
    /// abandoned is unfinished work, which the next start takes up.
    package func stop(patience: Duration = .seconds(20)) {
        beginStop()
        stages.closeIntake()
        let deadline = Conductor.now.advanced(by: patience)
        let crew = crew.with { $0 }
        for thread in crew.flow { join(thread, deadline) }
        stages.archive.ended.close()
        for thread in [crew.receipts, crew.archive] { if let thread { join(thread, deadline) } }
    }

    private func join(_ thread: NamedThread, _ deadline: ContinuousClock.Instant) {
        guard !thread.join(timeout: max(.zero, deadline - Conductor.now)) else { return }
        abandon()
        thread.join()
    }

    // MARK: - Files

    /// How many more files of the source `submit` takes without waiting.
    package func room(for source: SourceName) -> Int { stages.claim.files.room(for: source) }

    /// Hands over complete files. Waits while the lane of their source is full; false once the pipeline stops.
    @discardableResult
    package func submit(_ files: [SettledFile]) -> Bool { stages.claim.submit(files) }

    // MARK: - What it reports

    /// What the daemon reports about itself.
    package func snapshot() -> PipelineSnapshot {
        shared.ledger.withoutWaking { PipelineSnapshot($0, queues: stages.waiting($0)) }
    }

    /// The drops that are being transformed, the oldest first.
    package func progress() -> [DropProgress] {
        shared.ledger.withoutWaking { $0.progress.values.sorted { $0.began < $1.began } }
    }

    /// Drops that do not go on, each with why.
    package func waitingDrops() -> [WaitingDrop] {
        let now = shared.clock.now()
        return shared.ledger.withoutWaking { $0.waitingDrops(at: now) }
    }

    /// Whether a drop does not go on before a person acts on its source or on a drop before it.
    package func isStuck(_ drop: DropRecord) -> Bool {
        shared.ledger.withoutWaking { $0.scheduler.isStuck(drop.id, of: drop.source) }
    }

    /// Why a drop that is on its way does not go on; nil where nothing keeps it.
    package func reason(whyWaiting drop: DropRecord) -> WaitingReason? {
        let now = shared.clock.now()
        return shared.ledger.withoutWaking { ledger in
            ledger.waitingDrops(at: now).first { $0.record.id == drop.id }?.reason
        }
    }

    /// Of the file system that holds the state folder.
    package func freeSpace() throws(DropError) -> FreeSpace { try ports.spool.freeSpace() }

    // MARK: - Suspended sources

    /// Sources whose drops wait because plugin or settings cannot be used.
    package var suspended: Set<SourceName> { shared.ledger.withoutWaking { $0.scheduler.suspended } }

    /// A suspended source goes on with the drops that wait.
    package func resume(_ source: SourceName) { shared.ledger.with { $0.resume(source) } }

    /// A suspended source is so for another reason now.
    package func restate(_ source: SourceName, _ error: DropError) { shared.ledger.with { $0.restate(source, error) } }

    // MARK: - Acts of people

    /// A held drop goes on, without its guards: see `PersonActs`.
    package func release(_ id: DropID, force: Bool, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        try stages.acts.release(id, force: force, by: person, reason: reason)
    }

    /// The bytes of a quarantined drop run again as a new drop; a suspended source is resumed.
    package func retry(
        _ id: DropID, force: Bool = false, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        try stages.acts.retry(id, force: force, by: person, reason: reason)
    }

    /// A corrected file runs in the place of a held or quarantined drop: see `PersonActs`.
    package func replace(
        _ id: DropID, with file: Replacement, force: Bool = false, by person: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        try ReplacingAct(acts: stages.acts).replace(id, with: file, force: force, by: person, reason: reason)
    }

    /// Errors: the drop only waits, so that to retry it would change nothing (`wrong-state`).
    package func checkRetry(_ record: DropRecord) throws(DropError) { try stages.acts.checkRetry(record) }

    /// A drop that is not applied is given up. Its bytes stay in the archive.
    package func discard(_ id: DropID, by person: Person, reason: String?) throws(DropError) -> DropRecord {
        try stages.acts.discard(id, by: person, reason: reason)
    }

    /// Before `start`: the drop is given up when its turn comes.
    package func willDiscard(_ id: DropID, by person: Person, reason: String?) throws(DropError) {
        try stages.acts.willDiscard(id, by: person, reason: reason)
    }

    /// Writes down an act that changes no drop: `adopt`, `forget`.
    package func note(
        _ kind: Act.Kind, source: SourceName?, facts: [JSON.Member], by person: Person, reason: String?
    ) throws(DropError) {
        try stages.acts.note(kind, source: source, facts: facts, by: person, reason: reason)
    }
}
