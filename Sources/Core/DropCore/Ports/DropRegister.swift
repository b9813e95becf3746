/// The durable list of drops: one table of the twin database. A call that changes it returns when the change is durable
/// (`synchronous=FULL`). Calls may block and are safe from any thread.
package protocol DropRegister: Sendable {
    /// Step S1: writes the drops in state `claimed`, before their files are moved.
    func recordIntents(_ drops: [DropRecord]) throws(DropError)
    /// Takes back intents whose file was not moved.
    func withdraw(_ drops: [DropID]) throws(DropError)
    /// Replaces the rows of the drops and records the act of the person that caused it, in one transaction.
    func update(_ drops: [DropRecord], by act: Act?) throws(DropError)
    /// Steps S6 and S7, in one transaction. `drops` have their place in the archive: container and member are written, and
    /// `applied` becomes `archived`. Any other state stays, because a person or a later drop set it meanwhile. The drops in
    /// `done` have left the spool: `archived` becomes `done`. With `head`, also notes the state of the archive.
    func noteArchived(_ drops: [DropRecord], done: [DropID], head: ArchiveHead?) throws(DropError)
    /// Records that a later drop closed others. Each gets its `closedBy`, and one that is quarantined or retried becomes
    /// `resolved`, at `milliseconds`. Drops that are already closed do not change. Returns those that changed.
    func close(_ drops: [DropID], by closing: DropClosing, at milliseconds: UInt64) throws(DropError) -> [DropRecord]
    /// Acts that are not in the chain yet, oldest first.
    func unrecordedActs() throws(DropError) -> [Act]
    /// Notes in which leaves of the chain the acts are.
    func noteRecorded(_ acts: [(act: DropID, leaf: UInt64)]) throws(DropError)
    /// Nil when there is no such drop.
    func drop(_ id: DropID) throws(DropError) -> DropRecord?
    /// All drops in one of `states`, oldest first.
    func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord]
    /// Unfinished drops, oldest first: those in `claimed`, `registered`, `applied`, `archived` and `held`, and those that ended
    /// in another way and have no place in the archive yet. The cost grows with unfinished work, not with the archive.
    func unfinished() throws(DropError) -> [DropRecord]
    /// Quarantined drops of the source for which later drops wait in `order`, oldest first. A quarantined drop does not count if
    /// a drop that arrived later and belongs behind it was applied, as happens while a source keeps no order.
    func blocking(_ source: SourceName, _ order: DropOrder) throws(DropError) -> [DropRecord]
    /// A page of drops, newest first; nil filters match all.
    func page(source: SourceName?, states: Set<DropState>?, before: DropID?, limit: Int) throws(DropError) -> [DropRecord]
    /// Drops whose id starts with `prefix` (Crockford base 32), or whose file name is `prefix`: newest first, at most `limit`.
    func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord]
    /// The drops whose file had exactly this name, byte by byte, newest first.
    func drops(named name: FileName, limit: Int) throws(DropError) -> [DropRecord]
    /// The newest applied drop of the source, amendments and those that came late left out: what a repetition repeats
    /// (docs/failure-model.md, "Repetition").
    func newestApplied(of source: SourceName) throws(DropError) -> DropRecord?
    /// Applied amendments of a drop that have refused records of their own, which nothing has closed yet.
    func openAmendments(of drop: DropID, source: SourceName) throws(DropError) -> [DropID]
    /// The greatest name, byte by byte, of the source's applied drops, without amendments; nil before the first.
    func highestName(of source: SourceName) throws(DropError) -> FileName?
    /// The number of the commit that applied the drop (`CommitResult.sequence`); nil when it was never applied.
    func commitSequence(of id: DropID) throws(DropError) -> UInt64?
    /// Whether a drop of the source with this file name, older than `id`, was applied.
    func hasApplied(_ name: FileName, of source: SourceName, before id: DropID) throws(DropError) -> Bool
    /// The newest applied (or later) drop of the source with these bytes.
    func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord?
    /// The drop of any source whose content member in the archive has these bytes; nil if there is none yet.
    func archived(with digest: ContentDigest) throws(DropError) -> DropID?
    /// The newest drop of the source before `id` that was this intake.
    func drop(withIntake identity: FileIdentity, of source: SourceName, before id: DropID) throws(DropError) -> DropRecord?
}

extension DropRegister {
    /// Replaces what is known about the drops, all in one transaction.
    package func update(_ drops: [DropRecord]) throws(DropError) { try update(drops, by: nil) }

    /// A register without amendments has none.
    package func openAmendments(of drop: DropID, source: SourceName) throws(DropError) -> [DropID] { [] }

    package func drops(named name: FileName, limit: Int) throws(DropError) -> [DropRecord] {
        guard let text = String(validating: name.bytes, as: UTF8.self) else { return [] }
        return try find(text, limit: limit).filter { $0.fileName == name }
    }
}

/// What a commit did with one change set.
package struct CommitResult: Sendable, Equatable {
    package let drop: DropID
    /// The number of the commit: rises by at least one with each drop, across restarts; the order of `as of`.
    package let sequence: UInt64
    package let books: DropBooks
    /// Why something of it was not applied; nil if all was.
    package let reason: DropReason?
    /// False if newer drops of its source were applied before, so that the last statement of the source is still theirs.
    package let isNewest: Bool

    package init(drop: DropID, sequence: UInt64, books: DropBooks, reason: DropReason? = nil, isNewest: Bool = true) {
        self.reason = reason
        self.isNewest = isNewest
        self.drop = drop
        self.sequence = sequence
        self.books = books
    }
}

/// The twin graph as the pipeline sees it.
package protocol TwinGraph: Sendable {
    func changeSet(for job: ApplyJob) throws(DropError) -> any ChangeSetBuilder

    /// Applies change sets in the given order, each whole or not at all. All of them and the rows of their drops (state
    /// `applied`, with books) are in one durable transaction. If others have committed changes since the comparison, a change set
    /// is compared again here. One caller at a time.
    ///
    /// The result for a change set that could not be applied is its error; the others are committed all the same.
    func commit(_ batch: [(changes: any ChangeSet, record: DropRecord)]) throws(DropError) -> [Result<CommitResult, DropError>]

    /// True when nobody but `source` changed a twin or relationship of that source since `drop` was applied.
    func isUntouched(since drop: DropID, source: SourceName) throws(DropError) -> Bool

    /// The refused records of an applied drop, and the corrections accepted since; nil if it has none.
    func refusals(of drop: DropID) throws(DropError) -> Refusals?
}
