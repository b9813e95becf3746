package import DropCore
import GRDB
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
    let database: Database
    /// The models of this moment.
    let keyed: KeyedModels
    private let present: (call: UInt64, ticks: Int64)?
    private(set) lazy var renderer = TwinRenderer(store, database, keyed, present: present)

    /// - Parameter present: the call under way and its time, which the database does not have yet.
    init(_ store: StoreEngine, _ database: Database, present: (call: UInt64, ticks: Int64)? = nil) {
        self.store = store
        self.database = database
        keyed = store.catalog.keyed
        self.present = present
    }

    package var models: ModelCatalog { keyed.catalog }

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
        let twins = try RawStatement("SELECT no, id, model, rec FROM twin ORDER BY no", database)
        defer { twins.reset() }
        while try twins.step() {
            try body(
                StoredEntity(
                    number: UInt32(truncatingIfNeeded: twins.integer(0)), id: twins.text(1),
                    key: UInt32(truncatingIfNeeded: twins.integer(2)), record: try TwinRecord(twins.bytes(3))))
        }
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
        let query = try RawStatement.cached(
            """
            SELECT no, id, source, target, name, rec FROM relationship
            WHERE \(end.column) = ?1 AND no > ?2 AND (?3 IS NULL OR name = ?3) ORDER BY no LIMIT ?4
            """, database)
        query.bind(1, twin.number)
        query.bind(2, after)
        // A name nobody used has no relationships.
        if let name { query.bind(3, store.keys.known(name) ?? .max) } else { query.bindNull(3) }
        query.bind(4, Int64(limit))
        defer { query.reset() }
        var found: [(place: Int64, relationship: FoundRelationship)] = []
        while try query.step() {
            let entity = StoredEntity(
                number: UInt32(truncatingIfNeeded: query.integer(0)), id: query.text(1),
                key: UInt32(truncatingIfNeeded: query.integer(4)), source: UInt32(truncatingIfNeeded: query.integer(2)),
                target: UInt32(truncatingIfNeeded: query.integer(3)), record: try TwinRecord(query.bytes(5)))
            let one = FoundRelationship(
                entity: entity, source: end == .source ? twin.id : nil, target: end == .target ? twin.id : nil)
            found.append((query.integer(0), one))
        }
        return found
    }

    package func forEachRelationship(_ body: (FoundRelationship, String?, String?) throws -> Void) throws {
        let relationships = try RawStatement(
            """
            SELECT r.no, r.id, r.source, r.target, r.name, r.rec, s.id, t.id, s.model, t.model FROM relationship r
            JOIN twin s ON s.no = r.source JOIN twin t ON t.no = r.target ORDER BY r.no
            """, database)
        defer { relationships.reset() }
        func model(_ column: Int32) -> String? {
            let key = UInt32(truncatingIfNeeded: relationships.integer(column))
            return key == 0 ? nil : store.keys.name(key)
        }
        while try relationships.step() {
            let entity = StoredEntity(
                number: UInt32(truncatingIfNeeded: relationships.integer(0)), id: relationships.text(1),
                key: UInt32(truncatingIfNeeded: relationships.integer(4)),
                source: UInt32(truncatingIfNeeded: relationships.integer(2)),
                target: UInt32(truncatingIfNeeded: relationships.integer(3)), record: try TwinRecord(relationships.bytes(5)))
            let found = FoundRelationship(entity: entity, source: relationships.text(6), target: relationships.text(7))
            try body(found, model(8), model(9))
        }
    }

    // MARK: Event routes

    package func eventRoutes(after: String, limit: Int) throws(DropError) -> [EventRoute] {
        let query = try RawStatement.cached(
            "SELECT id, endpoint, filter FROM event_route WHERE id > ? ORDER BY id LIMIT ?", database)
        query.bind(text: 1, Array(after.utf8))
        query.bind(2, Int64(limit))
        defer { query.reset() }
        var routes: [EventRoute] = []
        while try query.step() {
            routes.append(EventRoute(id: query.text(0), endpoint: query.text(1), filter: query.text(2)))
        }
        return routes
    }

    package func eventRoute(_ id: String) throws(DropError) -> EventRoute? {
        let query = try RawStatement.cached("SELECT id, endpoint, filter FROM event_route WHERE id = ?", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        return try query.step() ? EventRoute(id: query.text(0), endpoint: query.text(1), filter: query.text(2)) : nil
    }
}

extension RelationshipEnd {
    /// The column of the table `relationship`.
    var column: StaticString { self == .source ? "source" : "target" }
}
