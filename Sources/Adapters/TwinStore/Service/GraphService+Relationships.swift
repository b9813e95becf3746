package import DropCore
import GRDB
package import TwinModel

extension GraphService {
    package func relationship(_ id: String, of source: String) throws(ServiceError) -> ServiceEntity {
        let found = try store.answering { database throws(DropError) -> ServiceEntity?? in
            guard let twin = try store.twinEntity(source, asOf: nil, database) else { return .none }
            guard let entity = try store.relationshipEntity(id, of: twin, database) else { return .some(nil) }
            return try TwinRenderer(store, database, store.catalog).entity(relationship: entity, source: source)
        }
        guard let found else { throw CallWriter.missing(twin: source) }
        guard let found else { throw CallWriter.missing(relationship: id, of: source) }
        return found
    }

    package func put(
        relationship id: String, of source: String, _ document: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> ServiceEntity {
        try store.call(caller, "put relationship") { writer in
            try writer.put(relationship: id, of: source, document, condition)
        }
    }

    package func patch(
        relationship id: String, of source: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String {
        let read = Self.read(patch: patch, below: nil)
        return try store.call(caller, "patch relationship") { writer in
            guard let twin = try writer.twin(source) else { throw CallWriter.missing(twin: source) }
            guard try writer.relationship(id, of: twin) != nil else { throw CallWriter.missing(relationship: id, of: source) }
            return try writer.patch(relationship: id, of: source, read.get(), condition)
        }
    }

    package func delete(
        relationship id: String, of source: String, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) {
        try store.call(caller, "delete relationship") { writer in
            try writer.delete(relationship: id, of: source, condition)
        }
    }

    package func relationships(
        of source: String, named name: String?, after: String?, limit: Int
    ) throws(ServiceError) -> ServicePage<JSON> {
        // A name nobody used has no relationships.
        let key = name.map { store.keys.known($0) ?? .max }
        return try page("source", of: source, named: key, after: after, limit) { entity, _, renderer throws(DropError) in
            try renderer.document(relationship: entity, source: source)
        }
    }

    package func incomingRelationships(of target: String, after: String?, limit: Int) throws(ServiceError) -> ServicePage<JSON> {
        try page("target", of: target, named: nil, after: after, limit) { entity, database, _ throws(DropError) in
            .object([
                .init("$relationshipId", .string(entity.id)),
                .init("$sourceId", .string(try store.twinID(entity.source, database))),
                .init("$relationshipName", .string(store.keys.name(entity.key))),
            ])
        }
    }

    /// Relationships at one end of a twin, in the order of their numbers, which the positions are.
    private func page(
        _ column: StaticString, of id: String, named name: UInt32?, after: String?, _ limit: Int,
        _ write: (StoredEntity, Database, TwinRenderer) throws(DropError) -> JSON
    ) throws(ServiceError) -> ServicePage<JSON> {
        let start = try after.map { text throws(ServiceError) in
            guard let number = Int64(text), number >= 0 else {
                throw ServiceError(.invalidPage, "The continuation token is none of this list. Start again without one.")
            }
            return number
        }
        let limit = max(1, limit)
        let page = try store.answering { database throws(DropError) -> ServicePage<JSON>? in
            guard let twin = try store.twinEntity(id, asOf: nil, database) else { return nil }
            let query = try RawStatement.cached(
                """
                SELECT no, id, source, target, name, rec FROM relationship
                WHERE \(column) = ?1 AND no > ?2 AND (?3 IS NULL OR name = ?3) ORDER BY no LIMIT ?4
                """, database)
            query.bind(1, twin.number)
            query.bind(2, start ?? 0)
            if let name { query.bind(3, name) } else { query.bindNull(3) }
            query.bind(4, Int64(limit + 1))
            defer { query.reset() }
            var entities: [StoredEntity] = []
            while try query.step() {
                entities.append(
                    StoredEntity(
                        number: UInt32(truncatingIfNeeded: query.integer(0)), id: query.text(1),
                        key: UInt32(truncatingIfNeeded: query.integer(4)), source: UInt32(truncatingIfNeeded: query.integer(2)),
                        target: UInt32(truncatingIfNeeded: query.integer(3)), record: try TwinRecord(query.bytes(5))))
            }
            let renderer = TwinRenderer(store, database, store.catalog)
            var documents: [JSON] = []
            for entity in entities.prefix(limit) { documents.append(try write(entity, database, renderer)) }
            return ServicePage(elements: documents, next: entities.count > limit ? String(entities[limit - 1].number) : nil)
        }
        guard let page else { throw CallWriter.missing(twin: id) }
        return page
    }
}
