import DropCore

/// Compares the operations of one drop with the graph as they come, and keeps what would change (docs/ARCHITECTURE.md,
/// "Comparing a drop").
///
/// Used by one thread at a time. All that changes is one value, which each frame goes through inout.
final class DropComparison: ChangeSetBuilder {
    let context: ComparisonContext
    private var progress: ComparisonProgress
    /// What came, for the case that others change twins of it before the commit.
    private var kept: KeptFrames
    /// It is finished, or given up.
    private var isEnded = false

    init(store: StoreEngine, job: ApplyJob, writer: StoreTransaction? = nil) throws(DropError) {
        context = try ComparisonContext(store: store, job: job, writer: writer)
        progress = ComparisonProgress(context)
        kept = Self.keeping(context)
        context.cache.note([], of: context)
    }

    private static func keeping(_ context: ComparisonContext) -> KeptFrames {
        guard context.writer == nil else { return .none }
        return KeptFrames(folder: context.cache.contest.isExpected(by: context.job.drop) ? context.job.scratchFolder : nil)
    }

    deinit {
        if !isEnded { abandon() }
    }

    package var books: DropBooks { progress.account.books }
    package var rejections: [Rejection] { progress.account.rejections }
    package var spans: [FileSpan] { progress.account.spans }

    package func absorb(_ entries: RawSpan) throws(DropError) {
        try absorb(frame: Span<UInt8>(_bytes: entries))
    }

    func absorb(frame bytes: borrowing Span<UInt8>) throws(DropError) {
        precondition(!isEnded, "a change set takes no operations after its end")
        kept.keep(bytes)
        try take(bytes)
    }

    /// Takes what another comparison of the same drop kept, and keeps it.
    func absorb(_ frames: KeptFrames) throws(DropError) {
        kept = frames
        try kept.forEach { (frame, _) throws(DropError) in try take(frame) }
    }

    private func take(_ bytes: borrowing Span<UInt8>) throws(DropError) {
        context.store.versions.cacheLock.lockForReading()
        defer { context.store.versions.cacheLock.unlockAfterReading() }
        try FrameReader(context).read(bytes, &progress)
    }

    package func restart() throws(DropError) {
        progress.said.abandon(context.store)
        progress.keys.release(to: context.store.keys)
        progress = ComparisonProgress(context)
        context.cache.note([], of: context)
        kept = Self.keeping(context)
    }

    package func abandon() {
        guard !isEnded else { return }
        progress.said.abandon(context.store)
        isEnded = true
        kept.forget()
        context.release(progress.keys)
    }

    package func finish() throws(DropError) -> any ChangeSet { DropChanges(try finished()) }

    /// Ends the input. What it holds is the finished comparison's from then on.
    func finished() throws(DropError) -> FinishedComparison {
        precondition(!isEnded, "a change set ends once")
        context.cache.note(progress.keys.names, of: context)
        var (lateReason, gone) = try end()
        for _ in 0..<EndsGone.passesMax where !gone.isSubset(of: progress.deferred.endsGone) {
            try takeAgain(refusing: gone.union(progress.deferred.endsGone))
            (lateReason, gone) = try end()
        }
        guard gone.isSubset(of: progress.deferred.endsGone) else { throw EndsGone.endless }
        context.store.versions.cacheLock.lockForReading()
        defer { context.store.versions.cacheLock.unlockAfterReading() }
        try ComparisonEnd(context).checkGuards(progress.list, progress.said, progress.account.books)
        isEnded = true
        return FinishedComparison(context, progress, lateReason, kept)
    }

    /// - Returns: as `ComparisonEnd.finish`, and the twins it deletes and states relationships of.
    private func end() throws(DropError) -> (lateReason: DropReason?, gone: Set<IdentityHash>) {
        context.store.versions.cacheLock.lockForReading()
        defer { context.store.versions.cacheLock.unlockAfterReading() }
        let lateReason = try ComparisonEnd(context).finish(&progress)
        return (lateReason, try EndsGone(context).find(progress.said, progress.list, known: progress.deferred.endsGone))
    }

    /// Compares again what it kept, without the records that state relationships of `gone`.
    private func takeAgain(refusing gone: Set<IdentityHash>) throws(DropError) {
        guard kept.isComplete else {
            context.cache.contest.note(context.job.drop)
            throw EndsGone.toBeReadAgain
        }
        progress.said.abandon(context.store)
        progress.keys.release(to: context.store.keys)
        progress = ComparisonProgress(context, refusing: gone)
        try kept.forEach { (frame, _) throws(DropError) in try take(frame) }
    }
}
