import DropCore
import GRDB
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
        try run { try database.execute(sql: "SAVEPOINT member") }
        do {
            try call.work(CallWriter(self, part))
            if part.hasChanged { try journal(call, part, firstRevision: saved.0) }
            try run { try database.execute(sql: "RELEASE member") }
        } catch let refusal as ServiceError {
            try run { try database.execute(sql: "ROLLBACK TO member; RELEASE member") }
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
        state.head.sequence = part.sequence
        state.effects.append(part)
        state.touched.created.formUnion(part.createdTwins)
        state.touched.createdRelationships.formUnion(part.createdRelationships)
        for one in part.activated { state.touched.createdRelationships.insert(one.number) }
        return .success(())
    }

    /// What belongs to every change: its row, relationships that waited for it, names, and the sources of which it changed
    /// something.
    private func journal(_ call: CallQueue.Entry, _ part: CallEffects, firstRevision: UInt64) throws {
        try waitingRows.activateWaiting(part)
        try CommitNotes(state: state).persistGlobalKeys()
        try CommitNotes(state: state).noteForeignChange(of: nil, changing: true, part.sequence)
        let insertCall = try RawStatement.cached("INSERT INTO call(no, caller, what) VALUES(?, ?, ?)", database)
        insertCall.bind(1, Int64(part.dropNumber))
        insertCall.bind(text: 2, Array(call.caller.name.utf8))
        insertCall.bind(text: 3, Array(call.what.utf8))
        try insertCall.run()
        let insertCommit = try RawStatement.cached(
            "INSERT INTO drop_commit(sequence, drop_no, time, first_revision, ticks) VALUES(?, ?, ?, ?, ?)", database)
        insertCommit.bind(1, Int64(part.sequence))
        insertCommit.bind(2, Int64(part.dropNumber))
        insertCommit.bind(3, Int64(state.head.time))
        insertCommit.bind(4, Int64(firstRevision))
        insertCommit.bind(5, state.head.ticks - Int64(state.head.time) * 10_000)
        try insertCommit.run()
    }
}
