import DropCore
import Synchronization

/// Whether what a drop was compared with is still so. On the writer's thread, before the drop is written.
struct ConflictCheck: CommitPart {
    let state: CommitState

    enum Conflict {
        case none
        /// Only what was found unchanged has changed, and is there still.
        case some(ForeignChanges)
        /// Something on which more depends.
        case whole(twin: UInt32?)
    }

    /// Whether an operation was found to change nothing, or to have no twin, and a commit since may have made that untrue.
    func conflict(of comparison: FinishedComparison) -> Conflict {
        let since = comparison.context.startSequence
        let (twins, relationships) = (comparison.said.twins, comparison.said.relationships)
        if hasModelConflict(comparison) { return .whole(twin: nil) }
        // What a snapshot leaves out is known only against everything its source made.
        if comparison.job.policy.mode == .snapshot {
            if comparison.cache.ownedSince > since { return .whole(twin: nil) }
            let source = comparison.job.source
            let hasNew = state.effects.contains { member in
                (member as? DropEffects)?.comparison.cache === comparison.cache
                    || member.changes.activated.contains { $0.owner == source }
            }
            if hasNew { return .whole(twin: nil) }
        }
        if store.identities.waiting.withLock({ !$0.evictedTwins.isEmpty || !$0.evictedRelationships.isEmpty }) {
            let evicted = store.identities.waiting.withLock { ($0.evictedTwins, $0.evictedRelationships) }
            if evicted.0.contains(where: { twins.isStated($0) }) { return .whole(twin: nil) }
            if evicted.1.contains(where: { relationships.isStated($0) }) { return .whole(twin: nil) }
        }
        // It left no word of what it spoke of, and has to: a drop of the source was set aside, or had refused records, since.
        if !comparison.context.isTracked, comparison.account.hasOperations, ComparisonContext.speaksInParts(comparison.job),
            DeliveryNotes(state: state).demandsWord(of: comparison)
        {
            return .whole(twin: nil)
        }
        guard UInt64(since) != state.head.sequence else { return .none }
        // What a late drop may still say was told from the records as they were.
        if comparison.context.lateness != nil { return .whole(twin: nil) }
        for hash in twins.absent {
            let number = store.identities.twins.number(of: hash)
            if number != 0, !twins.isStated(number),
                store.versions.twins[number] > since || state.touched.created.contains(number)
            {
                return .whole(twin: number)
            }
        }
        for hash in relationships.absent {
            let number = store.identities.relationships.number(of: hash)
            if number != 0, !relationships.isStated(number),
                store.versions.relationships[number] > since || state.touched.createdRelationships.contains(number)
            {
                return .whole(twin: nil)
            }
        }
        var foreign = ForeignChanges()
        // One of whose statements some were found unchanged and others were written down: only all of them together say it.
        var isMixed: UInt32?
        twins.seen.forEach {
            guard store.versions.twins[$0] > since || state.touched.changed.contains($0) else { return }
            if twins.isStated($0) { isMixed = $0 } else { foreign.twins.append($0) }
        }
        if let isMixed { return .whole(twin: isMixed) }
        relationships.seen.forEach {
            guard store.versions.relationships[$0] > since || state.touched.changedRelationships.contains($0) else { return }
            if relationships.isStated($0) { isMixed = $0 } else { foreign.relationships.append($0) }
        }
        if isMixed != nil { return .whole(twin: nil) }
        return foreign.isEmpty ? .none : .some(foreign)
    }

    /// True when a model that decided something for the drop has changed since it was compared.
    private func hasModelConflict(_ comparison: FinishedComparison) -> Bool {
        guard let validation = comparison.models.validation else { return false }
        let since = comparison.context.startSequence
        if validation.models.contains(where: { store.versions.models[$0] > since }) { return true }
        guard validation.reliesOnTwins else { return false }
        // Number 0 stands for twins that changed their model.
        return store.versions.models[0] > since || state.effects.contains { !$0.changes.remodelled.isEmpty }
    }
}
