import DropCore
import ThreadKit

extension DropPipeline {
    /// The drop that `record` repeats (docs/failure-model.md, "Repetition"), as far as committed drops tell.
    func repeated(by record: DropRecord, _ source: PipelineSource, knowsNewest: Bool = true) throws(DropError) -> DropRecord? {
        let newest = knowsNewest ? state.quietly { $0.newestApplied[record.source] } : nil
        return try DropJudgement(record, of: source).repeated(register: ports.register, graph: ports.graph, newest: newest) {
            () throws(DropError) in try ports.transformer.epoch(of: record.source)
        }
    }

    func end(_ record: DropRecord, asDuplicateOf first: DropRecord) throws(DropError) {
        var ended = record
        ended.state = .duplicate
        ended.link = DropLink(kind: .duplicates, drop: first.id)
        ended.reason = DropReason(
            code: .duplicate, message: "The same bytes as drop \(first.id) (\(first.fileName)); nothing was applied.",
            hint: "Nothing is to be done. Set duplicates: process in the source to apply repetitions.")
        ended.changedAt = clock.now()
        try ports.register.update([ended])
        if first.state.isApplied { try closeOthers(by: ended) }
        state.quietly { $0.inFlight[record.id] = nil }
        tell(.settledOtherwise(ended))
        enqueueEnded([Ended(record: ended, commitSequence: nil)])
    }
}
