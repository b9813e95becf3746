import DropCore
import GRDB
import Synchronization
import TwinModel

/// One write transaction: several change sets, each but the first in a savepoint, then COMMIT, then what the process keeps is
/// brought up to date.
/// Used on the writer's connection only. Its files: `+Twins`, `+Relationships`, `+Publish`.
final class GraphCommit {
    /// What a change set came to.
    enum Outcome {
        case applied(CommitResult)
        /// Something it compared with has changed since: a twin of that number, where it is known.
        case conflict(twin: UInt32?)
        case failed(DropError)
    }

    /// What one applied change set, or one call of the twin service, leaves to be published after COMMIT.
    class Effects {
        /// Of the drop or call.
        let dropNumber: UInt64
        let sequence: UInt64
        var createdTwins = NumberSet()
        var createdRelationships = NumberSet()
        /// Twins that were there and got another model (a global key; 0: none).
        var remodelled: [(number: UInt32, model: UInt32)] = []
        /// Identities entered into the indexes inside the commit.
        var entered: [(kind: NumberReservation.Kind, hash: IdentityHash, number: UInt32)] = []
        /// Identities that had another number, of something deleted earlier in the same transaction.
        var displaced: [(kind: NumberReservation.Kind, hash: IdentityHash, number: UInt32)] = []
        var revised: [(kind: NumberReservation.Kind, number: UInt32, fingerprint: Fingerprint)] = []
        var deleted: [(kind: NumberReservation.Kind, number: UInt32, hash: IdentityHash)] = []
        /// Identities this drop introduced that came to nothing.
        var vanished: [(kind: NumberReservation.Kind, number: UInt32, hash: IdentityHash)] = []
        /// Relationships that waited, and the drops that stated them.
        var activated: [(number: UInt32, owner: SourceName, origin: UInt64)] = []
        var books = DropBooks()
        var waitingChanged = false

        init(dropNumber: UInt64, sequence: UInt64) {
            self.dropNumber = dropNumber
            self.sequence = sequence
        }
    }

    /// The effects of a change set.
    final class DropEffects: Effects {
        let comparison: FinishedComparison
        /// New twins that were written and are not staged yet, for some at a time take the lock.
        var fresh: [(number: UInt32, model: UInt32, fingerprint: Fingerprint)] = []
        static let freshMax = 65_536
        var isBare = false
        /// The names of relationships it stated that wait, each with a NUL behind it.
        var waited: [UInt8] = []
        /// Had records refused: the source's drops are kept track of from here on.
        var tracks = false

        init(_ comparison: FinishedComparison, sequence: UInt64) {
            self.comparison = comparison
            super.init(dropNumber: comparison.dropNumber, sequence: sequence)
            books = comparison.books
        }
    }

    let store: StoreEngine
    let database: Database
    let sql: Statements
    var effects: [Effects] = []
    /// Of all members so far: numbers that are new, gone, or changed in this transaction.
    var created = NumberSet()
    var createdRelationships = NumberSet()
    var gone = NumberSet()
    var goneRelationships = NumberSet()
    var changed = NumberSet()
    var changedRelationships = NumberSet()
    var sequence: UInt64
    var nextRevision: UInt64
    var time: UInt64
    /// Units of 100 nanoseconds since 1970, of the last call.
    var ticks: Int64
    var persistedKeys: Set<UInt32> = []
    /// Sources that had records refused in this transaction.
    var tracked: Set<ObjectIdentifier> = []
    /// Set inside callbacks of the log; the member then has a conflict.
    var isInterrupted = false
    /// The member whose relationships are being written.
    var present: Effects?
    private(set) var isOpen = false

    init(_ store: StoreEngine, _ database: Database) throws(DropError) {
        self.store = store
        self.database = database
        sql = try Statements(database)
        (sequence, nextRevision, time, ticks) = store.numbers.state.withLock {
            ($0.sequence, $0.nextRevision, $0.lastTime, $0.lastTicks)
        }
    }

    func begin() throws(DropError) {
        try run { try database.beginTransaction(.immediate) }
        isOpen = true
    }

    /// Makes it durable, then known. Errors: the result is unknown after a failed COMMIT; the daemon stops and reads again.
    func commit() throws(DropError) {
        guard isOpen else { return }
        try run { try database.commit() }
        isOpen = false
        publish()
    }

    func rollback() {
        guard isOpen else { return }
        isOpen = false
        // A full disk may have ended the transaction already; then there is nothing to roll back.
        if database.isInsideTransaction { try? database.rollback() }
        for member in effects.reversed() { undo(member) }
    }

    func run(_ body: () throws -> Void) throws(DropError) {
        do {
            try body()
        } catch {
            throw StorageFailure.error(error)
        }
    }

    // MARK: One member

    /// Applies one change set, or leaves no trace of it. Thrown errors are those of storage: the whole transaction is off.
    func apply(_ comparison: FinishedComparison, _ record: DropRecord) throws(DropError) -> Outcome {
        if let refusal = try refusal(of: record) { return .failed(refusal) }
        // Given up in an earlier attempt at this commit, which storage ended.
        if comparison.isEnded { return .conflict(twin: nil) }
        switch conflict(of: comparison) {
        case .none: break
        case .whole(let twin): return .conflict(twin: twin)
        case .some(let foreign):
            guard comparison.canBeStatedAgain, try comparison.restate(foreign, database) else {
                return .conflict(twin: foreign.twins.first)
            }
        }
        let member = DropEffects(comparison, sequence: sequence + 1)
        let saved = (nextRevision, time, persistedKeys)
        // What comes first needs no savepoint, for which SQLite copies every page that is changed: ending the transaction undoes
        // as much.
        let isFirst = effects.isEmpty
        if !isFirst { try sql.savepoint.run() }
        do {
            try write(member, record)
            if !isFirst { try sql.release.run() }
        } catch Interruption.conflict {
            try run {
                if isFirst {
                    try database.rollback()
                    try database.beginTransaction(.immediate)
                } else {
                    try database.execute(sql: "ROLLBACK TO member; RELEASE member")
                }
            }
            undo(member)
            (nextRevision, time, persistedKeys) = saved
            return .conflict(twin: nil)
        } catch {
            undo(member)
            throw StorageFailure.error(error)
        }
        sequence = member.sequence
        effects.append(member)
        created.formUnion(member.createdTwins)
        createdRelationships.formUnion(member.createdRelationships)
        for one in member.activated { createdRelationships.insert(one.number) }
        return .applied(
            CommitResult(
                drop: record.id, sequence: member.sequence, books: member.books, reason: comparison.lateReason,
                isNewest: comparison.context.lateness == nil))
    }

    /// Ends a member early.
    enum Interruption: Error { case conflict }

    /// Applied once is applied for ever.
    private func refusal(of record: DropRecord) throws(DropError) -> DropError? {
        sql.dropState.bind(text: 1, Array(record.id.description.utf8))
        defer { sql.dropState.reset() }
        guard try sql.dropState.step() else { return nil }
        guard let state = DropState(rawValue: sql.dropState.text(0)), state.isApplied else { return nil }
        return DropError(
            .alreadyApplied, "The drop \(record.id) is \(state.rawValue) already.", hint: "Nothing is to be done.",
            remedy: .quarantine)
    }

    private enum Conflict {
        case none
        /// Only what was found unchanged has changed, and is there still.
        case some(ForeignChanges)
        /// Something on which more depends.
        case whole(twin: UInt32?)
    }

    /// Whether an operation was found to change nothing, or to have no twin, and a commit since may have made that untrue.
    private func conflict(of comparison: FinishedComparison) -> Conflict {
        let since = comparison.context.startSequence
        let (twins, relationships) = (comparison.said.twins, comparison.said.relationships)
        if hasModelConflict(comparison) { return .whole(twin: nil) }
        // What a snapshot leaves out is known only against everything its source made.
        if comparison.job.policy.mode == .snapshot {
            if comparison.memory.ownedSince > since { return .whole(twin: nil) }
            let source = comparison.job.source
            let hasNew = effects.contains { member in
                (member as? DropEffects)?.comparison.memory === comparison.memory
                    || member.activated.contains { $0.owner == source }
            }
            if hasNew { return .whole(twin: nil) }
        }
        if store.identities.waiting.withLock({ !$0.stolenTwins.isEmpty || !$0.stolenRelationships.isEmpty }) {
            let stolen = store.identities.waiting.withLock { ($0.stolenTwins, $0.stolenRelationships) }
            if stolen.0.contains(where: { twins.isStated($0) }) { return .whole(twin: nil) }
            if stolen.1.contains(where: { relationships.isStated($0) }) { return .whole(twin: nil) }
        }
        // It left no word of what it spoke of, and has to: a drop of the source was set aside, or had refused records, since.
        if !comparison.context.isTracked, comparison.account.hasOperations, ComparisonContext.speaksInParts(comparison.job),
            demandsWord(of: comparison)
        {
            return .whole(twin: nil)
        }
        guard UInt64(since) != sequence else { return .none }
        // What a late drop may still say was told from the records as they were.
        if comparison.context.lateness != nil { return .whole(twin: nil) }
        for hash in twins.absent {
            let number = store.identities.twins.number(of: hash)
            if number != 0, !twins.isStated(number), store.versions.twins[number] > since || created.contains(number) {
                return .whole(twin: number)
            }
        }
        for hash in relationships.absent {
            let number = store.identities.relationships.number(of: hash)
            if number != 0, !relationships.isStated(number),
                store.versions.relationships[number] > since || createdRelationships.contains(number)
            {
                return .whole(twin: nil)
            }
        }
        var foreign = ForeignChanges()
        // One of whose statements some were found unchanged and others were written down: only all of them together say it.
        var isMixed: UInt32?
        twins.seen.forEach {
            guard store.versions.twins[$0] > since || changed.contains($0) else { return }
            if twins.isStated($0) { isMixed = $0 } else { foreign.twins.append($0) }
        }
        if let isMixed { return .whole(twin: isMixed) }
        relationships.seen.forEach {
            guard store.versions.relationships[$0] > since || changedRelationships.contains($0) else { return }
            if relationships.isStated($0) { isMixed = $0 } else { foreign.relationships.append($0) }
        }
        if isMixed != nil { return .whole(twin: nil) }
        return foreign.isEmpty ? .none : .some(foreign)
    }

    private func write(_ member: DropEffects, _ record: DropRecord) throws {
        let comparison = member.comparison
        let firstRevision = nextRevision
        time = max(time, record.changedAt)
        try persistKeys(comparison)
        member.books.created = 0
        member.books.updated = 0
        member.books.deleted = 0
        member.books.deletedByAbsence = 0
        member.books.deletedWithTwins = 0
        member.books.waiting = 0
        try writeTwins(member)
        try writeRelationships(member)
        try activateWaiting(member)
        try noteTrespass(member)
        try noteDelivery(member)
        var final = record
        final.state = .applied
        final.changedAt = time
        final.books = member.books
        if let reason = comparison.lateReason { final.reason = reason }
        try DropRows.upsert(final, number: member.dropNumber, scope: comparison.list.scope, database)
        sql.insertCommit.bind(1, Int64(member.sequence))
        sql.insertCommit.bind(2, Int64(member.dropNumber))
        sql.insertCommit.bind(3, Int64(time))
        sql.insertCommit.bind(4, Int64(firstRevision))
        try sql.insertCommit.run()
    }

    /// Gives an identity to something that the commit itself makes. A drop on its way that introduced it too is compared again.
    func enter(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32, _ member: Effects) {
        let index = kind == .twins ? store.identities.twins : store.identities.relationships
        let other = index.replace(hash, number)
        member.entered.append((kind, hash, number))
        guard other != 0 else { return }
        let isForeign =
            switch kind {
            case .twins: store.versions.twins[other] == 0 && !created.contains(other) && !member.createdTwins.contains(other)
            case .relationships:
                store.versions.relationships[other] == 0 && !createdRelationships.contains(other)
                    && !member.createdRelationships.contains(other)
            }
        guard isForeign else {  // It was deleted earlier in this transaction, and is there again where this member is not.
            member.displaced.append((kind, hash, other))
            return
        }
        store.identities.waiting.withLock { waiting in
            _ = kind == .twins ? waiting.stolenTwins.insert(other) : waiting.stolenRelationships.insert(other)
        }
    }

    /// Writes key names the database does not have: first the global ones, then the source's.
    private func persistKeys(_ comparison: FinishedComparison) throws {
        try persistGlobalKeys(of: comparison.keys.globals)
        let source = comparison.job.source
        guard comparison.keys.areNew else { return }
        for wire in 1..<max(comparison.keys.globals.count, 1) {
            try database.execute(
                sql: "INSERT OR IGNORE INTO source_key(source, no, key) VALUES(?, ?, ?)",
                arguments: [source.text, wire, Int64(comparison.keys.globals[wire])])
        }
    }

    /// Writes global key names the database does not have: those of a stream, and all that are not a drop's alone.
    func persistGlobalKeys(of stream: [UInt32] = []) throws {
        for (number, name) in store.keys.unpersisted(of: stream) where !persistedKeys.contains(number) {
            try database.execute(
                sql: "INSERT OR IGNORE INTO key(no, name) VALUES(?, ?)", arguments: [Int64(number), name])
            persistedKeys.insert(number)
        }
    }

    /// Notes for every other source whether this drop changed something of it: a later drop of that source with the same bytes is
    /// then no duplicate.
    private func noteTrespass(_ member: DropEffects) throws {
        let me = member.comparison.job.source
        sql.noteSource.bind(text: 1, me.text)
        if member.comparison.said.isBare { member.isBare = true }
        sql.noteSource.bind(2, Int64(member.isBare ? 1 : 0))
        try sql.noteSource.run()
        try noteTrespass(of: me, changing: member.books.changes > 0, member.sequence)
    }

    /// Tells the sources in `trespassed`, and those that rely on others, that somebody else (`nil`: a call) changed something.
    func noteTrespass(of me: SourceName?, changing: Bool, _ sequence: UInt64) throws {
        foreignSources.formUnion(trespassed.filter { $0 != me })
        for source in trespassed where source != me {
            sql.noteChangeByOthers.bind(text: 1, source.text)
            sql.noteChangeByOthers.bind(2, Int64(sequence))
            try sql.noteChangeByOthers.run()
        }
        trespassed = []
        guard changing else { return }
        sql.noteChangeOfBare.bind(1, Int64(sequence))
        sql.noteChangeOfBare.bind(text: 2, me?.text ?? "")
        try sql.noteChangeOfBare.run()
    }

    /// Sources of which others changed something in this transaction.
    var foreignSources: Set<SourceName> = []
    /// Sources whose twins the present member changed.
    var trespassed: Set<SourceName> = []
    private var lastTrespass: UInt64 = 0

    /// Collects the sources that had a part in a record which is now changed or deleted.
    func noteParts(of record: TwinRecord) {
        _ = record.mentions { drop in
            if drop != lastTrespass, let source = store.sources.source(ofDrop: drop) {
                trespassed.insert(source)
                lastTrespass = drop
            }
            return false
        }
    }
}
