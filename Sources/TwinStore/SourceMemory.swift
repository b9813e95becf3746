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

    init(source: SourceName) { self.source = source }

    func owned(_ scope: String) -> Owned {
        if let known = scopes[scope] { return known }
        let fresh = Owned()
        scopes[scope] = fresh
        return fresh
    }

    func disown(twin number: UInt32) { for owned in scopes.values { owned.twins.remove(number) } }

    func disown(relationship number: UInt32) { for owned in scopes.values { owned.relationships.remove(number) } }
}

/// Names of properties, relationships and models, and their numbers: one table for the whole graph, shared by all sources.
final class GlobalKeys: Sendable {
    private struct State {
        var names: [String] = []
        var numbers: [[UInt8]: UInt32] = [:]
        var persisted = 0
    }

    private let state = Mutex(State())

    /// Enters what the database has, in the order of the numbers from 1.
    func load(_ names: [String]) {
        state.withLock { state in
            state.names = names
            for (index, name) in names.enumerated() { state.numbers[Array(name.utf8)] = UInt32(index + 1) }
            state.persisted = names.count
        }
    }

    /// The number of `name`; a new one when it has none (bytes are compared, not canonical equivalents).
    func number(of name: String) -> UInt32 {
        state.withLock { state in
            let bytes = Array(name.utf8)
            if let known = state.numbers[bytes] { return known }
            state.names.append(name)
            let number = UInt32(state.names.count)
            state.numbers[bytes] = number
            return number
        }
    }

    /// The number of `name`, if it has one.
    func known(_ name: String) -> UInt32? { state.withLock { $0.numbers[Array(name.utf8)] } }

    /// The name of a number; empty for 0 and for numbers nobody gave out.
    func name(_ number: UInt32) -> String {
        state.withLock { number > 0 && Int(number) <= $0.names.count ? $0.names[Int(number) - 1] : "" }
    }

    /// Lets `body` look at all names, in the order of the numbers from 1. It must not use the table.
    func withNames<T>(_ body: ([String]) -> T) -> T { body(state.withLock { $0.names }) }

    /// Names the database does not have yet, and the number of the first.
    var unpersisted: (first: UInt32, names: [String]) {
        state.withLock { (UInt32($0.persisted + 1), Array($0.names[$0.persisted...])) }
    }

    func persisted(through number: Int) { state.withLock { $0.persisted = max($0.persisted, number) } }
}
