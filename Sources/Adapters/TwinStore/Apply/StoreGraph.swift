package import DropCore
import GRDB

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
        _ batch: [(changes: any ChangeSet, record: DropRecord)], _ database: Database
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
                    changes.comparison.cache.noteContest(of: record.id)
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

    /// The refused records of an applied drop, and what was accepted for them since; nil where it has none, or its row is of an
    /// earlier version.
    package func refusals(of drop: DropID) throws(DropError) -> Refusals? {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                "SELECT r.drop_no, r.records, r.headers FROM refusal r JOIN drops d ON d.no = r.drop_no WHERE d.id = ?", database)
            query.bind(text: 1, drop.description)
            defer { query.reset() }
            guard try query.step() else { return nil }
            let number = query.integer(0)
            let records = try Self.varints(query.bytes(1))
            let headers = try Self.varints(query.bytes(2))
            var refusals = Refusals(
                drop: drop,
                records: stride(from: 0, to: records.count - 2, by: 3).map {
                    RefusedRecord(record: records[$0], offset: records[$0 + 1], length: records[$0 + 2])
                },
                headers: stride(from: 0, to: headers.count - 1, by: 2).map {
                    FileSpan(kind: .header, offset: headers[$0], length: headers[$0 + 1], name: "")
                })
            let rows = try RawStatement.cached("SELECT record, row FROM correction WHERE drop_no = ?", database)
            rows.bind(1, number)
            defer { rows.reset() }
            while try rows.step() { refusals.corrections[UInt64(rows.integer(0))] = rows.bytes(1) }
            return refusals
        }
    }

    private static func varints(_ bytes: [UInt8]) throws(DropError) -> [UInt64] {
        let span = bytes.span
        var reader = OperationReader(end: bytes.count)
        var numbers: [UInt64] = []
        while !reader.isAtEnd { numbers.append(try reader.varint(span)) }
        return numbers
    }
}
