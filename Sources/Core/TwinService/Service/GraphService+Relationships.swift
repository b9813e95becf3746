package import DropCore
package import TwinModel

extension GraphService {
    package func relationship(_ id: String, of source: String) throws(ServiceError) -> ServiceEntity {
        let found = try store.answering { reader throws(DropError) -> ServiceEntity?? in
            guard let twin = try reader.twin(source) else { return .none }
            guard let relationship = try reader.relationship(id, of: twin) else { return .some(nil) }
            return try reader.entity(relationship)
        }
        guard let found else { throw .missing(twin: source) }
        guard let found else { throw .missing(relationship: id, of: source) }
        return found
    }

    package func put(
        relationship id: String, of source: String, _ document: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> ServiceEntity {
        try call(caller, "put relationship") { writer in
            try writer.put(relationship: id, of: source, document, condition)
        }
    }

    package func patch(
        relationship id: String, of source: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String {
        let read = Self.read(patch: patch, below: nil)
        return try call(caller, "patch relationship") { writer in
            try writer.patch(relationship: id, of: source, read, condition)
        }
    }

    package func delete(
        relationship id: String, of source: String, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) {
        try call(caller, "delete relationship") { writer in
            try writer.delete(relationship: id, of: source, condition)
        }
    }

    package func relationships(
        of source: String, named name: String?, after: String?, limit: Int
    ) throws(ServiceError) -> ServicePage<JSON> {
        try page(.source, of: source, named: name, after: after, limit) { reader, relationship throws(DropError) in
            try reader.document(relationship)
        }
    }

    package func incomingRelationships(of target: String, after: String?, limit: Int) throws(ServiceError) -> ServicePage<JSON> {
        try page(.target, of: target, named: nil, after: after, limit) { reader, relationship throws(DropError) in
            let ids = try reader.ids(of: relationship)
            return .object([
                .init("$relationshipId", .string(ids.id)), .init("$sourceId", .string(ids.source)),
                .init("$relationshipName", .string(reader.name(of: relationship))),
            ])
        }
    }

    /// Relationships at one end of a twin; the positions are their places in the store's order.
    private func page(
        _ end: RelationshipEnd, of id: String, named name: String?, after: String?, _ limit: Int,
        _ write: (Store.Reader, Store.Reader.Relationship) throws(DropError) -> JSON
    ) throws(ServiceError) -> ServicePage<JSON> {
        let start = try after.map { text throws(ServiceError) in
            guard let number = Int64(text), number >= 0 else {
                throw ServiceError(.invalidPage, "The continuation token is none of this list. Start again without one.")
            }
            return number
        }
        let limit = max(1, limit)
        let page = try store.answering { reader throws(DropError) -> ServicePage<JSON>? in
            guard let twin = try reader.twin(id) else { return nil }
            let found = try reader.relationships(at: end, of: twin, named: name, after: start ?? 0, limit: limit + 1)
            var documents: [JSON] = []
            for one in found.prefix(limit) { documents.append(try write(reader, one.relationship)) }
            return ServicePage(elements: documents, next: found.count > limit ? String(found[limit - 1].place) : nil)
        }
        guard let page else { throw .missing(twin: id) }
        return page
    }
}
