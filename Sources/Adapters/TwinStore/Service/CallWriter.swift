import DropCore
import GRDB
import Synchronization
import TwinModel

/// What one call reads and changes, inside the transaction. On the writer's connection, for the length of the call.
final class CallWriter {
    let commit: GraphCommit
    let effects: CallEffects
    let store: TwinStore
    let database: Database
    /// The models the call is checked against.
    let catalog: ModelCatalog

    init(_ commit: GraphCommit, _ effects: CallEffects) {
        self.commit = commit
        self.effects = effects
        store = commit.store
        database = commit.database
        catalog = commit.store.catalog
    }

    /// The stamp of what the call says.
    var stamp: TwinRecord.Stamp { .init(drop: effects.dropNumber, record: 0) }

    /// Writes documents as they are with what the call changed.
    func renderer() -> TwinRenderer {
        TwinRenderer(store, database, catalog, present: (effects.dropNumber, commit.ticks))
    }

    // MARK: Twins

    /// The twin with this id, as of now in this transaction.
    func twin(_ id: String) throws(DropError) -> StoredEntity? {
        let number = store.twins.number(of: store.hash.identity(Array(id.utf8)))
        guard number != 0 else { return nil }
        return try store.state(ofTwin: number, id: id, asOf: nil, database)
    }

    /// Makes a twin of `record`, whose stamps are the call's.
    func create(twin id: String, model: UInt32, _ record: TwinRecord) throws(DropError) -> StoredEntity {
        let hash = store.hash.identity(Array(id.utf8))
        let number = store.reserve(.twins, 1)
        enter(.twins, hash, number)
        commit.sql.insertTwin.bind(1, number)
        commit.sql.insertTwin.bind(text: 2, Array(id.utf8))
        commit.sql.insertTwin.bind(3, model)
        commit.sql.insertTwin.bind(blob: 4, record.encoded())
        try commit.sql.insertTwin.run()
        store.twinModels.stage(number, model: model)
        effects.createdTwins.insert(number)
        effects.hasChanged = true
        return StoredEntity(number: number, id: id, key: model, record: record)
    }

    /// Replaces what a twin says, and keeps what that was.
    func revise(twin old: StoredEntity, model: UInt32, _ record: TwinRecord) throws(DropError) -> StoredEntity {
        commit.noteParts(of: old.record)
        var patch = RevisionPatch(record: old.record)
        patch.record.properties = old.record.replaced(by: record)
        if model != old.key {
            patch.key = old.key
            effects.remodelled.append((old.number, model))
        }
        var new = record
        new.revision = try commit.addRevision(
            .twins, old.number, effects, record: 0, previous: old.record.revision, patch)
        commit.sql.updateTwin.bind(1, model)
        if model == 0 { commit.sql.updateTwin.bindNull(1) }
        commit.sql.updateTwin.bind(blob: 2, new.encoded())
        commit.sql.updateTwin.bind(3, old.number)
        try commit.sql.updateTwin.run()
        commit.changed.insert(old.number)
        effects.revised.append((.twins, old.number, 0))
        effects.hasChanged = true
        return StoredEntity(number: old.number, id: old.id, key: model, record: new)
    }

    /// True when a relationship starts or ends at the twin.
    func hasRelationships(_ twin: StoredEntity) throws(DropError) -> Bool {
        for query in [commit.sql.relationshipsFrom, commit.sql.relationshipsTo] {
            query.bind(1, twin.number)
            defer { query.reset() }
            if try query.step() { return true }
        }
        return false
    }

    /// Deletes a twin, and relationships with it.
    func delete(twin: StoredEntity) throws(DropError) {
        _ = try commit.deleteTwin(twin.number, record: 0, effects)
        effects.hasChanged = true
    }

    // MARK: Relationships

    /// The relationship of a twin, as of now in this transaction.
    func relationship(_ id: String, of source: StoredEntity) throws(DropError) -> StoredEntity? {
        try store.relationshipEntity(id, of: source, database)
    }

    /// Makes a relationship of `record`, whose stamps are the call's.
    func create(
        relationship id: String, from source: StoredEntity, to target: StoredEntity, name: UInt32, _ record: TwinRecord
    ) throws(DropError) -> StoredEntity {
        let number = store.reserve(.relationships, 1)
        enter(.relationships, store.relationshipHash(source: Array(source.id.utf8), id: Array(id.utf8)), number)
        commit.sql.insertRelationship.bind(1, number)
        commit.sql.insertRelationship.bind(text: 2, Array(id.utf8))
        commit.sql.insertRelationship.bind(3, source.number)
        commit.sql.insertRelationship.bind(4, target.number)
        commit.sql.insertRelationship.bind(5, name)
        commit.sql.insertRelationship.bind(blob: 6, record.encoded())
        try commit.sql.insertRelationship.run()
        effects.createdRelationships.insert(number)
        effects.hasChanged = true
        return StoredEntity(
            number: number, id: id, key: name, source: source.number, target: target.number, record: record)
    }

    /// Replaces what a relationship says, and keeps what that was.
    func revise(
        relationship old: StoredEntity, to target: UInt32, name: UInt32, _ record: TwinRecord
    ) throws(DropError) -> StoredEntity {
        commit.noteParts(of: old.record)
        var patch = RevisionPatch(record: old.record)
        patch.record.properties = old.record.replaced(by: record)
        if name != old.key { patch.key = old.key }
        if target != old.target { patch.ends = (old.source, old.target) }
        var new = record
        new.revision = try commit.addRevision(
            .relationships, old.number, effects, record: 0, previous: old.record.revision, patch)
        commit.sql.updateRelationship.bind(1, target)
        commit.sql.updateRelationship.bind(2, name)
        commit.sql.updateRelationship.bind(blob: 3, new.encoded())
        commit.sql.updateRelationship.bind(4, old.number)
        try commit.sql.updateRelationship.run()
        commit.changedRelationships.insert(old.number)
        effects.revised.append((.relationships, old.number, 0))
        effects.hasChanged = true
        return StoredEntity(number: old.number, id: old.id, key: name, source: old.source, target: target, record: new)
    }

    func delete(relationship: StoredEntity) throws(DropError) {
        _ = try commit.deleteRelationship(relationship.number, record: 0, effects)
        effects.hasChanged = true
    }

    /// True when `count` relationships or more start (or end) at a twin.
    func hasEdges(_ count: Int, _ column: StaticString, _ twin: StoredEntity) throws(DropError) -> Bool {
        let query = try RawStatement.cached("SELECT 1 FROM relationship WHERE \(column) = ? LIMIT 1 OFFSET ?", database)
        query.bind(1, twin.number)
        query.bind(2, Int64(count - 1))
        defer { query.reset() }
        return try query.step()
    }

    // MARK: Identities

    /// Gives an identity to something new. A drop on its way that introduced it too is compared again.
    private func enter(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32) {
        let index = kind == .twins ? store.twins : store.relationships
        let other = index.replace(hash, number)
        effects.entered.append((kind, hash, number))
        guard other != 0 else { return }
        let versions = kind == .twins ? store.twinVersions : store.relationshipVersions
        if versions[other] != 0 {  // It was deleted earlier in this transaction.
            effects.displaced.append((kind, hash, other))
            return
        }
        store.waiting.withLock { waiting in
            _ = kind == .twins ? waiting.stolenTwins.insert(other) : waiting.stolenRelationships.insert(other)
        }
    }
}

extension TwinRecord {
    /// The properties that `newer` changes, as they are here; those it adds, as absent. A stamp counts as a change.
    func replaced(by newer: TwinRecord) -> [Property] {
        var result: [Property] = []
        var left = properties[...]
        var right = newer.properties[...]
        while true {
            if let before = left.first, right.first.map({ before.key < $0.key }) ?? true {
                left.removeFirst()
                result.append(before)
            } else if let now = right.popFirst() {
                if let before = left.first, before.key == now.key {
                    left.removeFirst()
                    if before != now { result.append(before) }
                } else {
                    result.append(.init(key: now.key, value: [PropertyType.absent.rawValue], stamp: now.stamp))
                }
            } else {
                return result
            }
        }
    }
}
