package import DropCore

/// Compares drops with the graph, and commits what they change.
///
/// `changeSet`: any thread. `commit`: one caller at a time; it holds the writer's connection from the first change to COMMIT.
package struct StoreGraph: TwinGraph {
    let store: StoreEngine

    package func changeSet(for job: ApplyJob) throws(DropError) -> any ChangeSetBuilder {
        try DropComparison(store: store, job: job)
    }

    /// See `TwinGraph`. Where others changed twins that a drop found as it says, those are compared again here, from the
    /// operations it kept; where more depends on the change, all of them are. A large drop of a source that nobody else was
    /// known to write to has kept none: it is refused with `conflict` (retry) once, and keeps them when its transform runs again
    /// (docs/decisions/0037-conflicts.md).
    package func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)]
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        // What the commits before left: at their end it would have held back the archive, which goes on beside it.
        try store.connection.checkpointIfLarge()
        return try store.writing { (database) throws(DropError) in try commit(batch, database) }
    }

    private func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)], _ database: StoreTransaction
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        var results: [Result<CommitResult, DropError>] = []
        var transaction = try GraphCommit(store, database)
        do {
            try transaction.begin()
            for (changes, record) in batch {
                guard let changes = changes as? DropChanges, changes.comparison.context.store === store else {
                    preconditionFailure("a change set is committed by the graph that made it")
                }
                var outcome = try transaction.apply(changes.comparison, record)
                if case .conflict = outcome, changes.comparison.canBeComparedAgain {
                    // What came before becomes true first; then nobody but us can change anything until we are done.
                    try transaction.commit()
                    transaction = try GraphCommit(store, database)
                    outcome = try compareAgain(changes, record, &transaction, database)
                }
                switch outcome {
                case .applied(let result): results.append(.success(result))
                case .failed(let error):
                    changes.abandon()
                    results.append(.failure(error))
                case .conflict(let twin):
                    changes.comparison.cache.contest.note(record.id)
                    changes.abandon()
                    results.append(.failure(try conflict(record, twin, database)))
                }
            }
            try transaction.commit()
        } catch {
            transaction.rollback()
            throw error
        }
        return results
    }

    private func compareAgain(
        _ changes: DropChanges, _ record: DropRecord, _ transaction: inout GraphCommit, _ database: StoreTransaction
    ) throws(DropError) -> GraphCommit.Outcome {
        do {
            try changes.compareAgain(database)
        } catch {
            if error.remedy == .stop { throw error }
            try transaction.begin()
            return .failed(error)
        }
        try transaction.begin()
        return try transaction.apply(changes.comparison, record)
    }

    /// - Parameter twin: one that was changed, where it is known.
    private func conflict(_ record: DropRecord, _ twin: UInt32?, _ database: StoreTransaction) throws(DropError) -> DropError {
        let who = try twin.flatMap { (number) throws(DropError) in try lastWriter(of: number, database) }
        return DropError(
            .conflict,
            "While \(record.fileName) was compared, \(who ?? "others") changed twins it speaks about.",
            hint: "It is read once more and keeps what it reads; then no change of others makes it wait.",
            remedy: .retry(after: .milliseconds(20)))
    }

    /// Who changed a twin last, for a sentence; nil where it is gone.
    private func lastWriter(of number: UInt32, _ database: StoreTransaction) throws(DropError) -> String? {
        guard let (name, record) = try GraphLookups(database).twin(number) else { return nil }
        let id = String(decoding: name, as: UTF8.self)
        let revision = try store.states.revision(record.revision, database)
        let last =
            if let revision { try store.states.provenance(revision.drop, revision.record, database) } else {
                try store.states.creation(of: record, database)
            }
        switch last.origin {
        case .record(let origin): return "the drop \(origin.fileName) of source \(origin.source) (twin \(id)) and perhaps others"
        case .call(let origin): return "a call of \(origin.caller.name) (\(origin.what) \(id)) and perhaps others"
        }
    }

    package func isUntouched(since drop: DropID, source: SourceName) throws(DropError) -> Bool {
        try store.reading { (database) throws(DropError) in
            try SourceStatements.isChanged(source, since: drop, database) == false
        }
    }

    /// The refused records of an applied drop, and what was accepted for them since; nil where it has none, or its row is of an
    /// earlier version.
    package func refusals(of drop: DropID) throws(DropError) -> Refusals? {
        try store.reading { (database) throws(DropError) in try RefusalRows(database).refusals(of: drop) }
    }
}
