import DropCore
import Synchronization

/// What the process remembers about one source: fingerprints of what it said last, and what it owns.
///
/// `@unchecked Sendable`: guarded by the store's `ReadersWriterLock`: read while comparing; written while publishing, and, of
/// twins that are new, before their commit. What is written before counts only with a committed version of the same number. The
/// one comparison that a source has at a time also writes what it found unchanged.
final class SourceCache: @unchecked Sendable {
    let source: SourceName
    /// By number: the fingerprint of the operation that is known to change nothing now; 0: none.
    let twinFingerprints = SparseArray<Fingerprint>()
    let relationshipFingerprints = SparseArray<Fingerprint>()
    let order = PrefetchOrder()
    private(set) var scopes: [String: OwnedNumbers] = [:]
    /// Names by key number minus one, as the database has them.
    var persistedKeys: [String] = []
    /// True when the source relies on values that carry no stamp of it.
    var hasUnstampedValues = false
    /// Whether the source has a row that says so. The writer's thread alone.
    var isNoted = false
    let tracking = Tracking()
    /// The sequence of the last commit that may have changed what the source owns.
    var ownedSince: UInt32 = 0
    let contest = Contest()
    /// The names of each comparison under way, as far as it has defined them, with those that are compared and not committed.
    private let comparing = Mutex<[ObjectIdentifier: [String]]>([:])

    init(source: SourceName) { self.source = source }

    func owned(_ scope: String) -> OwnedNumbers {
        if let known = scopes[scope] { return known }
        let fresh = OwnedNumbers()
        scopes[scope] = fresh
        return fresh
    }

    /// A comparison is under way, and knows these names.
    func note(_ names: [String], of comparison: AnyObject) {
        comparing.withLock { $0[ObjectIdentifier(comparison)] = names }
    }

    /// It has come to its end.
    func forget(_ comparison: AnyObject) { comparing.withLock { $0[ObjectIdentifier(comparison)] = nil } }

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

/// What a source made and did not delete, in one scope (empty: outside any).
///
/// `@unchecked Sendable`: guarded like its `SourceCache`.
final class OwnedNumbers: @unchecked Sendable {
    let twins = NumberSet()
    let relationships = NumberSet()
}

/// Others that write to twins of a source: when somebody last did, and drops that met such a change at their commit.
final class Contest: Sendable {
    private let state = Mutex<(last: ContinuousClock.Instant?, drops: Set<DropID>)>((nil, []))
    /// For so long after a foreign change another is expected.
    private static let time = Duration.seconds(600)

    /// Whether others are known to write to twins of the source, or did so to those of this drop: then it keeps what it reads.
    func isExpected(by drop: DropID) -> Bool {
        state.withLock { state in
            state.drops.contains(drop) || state.last.map { ContinuousClock.now - $0 < Self.time } ?? false
        }
    }

    /// Somebody else changed something of the source.
    func noteChange() { state.withLock { $0.last = .now } }

    /// The drop met a foreign change and had not kept what it reads: its next try does.
    func note(_ drop: DropID) { state.withLock { _ = $0.drops.insert(drop) } }

    func forget(_ drop: DropID) { state.withLock { _ = $0.drops.remove(drop) } }
}

/// Whether drops of a source leave word of what they spoke of, because one that is older may come behind them.
///
/// `@unchecked Sendable`: `hasRefusals` is guarded like its `SourceCache`.
final class Tracking: @unchecked Sendable {
    /// A drop of the source had records refused: what is delivered since is kept track of, for their corrections.
    var hasRefusals = false
    /// A drop of the source was held or quarantined once: a person may let it go on behind newer ones.
    private let setAside = Mutex(false)

    var isOn: Bool { hasRefusals || setAside.withLock { $0 } }

    /// A drop of the source waits for a person.
    func noteSetAside() { setAside.withLock { $0 = true } }
}
