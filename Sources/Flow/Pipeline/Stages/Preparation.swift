import DropCore
import ThreadKit

/// What a transforming thread finds out about its drop until it is prepared, or fails: kept with the drop for a person.
struct Attempt {
    /// With the amended drop as soon as that is known.
    var record: DropRecord
    var plugin: TransformSummary?
    var books: DropBooks?

    init(_ record: DropRecord) { self.record = record }

    /// A drop that is tried again knows nothing of it.
    func told(_ error: DropError) -> DropRecord {
        guard error.remedy == .hold || error.remedy == .quarantine else { return record }
        var record = record
        record.plugin = plugin
        record.books = error.remedy == .hold ? books : nil
        return record
    }
}

/// The bytes of a drop, open at offset 0, as long as the call lasts that was given it.
struct SpooledBytes {
    let descriptor: CInt
    let count: UInt64
}

/// Transforms and compares one drop: a file becomes a change set. On the thread that calls it.
struct Preparation: Sendable {
    let shared: Shared
    let graph: any TwinGraph
    let register: any DropRegister
    let transformer: any Transformer
    let spool: any DropSpool
    /// Where refused records go.
    let rejects: any ReceiptStore
    let placing: Placing
    let performer: Performer

    /// Nil when it turned out to be a duplicate, and has ended.
    ///
    /// - Parameter generation: of its source, when its turn came.
    func prepare(_ attempt: inout Attempt, _ generation: Int) throws(DropError) -> Prepared? {
        let record = attempt.record
        guard let source = shared.sources[record.source] else {
            throw DropError(
                .noSource, "The source \(record.source) of \(record.fileName) is not configured any more.",
                hint: "Configure it again and retry the drop, or discard it.", remedy: .quarantine)
        }
        // While drops of the source wait for their commit, only that can tell what the newest applied one is.
        let knowsNewest = shared.ledger.withoutWaking { !$0.order.hasUncommitted(record.source) }
        if let first = try placing.repeated(by: record, source, knowsNewest: knowsNewest) {
            return try end(record, asDuplicateOf: first)
        }
        if record.bytes == 0 { return try prepareEmpty(record, source, generation) }
        return try spool.withDescriptor(of: record.id) { (descriptor, bytes) throws(DropError) in
            try prepare(&attempt, source, generation, SpooledBytes(descriptor: descriptor, count: bytes))
        }
    }

    private func prepare(
        _ attempt: inout Attempt, _ source: PipelineSource, _ generation: Int, _ spooled: SpooledBytes
    ) throws(DropError) -> Prepared? {
        let verdict = try placing.amendment(in: &attempt.record, spooled)
        defer { placing.remove(verdict) }
        if case .amends(_, _?) = verdict,
            let first = try DropJudgement(attempt.record, of: source).sameAmendment(register: register)
        {
            return try end(attempt.record, asDuplicateOf: first)
        }
        if case .ordinary = verdict { try placing.checkName(attempt.record, source) }
        return try transform(&attempt, source, verdict, generation, spooled)
    }

    /// Of a drop that waited, the bytes that were just transformed must be those that arrived: whoever can write to the spool had
    /// the time, and the archive would find out after the commit only. They are in memory now; others are not read again.
    func compareBytes(of record: DropRecord) throws(DropError) {
        guard let known = record.digest, shared.ledger.withoutWaking({ $0.drops[record.id]?.hasWaited ?? false }) else { return }
        let found = try spool.digest(of: record.id)
        guard found == known else { throw ByteLoss.changed(spool.path(of: record.id), known: known, found: found) }
        shared.ledger.withoutWaking { $0.drops.change(record.id) { $0.bytesAreThose() } }
    }

    private func end(_ record: DropRecord, asDuplicateOf first: DropRecord) throws(DropError) -> Prepared? {
        try waitForClaim(of: record)
        _ = try performer.end(record, asDuplicateOf: first)
        return nil
    }

    /// Nothing that outlives a power cut is written before.
    private func waitForClaim(of record: DropRecord) throws(DropError) {
        guard shared.ledger.waitForClaim(of: record.id) == .durable else { throw DropError.cancelled(record) }
    }

    private func transform(
        _ attempt: inout Attempt, _ source: PipelineSource, _ verdict: AmendmentJudge.Verdict, _ generation: Int,
        _ spooled: SpooledBytes
    ) throws(DropError) -> Prepared {
        let record = attempt.record
        let ledger = shared.ledger
        let transformDigest = try transformer.transformDigest(of: record.source, claimedAt: record.claimedAt)
        shared.emit(.transforming(record))
        let builder = try graph.changeSet(for: job(of: record, source, transformDigest, verdict))
        let sink = ProgressSink(builder) { books in ledger.withoutWaking { $0.progress[record.id]?.note(books) } }
        do throws(DropError) {
            defer { attempt.plugin?.rules = source.rules }
            try placing.withBytes(of: record, verdict, spooled) { (name, descriptor, bytes) throws(DropError) in
                try transformer.transform(
                    TransformJob(
                        drop: record.id, source: record.source, fileName: name, descriptor: descriptor, bytes: bytes,
                        isCancelled: { [drop = record.id] in ledger.withoutWaking { $0.isUnwanted(drop) } }),
                    into: sink, ran: &attempt.plugin)
            }
            var row = record
            row.plugin = attempt.plugin
            row.plugin?.rules = source.rules
            try compareBytes(of: row)
            let outcome = Result { () throws(DropError) in try builder.finish() }
            attempt.books = builder.books
            try waitForClaim(of: row)
            try writeRejects(builder.rejections, builder.spans, of: row, verdict)
            return Prepared(changes: try outcome.get(), record: row, generation: generation)
        } catch {
            builder.abandon()
            throw error
        }
    }

    /// A delivery without a byte is a fact: no plugin is asked about it, and it deletes nothing.
    private func prepareEmpty(_ record: DropRecord, _ source: PipelineSource, _ generation: Int) throws(DropError) -> Prepared? {
        try compareBytes(of: record)
        let judgement = DropJudgement(record, of: source)
        if let error = judgement.emptiness { throw error }
        let builder = try graph.changeSet(for: judgement.emptyJob(scratchFolder: shared.limits.scratchFolder))
        let outcome = Result { () throws(DropError) in try builder.finish() }
        do throws(DropError) { try waitForClaim(of: record) } catch {
            builder.abandon()
            throw error
        }
        return Prepared(changes: try outcome.get(), record: record, generation: generation)
    }

    /// Before the commit, so that no rejected record is lost between the two.
    private func writeRejects(
        _ rejections: [Rejection], _ spans: [FileSpan], of record: DropRecord, _ verdict: AmendmentJudge.Verdict
    ) throws(DropError) {
        guard !rejections.isEmpty else { return }
        var (drop, path) = (record.id, spool.path(of: record.id))
        if case .amends(let amended, let file?) = verdict { (drop, path) = (amended, file.path) }
        try rejects.writeRejects(
            rejections, spans: spans, of: record, marking: drop, dialect: transformer.dialect(of: record.source),
            spooledAt: path)
    }

    private func job(
        of record: DropRecord, _ source: PipelineSource, _ transformDigest: ContentDigest, _ verdict: AmendmentJudge.Verdict
    ) throws(DropError) -> ApplyJob {
        var (amends, file): (DropID?, AmendedFile?) = (nil, nil)
        if case .amends(let drop, let amended) = verdict { (amends, file) = (drop, amended) }
        return ApplyJob(
            drop: record.id, source: record.source, policy: source.policy, bytes: file?.bytes ?? record.bytes,
            transformDigest: transformDigest,
            amends: amends, amendment: file?.amendment,
            place: amends == nil ? try DropJudgement(record, of: source).place() : nil,
            origin: amends == nil ? try placing.origin(of: record, source) : nil,
            fileBytes: record.bytes, doubtsBytes: true, released: record.released, scratchFolder: shared.limits.scratchFolder)
    }
}
