import DropCore

/// What is written once for a member: new names of keys, and which sources lost something to it. On the writer's thread.
struct CommitNotes: CommitPart {
    let state: CommitState

    /// Writes key names the database does not have: first the global ones, then the source's.
    func persistKeys(_ comparison: FinishedComparison) throws(DropError) {
        try persistGlobalKeys(of: comparison.keys.globals)
        let source = comparison.job.source
        guard comparison.keys.areNew else { return }
        for wire in 1..<max(comparison.keys.globals.count, 1) {
            try sql.sources.insertKey(of: source, wire, comparison.keys.globals[wire])
        }
    }

    /// Writes global key names the database does not have: those of a stream, and all that are not a drop's alone.
    func persistGlobalKeys(of stream: [UInt32] = []) throws(DropError) {
        for (number, name) in store.keys.unpersisted(of: stream) where !state.head.persistedKeys.contains(number) {
            try sql.sources.insertKey(number, name)
            state.head.persistedKeys.insert(number)
        }
    }

    /// Notes for every other source whether this drop changed something of it: a later drop of that source with the same bytes is
    /// then no duplicate.
    func noteForeignChange(_ member: DropEffects) throws(DropError) {
        let me = member.comparison.job.source
        if member.comparison.said.hasUnstampedValues { member.hasUnstampedValues = true }
        let cache = member.comparison.cache
        if !cache.isNoted || (member.hasUnstampedValues && !cache.hasUnstampedValues) {
            try sql.sources.note(me, hasUnstampedValues: member.hasUnstampedValues)
        }
        try noteForeignChange(of: me, changing: member.books.changes > 0, member.sequence)
    }

    /// Tells the sources in `changedSources`, and those that rely on others, that somebody else (`nil`: a call) changed
    /// something.
    func noteForeignChange(of me: SourceName?, changing: Bool, _ sequence: UInt64) throws(DropError) {
        state.trespasses.foreignSources.formUnion(state.trespasses.changedSources.filter { $0 != me })
        for source in state.trespasses.changedSources where source != me {
            try sql.sources.noteChange(of: source, sequence)
        }
        state.trespasses.changedSources = []
        if changing, reliesOnOthers(besides: me) { try sql.sources.noteChangeOfBare(besides: me, sequence) }
    }

    /// Whether a source but this one has values without a stamp of it: in the database, or in this transaction.
    private func reliesOnOthers(besides me: SourceName?) -> Bool {
        store.sources.hasUnstamped(besides: me)
            || state.effects.contains { member in
                guard let drop = member as? DropEffects else { return false }
                return drop.hasUnstampedValues && drop.comparison.job.source != me
            }
    }
}
