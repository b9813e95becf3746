import DropCore
import Synchronization
import TwinModel

/// Writes what a drop says of relationships, and deletes them. On the writer's thread, inside its transaction.
struct RelationshipRows: CommitPart {
    let state: CommitState

    func writeRelationships(_ member: DropEffects) throws {
        let comparison = member.comparison
        let (log, places) = (comparison.said.log, comparison.said.relationships.places)
        if log.hasRelationships {
            var claims: [RelationshipClaim] = []
            let unchecked = comparison.models.validation == nil ? [] : Set(comparison.said.unresolved)
            try log.forEach { (place, view) throws(DropError) in
                guard !view.isTwin, places[view.number] == place else { return }
                var claim = try RelationshipClaim(view.head, view, origin: member.dropNumber)
                claim.isUnchecked = unchecked.contains(place)
                claims.append(claim)
                if claims.count >= 4096 {
                    try write(claims, member)
                    claims.removeAll(keepingCapacity: true)
                }
            }
            try write(claims, member)
            if state.isInterrupted { throw CommitInterruption.conflict }
        }
        for number in comparison.list.relationshipsGone {
            if try deleteRelationship(number, record: 0, member) { member.books.deletedByAbsence += 1 }
        }
        for number in comparison.relationshipsCut {
            if try deleteRelationship(number, record: 0, member) { member.books.deletedWithTwins += 1 }
        }
        try waitingRows.withdrawWaiting(member)
    }

    /// A relationship that is to be deleted is gone, and one of its id was made since: that is the one that is meant.
    private func isThereAgain(_ claim: RelationshipClaim) -> Bool {
        let identities = store.identities
        let now = identities.relationships.number(of: identities.relationshipHash(source: claim.source, id: claim.id))
        return now != 0 && now != claim.number
            && (store.versions.relationships[now] != 0 || state.touched.createdRelationships.contains(now))
    }

    private func write(_ claims: [RelationshipClaim], _ member: DropEffects) throws(DropError) {
        for claim in claims {
            // Whatever is said of it now is newer than what waits.
            try waitingRows.replaceWaiting(claim, member)
            if claim.statement.kind == .delete {
                if claim.isNew {
                    vanish(claim, member)
                } else if try deleteRelationship(claim.number, record: claim.statement.record, member) {
                    member.books.deleted += 1
                } else if isThereAgain(claim) {
                    state.isInterrupted = true
                } else {
                    member.books.unchanged += 1
                }
            } else {
                try write(claim, member)
            }
        }
    }

    /// The number of a twin that exists as of now in this transaction; 0 for none.
    func standing(_ id: [UInt8]) -> UInt32 {
        let number = store.identities.twins.number(of: store.identities.hash.identity(id))
        guard number != 0, !state.touched.gone.contains(number) else { return 0 }
        let isThere =
            store.versions.twins[number] != 0 || state.touched.created.contains(number)
            || state.present?.changes.createdTwins.contains(number) == true
        return isThere ? number : 0
    }

    private func write(_ claim: RelationshipClaim, _ member: DropEffects) throws(DropError) {
        state.present = member
        defer { state.present = nil }
        var source = standing(claim.source)
        var target = standing(claim.target)
        if claim.isUnchecked, source != 0, target != 0,
            try waitingRows.isRefused(claim, source, target, member.comparison.job.policy.validation)
        {
            return try waitingRows.holdBack(claim, member)
        }
        if source == 0 || target == 0 {
            switch member.comparison.job.policy.dangling {
            case .wait(let patience): return try waitingRows.wait(claim, patience, member)
            case .reject:
                state.isInterrupted = true
                return
            case .stub:
                if source == 0 { source = try stub(claim.source, claim, member) }
                if target == 0 { target = claim.target == claim.source ? source : try stub(claim.target, claim, member) }
            }
        }
        if claim.isNew {
            try insert(claim, source, target, member)
            member.books.created += 1
        } else if member.changes.hasDeleted(relationship: claim.number) {
            try insertAgain(claim, source, target, member)
        } else {
            try revise(claim, target, member)
        }
    }

    func insert(_ claim: RelationshipClaim, _ source: UInt32, _ target: UInt32, _ member: CommitEffects) throws(DropError) {
        var record = TwinRecord(created: member.dropNumber, base: .init(drop: claim.origin, record: claim.statement.record))
        record.origin = claim.origin == member.dropNumber ? 0 : claim.origin
        record.properties = claim.statement.properties.filter { !$0.isAbsent }
        try sql.relationships.insert(
            claim.number, id: claim.id, .init(source: source, target: target, name: claim.statement.key, record: record))
        member.changes.createdRelationships.insert(claim.number)
        member.changes.revised.append((.relationships, claim.number, claim.fingerprint))
    }

    /// A relationship that went with a twin which this drop deleted and which a stub replaces.
    private func insertAgain(
        _ claim: RelationshipClaim, _ source: UInt32, _ target: UInt32, _ member: CommitEffects
    ) throws(DropError) {
        var claim = claim
        let hash = store.identities.relationshipHash(source: claim.source, id: claim.id)
        claim.number = store.numbers.reserve(.relationships, 1)
        revisions.enter(.relationships, hash, claim.number, member)
        try insert(claim, source, target, member)
        member.books.updated += 1
    }

    private func revise(_ claim: RelationshipClaim, _ target: UInt32, _ member: CommitEffects) throws(DropError) {
        guard let former = try sql.relationships.state(of: claim.number) else {
            state.isInterrupted = true
            return
        }
        let old = former.record
        let name = claim.statement.key == 0 ? former.name : claim.statement.key
        let change = claim.statement.applied(to: old)
        member.changes.revised.append((.relationships, claim.number, claim.fingerprint))
        guard change != nil || name != former.name || target != former.target else {
            member.books.unchanged += 1
            return
        }
        state.trespasses.noteParts(of: old)
        var new = change?.record ?? old
        var patch = ReverseDelta(record: old)
        patch.record.properties = change?.replaced ?? []
        if name != former.name { patch.key = former.name }
        if target != former.target { patch.ends = (former.source, former.target) }
        new.revision = try revisions.addRevision(
            .relationships, claim.number, member, record: claim.statement.record, previous: old.revision, patch)
        try sql.relationships.update(claim.number, target: target, name: name, new)
        state.touched.changedRelationships.insert(claim.number)
        member.books.updated += 1
    }

    /// Deletes a relationship; false when it is not there any more.
    func deleteRelationship(_ number: UInt32, record: UInt64, _ member: CommitEffects) throws(DropError) -> Bool {
        guard let (id, former) = try sql.relationships.row(of: number) else { return false }
        let old = former.record
        state.trespasses.noteParts(of: old)
        var patch = ReverseDelta(record: old)
        patch.isDelete = true
        patch.key = former.name
        patch.ends = (former.source, former.target)
        let revision = try revisions.addRevision(.relationships, number, member, record: record, previous: old.revision, patch)
        try sql.relationships.delete(number)
        try sql.revisions.insertGone(.relationships, number, id: id, source: former.source, last: revision)
        guard let source = try sql.twins.id(of: former.source) else {
            throw StorageFailure.damaged("a relationship has no source twin")
        }
        state.touched.changedRelationships.insert(number)
        state.touched.goneRelationships.insert(number)
        member.changes.deleted.append((.relationships, number, store.identities.relationshipHash(source: source, id: id)))
        return true
    }

    /// A twin with nothing but its id.
    private func stub(_ id: [UInt8], _ claim: RelationshipClaim, _ member: CommitEffects) throws(DropError) -> UInt32 {
        let hash = store.identities.hash.identity(id)
        let number = store.numbers.reserve(.twins, 1)
        revisions.enter(.twins, hash, number, member)
        let record = TwinRecord(
            created: member.dropNumber, base: .init(drop: member.dropNumber, record: claim.statement.record))
        try sql.twins.insert(number, id: id, model: nil, record)
        store.versions.twinModels.stage(number, model: 0)
        member.changes.createdTwins.insert(number)
        return number
    }

    func vanish(_ claim: RelationshipClaim, _ member: CommitEffects) {
        let hash = store.identities.relationshipHash(source: claim.source, id: claim.id)
        member.identities.noteVanished(.relationships, hash, claim.number)
    }
}
