import DropCore
import GRDB
import Synchronization
import TwinModel
import TwinService

/// Relationships that wait: for a twin of another file, or for one that their model allows. On the writer's thread, inside its
/// transaction.
struct WaitingRows: CommitPart {
    let state: CommitState

    func wait(_ claim: RelationshipClaim, _ patience: Duration, _ member: DropEffects) throws(DropError) {
        if !claim.isNew, try relationshipRows.deleteRelationship(claim.number, record: claim.statement.record, member) {
            // It moved to a twin that is not there yet: until then it is nowhere.
        } else if claim.isNew {
            relationshipRows.vanish(claim, member)
        }
        var record = TwinRecord(created: claim.origin, base: .init(drop: claim.origin, record: claim.statement.record))
        record.properties = claim.statement.properties.filter { !$0.isAbsent }
        let arguments: StatementArguments = [
            Int64(claim.origin), Int64(claim.statement.record), member.comparison.job.source.text,
            String(decoding: claim.source, as: UTF8.self), Int64(claim.statement.key),
            String(decoding: claim.target, as: UTF8.self), String(decoding: claim.id, as: UTF8.self),
            RawBlob.value(record.encoded()), Int64(state.head.time) + patience.components.seconds * 1000,
            member.comparison.job.policy.validation.rawValue,
        ]
        try run {
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO pending(drop_no, record, source, source_id, name, target_id, id, rec, expires, validation)
                    VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """, arguments: arguments)
        }
        member.books.waiting += 1
        member.waitingChanged = true
        guard claim.origin == member.dropNumber, member.comparison.context.isTracked else { return }
        member.waited += SpokenNames.waiting(claim.id, of: claim.source) + [0]
    }

    /// Keeps a relationship out of the graph whose ends came after it was compared, and which their models refuse.
    func holdBack(_ claim: RelationshipClaim, _ member: DropEffects) throws(DropError) {
        switch member.comparison.job.policy.dangling {
        case .wait(let patience): try wait(claim, patience, member)
        // Comparing again finds the ends, and refuses the record.
        case .reject: state.isInterrupted = true
        case .stub: try wait(claim, .seconds(24 * 3600), member)
        }
    }

    /// True where the models of a relationship's ends, as of now in this transaction, refuse it.
    func isRefused(
        _ claim: RelationshipClaim, _ source: UInt32, _ target: UInt32, _ validation: ApplyPolicy.Validation
    ) throws(DropError) -> Bool {
        guard validation != .off else { return false }
        var values: [JSON.Member] = []
        for property in claim.statement.properties where !property.isAbsent {
            values.append(.init(store.keys.name(property.key), try property.decoded().json))
        }
        return store.catalog.keyed.catalog.refusal(
            ofRelationship: store.keys.name(claim.statement.key), from: try model(source), to: try model(target), values,
            strict: validation == .strict) != nil
    }

    /// The model a twin has, as of now in this transaction; nil: none.
    private func model(_ twin: UInt32) throws(DropError) -> String? {
        let query = try RawStatement.cached("SELECT model FROM twin WHERE no = ?", database)
        query.bind(1, twin)
        defer { query.reset() }
        guard try query.step(), query.integer(0) != 0 else { return nil }
        return store.keys.name(UInt32(truncatingIfNeeded: query.integer(0)))
    }

    func forget(_ pending: Int64) throws(DropError) {
        try run { try database.execute(sql: "DELETE FROM pending WHERE no = ?", arguments: [pending]) }
    }

    /// Applies waiting relationships whose ends this member made.
    func activateWaiting(_ member: CommitEffects) throws {
        let waited = store.identities.waiting.withLock { $0.twins }
        guard !waited.isEmpty || hasFreshWaiting(member), !member.createdTwins.isEmpty else { return }
        state.present = member
        defer { state.present = nil }
        let query = try RawStatement.cached(
            """
            SELECT no, drop_no, record, source, source_id, name, target_id, id, rec, validation FROM pending
            WHERE expires > ? ORDER BY no
            """, database)
        query.bind(1, Int64(state.head.time))
        var ready: [(Int64, RelationshipClaim, SourceName)] = []
        while try query.step() {
            let ids = (query.bytes(4), query.bytes(6))
            let ends = (relationshipRows.standing(ids.0), relationshipRows.standing(ids.1))
            guard ends.0 != 0, ends.1 != 0, let owner = SourceName(query.text(3)) else { continue }
            let validation = ApplyPolicy.Validation(rawValue: query.text(9)) ?? .known
            let statement = DropStatement(
                kind: .merge, key: UInt32(truncatingIfNeeded: query.integer(5)),
                properties: try TwinRecord(query.bytes(8)).properties, record: UInt64(query.integer(2)))
            let claim = RelationshipClaim(
                number: 0, source: ids.0, target: ids.1, id: query.bytes(7), statement: statement,
                origin: UInt64(query.integer(1)))
            // What the models refuse goes on waiting: a twin, or a model, may yet become one that allows it.
            guard try !isRefused(claim, ends.0, ends.1, validation) else { continue }
            ready.append((query.integer(0), claim, owner))
        }
        query.reset()
        for (pending, claim, owner) in ready {
            try forget(pending)
            member.waitingChanged = true
            try activate(claim, owner, member)
        }
    }

    private func activate(_ claim: RelationshipClaim, _ owner: SourceName, _ member: CommitEffects) throws(DropError) {
        var claim = claim
        let hash = store.identities.relationshipHash(source: claim.source, id: claim.id)
        let known = store.identities.relationships.number(of: hash)
        // It may have waited because a drop of this same transaction moved it.
        let stands =
            known != 0 && !state.touched.goneRelationships.contains(known)
            && (store.versions.relationships[known] != 0 || state.touched.createdRelationships.contains(known)
                || member.createdRelationships.contains(known))
        // Somebody stated it again meanwhile: the newer word stands.
        if stands { return }
        claim.number = store.numbers.reserve(.relationships, 1)
        revisions.enter(.relationships, hash, claim.number, member)
        try relationshipRows.insert(
            claim, relationshipRows.standing(claim.source), relationshipRows.standing(claim.target), member)
        member.createdRelationships.remove(claim.number)
        member.activated.append((claim.number, owner, claim.origin))
    }
}
