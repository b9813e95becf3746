import DropCore
import GRDB
import TwinModel

/// One life of an id: what has it now, or had it before it was deleted.
struct EntityLife {
    /// As it is now; of a deleted one nothing but its last revision.
    var entity: StoredEntity
    var isDeleted: Bool
}

/// The lives of twins and relationships, deleted ones included.
///
/// Any thread, on the connection that is handed in.
struct StoredLives {
    let store: StoreEngine

    /// The twin with this id, then deleted ones that had it, newest first.
    func lives(ofTwin id: String, _ database: Database) throws(DropError) -> [EntityLife] {
        var result: [EntityLife] = []
        if let entity = try store.states.twinEntity(id, asOf: nil, database) {
            result.append(EntityLife(entity: entity, isDeleted: false))
        }
        let query = try RawStatement("SELECT no, last_revision FROM gone WHERE id = ? AND kind = 0 ORDER BY no DESC", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        while try query.step() { result.append(Self.goneLife(id, query)) }
        return result
    }

    /// The relationship with this id of a twin, then deleted ones that had it, newest first; of every twin that had its twin's
    /// id.
    func lives(ofRelationship id: String, of twin: String, _ database: Database) throws(DropError) -> [EntityLife] {
        var present: [EntityLife] = []
        var gone: [EntityLife] = []
        for owner in try lives(ofTwin: twin, database) {
            if !owner.isDeleted, let entity = try store.states.relationshipEntity(id, of: owner.entity, database) {
                present.append(EntityLife(entity: entity, isDeleted: false))
            }
            let query = try RawStatement("SELECT no, last_revision FROM gone WHERE id = ? AND kind = 1 AND source = ?", database)
            query.bind(text: 1, Array(id.utf8))
            query.bind(2, owner.entity.number)
            while try query.step() { gone.append(Self.goneLife(id, query)) }
            query.reset()
        }
        return present + gone.sorted { $0.entity.record.revision > $1.entity.record.revision }
    }

    private static func goneLife(_ id: String, _ query: RawStatement) -> EntityLife {
        var nothing = TwinRecord.nothing
        nothing.revision = UInt64(query.integer(1))
        return EntityLife(
            entity: StoredEntity(number: UInt32(truncatingIfNeeded: query.integer(0)), id: id, key: 0, record: nothing),
            isDeleted: true)
    }

    /// What a life was last, and who ended it; nil where that is forgotten.
    func last(of life: EntityLife, _ database: Database) throws(DropError) -> (entity: StoredEntity, endedBy: Provenance?)? {
        guard life.isDeleted else { return (life.entity, nil) }
        guard let revision = try store.states.revision(life.entity.record.revision, database) else { return nil }
        var entity = life.entity
        entity.undo(revision.patch)
        return (entity, try store.states.provenance(revision.drop, revision.record, database))
    }
}
