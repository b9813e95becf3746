import DropCore
import GRDB
import Synchronization

extension GraphCommit {
    /// Runs one call of the twin service, whole or without a trace. Thrown errors are those of storage: the transaction is off.
    func apply(_ call: CallQueue.Entry) throws(DropError) -> Result<Void, any Error> {
        let number = store.numbers.reserveCall()
        let member = CallEffects(dropNumber: number, sequence: state.head.sequence + 1)
        let saved = (state.head.nextRevision, state.head.time, state.head.ticks, state.head.persistedKeys)
        // Labels never run backwards, whatever the clock does.
        state.head.ticks = max(state.head.ticks, store.clock(), Int64(state.head.time) * 10_000)
        state.head.time = UInt64(state.head.ticks / 10_000)
        try run { try database.execute(sql: "SAVEPOINT member") }
        do {
            try call.work(CallWriter(self, member))
            if member.hasChanged { try journal(call, member, firstRevision: saved.0) }
            try run { try database.execute(sql: "RELEASE member") }
        } catch let refusal as ServiceError {
            try run { try database.execute(sql: "ROLLBACK TO member; RELEASE member") }
            CommitPublisher(state: state).undo(member)
            (state.head.nextRevision, state.head.time, state.head.ticks, state.head.persistedKeys) = saved
            return .failure(refusal)
        } catch {
            CommitPublisher(state: state).undo(member)
            throw StorageFailure.error(error)
        }
        guard member.hasChanged else {
            (state.head.nextRevision, state.head.time, state.head.ticks, state.head.persistedKeys) = saved
            return .success(())
        }
        state.head.sequence = member.sequence
        state.effects.append(member)
        state.touched.created.formUnion(member.createdTwins)
        state.touched.createdRelationships.formUnion(member.createdRelationships)
        for one in member.activated { state.touched.createdRelationships.insert(one.number) }
        return .success(())
    }

    /// What belongs to every change: its row, relationships that waited for it, names, and the sources it trespassed on.
    private func journal(_ call: CallQueue.Entry, _ member: CallEffects, firstRevision: UInt64) throws {
        try waitingRows.activateWaiting(member)
        try CommitNotes(state: state).persistGlobalKeys()
        try CommitNotes(state: state).noteTrespass(of: nil, changing: true, member.sequence)
        let insertCall = try RawStatement.cached("INSERT INTO call(no, caller, what) VALUES(?, ?, ?)", database)
        insertCall.bind(1, Int64(member.dropNumber))
        insertCall.bind(text: 2, Array(call.caller.name.utf8))
        insertCall.bind(text: 3, Array(call.what.utf8))
        try insertCall.run()
        let insertCommit = try RawStatement.cached(
            "INSERT INTO drop_commit(sequence, drop_no, time, first_revision, ticks) VALUES(?, ?, ?, ?, ?)", database)
        insertCommit.bind(1, Int64(member.sequence))
        insertCommit.bind(2, Int64(member.dropNumber))
        insertCommit.bind(3, Int64(state.head.time))
        insertCommit.bind(4, Int64(firstRevision))
        insertCommit.bind(5, state.head.ticks - Int64(state.head.time) * 10_000)
        try insertCommit.run()
    }
}
