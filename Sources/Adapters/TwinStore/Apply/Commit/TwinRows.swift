import DropCore
import TwinModel

/// Writes what a drop says of twins, and deletes them. On the writer's thread, inside its transaction.
struct TwinRows: CommitPart {
    let state: CommitState

    /// A new twin that was written and is not staged yet, for some at a time take the lock.
    private typealias FreshTwin = (number: UInt32, model: UInt32, fingerprint: Fingerprint)
    private static let freshMax = 65_536

    func writeTwins(_ member: DropEffects) throws {
        let comparison = member.comparison
        var deletes: [(number: UInt32, record: UInt64, place: UInt32)] = []
        /// What was made and deleted again by the drop.
        var vanished: [[UInt8]] = []
        var inserts = try TwinInserts(database)
        var fresh: [FreshTwin] = []
        let (log, places) = (comparison.said.log, comparison.said.twins.places)
        try log.forEach(
            { (place, view) throws(DropError) in
                guard log.hasRelationships == false || view.isTwin else { return }
                guard places[view.number] == place else { return }
                if view.isPlainNewTwin {
                    try inserts.add(view)
                    fresh.append((view.number, view.key, view.fingerprint))
                    if fresh.count >= Self.freshMax { stage(&fresh, comparison.cache) }
                    if member.changes.createdTwins.insert(view.number) { member.books.created += 1 }
                    return
                }
                let entry = view.head
                switch (entry.verb, entry.isNew) {
                case (.deleteTwin, true):
                    let id = view.bytes(0..<entry.idLength)
                    member.identities.noteVanished(.twins, store.identities.hash.identity(id), entry.number)
                    if waitingRows.mayWait(member) { vanished.append(id) }
                case (.deleteTwin, false): deletes.append((entry.number, entry.record, place))
                default: try revise(entry, view, member)
                }
            }, release: { () throws(DropError) in try inserts.flush() })
        stage(&fresh, comparison.cache)
        if state.isInterrupted { throw CommitInterruption.conflict }
        for (number, record, place) in deletes {
            if try deleteTwin(number, record: record, member) {
                member.books.deleted += 1
                continue
            }
            let id = try log.read(place) { view in view.bytes(0..<view.head.idLength) }
            if isThereAgain(id, besides: number) { throw CommitInterruption.conflict }
            // Gone since, or never committed by the drop that was to make it. What waits for it goes with the word all the same.
            member.books.unchanged += 1
            member.hasUnstampedValues = true
            if waitingRows.mayWait(member) { try waitingRows.withdrawWaiting(of: id, member) }
        }
        for id in vanished { try waitingRows.withdrawWaiting(of: id, member) }
        for number in comparison.list.twinsGone {
            if try deleteTwin(number, record: 0, member) { member.books.deletedByAbsence += 1 }
        }
    }

    /// A twin that is to be deleted is gone, and one of its id was made since: that is the one that is meant.
    private func isThereAgain(_ id: [UInt8], besides number: UInt32) -> Bool {
        let now = store.identities.twins.number(of: store.identities.hash.identity(id))
        return now != 0 && now != number && (store.versions.twins[now] != 0 || state.touched.created.contains(now))
    }

    /// Makes models and fingerprints of new twins known. Nobody takes them for committed: their numbers have no version yet, and
    /// no other drop gets these numbers if this one is given up.
    private func stage(_ fresh: inout [FreshTwin], _ cache: SourceCache) {
        store.versions.cacheLock.writing {
            for (number, model, fingerprint) in fresh {
                store.versions.twinModels.stage(number, model: model)
                cache.twinFingerprints[number] = fingerprint
            }
        }
        fresh.removeAll(keepingCapacity: true)
    }

    private func revise(_ entry: ChangeEntry, _ view: borrowing ChangeLog.View, _ member: DropEffects) throws(DropError) {
        guard let (model, old) = try sql.twins.state(of: entry.number) else {
            state.isInterrupted = true  // Deleted since, or never committed.
            return
        }
        let statement = try DropStatement(entry, view.bytes(entry.idLength..<view.length - ChangeLog.headLength))
        let newModel = statement.key == 0 ? model : statement.key
        let change = statement.applied(to: old)
        guard change != nil || newModel != model else {
            member.books.unchanged += 1
            member.changes.revised.append((.twins, entry.number, entry.fingerprint))
            return
        }
        state.trespasses.noteParts(of: old)
        var new = change?.record ?? old
        var patch = ReverseDelta(record: old)
        patch.record.properties = change?.replaced ?? []
        if newModel != model {
            patch.key = model
            member.changes.remodelled.append((entry.number, newModel))
        }
        new.revision = try revisions.addRevision(
            .twins, entry.number, member, record: statement.record, previous: old.revision, patch)
        try sql.twins.update(entry.number, model: newModel, new)
        state.touched.changed.insert(entry.number)
        member.changes.revised.append((.twins, entry.number, entry.fingerprint))
        member.books.updated += 1
    }

    /// Deletes a twin and the relationships that start or end at it; false when it is not there any more.
    func deleteTwin(_ number: UInt32, record: UInt64, _ member: CommitEffects) throws(DropError) -> Bool {
        guard let (id, model, old) = try sql.twins.row(of: number) else { return false }
        for relationship in try sql.relationships.numbers(at: number) {
            if try waitingRows.outlives(relationship, member) { continue }
            if try relationshipRows.deleteRelationship(relationship, record: record, member) {
                member.books.deletedWithTwins += 1
            }
        }
        try waitingRows.withdrawWaiting(of: id, member)
        state.trespasses.noteParts(of: old)
        var patch = ReverseDelta(record: old)
        patch.isDelete = true
        patch.key = model
        let revision = try revisions.addRevision(.twins, number, member, record: record, previous: old.revision, patch)
        try sql.twins.delete(number)
        try sql.revisions.insertGone(.twins, number, id: id, source: 0, last: revision)
        state.touched.gone.insert(number)
        state.touched.changed.insert(number)
        member.changes.deleted.append((.twins, number, store.identities.hash.identity(id)))
        return true
    }
}
