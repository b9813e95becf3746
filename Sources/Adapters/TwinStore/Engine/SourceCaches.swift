import DropCore
import Synchronization

/// What the process knows of sources and drops: rebuilt at open.
///
/// Any thread. `state` is locked for one look or one entry, and nothing else is locked inside; whose a drop is, is written by the
/// writer's thread under `ReadersWriterLock`, and read under it or by whoever made the drop known.
final class SourceCaches: Sendable {
    struct State {
        var caches: [SourceName: SourceCache] = [:]
        /// By `dropSource`.
        var names: [SourceName] = []
        var scopes: [UInt64: String] = [:]
    }

    let state = Mutex(State())
    /// By drop number: index of its source's name plus one.
    private let dropSource = SparseArray<UInt16>()

    /// The memory of a source; made when it is new.
    func cache(of source: SourceName) -> SourceCache {
        state.withLock { sources in
            if let known = sources.caches[source] { return known }
            let fresh = SourceCache(source: source)
            sources.caches[source] = fresh
            return fresh
        }
    }

    /// Remembers whose a committed drop is.
    func note(drop number: UInt64, of source: SourceName, scope: String) {
        state.withLock { sources in
            if !scope.isEmpty { sources.scopes[number] = scope }
            let index = sources.names.firstIndex(of: source) ?? sources.names.count
            if index == sources.names.count { sources.names.append(source) }
            dropSource[UInt32(number)] = UInt16(index + 1)
        }
    }

    func source(ofDrop number: UInt64) -> SourceName? {
        guard number < UInt64(SparseArray<UInt16>.capacity) else { return nil }
        let index = dropSource[UInt32(number)]
        return index == 0 ? nil : state.withLock { $0.names[Int(index) - 1] }
    }

    /// The scope of a committed drop; empty where it has none.
    func scope(ofDrop number: UInt64) -> String { state.withLock { $0.scopes[number] ?? "" } }

    /// Whether a source but this one is known to rely on values without a stamp of it.
    func hasUnstamped(besides source: SourceName?) -> Bool {
        state.withLock { $0.caches.contains { $0.value.hasUnstampedValues && $0.key != source } }
    }

    func isDrop(_ number: UInt64, of cache: SourceCache) -> Bool { source(ofDrop: number) == cache.source }
}
