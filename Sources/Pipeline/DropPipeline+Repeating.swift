import DropCore
import ThreadKit

extension DropPipeline {
    /// The drop that `record` repeats (docs/failure-model.md, "Repetition"), as far as committed drops tell.
    func repeated(by record: DropRecord, _ source: PipelineSource, knowsNewest: Bool = true) throws(DropError) -> DropRecord? {
        guard let digest = record.digest, !record.released, record.link?.kind != .retries else { return nil }
        if let same = try ports.register.drop(withIntake: record.intake, of: record.source, before: record.id),
            same.digest == digest, same.state != .claimed, same.state != .registered,
            same.reason?.code != SettledFile.stillOpen  // That was what it held then; now its writer has closed it.
        {
            return same
        }
        switch source.duplicates {
        case .process: return nil
        case .skipAny: return try ports.register.applied(with: digest, of: record.source)
        case .newest:
            guard knowsNewest, let newest = state.quietly({ $0.newestApplied[record.source] }), newest.digest == digest,
                try ports.graph.isUntouched(since: newest.id, source: record.source), try isSaidAlike(newest, record, source)
            else { return nil }
            return newest
        }
    }

    /// The applied amendment that has the same bytes and left nothing refused.
    func sameAmendment(_ record: DropRecord) throws(DropError) -> DropRecord? {
        guard let digest = record.digest, !record.released, record.link?.kind != .retries,
            let same = try ports.register.applied(with: digest, of: record.source), same.link?.kind == .amends,
            same.books?.recordsRejected == 0
        else { return nil }
        return same
    }

    /// Whether the bytes of `record` would say today what they said as `newest`: by the same plugin, settings, mapping, lookups
    /// and rules. A mapping that was corrected is to be applied to the file that is dropped again because of it.
    private func isSaidAlike(
        _ newest: DropRecord, _ record: DropRecord, _ source: PipelineSource
    ) throws(DropError) -> Bool {
        guard newest.plugin?.rules == source.policy.rules else { return false }
        // At the commit it is transformed already, and asking again could only fail.
        if let plugin = record.plugin { return plugin.epoch == newest.plugin?.epoch }
        return try ports.transformer.epoch(of: record.source) == newest.plugin?.epoch
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
        if first.state.isApplied { try closeOthers(by: ended) }
        state.quietly { $0.inFlight[record.id] = nil }
        tell(.settledOtherwise(ended))
        enqueueEnded([Ended(record: ended, commitSequence: nil)])
    }
}
