import DropCore
import ThreadKit

extension DropPipeline {
    /// S3, several threads: one drop at a time each, of different sources.
    func transformLoop() throws(DropError) {
        while let record = nextDrop() {
            guard waitForSpace(limits.hardFree) else { return }
            do throws(DropError) {
                if let prepared = try prepare(record) { hand(prepared) }
            } catch {
                guard error.code != "cancelled" else { return }
                try remedy(error, for: record)
            }
            state.with { $0.scheduler.finished(record.source) }
        }
    }

    private func nextDrop() -> DropRecord? {
        while true {
            let (record, isOver) = state.wait(
                until: { [clock] state in
                    state.isStopping || state.commitBytes < limits.commitBytes && state.scheduler.hasNext(now: clock.now())
                }, timeout: .seconds(1)
            ) { state -> (DropRecord?, Bool) in
                guard !state.isCancelled, !state.isStopping else { return (nil, true) }
                guard state.commitBytes < limits.commitBytes else { return (nil, false) }
                return (state.scheduler.next(now: clock.now()), false)
            }
            if isOver { return nil }
            if let record { return record }
        }
    }

    /// Transforms and compares one drop. Nil when it turned out to be a duplicate.
    private func prepare(_ record: DropRecord) throws(DropError) -> Prepared? {
        guard let source = sources[record.source] else {
            throw DropError(
                "no-source", "The source \(record.source) of \(record.fileName) is not configured any more.",
                hint: "Configure it again and retry the drop, or discard it.", remedy: .quarantine)
        }
        if let first = try repeated(by: record, source) {
            try end(record, asDuplicateOf: first)
            return nil
        }
        tell(.transforming(record))
        let builder = try ports.graph.changeSet(for: applyJob(for: record, source))
        do throws(DropError) {
            var record = record
            record.plugin = try ports.spool.withDescriptor(of: record.id) { (descriptor, bytes) throws(DropError) in
                try ports.transformer.transform(
                    TransformJob(
                        drop: record.id, source: record.source, fileName: record.fileName, descriptor: descriptor, bytes: bytes,
                        isCancelled: { [state] in state.quietly { $0.isCancelled } }),
                    into: builder)
            }
            let outcome = Result { () throws(DropError) in try builder.finish() }
            try writeRejects(builder.rejections, builder.spans, of: record)
            return Prepared(changes: try outcome.get(), record: record)
        } catch {
            builder.abandon()
            throw error
        }
    }

    /// Before the commit, so that no rejected record is lost between the two.
    private func writeRejects(_ rejections: [Rejection], _ spans: [FileSpan], of record: DropRecord) throws(DropError) {
        guard !rejections.isEmpty else { return }
        try ports.receipts.writeRejects(rejections, spans: spans, of: record, spooledAt: ports.spool.path(of: record.id))
    }

    func applyJob(for record: DropRecord, _ source: PipelineSource) -> ApplyJob {
        ApplyJob(
            drop: record.id, source: record.source, policy: source.policy, bytes: record.bytes, epoch: source.epoch,
            amends: record.link?.kind == .amends ? record.link?.drop : nil, released: record.released,
            scratchFolder: limits.scratchFolder)
    }

    private func hand(_ prepared: Prepared) {
        state.with { state in
            state.commitQueue.append(prepared)
            state.commitBytes += prepared.record.bytes
        }
    }

    /// The drop that `record` repeats (design: section 11), as far as committed drops tell.
    func repeated(by record: DropRecord, _ source: PipelineSource) throws(DropError) -> DropRecord? {
        guard let digest = record.digest, !record.released, record.link?.kind != .retries else { return nil }
        if let same = try ports.register.drop(withIntake: record.intake, of: record.source, before: record.id),
            same.digest == digest, same.state != .claimed, same.state != .registered
        {
            return same
        }
        switch source.duplicates {
        case .process: return nil
        case .skipAny: return try ports.register.applied(with: digest, of: record.source)
        case .newest:
            guard let newest = state.quietly({ $0.newestApplied[record.source] }), newest.digest == digest,
                try ports.graph.isUntouched(since: newest.id, source: record.source)
            else { return nil }
            return newest
        }
    }

    func end(_ record: DropRecord, asDuplicateOf first: DropRecord) throws(DropError) {
        var ended = record
        ended.state = .duplicate
        ended.link = DropLink(kind: .duplicates, drop: first.id)
        ended.reason = DropReason(
            code: "duplicate", message: "The same bytes as drop \(first.id) (\(first.fileName)); nothing was applied.",
            hint: "Nothing is to be done. Set duplicates: process in the source to apply repetitions.")
        ended.changedAt = clock.now()
        try ports.register.update([ended])
        state.quietly { $0.inFlight[record.id] = nil }
        tell(.settledOtherwise(ended))
        enqueueEnded(Ended(record: ended, commitSequence: nil))
    }
}
