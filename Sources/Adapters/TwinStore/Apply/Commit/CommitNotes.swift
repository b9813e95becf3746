import DropCore
import GRDB

/// What is written once for a member: new names of keys, and which sources lost something to it. On the writer's thread.
struct CommitNotes: CommitPart {
    let state: CommitState

    /// Writes key names the database does not have: first the global ones, then the source's.
    func persistKeys(_ comparison: FinishedComparison) throws {
        try persistGlobalKeys(of: comparison.keys.globals)
        let source = comparison.job.source
        guard comparison.keys.areNew else { return }
        for wire in 1..<max(comparison.keys.globals.count, 1) {
            try database.execute(
                sql: "INSERT OR IGNORE INTO source_key(source, no, key) VALUES(?, ?, ?)",
                arguments: [source.text, wire, Int64(comparison.keys.globals[wire])])
        }
    }

    /// Writes global key names the database does not have: those of a stream, and all that are not a drop's alone.
    func persistGlobalKeys(of stream: [UInt32] = []) throws {
        for (number, name) in store.keys.unpersisted(of: stream) where !state.head.persistedKeys.contains(number) {
            try database.execute(
                sql: "INSERT OR IGNORE INTO key(no, name) VALUES(?, ?)", arguments: [Int64(number), name])
            state.head.persistedKeys.insert(number)
        }
    }

    /// Notes for every other source whether this drop changed something of it: a later drop of that source with the same bytes is
    /// then no duplicate.
    func noteForeignChange(_ member: DropEffects) throws {
        let me = member.comparison.job.source
        sql.noteSource.bind(text: 1, me.text)
        if member.comparison.said.hasUnstampedValues { member.hasUnstampedValues = true }
        sql.noteSource.bind(2, Int64(member.hasUnstampedValues ? 1 : 0))
        try sql.noteSource.run()
        try noteForeignChange(of: me, changing: member.books.changes > 0, member.sequence)
    }

    /// Tells the sources in `changedSources`, and those that rely on others, that somebody else (`nil`: a call) changed
    /// something.
    func noteForeignChange(of me: SourceName?, changing: Bool, _ sequence: UInt64) throws {
        state.trespasses.foreignSources.formUnion(state.trespasses.changedSources.filter { $0 != me })
        for source in state.trespasses.changedSources where source != me {
            sql.noteChangeByOthers.bind(text: 1, source.text)
            sql.noteChangeByOthers.bind(2, Int64(sequence))
            try sql.noteChangeByOthers.run()
        }
        state.trespasses.changedSources = []
        guard changing else { return }
        sql.noteChangeOfBare.bind(1, Int64(sequence))
        sql.noteChangeOfBare.bind(text: 2, me?.text ?? "")
        try sql.noteChangeOfBare.run()
    }
}
