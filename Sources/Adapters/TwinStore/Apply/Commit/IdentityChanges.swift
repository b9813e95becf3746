import DropCore

/// What one member of a commit changes in the indexes of identities, and how it is taken back.
struct IdentityChanges {
    typealias Entry = (kind: NumberReservation.Kind, hash: IdentityHash, number: UInt32)

    /// Entered inside the commit.
    private var entered: [Entry] = []
    /// They had another number, of something deleted earlier in the same transaction.
    private var displaced: [Entry] = []
    /// The drop introduced them, and they came to nothing.
    private var vanished: [Entry] = []

    mutating func noteEntered(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32) {
        entered.append((kind, hash, number))
    }

    mutating func noteDisplaced(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32) {
        displaced.append((kind, hash, number))
    }

    mutating func noteVanished(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32) {
        vanished.append((kind, hash, number))
    }

    /// After COMMIT: takes out what came to nothing.
    func removeVanished(from identities: Identities) {
        for (kind, hash, number) in vanished { identities.index(of: kind).remove(hash, number) }
    }

    /// The member is rolled back: what it entered goes, what that displaced comes back.
    func undo(in identities: Identities) {
        for (kind, hash, number) in entered { identities.index(of: kind).remove(hash, number) }
        for (kind, hash, number) in displaced { _ = identities.index(of: kind).enter(hash, number) }
    }
}

extension Identities {
    func index(of kind: NumberReservation.Kind) -> IdentityIndex { kind == .twins ? twins : relationships }
}
