import DropCore
import Synchronization
import TwinModel
import TwinService

/// Relationships that wait: for a twin of another file, or for one that their model allows. On the writer's thread, inside its
/// transaction.
struct WaitingRows: CommitPart {
    let state: CommitState

    var waiting: WaitingStatements { WaitingStatements(database) }

    func wait(_ claim: RelationshipClaim, _ patience: Duration, _ member: DropEffects) throws(DropError) {
        if !claim.isNew, try relationshipRows.deleteRelationship(claim.number, record: claim.statement.record, member) {
            // It moved to a twin that is not there yet: until then it is nowhere.
        } else if claim.isNew {
            relationshipRows.vanish(claim, member)
        }
        var record = TwinRecord(created: claim.origin, base: .init(drop: claim.origin, record: claim.statement.record))
        record.properties = claim.statement.properties.filter { !$0.isAbsent }
        let job = member.comparison.job
        try waiting.insert(
            .init(
                drop: claim.origin, record: claim.statement.record, owner: job.source, source: claim.source,
                name: claim.statement.key, target: claim.target, id: claim.id, bytes: record.encoded(),
                expires: Int64(state.head.time) + patience.components.seconds * 1000,
                validation: job.policy.validation.rawValue))
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
        guard let model = try sql.twins.model(of: twin), model != 0 else { return nil }
        return store.keys.name(model)
    }

    /// Applies waiting relationships whose ends this member made.
    func activateWaiting(_ member: CommitEffects) throws(DropError) {
        let isAwaited = store.identities.waiting.withLock { !$0.twins.isEmpty }
        guard isAwaited || hasFreshWaiting(member), !member.changes.createdTwins.isEmpty else { return }
        state.present = member
        defer { state.present = nil }
        var ready: [(Int64, RelationshipClaim, SourceName)] = []
        let rows = relationshipRows
        try waiting.ready(at: state.head.time, isThere: { rows.standing($0) != 0 }) { (row) throws(DropError) in
            let validation = ApplyPolicy.Validation(rawValue: row.validation) ?? .known
            let statement = DropStatement(kind: .merge, key: row.name, properties: row.properties, record: row.record)
            let claim = RelationshipClaim(
                number: 0, source: row.source, target: row.target, id: row.id, statement: statement, origin: row.drop)
            // What the models refuse goes on waiting: a twin, or a model, may yet become one that allows it.
            let (source, target) = (rows.standing(row.source), rows.standing(row.target))
            if try !isRefused(claim, source, target, validation) { ready.append((row.number, claim, row.owner)) }
        }
        for (pending, claim, owner) in ready {
            try waiting.delete(pending)
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
                || member.changes.createdRelationships.contains(known))
        // Somebody stated it again meanwhile: the newer word stands.
        if stands { return }
        claim.number = store.numbers.reserve(.relationships, 1)
        revisions.enter(.relationships, hash, claim.number, member)
        try relationshipRows.insert(
            claim, relationshipRows.standing(claim.source), relationshipRows.standing(claim.target), member)
        member.changes.createdRelationships.remove(claim.number)
        member.changes.activated.append((claim.number, owner, claim.origin))
    }
}
