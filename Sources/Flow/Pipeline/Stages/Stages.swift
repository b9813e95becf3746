import DropCore
import ThreadKit

/// The stages of the flow, what stands between them, and what they have in common. Made once; nothing in it changes.
struct Stages: Sendable {
    let claim: ClaimStage
    let register: RegisterStage
    let transform: TransformStage
    let commit: CommitStage
    let archive: ArchiveStage
    let receipt: ReceiptStage
    let acts: PersonActs
    let recovery: Recovery
    let performer: Performer

    init(_ shared: Shared, _ ports: PipelinePorts, afterClaim: @escaping @Sendable ([(SettledFile, ClaimResult)]) -> Void) {
        let limits = shared.limits
        let files = FairQueue<SourceName, Submitted>(capacity: limits.laneFiles)
        let claimed = BoundedQueue<DropRecord>(capacity: limits.intakeFiles)
        let large = BoundedQueue<DropRecord>(capacity: limits.intakeFiles)
        let ended = BoundedQueue<Ended>(capacity: limits.intakeFiles)
        let archived = BoundedQueue<Receipted>(capacity: 2 * ReceiptStage.waitingMax)

        let room = DiskRoom(shared: shared, spool: ports.spool)
        let receipts = ReceiptDesk(shared: shared, book: ports.receipts)
        let closing = Closing(
            shared: shared, register: ports.register, graph: ports.graph, spool: ports.spool, receipts: receipts)
        let performer = Performer(
            shared: shared, register: ports.register, spool: ports.spool, inHand: ports.inHand, room: room, receipts: receipts,
            closing: closing, ended: ended)
        let placing = Placing(
            shared: shared, register: ports.register, graph: ports.graph, transformer: ports.transformer, spool: ports.spool,
            amendments: ports.amendments)

        claim = ClaimStage(
            shared: shared, claimer: ports.claimer, register: ports.register, spool: ports.spool, room: room, files: files,
            claimed: claimed,
            afterClaim: afterClaim)
        register = RegisterStage(
            shared: shared, spool: ports.spool, room: room, performer: performer, claimed: claimed, large: large)
        transform = TransformStage(
            shared: shared,
            preparation: Preparation(
                shared: shared, graph: ports.graph, register: ports.register, transformer: ports.transformer,
                spool: ports.spool, rejects: ports.receipts, placing: placing, performer: performer),
            performer: performer, room: room, inHand: ports.inHand)
        commit = CommitStage(
            shared: shared, graph: ports.graph, register: ports.register, placing: placing, performer: performer, room: room,
            maintenance: ports.maintenance)
        archive = ArchiveStage(
            shared: shared, makeArchive: ports.makeArchive, register: ports.register, spool: ports.spool, receipts: receipts,
            precompress: PrecompressStage(shared: shared, register: ports.register, spool: ports.spool, large: large),
            ended: ended, archived: archived, isIntakeOver: { files.isClosed && claimed.count == 0 })
        receipt = ReceiptStage(
            shared: shared, register: ports.register, spool: ports.spool, receipts: receipts, closing: closing, room: room,
            archived: archived)
        acts = PersonActs(
            shared: shared, register: ports.register, spool: ports.spool, fetch: ports.fetch, performer: performer,
            receipts: receipts, closing: closing, claimed: claimed)
        recovery = Recovery(shared: shared, ports: ports, receipts: receipts, closing: closing)
        self.performer = performer
    }

    /// No file comes in any more, and no drop is begun.
    func closeIntake() {
        claim.files.close()
        register.claimed.close()
    }

    /// The flow has failed: nobody waits for anybody.
    func closeAll() {
        closeIntake()
        register.claimedLarge.close()
        archive.ended.close()
        receipt.archived.close()
    }

    /// What waits for each stage.
    func waiting(_ ledger: Ledger) -> [(stage: String, count: Int)] {
        [
            ("claim", claim.files.count), ("register", register.waiting), ("transform", ledger.scheduler.queued),
            ("commit", ledger.commits.count), ("archive", archive.ended.count), ("receipt", receipt.archived.count),
        ]
    }
}
