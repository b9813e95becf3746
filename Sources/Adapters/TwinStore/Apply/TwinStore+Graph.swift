package import DropCore
import GRDB

extension TwinStore: TwinGraph {
    package func changeSet(for job: ApplyJob) throws(DropError) -> any ChangeSetBuilder {
        try DropComparison(store: self, job: job)
    }

    /// See `TwinGraph`. Where others changed twins that a drop found as it says, those are compared again here, from the
    /// operations it kept; where more depends on the change, all of them are. A large drop of a source that nobody else was
    /// known to write to has kept none: it is refused with `conflict` (retry) once, and keeps them when its transform runs again
    /// (docs/decisions/0037-conflicts.md).
    package func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)]
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        // What the commits before left: at their end it would have held back the archive, which goes on beside it.
        try checkpointIfLarge()
        return try writing { (database) throws(DropError) in try commit(batch, database) }
    }

    private func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)], _ database: Database
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        var results: [Result<CommitResult, DropError>] = []
        var transaction = try GraphCommit(self, database)
        do {
            try transaction.begin()
            for (changes, record) in batch {
                guard let changes = changes as? DropChanges, changes.comparison.context.store === self else {
                    preconditionFailure("a change set is committed by the graph that made it")
                }
                var outcome = try transaction.apply(changes.comparison, record)
                if case .conflict = outcome, changes.comparison.canBeComparedAgain {
                    // What came before becomes true first; then nobody but us can change anything until we are done.
                    try transaction.commit()
                    transaction = try GraphCommit(self, database)
                    outcome = try compareAgain(changes, record, &transaction, database)
                }
                switch outcome {
                case .applied(let result): results.append(.success(result))
                case .failed(let error):
                    changes.abandon()
                    results.append(.failure(error))
                case .conflict(let twin):
                    changes.comparison.memory.noteContest(of: record.id)
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
        _ changes: DropChanges, _ record: DropRecord, _ transaction: inout GraphCommit, _ database: Database
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
    private func conflict(_ record: DropRecord, _ twin: UInt32?, _ database: Database) throws(DropError) -> DropError {
        let who = try twin.flatMap { (number) throws(DropError) in try lastWriter(of: number, database) }
        return DropError(
            .conflict,
            "While \(record.fileName) was compared, \(who ?? "others") changed twins it speaks about.",
            hint: "It is read once more and keeps what it reads; then no change of others makes it wait.",
            remedy: .retry(after: .milliseconds(20)))
    }

    /// Who changed a twin last, for a sentence; nil where it is gone.
    private func lastWriter(of number: UInt32, _ database: Database) throws(DropError) -> String? {
        let query = try RawStatement.cached("SELECT id, rec FROM twin WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        guard try query.step() else { return nil }
        let id = String(decoding: query.bytes(0), as: UTF8.self)
        let record = try TwinRecord(query.bytes(1))
        let revision = try revision(record.revision, database)
        let last =
            if let revision { try provenance(revision.drop, revision.record, database) } else {
                try creation(of: record, database)
            }
        switch last.origin {
        case .record(let origin): return "the drop \(origin.fileName) of source \(origin.source) (twin \(id)) and perhaps others"
        case .call(let origin): return "a call of \(origin.caller.name) (\(origin.what) \(id)) and perhaps others"
        }
    }

    package func isUntouched(since drop: DropID, source: SourceName) throws(DropError) -> Bool {
        try reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                """
                SELECT c.sequence, coalesce((SELECT changed_by_others FROM source WHERE name = ?2), 0)
                FROM drops d JOIN drop_commit c ON c.drop_no = d.no WHERE d.id = ?1
                """, database)
            query.bind(text: 1, Array(drop.description.utf8))
            query.bind(text: 2, Array(source.text.utf8))
            defer { query.reset() }
            guard try query.step() else { return false }
            return query.integer(1) <= query.integer(0)
        }
    }

    // MARK: Upkeep

    /// Moves the write-ahead log into the database and empties its file. Between transactions, on the writer's connection, which
    /// alone may do it. Readers that are at work keep the part they need; it moves next time.
    package func checkpoint() throws(DropError) {
        try writing { (database) throws(DropError) in
            let query = try RawStatement("PRAGMA wal_checkpoint(TRUNCATE)", database)
            defer { query.reset() }
            _ = try query.step()
        }
    }

    /// For idle moments: a checkpoint when the log has grown to some megabytes and, with `reserving`, room in it for the next
    /// commits, which then need not make the file longer. Does nothing most times. Errors: `storage` (stop).
    package func tendLog(reserving: Bool) throws(DropError) {
        try checkpoint(past: Self.walBytesIdle)
        guard reserving, walBytes < Self.walBytesReserved, StoreFiles.free(path) > UInt64(64 * Self.walBytesReserved) else {
            return
        }
        try writing { (database) throws(DropError) in
            _ = try WriteAheadLog.extend(database, toBytes: Self.walBytesReserved)
        }
    }

    /// Bytes of the write-ahead log's file, used or not; 0 where there is none.
    package var walBytes: Int { StoreFiles.bytes(path + "-wal") }

    func checkpointIfLarge() throws(DropError) { try checkpoint(past: Self.walBytesMax) }

    private func checkpoint(past bytes: Int) throws(DropError) {
        guard logUse.pages * Self.pageBytes > bytes else { return }
        try writing { (database) throws(DropError) in try WriteAheadLog.checkpoint(database, logUse) }
    }
}
