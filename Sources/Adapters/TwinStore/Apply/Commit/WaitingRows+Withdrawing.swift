import DropCore
import Synchronization
import TwinModel

/// Waiting relationships that will not come to be, because something newer was said of them or of their twins
/// (docs/decisions/0026-order-and-lateness.md).
extension WaitingRows {
    /// Whether any relationship may wait, as of now in this transaction.
    func mayWait(_ member: CommitEffects) -> Bool { store.identities.hasWaiting || hasFreshWaiting(member) }

    /// Whether this transaction changed what waits: the store knows of it after the commit.
    func hasFreshWaiting(_ member: CommitEffects) -> Bool {
        member.waitingChanged || state.effects.contains(where: \.waitingChanged)
    }

    /// Takes back what waited under the identity that `claim` speaks of now.
    func replaceWaiting(_ claim: RelationshipClaim, _ member: DropEffects) throws(DropError) {
        guard mayWait(member) else { return }
        let hash = store.identities.relationshipHash(source: claim.source, id: claim.id)
        let isKnown = store.identities.waiting.withLock { $0.relationships.contains(hash) }
        guard isKnown || hasFreshWaiting(member) else { return }
        try waiting.delete(claim.id, of: claim.source)
        if isKnown { member.waitingChanged = true }
    }

    /// A twin was deleted: what waits and starts at it goes as it would have gone had it been there; what its own source has
    /// waiting to end at it, too. What others have waits for a twin of that id, whichever.
    func withdrawWaiting(of twin: [UInt8], _ member: CommitEffects) throws(DropError) {
        guard mayWait(member) else { return }
        let hash = store.identities.hash.identity(twin)
        guard hasFreshWaiting(member) || store.identities.waiting.withLock({ $0.twins.contains(hash) }) else { return }
        try withdraw(from: member, at: twin) { row, isOwn in row.source == twin || isOwn }
    }

    /// What a drop takes back beside what it deletes: relationships and twins it deleted in vain, and, where it is a whole list,
    /// what its source said before and the list has not.
    func withdrawWaiting(_ member: DropEffects) throws(DropError) {
        let comparison = member.comparison
        guard mayWait(member) else { return }
        let relationships = Set(comparison.said.relationships.absent)
        let twins = Set(comparison.said.goneInWord)
        guard !relationships.isEmpty || !twins.isEmpty || comparison.list.isWhole else { return }
        let passed = try comparison.list.isWhole ? dropsOfList(member) : []
        try withdraw(from: member, at: nil) { row, isOwn in
            if relationships.contains(store.identities.relationshipHash(source: row.source, id: row.id)) { return true }
            if twins.contains(store.identities.hash.identity(row.source)) { return true }
            guard isOwn else { return false }
            if twins.contains(store.identities.hash.identity(row.target)) { return true }
            return comparison.list.isWhole && row.scope == comparison.list.scope && !passed.contains(row.drop)
        }
    }

    /// The drops that together are the list of this one: it, and where it amends another, that and its other amendments.
    private func dropsOfList(_ member: DropEffects) throws(DropError) -> Set<UInt64> {
        let job = member.comparison.job
        guard let amends = job.amends else { return [member.dropNumber] }
        return try waiting.drops(of: job.source, amending: amends).union([member.dropNumber])
    }

    /// Takes back the rows that `isOver` chooses (of one, and whether the source of the drop at hand stated it), but not what
    /// somebody newer stated.
    ///
    /// - Parameter twin: the end that the rows have; nil: any.
    private func withdraw(
        from member: CommitEffects, at twin: [UInt8]?, where isOver: (WaitingStatements.Candidate, Bool) -> Bool
    ) throws(DropError) {
        let comparison = (member as? DropEffects)?.comparison
        let found = try waiting.candidates(at: twin) { row in
            isOver(row, row.owner == comparison?.job.source.text) && row.drop != member.dropNumber
        }
        for row in found {
            if let comparison, let lateness = comparison.context.lateness,
                try lateness.isNewer(row.drop, comparison.cache, store, database)
            {
                continue
            }
            try waiting.delete(row.number)
            member.waitingChanged = true
        }
    }

    /// A late delete takes a twin from a relationship that somebody newer stated: that waits for the twin, as it would have done.
    func outlives(_ relationship: UInt32, _ member: CommitEffects) throws(DropError) -> Bool {
        guard let member = member as? DropEffects, let lateness = member.comparison.context.lateness,
            case .wait(let patience) = member.comparison.job.policy.dangling
        else { return false }
        guard let standing = try waiting.standing(relationship) else { return false }
        let record = standing.record
        guard let owner = store.sources.source(ofDrop: record.ownerDrop), owner == member.comparison.job.source,
            let origin = NewerWord(member.comparison.context, lateness).speaker(ofRelationship: relationship, record)
        else { return false }
        let statement = DropStatement(
            kind: .merge, key: standing.name, properties: record.properties, record: record.base.record)
        var claim = RelationshipClaim(
            number: relationship, source: standing.source, target: standing.target, id: standing.id, statement: statement,
            origin: origin)
        claim.isNew = false
        try wait(claim, patience, member)
        // It was no operation of this drop.
        member.books.waiting -= 1
        return true
    }
}
