import DropCore
import Synchronization
import TwinModel

/// One write transaction: several change sets, each but the first in a savepoint, then COMMIT, then what the process keeps is
/// brought up to date.
///
/// Used on the writer's connection only. The parts of the work are types of their own over one `CommitState`.
final class GraphCommit: CommitPart {
    /// What a change set came to.
    enum Outcome {
        case applied(CommitResult)
        /// Something it compared with has changed since: a twin of that number, where it is known.
        case conflict(twin: UInt32?)
        case failed(DropError)
    }

    let state: CommitState
    private(set) var isOpen = false

    init(_ store: StoreEngine, _ database: StoreTransaction) throws(DropError) { state = try CommitState(store, database) }

    private var transaction: WriterTransaction { WriterTransaction(database) }
    private var notes: CommitNotes { CommitNotes(state: state) }
    private var publisher: CommitPublisher { CommitPublisher(state: state) }

    func begin() throws(DropError) {
        try transaction.begin()
        isOpen = true
    }

    /// Makes it durable, then known. Errors: the result is unknown after a failed COMMIT; the daemon stops and reads again.
    func commit() throws(DropError) {
        guard isOpen else { return }
        try transaction.commit()
        isOpen = false
        publisher.publish()
    }

    func rollback() {
        guard isOpen else { return }
        isOpen = false
        transaction.rollBack()
        for part in state.effects.reversed() { publisher.undo(part) }
    }

    // MARK: One member

    /// Applies one change set, or leaves no trace of it. Thrown errors are those of storage: the whole transaction is off.
    func apply(_ comparison: FinishedComparison, _ record: DropRecord) throws(DropError) -> Outcome {
        if let refusal = try refusal(of: record) { return .failed(refusal) }
        // Given up in an earlier attempt at this commit, which storage ended.
        if comparison.isEnded { return .conflict(twin: nil) }
        switch ConflictCheck(state: state).conflict(of: comparison) {
        case .none: break
        case .whole(let twin): return .conflict(twin: twin)
        case .some(let foreign):
            guard comparison.canBeStatedAgain, try comparison.restate(foreign, database) else {
                return .conflict(twin: foreign.twins.first)
            }
        }
        let part = DropEffects(comparison, sequence: state.head.sequence + 1)
        let saved = (state.head.nextRevision, state.head.time, state.head.persistedKeys)
        // What comes first needs no savepoint, for which SQLite copies every page that is changed: ending the transaction undoes
        // as much.
        let isFirst = state.effects.isEmpty
        if !isFirst { try sql.members.begin() }
        do {
            try write(part, record)
            if !isFirst { try sql.members.release() }
        } catch CommitInterruption.conflict {
            if isFirst { try transaction.restart() } else { try sql.members.rollBack() }
            publisher.undo(part)
            (state.head.nextRevision, state.head.time, state.head.persistedKeys) = saved
            return .conflict(twin: nil)
        } catch {
            publisher.undo(part)
            throw StorageFailure.error(error)
        }
        state.add(part)
        return .applied(
            CommitResult(
                drop: record.id, sequence: part.sequence, books: part.books, reason: comparison.lateReason,
                isNewest: comparison.context.lateness == nil))
    }

    /// Applied once is applied for ever.
    private func refusal(of record: DropRecord) throws(DropError) -> DropError? {
        guard let word = try sql.members.state(of: record.id), let state = DropState(rawValue: word), state.isApplied else {
            return nil
        }
        return DropError(
            .alreadyApplied, "The drop \(record.id) is \(state.rawValue) already.", hint: "Nothing is to be done.",
            remedy: .quarantine)
    }

    private func write(_ part: DropEffects, _ record: DropRecord) throws {
        let comparison = part.comparison
        let firstRevision = state.head.nextRevision
        state.head.time = max(state.head.time, record.changedAt)
        try notes.persistKeys(comparison)
        part.books.created = 0
        part.books.updated = 0
        part.books.deleted = 0
        part.books.deletedByAbsence = 0
        part.books.deletedWithTwins = 0
        part.books.waiting = 0
        try twinRows.writeTwins(part)
        try relationshipRows.writeRelationships(part)
        try waitingRows.activateWaiting(part)
        try notes.noteForeignChange(part)
        try DeliveryNotes(state: state).noteDelivery(part)
        var final = record
        final.state = .applied
        final.changedAt = state.head.time
        final.books = part.books
        if let reason = comparison.lateReason { final.reason = reason }
        try DropRows.upsert(final, number: part.dropNumber, scope: comparison.list.scope, database)
        try sql.members.insert(
            sequence: part.sequence, drop: part.dropNumber, time: state.head.time, firstRevision: firstRevision)
    }
}
