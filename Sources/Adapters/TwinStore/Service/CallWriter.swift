package import DropCore
import Synchronization
import TwinModel
package import TwinService

/// What one call reads and changes, inside the transaction. On the writer's connection, for the length of the call.
package final class CallWriter: StoreReader, TwinWriter {
    let commit: GraphCommit
    let effects: CallEffects

    init(_ commit: GraphCommit, _ effects: CallEffects) {
        self.commit = commit
        self.effects = effects
        super.init(commit.store, commit.database, present: (effects.dropNumber, commit.state.head.ticks))
    }

    /// The stamp of what the call says.
    var stamp: TwinRecord.Stamp { .init(drop: effects.dropNumber, record: 0) }

    package var time: Int64 { commit.state.head.ticks / 10 }

    package var twinCount: Int { store.identities.twins.count }

    // MARK: Twins

    package func create(twin id: String, _ draft: TwinDraft) throws(DropError) -> StoredEntity {
        let model = draft.model.map { store.keys.number(of: $0) } ?? 0
        let record = record(of: draft, old: nil)
        let hash = store.identities.hash.identity(Array(id.utf8))
        let number = store.numbers.reserve(.twins, 1)
        commit.revisions.enter(.twins, hash, number, effects)
        try commit.sql.twins.insert(number, id: Array(id.utf8), model: model, record)
        store.versions.twinModels.stage(number, model: model)
        effects.changes.createdTwins.insert(number)
        effects.hasChanged = true
        return StoredEntity(number: number, id: id, key: model, record: record)
    }

    /// Replaces what a twin says, and keeps what that was.
    package func revise(twin old: StoredEntity, _ draft: TwinDraft) throws(DropError) -> StoredEntity {
        let model = draft.model.map { store.keys.number(of: $0) } ?? 0
        let record = record(of: draft, old: old.record)
        commit.state.trespasses.noteParts(of: old.record)
        var patch = ReverseDelta(record: old.record)
        patch.record.properties = old.record.replaced(by: record)
        if model != old.key {
            patch.key = old.key
            effects.changes.remodelled.append((old.number, model))
        }
        var new = record
        new.revision = try commit.revisions.addRevision(
            .twins, old.number, effects, record: 0, previous: old.record.revision, patch)
        try commit.sql.twins.update(old.number, model: model, new)
        commit.state.touched.changed.insert(old.number)
        effects.changes.revised.append((.twins, old.number, 0))
        effects.hasChanged = true
        return StoredEntity(number: old.number, id: old.id, key: model, record: new)
    }

    package func hasRelationships(_ twin: StoredEntity) throws(DropError) -> Bool {
        try commit.sql.relationships.hasAny(at: twin.number)
    }

    package func delete(twin: StoredEntity) throws(DropError) {
        _ = try commit.twinRows.deleteTwin(twin.number, record: 0, effects)
        effects.hasChanged = true
    }

    // MARK: Relationships

    package func create(
        relationship id: String, from source: StoredEntity, to target: StoredEntity, _ draft: RelationshipDraft
    ) throws(DropError) -> FoundRelationship {
        let name = store.keys.number(of: draft.name)
        let record = record(of: draft, old: nil)
        let number = store.numbers.reserve(.relationships, 1)
        commit.revisions.enter(
            .relationships, store.identities.relationshipHash(source: Array(source.id.utf8), id: Array(id.utf8)), number, effects)
        try commit.sql.relationships.insert(
            number, id: Array(id.utf8), .init(source: source.number, target: target.number, name: name, record: record))
        effects.changes.createdRelationships.insert(number)
        effects.hasChanged = true
        let entity = StoredEntity(
            number: number, id: id, key: name, source: source.number, target: target.number, record: record)
        return FoundRelationship(entity: entity, source: source.id, target: target.id)
    }

    /// Replaces what a relationship says, and keeps what that was.
    package func revise(
        relationship found: FoundRelationship, to newTarget: StoredEntity?, _ draft: RelationshipDraft
    ) throws(DropError) -> FoundRelationship {
        let old = found.entity
        let (name, target) = (store.keys.number(of: draft.name), newTarget?.number ?? old.target)
        let record = record(of: draft, old: old.record)
        commit.state.trespasses.noteParts(of: old.record)
        var patch = ReverseDelta(record: old.record)
        patch.record.properties = old.record.replaced(by: record)
        if name != old.key { patch.key = old.key }
        if target != old.target { patch.ends = (old.source, old.target) }
        var new = record
        new.revision = try commit.revisions.addRevision(
            .relationships, old.number, effects, record: 0, previous: old.record.revision, patch)
        try commit.sql.relationships.update(old.number, target: target, name: name, new)
        commit.state.touched.changedRelationships.insert(old.number)
        effects.changes.revised.append((.relationships, old.number, 0))
        effects.hasChanged = true
        let entity = StoredEntity(
            number: old.number, id: old.id, key: name, source: old.source, target: target, record: new)
        return FoundRelationship(entity: entity, source: found.source, target: newTarget?.id ?? found.target)
    }

    package func delete(relationship: FoundRelationship) throws(DropError) {
        _ = try commit.relationshipRows.deleteRelationship(relationship.entity.number, record: 0, effects)
        effects.hasChanged = true
    }

    package func hasEdges(_ count: Int, at end: RelationshipEnd, of twin: StoredEntity) throws(DropError) -> Bool {
        try lookups.hasRelationships(count, at: end, of: twin.number)
    }
}
