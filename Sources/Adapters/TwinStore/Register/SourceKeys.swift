package import DropCore

/// The names of keys that each source uses.
///
/// Any thread: guarded by `ReadersWriterLock`; what is deleted is deleted on the writer first.
package struct SourceKeys: KeyTable {
    let store: StoreEngine

    package func keys(of source: SourceName) throws(DropError) -> [String] {
        store.versions.cacheLock.lockForReading()
        defer { store.versions.cacheLock.unlockAfterReading() }
        return store.sources.cache(of: source).liveKeys
    }

    package func knownKeys(of source: SourceName) -> Int? {
        store.versions.cacheLock.lockForReading()
        defer { store.versions.cacheLock.unlockAfterReading() }
        return store.sources.cache(of: source).liveKeys.count
    }

    /// Gives the names of a source out anew, from none: those that failed drops of earlier versions left go with it. What the
    /// source said is compared in full once more; nothing of the graph changes. Gives how many names went.
    ///
    /// Errors: `in-work` (retry) while a drop of the source is compared or waits for its commit.
    package func forgetKeys(of source: SourceName) throws(DropError) -> Int {
        let busy = DropError(
            .inWork, "A drop of \(source) is being worked on.", hint: "Try again when its folder is empty.",
            remedy: .retry(after: .seconds(1)))
        let cache = store.sources.cache(of: source)
        let count = cache.persistedKeys.count
        guard !cache.isInWork else { throw busy }
        // A drop that begins now defines the names again that it was given, and finds them gone: it is transformed again.
        try store.transaction { database in try SourceStatements.forgetKeys(of: source, database) }
        try store.versions.cacheLock.writing { () throws(DropError) in
            guard !cache.isInWork else { throw busy }
            cache.forgetKeys()
        }
        return count
    }
}
