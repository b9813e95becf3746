import DropCore
import Synchronization

/// What the process remembers about one source: fingerprints of what it said last, and what it owns.
///
/// `@unchecked Sendable`: guarded by the store's `Publication` (read while comparing, written while publishing).
final class SourceMemory: @unchecked Sendable {
    /// What a source made and did not delete, in one scope (empty: outside any).
    final class Owned: @unchecked Sendable {  // Guarded like its `SourceMemory`.
        let twins = NumberSet()
        let relationships = NumberSet()
    }

    let source: SourceName
    /// By number: the fingerprint of the operation that is known to change nothing now; 0: none.
    let twinFingerprints = SparseArray<Fingerprint>()
    let relationshipFingerprints = SparseArray<Fingerprint>()
    let order = DeliveryOrder()
    private(set) var scopes: [String: Owned] = [:]
    /// Names by key number minus one, as the database has them.
    var persistedKeys: [String] = []
    /// True when the source relies on values that carry no stamp of it.
    var isBare = false
    /// True when a drop of the source had records refused: what is delivered since is kept track of, for their corrections.
    var hasRefusals = false
    /// The sequence of the last commit that may have changed what the source owns.
    var ownedSince: UInt32 = 0
    /// The names of each comparison under way, as far as it has defined them, with those that are compared and not committed.
    private let comparing = Mutex<[ObjectIdentifier: [String]]>([:])

    init(source: SourceName) { self.source = source }

    func owned(_ scope: String) -> Owned {
        if let known = scopes[scope] { return known }
        let fresh = Owned()
        scopes[scope] = fresh
        return fresh
    }

    /// A comparison is under way, and knows these names.
    func note(_ names: [String], of comparison: DropComparison) {
        comparing.withLock { $0[ObjectIdentifier(comparison)] = names }
    }

    /// It has come to its end.
    func forget(_ comparison: DropComparison) { comparing.withLock { $0[ObjectIdentifier(comparison)] = nil } }

    /// Whether a drop of the source is being compared, or waits for its commit.
    var isInWork: Bool { comparing.withLock { !$0.isEmpty } }

    /// The names a stream of the source begins with now: those of the database, and of drops on their way there.
    var liveKeys: [String] {
        comparing.withLock { comparing in
            comparing.values.reduce(persistedKeys) { $1.count > $0.count ? $1 : $0 }
        }
    }

    /// Begins anew: no name, and nothing known to be repeated, since that was said by the old numbers. Nothing may be in work.
    func forgetKeys() {
        precondition(!isInWork, "numbers are given out anew while nobody uses the old ones")
        persistedKeys = []
        twinFingerprints.clear()
        relationshipFingerprints.clear()
    }

    func disown(twin number: UInt32) { for owned in scopes.values { owned.twins.remove(number) } }

    func disown(relationship number: UInt32) { for owned in scopes.values { owned.relationships.remove(number) } }
}
