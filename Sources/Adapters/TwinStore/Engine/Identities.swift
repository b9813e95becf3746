import DropCore
import Synchronization

/// Which number each id has, and what waits for ids that are not there yet.
///
/// The indexes guard themselves (`IdentityIndex`); drops that are compared enter what they introduce, the writer's thread what a
/// commit changes. `waiting` and `lookedUp` are locked for one look or one change, and nothing else is locked inside.
final class Identities: Sendable {
    /// What waits for twins, and what was taken from drops that are on their way.
    struct Waiting {
        /// Identities of twins that a waiting relationship names.
        var twins: Set<IdentityHash> = []
        /// Their own identities.
        var relationships: Set<IdentityHash> = []
        /// Numbers whose identity another drop took over.
        var evictedTwins: Set<UInt32> = []
        var evictedRelationships: Set<UInt32> = []
    }

    /// Opened by `openReader`: there is no index of identities, and a twin is found by looking through the table.
    let isWithoutIndex: Bool
    let hash = KeyedHash()
    let twins = IdentityIndex()
    let relationships = IdentityIndex()
    let waiting = Mutex(Waiting())
    /// Numbers of twins that a reader without index has looked for: a look through the table is dear.
    let lookedUp = Mutex<[String: UInt32]>([:])

    init(isWithoutIndex: Bool) { self.isWithoutIndex = isWithoutIndex }

    /// The identity of a relationship: its source twin's id and its own.
    func relationshipHash(source: [UInt8], id: [UInt8]) -> IdentityHash { hash.identity(source + [0] + id) }

    var hasWaiting: Bool { waiting.withLock { !$0.twins.isEmpty } }

    /// Takes an identity from a drop that is on its way: that one is compared again when its turn comes.
    func steal(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32) {
        switch kind {
        case .twins:
            twins.remove(hash, number)
            waiting.withLock { _ = $0.evictedTwins.insert(number) }
        case .relationships:
            relationships.remove(hash, number)
            waiting.withLock { _ = $0.evictedRelationships.insert(number) }
        }
    }

    /// Removes what an abandoned drop introduced from the indexes.
    func release(_ log: ChangeLog) {
        // A log that cannot be read back leaves entries behind that lead to numbers nobody has: they only cost a second look.
        try? log.forEach { (place, view) throws(DropError) in
            let entry = view.head
            guard entry.isNew else { return }
            switch entry.kind {
            case .twin: twins.remove(hash.identity(view.bytes(0..<entry.idLength)), entry.number)
            case .relationship:
                let names = entry.idLength + entry.targetLength
                let hash = relationshipHash(
                    source: view.bytes(0..<entry.idLength), id: view.bytes(names..<names + entry.relationshipLength))
                relationships.remove(hash, entry.number)
            }
        }
        forgetEvicted(log)
    }

    /// What was evicted from a drop that is given up concerns nobody any more. What another introduced and this one only spoke of
    /// is still that other's.
    private func forgetEvicted(_ log: ChangeLog) {
        let evicted = waiting.withLock { (twins: $0.evictedTwins, relationships: $0.evictedRelationships) }
        guard !evicted.twins.isEmpty || !evicted.relationships.isEmpty else { return }
        var own: (twins: Set<UInt32>, relationships: Set<UInt32>) = ([], [])
        // One that stays costs a second comparison of whoever gets its number.
        try? log.forEach { (place, view) throws(DropError) in
            let entry = view.head
            guard entry.isNew else { return }
            if entry.kind == .twin, evicted.twins.contains(entry.number) { own.twins.insert(entry.number) }
            if entry.kind == .relationship, evicted.relationships.contains(entry.number) {
                own.relationships.insert(entry.number)
            }
        }
        waiting.withLock { waiting in
            waiting.evictedTwins.subtract(own.twins)
            waiting.evictedRelationships.subtract(own.relationships)
        }
    }
}
