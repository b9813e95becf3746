import DropCore
import ThreadKit

extension DropPipeline {
    /// S3, several threads: one drop at a time each, of different sources. A thread that is done with a drop takes the next in
    /// the same step, most often of the same source, whose worker and tables are warm; nobody else is woken for it.
    func transformLoop() throws(DropError) {
        var done = Done()
        while let (taken, generation) = nextDrop(after: done) {
            var record = taken
            done = Done(source: record.source)
            guard !state.quietly({ $0.unwanted[record.id] != nil }) else {
                try giveUp(record)
                continue
            }
            if !limits.waitsForSpace, let shortage = shortage(limits.hardFree) {
                try remedy(shortage, for: record)
                continue
            }
            ports.inHand?.take(record.id)
            guard waitForSpace(limits.hardFree) else { return state.with { handOver(done, &$0) } }
            var attempt = Attempt()
            do throws(DropError) {
                done.prepared = try timed(.transform) { () throws(DropError) in try prepare(&record, generation, &attempt) }
                if done.prepared == nil {
                    leaveHand(record.id)
                    state.quietly { $0.retrying[record.id] = nil }
                }
            } catch {
                leaveHand(record.id)
                switch waitForClaim(of: record.id) {
                case .durable where state.quietly({ $0.unwanted[record.id] != nil }): try giveUp(record)
                case .durable where error.code != .cancelled:
                    let judged = againstUncommitted(byItsBytes(error, record), record)
                    try remedy(judged, for: attempt.told(of: record, judged))
                case .void: state.with { _ = $0.void.remove(record.id) }
                case .durable, .unknown: return
                }
            }
        }
    }

    /// What a transform that failed, or whose drop is to be held, came to: kept with the drop for a person.
    private struct Attempt {
        var plugin: TransformSummary?
        var books: DropBooks?

        /// A drop that is tried again knows nothing of it.
        func told(of record: DropRecord, _ error: DropError) -> DropRecord {
            guard error.remedy == .hold || error.remedy == .quarantine else { return record }
            var record = record
            record.plugin = plugin
            record.books = error.remedy == .hold ? books : nil
            return record
        }
    }

    /// What a transforming thread has finished and not handed on.
    private struct Done {
        var source: SourceName?
        var prepared: Prepared?
    }

    /// Whether the commit can take more: change sets of small files cost more than their bytes.
    private func hasRoom(_ state: borrowing State) -> Bool {
        state.commitBytes < limits.commitBytes && state.commitQueue.count < 2 * limits.batchDrops
            && state.caution.maySearch(isQuiet: state.isQuiet())
    }

    /// A guard that stopped a drop while drops of its source waited for their commit judged it by a graph that was out of date.
    private func againstUncommitted(_ error: DropError, _ record: DropRecord) -> DropError {
        guard error.remedy == .hold, state.quietly({ $0.uncommitted[record.source, default: 0] > 0 }) else { return error }
        return DropError(error.code, error.message, hint: error.hint, remedy: .retry(after: .milliseconds(50)))
    }

    /// A drop that waited is not judged by other bytes than those that arrived: whatever was found wrong with it, that is what is
    /// wrong.
    private func byItsBytes(_ error: DropError, _ record: DropRecord) -> DropError {
        guard error.remedy == .hold || error.remedy == .quarantine else { return error }
        do throws(DropError) { try compareBytes(of: record) } catch {
            if error.remedy == .quarantine { return error }
        }
        return error
    }

    /// Hands over what the caller has done, then waits for its next drop; nil when the pipeline stops.
    private func nextDrop(after done: Done) -> (DropRecord, generation: Int)? {
        typealias Next = (next: (DropRecord, generation: Int)?, isOver: Bool)
        func take(_ state: inout State) -> Next {
            guard !state.isCancelled, !state.isStopping else { return (nil, true) }
            guard hasRoom(state), let record = state.scheduler.next(now: clock.now()) else { return (nil, false) }
            guard state.caution.admits(record.id, isQuiet: state.isQuiet(butFor: 1)) else {
                state.scheduler.finished(record.source)
                state.scheduler.enqueue(record)
                return (nil, false)
            }
            return ((record, state.scheduler.generation(of: record.source)), false)
        }
        var taken: Next = state.with { state in
            handOver(done, &state)
            return take(&state)
        }
        while true {
            if taken.isOver { return nil }
            if let next = taken.next { return next }
            taken = state.wait(
                until: { [clock] state in
                    state.isStopping || hasRoom(state) && state.scheduler.hasNext(now: clock.now())
                }, timeout: .seconds(1), asOneOfMany: true, take)
        }
    }

    private func handOver(_ done: Done, _ state: inout State) {
        guard let source = done.source else { return }
        if let prepared = done.prepared {
            state.commitQueue.append(prepared)
            state.commitBytes += prepared.record.bytes
            state.uncommitted[source, default: 0] += 1
            state.handedNames[source] = max(
                prepared.record.fileName, state.handedNames[source] ?? prepared.record.fileName)
            // What a snapshot leaves out is known when the one before it is committed: its source goes on then.
            if sources[source]?.waitsForCommit ?? false { return }
        }
        state.scheduler.finished(source)
    }

    /// Transforms and compares one drop. Nil when it turned out to be a duplicate. `record` says then what it was found to amend.
    private func prepare(
        _ record: inout DropRecord, _ generation: Int, _ attempt: inout Attempt
    ) throws(DropError) -> Prepared? {
        guard let source = sources[record.source] else {
            throw DropError(
                .noSource, "The source \(record.source) of \(record.fileName) is not configured any more.",
                hint: "Configure it again and retry the drop, or discard it.", remedy: .quarantine)
        }
        // While drops of the source wait for their commit, only that can tell what the newest applied one is.
        let knowsNewest = state.quietly { $0.uncommitted[record.source, default: 0] == 0 }
        if let first = try repeated(by: record, source, knowsNewest: knowsNewest) {
            guard waitForClaim(of: record.id) == .durable else { throw Self.cancelled(record) }
            _ = try insisting { [record] () throws(DropError) in try end(record, asDuplicateOf: first) }
            return nil
        }
        if record.bytes == 0 { return try prepareEmpty(record, source, generation) }
        let verdict = try judge(&record)
        if case .amends(_, let file?) = verdict,
            let first = try DropJudgement(record, of: source).sameAmendment(register: ports.register)
        {
            ports.amendments?.remove(file)
            guard waitForClaim(of: record.id) == .durable else { throw Self.cancelled(record) }
            _ = try insisting { [record] () throws(DropError) in try end(record, asDuplicateOf: first) }
            return nil
        }
        defer { if case .amends(_, let file?) = verdict { ports.amendments?.remove(file) } }
        if case .ordinary = verdict { try checkName(record, source) }
        return try transform(record, source, verdict, generation, &attempt)
    }

    private func transform(
        _ record: DropRecord, _ source: PipelineSource, _ verdict: AmendmentJudge.Verdict, _ generation: Int,
        _ attempt: inout Attempt
    ) throws(DropError) -> Prepared {
        let epoch = try ports.transformer.epoch(of: record.source)
        tell(.transforming(record))
        let builder = try ports.graph.changeSet(for: applyJob(for: record, source, epoch, verdict))
        state.quietly { $0.progress[record.id] = DropProgress(record) }
        defer { state.quietly { $0.progress[record.id] = nil } }
        let sink = ProgressSink(builder) { [state] books in
            state.quietly { state in
                state.progress[record.id]?.records = books.recordsRead
                state.progress[record.id]?.bytesRead = books.bytesAccounted
            }
        }
        do throws(DropError) {
            var record = record
            defer { attempt.plugin?.rules = source.policy.rules }
            try withBytes(of: record, verdict) { (name, descriptor, bytes) throws(DropError) in
                try ports.transformer.transform(
                    TransformJob(
                        drop: record.id, source: record.source, fileName: name, descriptor: descriptor, bytes: bytes,
                        isCancelled: { [state, drop = record.id] in
                            state.quietly { $0.isCancelled || $0.void.contains(drop) || $0.unwanted[drop] != nil }
                        }),
                    into: sink, ran: &attempt.plugin)
            }
            record.plugin = attempt.plugin
            record.plugin?.rules = source.policy.rules
            try compareBytes(of: record)
            let outcome = Result { () throws(DropError) in try builder.finish() }
            attempt.books = builder.books
            guard waitForClaim(of: record.id) == .durable else { throw Self.cancelled(record) }
            try writeRejects(builder.rejections, builder.spans, of: record, verdict)
            return Prepared(changes: try outcome.get(), record: record, generation: generation)
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
        let builder = try ports.graph.changeSet(for: judgement.emptyJob(scratchFolder: limits.scratchFolder))
        let outcome = Result { () throws(DropError) in try builder.finish() }
        guard waitForClaim(of: record.id) == .durable else {
            builder.abandon()
            throw Self.cancelled(record)
        }
        return Prepared(changes: try outcome.get(), record: record, generation: generation)
    }

    /// Of a drop that waited, the bytes that were just transformed must be those that arrived: whoever can write to the spool had
    /// the time, and the archive would find out after the commit only. They are in memory now; others are not read again.
    private func compareBytes(of record: DropRecord) throws(DropError) {
        guard let known = record.digest, state.quietly({ $0.waited.contains(record.id) }) else { return }
        let found = try ports.spool.digest(of: record.id)
        guard found == known else { throw ByteLoss.changed(ports.spool.path(of: record.id), known: known, found: found) }
        state.quietly { _ = $0.waited.remove(record.id) }
    }

    /// Before the commit, so that no rejected record is lost between the two.
    private func writeRejects(
        _ rejections: [Rejection], _ spans: [FileSpan], of record: DropRecord, _ verdict: AmendmentJudge.Verdict
    ) throws(DropError) {
        guard !rejections.isEmpty else { return }
        var (drop, path) = (record.id, ports.spool.path(of: record.id))
        if case .amends(let amended, let file?) = verdict { (drop, path) = (amended, file.path) }
        try ports.receipts.writeRejects(
            rejections, spans: spans, of: record, marking: drop, dialect: ports.transformer.dialect(of: record.source),
            spooledAt: path)
    }

    private func applyJob(
        for record: DropRecord, _ source: PipelineSource, _ epoch: ContentDigest, _ verdict: AmendmentJudge.Verdict
    ) throws(DropError) -> ApplyJob {
        var (amends, file): (DropID?, AmendedFile?) = (nil, nil)
        if case .amends(let drop, let amended) = verdict { (amends, file) = (drop, amended) }
        return ApplyJob(
            drop: record.id, source: record.source, policy: source.policy, bytes: file?.bytes ?? record.bytes, epoch: epoch,
            amends: amends, amendment: file?.amendment,
            place: amends == nil ? try DropJudgement(record, of: source).place() : nil,
            origin: amends == nil ? try origin(of: record, source) : nil,
            fileBytes: record.bytes, released: record.released, scratchFolder: limits.scratchFolder)
    }

    static func cancelled(_ record: DropRecord) -> DropError {
        DropError(
            .cancelled, "\(record.fileName) was being transformed when the pipeline ended.",
            hint: "It runs again at the next start.", remedy: .retry(after: .zero))
    }
}
