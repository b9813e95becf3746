package import DropCore
package import TwinModel
package import TwinService

/// A relationship, and the ids of its ends where the question named them.
package struct FoundRelationship {
    var entity: StoredEntity
    var source: String?
    var target: String?
}

/// What the rules of the twin service read, on one connection: what is stored, said in their words.
package class StoreReader: TwinReader {
    let store: StoreEngine
    let database: StoreTransaction
    /// The models of this moment.
    let keyed: KeyedModels
    private let present: (call: UInt64, ticks: Int64)?
    private(set) lazy var renderer = TwinRenderer(store, database, keyed, present: present)

    /// - Parameter present: the call under way and its time, which the database does not have yet.
    init(_ store: StoreEngine, _ database: StoreTransaction, present: (call: UInt64, ticks: Int64)? = nil) {
        self.store = store
        self.database = database
        keyed = store.catalog.keyed
        self.present = present
    }

    package var models: ModelCatalog { keyed.catalog }

    var lookups: ServiceLookups { ServiceLookups(database) }

    // MARK: Twins

    package func twin(_ id: String) throws(DropError) -> StoredEntity? { try store.states.twinEntity(id, asOf: nil, database) }

    package func model(of twin: StoredEntity) -> String? { twin.key == 0 ? nil : store.keys.name(twin.key) }

    package func tag(of twin: StoredEntity) -> String { store.states.etag(twin, kind: 0) }

    package func document(of twin: StoredEntity) throws(DropError) -> TwinDocument {
        var properties: [(path: PropertyPath, value: JSON)] = []
        var sourceTimes: [PropertyPath: String] = [:]
        for property in twin.record.properties {
            properties.append((PropertyPath(key: store.keys.name(property.key)), try property.decoded().json))
        }
        for (key, text) in twin.record.extras.sourceTimes {
            sourceTimes[PropertyPath(key: store.keys.name(key))] = String(decoding: text, as: UTF8.self)
        }
        return TwinDocument(model: model(of: twin), properties: properties, sourceTimes: sourceTimes)
    }

    package func knownComponents(of twin: StoredEntity) -> [String] {
        let named = twin.record.properties.compactMap { PropertyPath(key: store.keys.name($0.key)).component }
        return Set(named + twin.record.extras.levels.map { store.keys.name($0.key) }).sorted()
    }

    package func view(of twin: StoredEntity, isDated: Bool) throws(DropError) -> TwinView {
        try renderer.view(of: twin, isDated: isDated)
    }

    package func forEachTwin(_ body: (StoredEntity) throws -> Void) throws {
        try lookups.forEachTwin(body)
    }

    // MARK: Relationships

    package func relationship(_ id: String, of source: StoredEntity) throws(DropError) -> FoundRelationship? {
        try store.states.relationshipEntity(id, of: source, database).map { FoundRelationship(entity: $0, source: source.id) }
    }

    package func tag(of relationship: FoundRelationship) -> String { store.states.etag(relationship.entity, kind: 1) }

    package func name(of relationship: FoundRelationship) -> String { store.keys.name(relationship.entity.key) }

    package func values(of relationship: FoundRelationship) throws(DropError) -> [JSON.Member] {
        try renderer.values(of: relationship.entity)
    }

    package func ids(of relationship: FoundRelationship) throws(DropError) -> RelationshipIDs {
        let entity = relationship.entity
        let source = if let known = relationship.source { known } else { try store.states.twinID(entity.source, database) }
        let target = if let known = relationship.target { known } else { try store.states.twinID(entity.target, database) }
        return RelationshipIDs(id: entity.id, source: source, target: target)
    }

    package func relationships(
        at end: RelationshipEnd, of twin: StoredEntity, named name: String?, after: Int64, limit: Int
    ) throws(DropError) -> [(place: Int64, relationship: FoundRelationship)] {
        // A name nobody used has no relationships.
        let key = name.map { store.keys.known($0) ?? .max }
        let rows = try lookups.relationships(at: end, of: twin.number, named: key, after: after, limit: limit)
        return rows.map { place, entity in
            let found = FoundRelationship(
                entity: entity, source: end == .source ? twin.id : nil, target: end == .target ? twin.id : nil)
            return (place, found)
        }
    }

    package func forEachRelationship(_ body: (FoundRelationship, String?, String?) throws -> Void) throws {
        func model(_ key: UInt32) -> String? { key == 0 ? nil : store.keys.name(key) }
        try lookups.forEachRelationship { row in
            let found = FoundRelationship(entity: row.entity, source: row.source, target: row.target)
            try body(found, model(row.models.source), model(row.models.target))
        }
    }

    // MARK: Event routes

    package func eventRoutes(after: String, limit: Int) throws(DropError) -> [EventRoute] {
        try lookups.eventRoutes(after: after, limit: limit)
    }

    package func eventRoute(_ id: String) throws(DropError) -> EventRoute? { try lookups.eventRoute(id) }
}
