import DropCore
import ThreadKit
import TwinModel

/// Carries out what life cycles answer: writes, in the order of docs/failure-model.md, "Life cycle"; then the ledger; then
/// what others are told. Every stage that ends a drop does it here. From any thread.
struct Performer: Sendable {
    let shared: Shared
    let register: any DropRegister
    let spool: any DropSpool
    let inHand: (any DropsInHand)?
    let room: DiskRoom
    let receipts: ReceiptDesk
    let closing: Closing
    let ended: BoundedQueue<Ended>

    /// Tells the drop what happened, and does what follows. Nothing happens where it is not in the flow.
    ///
    /// - Returns: false when the pipeline stops before all of it is durable: then it is work for the next start. Whatever else
    ///   keeps it from being written is thrown, and stops the pipeline.
    func carryOut(_ drop: DropID, _ event: (inout DropLifecycle) -> DropAnswer) throws(DropError) -> Bool {
        guard let answer = advance(drop, event) else { return true }
        for effect in answer.first { try perform(effect, drop) }
        guard !answer.writes.isEmpty else { return try finish(answer, drop) }
        let isWritten: Bool
        do throws(DropError) {
            isWritten = try room.retryingUntilSpace { () throws(DropError) in
                for write in answer.writes { try perform(write) }
            }
        } catch {
            // Its end is decided and half written: no other remedy fits any more. The next start sees what is durable.
            throw DropError(error.code, error.message, hint: error.hint, remedy: .stop, offset: error.offset)
        }
        guard isWritten, let rest = advance(drop, { $0.written() }) else { return isWritten }
        return try finish(rest, drop)
    }

    /// Carries out an error's remedy for a drop; throws one that stops the pipeline. `record` is what was found out about it.
    func fail(_ record: DropRecord, _ error: DropError) throws(DropError) -> Bool {
        if error.remedy == .stop { throw error }
        let around = DropLifecycle.Circumstances(now: shared.clock.now(), isPatient: shared.limits.waitsForSpace)
        return try carryOut(record.id) { $0.failed(error, as: record, around) }
    }

    /// Ends a drop that repeats `first`.
    func end(_ record: DropRecord, asDuplicateOf first: DropRecord) throws(DropError) -> Bool {
        let now = shared.clock.now()
        return try carryOut(record.id) { $0.repeats(first, as: record, at: now) }
    }

    /// Ends an unfinished drop as discarded; nothing of it was applied.
    func giveUp(_ drop: DropID) throws(DropError) -> Bool {
        let act = shared.ledger.withoutWaking { $0.drops.act(givingUp: drop) }
        let now = shared.clock.now()
        return try carryOut(drop) { $0.givenUp(by: act, at: now) }
    }

    /// Work on a drop has come to an end, whichever: it did not end the program.
    func leaveHand(_ drop: DropID) {
        inHand?.put(drop)
        // Nobody waits for this but drops that are suspected, and those that wait behind one.
        let matters = shared.ledger.withoutWaking { ledger in
            if ledger.caution.isIdle { return false }
            ledger.caution.ended(drop)
            return true
        }
        if matters { shared.ledger.with { _ in } }
    }

    /// An act of a person is durable: its record in the chain follows.
    func noteDone(_ act: Act) {
        shared.ledger.with { $0.unrecordedActs += 1 }
        shared.emit(.acted(act))
    }

    /// Hands ended drops to the archive together; those it does not take any more are left to the next start.
    func archive(_ ends: [Ended]) {
        let pushed = ended.push(contentsOf: ends)
        guard pushed < ends.count else { return }
        shared.ledger.with { ledger in
            for end in ends[pushed...] { ledger.drops.change(end.record.id) { $0.leftToNextStart() } }
        }
    }

    /// Does what follows an event, but for the archive, to which the caller hands several drops together.
    func finishTogether(_ effects: [DropAnswer.Effect], _ drop: DropID) throws(DropError) -> [Ended] {
        var ends: [Ended] = []
        for effect in effects {
            if case .archive(let end) = effect { ends.append(end) } else { try perform(effect, drop) }
        }
        return ends
    }

    private func finish(_ answer: DropAnswer, _ drop: DropID) throws(DropError) -> Bool {
        let ends = try finishTogether(answer.then, drop)
        if !ends.isEmpty { archive(ends) }
        return true
    }

    /// The event and what the ledger is to know about it are one step.
    private func advance(
        _ drop: DropID, _ event: (inout DropLifecycle) -> DropAnswer
    ) -> DropAnswer? {
        shared.ledger.with { ledger in
            let answer = ledger.drops.change(drop, event)
            if let answer { ledger.take(answer.notes) }
            return answer
        }
    }

    private func perform(_ write: DropAnswer.Write) throws(DropError) {
        switch write {
        case .bytesIntoQuarantine(let record, let reason):
            let day = UTCDay(milliseconds: record.claimedAt)
            try spool.quarantine(record.id, on: day, reason: reason.note(on: record))
        case .row(let record, let act): try register.update([record], by: act)
        case .receipt(let record): try receipts.give(record)
        case .closeOthers(let record): try closing.closeOthers(by: record)
        }
    }

    private func perform(_ effect: DropAnswer.Effect, _ drop: DropID) throws(DropError) {
        switch effect {
        case .leaveHand: leaveHand(drop)
        case .emit(let event): shared.emit(event)
        case .acted(let act): noteDone(act)
        case .closeOthers(let record):
            // Before the archive has it: a start after a crash finds an applied drop, and does this again.
            _ = try room.retryingUntilSpace { () throws(DropError) in try closing.closeOthers(by: record) }
        case .archive(let end): archive([end])
        }
    }
}

extension DropReason {
    /// What lies beside quarantined bytes.
    func note(on record: DropRecord) -> JSON {
        [
            "drop": .string(record.id.description), "file": .string(record.fileName.description),
            "source": .string(record.source.text), "code": .string(code.text),
            "message": .string(message), "hint": .string(hint),
        ]
    }
}
