import DropCore
import GRDB
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
        let row = try RawStatement.cached("DELETE FROM pending WHERE source_id = ? AND id = ?", database)
        row.bind(text: 1, claim.source)
        row.bind(text: 2, claim.id)
        try row.run()
        if isKnown { member.waitingChanged = true }
    }

    /// A twin was deleted: what waits and starts at it goes as it would have gone had it been there; what its own source has
    /// waiting to end at it, too. What others have waits for a twin of that id, whichever.
    func withdrawWaiting(of twin: [UInt8], _ member: CommitEffects) throws(DropError) {
        guard mayWait(member) else { return }
        let hash = store.identities.hash.identity(twin)
        guard hasFreshWaiting(member) || store.identities.waiting.withLock({ $0.twins.contains(hash) }) else { return }
        try withdraw(from: member, "WHERE p.source_id = ?1 OR p.target_id = ?1", twin) { row in row.source == twin || row.isOwn }
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
        try withdraw(from: member, "", []) { row in
            if relationships.contains(store.identities.relationshipHash(source: row.source, id: row.id)) { return true }
            if twins.contains(store.identities.hash.identity(row.source)) { return true }
            guard row.isOwn else { return false }
            if twins.contains(store.identities.hash.identity(row.target)) { return true }
            return comparison.list.isWhole && row.scope == comparison.list.scope && !passed.contains(row.drop)
        }
    }

    /// The drops that together are the list of this one: it, and where it amends another, that and its other amendments.
    private func dropsOfList(_ member: DropEffects) throws(DropError) -> Set<UInt64> {
        var drops: Set<UInt64> = [member.dropNumber]
        guard let amends = member.comparison.job.amends else { return drops }
        let query = try RawStatement.cached(
            "SELECT no FROM drops WHERE source = ?1 AND (id = ?2 OR (link_kind = 'amends' AND link_drop = ?2))", database)
        query.bind(text: 1, member.comparison.job.source.text)
        query.bind(text: 2, amends.description)
        defer { query.reset() }
        while try query.step() { drops.insert(UInt64(query.integer(0))) }
        return drops
    }

    private struct WaitingRow {
        let source: [UInt8]
        let target: [UInt8]
        let id: [UInt8]
        let drop: UInt64
        let scope: String
        /// Stated by the source of the drop at hand.
        let isOwn: Bool
    }

    /// Takes back the rows that `isOver` chooses, but not what somebody newer stated.
    private func withdraw(
        from member: CommitEffects, _ condition: String, _ id: [UInt8], where isOver: (WaitingRow) -> Bool
    ) throws(DropError) {
        let comparison = (member as? DropEffects)?.comparison
        var found: [(number: Int64, drop: UInt64)] = []
        let query = try RawStatement.cached(
            """
            SELECT p.no, p.source_id, p.target_id, p.id, p.drop_no, coalesce(d.scope, ''), p.source
            FROM pending p LEFT JOIN drops d ON d.no = p.drop_no \(condition)
            """, database)
        if !condition.isEmpty { query.bind(text: 1, id) }
        while try query.step() {
            let row = WaitingRow(
                source: query.bytes(1), target: query.bytes(2), id: query.bytes(3), drop: UInt64(query.integer(4)),
                scope: query.text(5), isOwn: query.text(6) == comparison?.job.source.text)
            if isOver(row), row.drop != member.dropNumber { found.append((query.integer(0), row.drop)) }
        }
        query.reset()
        for (number, drop) in found {
            if let comparison, let lateness = comparison.context.lateness,
                try lateness.isNewer(drop, comparison.cache, store, database)
            {
                continue
            }
            try forget(number)
            member.waitingChanged = true
        }
    }

    /// A late delete takes a twin from a relationship that somebody newer stated: that waits for the twin, as it would have done.
    func outlives(_ relationship: UInt32, _ member: CommitEffects) throws(DropError) -> Bool {
        guard let member = member as? DropEffects, let lateness = member.comparison.context.lateness,
            case .wait(let patience) = member.comparison.job.policy.dangling
        else { return false }
        let query = try RawStatement.cached(
            """
            SELECT s.id, t.id, r.id, r.name, r.rec FROM relationship r
            JOIN twin s ON s.no = r.source JOIN twin t ON t.no = r.target WHERE r.no = ?
            """, database)
        query.bind(1, relationship)
        defer { query.reset() }
        guard try query.step() else { return false }
        let record = try TwinRecord(query.bytes(4))
        guard let owner = store.sources.source(ofDrop: record.ownerDrop), owner == member.comparison.job.source,
            let origin = NewerWord(member.comparison.context, lateness).speaker(ofRelationship: relationship, record)
        else { return false }
        let statement = DropStatement(
            kind: .merge, key: UInt32(truncatingIfNeeded: query.integer(3)), properties: record.properties,
            record: record.base.record)
        var claim = RelationshipClaim(
            number: relationship, source: query.bytes(0), target: query.bytes(1), id: query.bytes(2), statement: statement,
            origin: origin)
        claim.isNew = false
        try wait(claim, patience, member)
        // It was no operation of this drop.
        member.books.waiting -= 1
        return true
    }
}
