import DropCore
import Synchronization

extension GraphCommit {
    /// Runs one call of the twin service, whole or without a trace. Thrown errors are those of storage: the transaction is off.
    func apply(_ call: CallQueue.Entry) throws(DropError) -> Result<Void, any Error> {
        let number = store.numbers.reserveCall()
        let part = CallEffects(dropNumber: number, sequence: state.head.sequence + 1)
        let saved = (state.head.nextRevision, state.head.time, state.head.ticks, state.head.persistedKeys)
        // Labels never run backwards, whatever the clock does.
        state.head.ticks = max(state.head.ticks, store.clock(), Int64(state.head.time) * 10_000)
        state.head.time = UInt64(state.head.ticks / 10_000)
        try sql.members.begin()
        do {
            try call.work(CallWriter(self, part))
            if part.hasChanged { try journal(call, part, firstRevision: saved.0) }
            try sql.members.release()
        } catch let refusal as ServiceError {
            try sql.members.rollBack()
            CommitPublisher(state: state).undo(part)
            (state.head.nextRevision, state.head.time, state.head.ticks, state.head.persistedKeys) = saved
            return .failure(refusal)
        } catch {
            CommitPublisher(state: state).undo(part)
            throw StorageFailure.error(error)
        }
        guard part.hasChanged else {
            (state.head.nextRevision, state.head.time, state.head.ticks, state.head.persistedKeys) = saved
            return .success(())
        }
        state.add(part)
        return .success(())
    }

    /// What belongs to every change: its row, relationships that waited for it, names, and the sources of which it changed
    /// something.
    private func journal(_ call: CallQueue.Entry, _ part: CallEffects, firstRevision: UInt64) throws {
        try waitingRows.activateWaiting(part)
        try CommitNotes(state: state).persistGlobalKeys()
        try CommitNotes(state: state).noteForeignChange(of: nil, changing: true, part.sequence)
        try sql.members.insert(call: part.dropNumber, caller: call.caller.name, what: call.what)
        try sql.members.insert(
            sequence: part.sequence, drop: part.dropNumber, time: state.head.time,
            ticks: state.head.ticks - Int64(state.head.time) * 10_000, firstRevision: firstRevision)
    }
}
