import DropCore
import Synchronization

/// What is written beside each change: the revision, what is gone, and new identities. On the writer's thread.
struct RevisionRows: CommitPart {
    let state: CommitState

    func addRevision(
        _ kind: NumberReservation.Kind, _ entity: UInt32, _ member: CommitEffects, record: UInt64, previous: UInt64,
        _ patch: ReverseDelta
    ) throws(DropError) -> UInt64 {
        let number = state.head.nextRevision
        state.head.nextRevision += 1
        try sql.revisions.insert(
            number,
            .init(
                kind: kind, entity: entity, drop: member.dropNumber, record: record, previous: previous, patch: patch))
        return number
    }

    /// Gives an identity to something that the commit itself makes. A drop on its way that introduced it too is compared again.
    func enter(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32, _ member: CommitEffects) {
        let other = store.identities.index(of: kind).replace(hash, number)
        member.identities.noteEntered(kind, hash, number)
        guard other != 0 else { return }
        let isForeign =
            switch kind {
            case .twins:
                store.versions.twins[other] == 0 && !state.touched.created.contains(other)
                    && !member.changes.createdTwins.contains(other)
            case .relationships:
                store.versions.relationships[other] == 0 && !state.touched.createdRelationships.contains(other)
                    && !member.changes.createdRelationships.contains(other)
            }
        guard isForeign else {  // It was deleted earlier in this transaction, and is there again where this member is not.
            member.identities.noteDisplaced(kind, hash, other)
            return
        }
        store.identities.waiting.withLock { waiting in
            _ = kind == .twins ? waiting.evictedTwins.insert(other) : waiting.evictedRelationships.insert(other)
        }
    }
}
