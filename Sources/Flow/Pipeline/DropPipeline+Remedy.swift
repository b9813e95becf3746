package import DropCore
import ThreadKit
import TwinModel

extension DropPipeline {
    /// Carries out an error's remedy for one drop.
    func remedy(_ error: DropError, for record: DropRecord) throws(DropError) {
        if case .retry = error.remedy {} else { state.quietly { $0.retrying[record.id] = nil } }
        switch error.remedy {
        case .stop: throw error
        case .quarantine: _ = try insisting { () throws(DropError) in try quarantine(record, because: DropReason(error)) }
        case .hold: _ = try insisting { () throws(DropError) in try hold(record, because: error) }
        case .suspendSource:
            state.with { state in
                state.waited.insert(record.id)
                state.scheduler.putBack(record, notBefore: 0)
            }
            suspend(record.source, error, since: clock.now())
        case .retry(let delay):
            let now = clock.now()
            let trouble = state.with { state in
                let trouble = Trouble.noting(error, in: state.retrying[record.id]?.trouble, at: now)
                state.retrying[record.id] = (record, trouble)
                state.waited.insert(record.id)
                state.scheduler.putBack(record, notBefore: now + UInt64(delay / .milliseconds(1)))
                return trouble
            }
            if trouble.isToBeTold { tell(.waiting(record, error)) }
            // A command that ends does not wait for what may never come: its source is left, with the reason.
            if !limits.waitsForSpace, trouble.since + Self.patienceAlone <= now {
                suspend(record.source, error, since: trouble.since)
            }
        }
    }

    /// How long a command that ends tries again what fails in passing. Units: milliseconds.
    private static let patienceAlone: UInt64 = 10_000

    private func suspend(_ source: SourceName, _ error: DropError, since: UInt64) {
        state.with { state in
            state.scheduler.suspend(source)
            state.suspensions[source] = Suspension(error: error, since: state.suspensions[source]?.since ?? since)
        }
        tell(.sourceSuspended(source, error))
    }

    /// A suspended source is so for another reason now.
    package func restate(_ source: SourceName, _ error: DropError) {
        state.with { state in
            guard let known = state.suspensions[source] else { return }
            state.suspensions[source] = Suspension(error: error, since: known.since)
        }
    }

    private func hold(_ record: DropRecord, because error: DropError) throws(DropError) {
        var held = record
        held.state = .held
        held.reason = DropReason(error)
        held.changedAt = clock.now()
        try ports.register.update([held])
        try giveReceipt(held)
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
        try ports.spool.quarantine(
            record.id, on: UTCDay(milliseconds: record.claimedAt), reason: Self.note(on: record, why))
        try ports.register.update([ended])
        state.with { state in
            state.inFlight[record.id] = nil
            state.scheduler.block(behind: ended)
            state.quarantined[record.source, default: [:]][record.fileName, default: []].insert(record.id)
        }
        leaveHand(record.id)
        tell(.settledOtherwise(ended))
        // Bytes that cannot be read cannot be archived: the next start tries again. Others than those that arrived never are.
        guard ended.digest != nil, !ended.hasLostBytes else {
            try giveReceipt(ended)
            return state.with { $0.active -= 1 }
        }
        enqueueEnded([Ended(record: ended, commitSequence: nil)])
    }

    /// What lies beside quarantined bytes.
    static func note(on record: DropRecord, _ why: DropReason) -> JSON {
        [
            "drop": .string(record.id.description), "file": .string(record.fileName.description),
            "source": .string(record.source.text), "code": .string(why.code.text),
            "message": .string(why.message), "hint": .string(why.hint),
        ]
    }
}
