import DropCore

/// The comparison of a drop at its end: what it would change, what it found unchanged, and what that depends on.
///
/// One thread at a time has it: the one that compared, then the one that commits.
final class FinishedComparison {
    let context: ComparisonContext
    let keys: StreamKeys
    private(set) var account: DropAccount
    private(set) var said: Said
    let list: ListDifference
    let spoken: SpokenNames
    let models: ModelRules
    /// Relationships that went with a twin before what is there now: of twins that a late delete did not take, and those whose
    /// place one took that led to a twin deleted since. What the drop says of them stays.
    let relationshipsCut: [UInt32]
    /// What a person is told of statements that do not stand.
    let lateReason: DropReason?
    private let kept: KeptFrames
    private(set) var isEnded = false

    init(
        _ context: ComparisonContext, _ drop: borrowing ComparisonProgress, _ lateReason: DropReason?, _ kept: KeptFrames
    ) {
        self.context = context
        (keys, account, said) = (drop.keys, drop.account, drop.said)
        (list, spoken, models) = (drop.list, drop.spoken, drop.models)
        let stated = drop.said.relationships
        relationshipsCut = drop.late.relationshipsCut.filter { !stated.isStated($0) }
        self.lateReason = lateReason
        self.kept = kept
    }

    deinit {
        if !isEnded { abandon() }
    }

    var job: ApplyJob { context.job }
    var cache: SourceCache { context.cache }
    var dropNumber: UInt64 { context.dropNumber }
    var books: DropBooks { account.books }

    /// True when a twin is neither in the graph nor made by the drop.
    func lacks(_ twin: [UInt8]) throws(DropError) -> Bool { try !said.exists(context.store.identities.hash.identity(twin)) }

    /// True where it can be compared again as a whole.
    var canBeComparedAgain: Bool { kept.isComplete && !isEnded }

    /// True where what others changed can be stated again without comparing all: a large drop is not to be compared as a whole.
    var canBeStatedAgain: Bool { kept.isSpilled }

    /// See `Restatement`.
    ///
    /// - Returns: false where the drop must be compared again as a whole. Nothing was stated then.
    func restate(_ foreign: ForeignChanges, _ database: StoreTransaction) throws(DropError) -> Bool {
        guard let again = try Restatement(foreign, context, database) else { return false }
        // A refused record says nothing, whatever its operations.
        let count = try again.state(kept, refused: Set(account.rejections.map(\.record)), keys, in: &said)
        // Each was counted as unchanged; the writer counts what it comes to.
        account.books.unchanged -= min(account.books.unchanged, UInt64(count))
        return true
    }

    /// A comparison of the same drop with what is committed now, which wants its frames (`giveFrames`); this one is given up.
    /// Only inside a commit, between transactions.
    func beginAgain(_ database: StoreTransaction) throws(DropError) -> DropComparison {
        let again = try DropComparison(store: context.store, job: job, writer: database)
        // Its names count all the time: a stream that begins now begins with them.
        cache.note(keys.names, of: again.context)
        if !isEnded { giveUp() }
        return again
    }

    /// Gives the frames it kept to the comparison that takes its place.
    func giveFrames(to again: DropComparison) throws(DropError) { try again.absorb(kept) }

    /// Which records of an amendment are accepted now, and their bytes.
    var accepted: [UInt64: [UInt8]] {
        guard let amendment = job.amendment else { return [:] }
        let refused = Set(account.rejections.map(\.record)).union(amendment.refused.keys)
        return amendment.rows.filter { !refused.contains($0.key) }
    }

    /// Gives up, and frees everything.
    func abandon() {
        guard !isEnded else { return }
        giveUp()
        kept.forget()
    }

    private func giveUp() {
        said.abandon(context.store)
        letGo()
    }

    /// Nothing is held for it any more: it is committed.
    func end() {
        letGo()
        kept.forget()
    }

    private func letGo() {
        isEnded = true
        context.release(keys)
    }
}
