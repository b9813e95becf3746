import DropCore
import Synchronization

/// Lets everybody see what a commit changed: on the writer's thread, after COMMIT, inside `ReadersWriterLock.writing`; and takes
/// back what a member entered that is rolled back.
struct CommitPublisher: CommitPart {
    let state: CommitState

    /// After COMMIT: lets everybody see what is true now.
    func publish() {
        let sequence = UInt32(truncatingIfNeeded: state.head.sequence)
        // Before the drops end: what they held is the database's now, and must not go with them.
        store.keys.persisted(state.head.persistedKeys)
        state.head.persistedKeys = []
        store.versions.cacheLock.writing {
            for member in state.effects {
                publish(member, sequence)
                for (number, model) in member.changes.remodelled { store.versions.twinModels.set(number, model: model) }
                if !member.changes.remodelled.isEmpty {
                    store.versions.models[0] = UInt32(truncatingIfNeeded: state.head.sequence)
                }
            }
            if let first = state.effects.first?.sequence {
                store.versions.twinModels.advance(from: first - 1, to: state.head.sequence)
            }
        }
        store.numbers.state.withLock { counters in
            counters.sequence = state.head.sequence
            counters.nextRevision = state.head.nextRevision
            counters.lastTime = state.head.time
            counters.lastTicks = max(counters.lastTicks, state.head.ticks)
            for case let member as DropEffects in state.effects {
                counters.reservedDrops[member.comparison.job.drop] = nil
                counters.freshIntakes.remove(member.comparison.job.drop)
            }
        }
        if state.effects.contains(where: \.waitingChanged) {
            // The set only says where to look: what cannot be read now is read at the next open.
            try? StoreLoader(store).loadWaiting(database)
        }
        for source in state.trespasses.foreignSources { store.sources.cache(of: source).contest.noteChange() }
        state.trespasses.foreignSources = []
        state.effects = []
    }

    /// What every member leaves: versions, models, and fingerprints. What others say is known of what it changed no more.
    private func publish(_ member: CommitEffects, _ sequence: UInt32) {
        let caches = store.sources.state.withLock { Array($0.caches.values) }
        let drop = member as? DropEffects
        let speaker = drop?.comparison.cache
        if let drop { note(drop, sequence) }
        member.identities.removeVanished(from: store.identities)
        member.changes.createdTwins.forEach {
            store.versions.twins[$0] = sequence
            store.versions.twinModels.confirm($0)
        }
        member.changes.createdRelationships.forEach { store.versions.relationships[$0] = sequence }
        for (number, owner, origin) in member.changes.activated {
            store.versions.relationships[number] = sequence
            let scope = store.sources.scope(ofDrop: origin)
            store.sources.cache(of: owner).owned(scope).relationships.insert(number)
            store.sources.cache(of: owner).ownedSince = sequence
        }
        for (kind, number, fingerprint) in member.changes.revised {
            switch kind {
            case .twins:
                store.versions.twins[number] = sequence
                for cache in caches { cache.twinFingerprints[number] = cache === speaker ? fingerprint : 0 }
            case .relationships:
                store.versions.relationships[number] = sequence
                for cache in caches { cache.relationshipFingerprints[number] = cache === speaker ? fingerprint : 0 }
            }
        }
        for (kind, number, hash) in member.changes.deleted {
            store.identities.index(of: kind).remove(hash, number)
            switch kind {
            case .twins:
                store.versions.twins[number] = sequence
                store.versions.twinModels.remove(number)
                for cache in caches {
                    cache.twinFingerprints[number] = 0
                    cache.disown(twin: number)
                }
            case .relationships:
                store.versions.relationships[number] = sequence
                for cache in caches {
                    cache.relationshipFingerprints[number] = 0
                    cache.disown(relationship: number)
                }
            }
        }
        (member as? CallEffects)?.models.map { publish($0, sequence, caches) }
    }

    /// What the source of a drop knows now; first, because what it owns is taken from it again where it deleted it.
    private func note(_ member: DropEffects, _ sequence: UInt32) {
        let comparison = member.comparison
        let cache = comparison.cache
        comparison.end()
        cache.contest.forget(comparison.job.drop)
        store.sources.note(drop: member.dropNumber, of: comparison.job.source, scope: comparison.list.scope)
        let owned = cache.owned(comparison.list.scope)
        owned.twins.formUnion(member.changes.createdTwins)
        owned.relationships.formUnion(member.changes.createdRelationships)
        cache.ownedSince = sequence
        if comparison.keys.areNew, comparison.keys.names.count > cache.persistedKeys.count {
            cache.persistedKeys = comparison.keys.names
        }
        if member.hasUnstampedValues { cache.hasUnstampedValues = true }
        cache.isNoted = true
        if member.tracks { cache.tracking.hasRefusals = true }
    }

    /// A member that is rolled back: takes what the commit itself entered out of the indexes.
    func undo(_ member: CommitEffects) {
        member.identities.undo(in: store.identities)
        for entry in member.changes.deleted {
            entry.kind == .twins ? state.touched.gone.remove(entry.number) : state.touched.goneRelationships.remove(entry.number)
        }
        state.trespasses.changedSources = []
        state.isInterrupted = false
    }
}
