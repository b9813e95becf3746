import DropCore
import ThreadKit
import TwinModel

extension DropPipeline {
    /// Carries out an error's remedy for one drop.
    func remedy(_ error: DropError, for record: DropRecord) throws(DropError) {
        switch error.remedy {
        case .stop: throw error
        case .quarantine: _ = try insisting { () throws(DropError) in try quarantine(record, because: DropReason(error)) }
        case .hold: _ = try insisting { () throws(DropError) in try hold(record, because: error) }
        case .suspendSource:
            let now = clock.now()
            state.with { state in
                state.waited.insert(record.id)
                state.scheduler.suspend(record.source)
                state.suspensions[record.source] = Suspension(error: error, since: state.suspensions[record.source]?.since ?? now)
                state.scheduler.putBack(record, notBefore: 0)
            }
            tell(.sourceSuspended(record.source, error))
        case .retry(let delay):
            let later = clock.now() + UInt64(delay / .milliseconds(1))
            state.with { state in
                state.waited.insert(record.id)
                state.scheduler.putBack(record, notBefore: later)
            }
            tell(.waiting(record, error))
        }
    }

    private func hold(_ record: DropRecord, because error: DropError) throws(DropError) {
        var held = record
        held.state = .held
        held.reason = DropReason(error)
        held.changedAt = clock.now()
        try ports.register.update([held])
        try ports.receipts.write(held, leaf: nil)
        state.with { state in
            state.active -= 1
            state.inFlight[held.id] = nil
            state.scheduler.block(behind: held)
        }
        tell(.settledOtherwise(held))
    }

    /// Bytes and reason into quarantine, then the state, then its leaf.
    func quarantine(_ record: DropRecord, because why: DropReason) throws(DropError) {
        var ended = record
        ended.state = .quarantined
        ended.reason = why
        ended.changedAt = clock.now()
        let reason: JSON = [
            "drop": .string(record.id.description), "file": .string(record.fileName.description),
            "source": .string(record.source.text), "code": .string(why.code.text),
            "message": .string(why.message), "hint": .string(why.hint),
        ]
        try ports.spool.quarantine(record.id, on: UTCDay(milliseconds: record.claimedAt), reason: reason)
        try ports.register.update([ended])
        state.with { state in
            state.inFlight[record.id] = nil
            state.scheduler.block(behind: ended)
            state.quarantined[record.source, default: [:]][record.fileName, default: []].insert(record.id)
        }
        leaveHand(record.id)
        tell(.settledOtherwise(ended))
        // Bytes that cannot be read cannot be archived; the next start tries again.
        guard ended.digest != nil, ended.reason?.code != ByteLoss.missing else {
            try ports.receipts.write(ended, leaf: nil)
            return state.with { $0.active -= 1 }
        }
        enqueueEnded([Ended(record: ended, commitSequence: nil)])
    }
}
