import Synchronization

extension CommitPublisher {
    /// Puts the new models in place. Twins of models that changed count as changed: what was found to conform may not any more.
    func publish(_ change: KeyedModels.Change, _ sequence: UInt32, _ caches: [SourceCache]) {
        store.catalog.present.withLock { $0 = change.models }
        guard !change.changed.isEmpty else { return }
        for key in change.changed { store.versions.models[key] = sequence }
        let count = store.numbers.state.withLock { $0.nextTwin }
        var touched = false
        for number in 0..<count where change.changed.contains(store.versions.twinModels[number]) {
            guard store.versions.twins[number] != 0 else { continue }
            store.versions.twins[number] = sequence
            for cache in caches { cache.twinFingerprints[number] = 0 }
            touched = true
        }
        guard touched else { return }
        for number in 0..<store.numbers.state.withLock({ $0.nextRelationship }) where store.versions.relationships[number] != 0 {
            store.versions.relationships[number] = sequence
            for cache in caches where cache.relationshipFingerprints[number] != 0 {
                cache.relationshipFingerprints[number] = 0
            }
        }
    }
}
