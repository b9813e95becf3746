package import DropCore
import GRDB
package import TwinModel

extension GraphService {
    package func put(twins: [(id: String, document: JSON)], by caller: Caller) throws(ServiceError) -> [ServiceError?] {
        guard !twins.isEmpty else { return [] }
        return try store.call(caller, "put twins") { writer in
            try Self.each(twins) { twin in _ = try writer.put(twin: twin.id, twin.document, .none) }
        }
    }

    package func put(
        relationships: [(source: String, id: String, document: JSON)], by caller: Caller
    ) throws(ServiceError) -> [ServiceError?] {
        guard !relationships.isEmpty else { return [] }
        return try store.call(caller, "put relationships") { writer in
            try Self.each(relationships) { relationship in
                _ = try writer.put(relationship: relationship.id, of: relationship.source, relationship.document, .none)
            }
        }
    }

    /// A refused element has changed nothing: every check comes before the first write.
    private static func each<T>(_ elements: [T], _ body: (T) throws -> Void) throws -> [ServiceError?] {
        var refusals: [ServiceError?] = []
        for element in elements {
            do {
                try body(element)
                refusals.append(nil)
            } catch let refusal as ServiceError {
                refusals.append(refusal)
            }
        }
        return refusals
    }

    package func deleteSome(_ limit: Int, by caller: Caller) throws(ServiceError) -> Int {
        try store.call(caller, "delete everything", isAlone: true) { writer in try writer.deleteSome(max(1, limit)) }
    }

    package func export(_ body: (ExportedPart) throws -> Void) throws {
        let store = store
        do {
            try store.pool.read { database in
                let catalog = store.catalog
                for id in catalog.ids { try catalog.entries[id].map { try body(.model($0.data)) } }
                let renderer = TwinRenderer(store, database, catalog)
                let twins = try RawStatement("SELECT no, id, model, rec FROM twin ORDER BY no", database)
                while try twins.step() {
                    let twin = StoredEntity(
                        number: UInt32(truncatingIfNeeded: twins.integer(0)), id: twins.text(1),
                        key: UInt32(truncatingIfNeeded: twins.integer(2)), record: try TwinRecord(twins.bytes(3)))
                    try body(.twin(try renderer.document(twin: twin)))
                }
                twins.reset()
                let relationships = try RawStatement(
                    """
                    SELECT r.no, r.id, r.source, r.target, r.name, r.rec, t.id FROM relationship r JOIN twin t ON t.no = r.source
                    ORDER BY r.no
                    """, database)
                while try relationships.step() {
                    let relationship = StoredEntity(
                        number: UInt32(truncatingIfNeeded: relationships.integer(0)), id: relationships.text(1),
                        key: UInt32(truncatingIfNeeded: relationships.integer(4)),
                        source: UInt32(truncatingIfNeeded: relationships.integer(2)),
                        target: UInt32(truncatingIfNeeded: relationships.integer(3)),
                        record: try TwinRecord(relationships.bytes(5)))
                    try body(.relationship(try renderer.document(relationship: relationship, source: relationships.text(6))))
                }
                relationships.reset()
            }
        } catch let error as DropError {
            throw ServiceError(error)
        } catch let error as DatabaseError {
            throw ServiceError(error)
        }
    }
}

extension CallWriter {
    /// Deletes some relationships, or else some twins, or else all models; how many.
    func deleteSome(_ limit: Int) throws -> Int {
        let relationships = try numbers("relationship", limit)
        for number in relationships { _ = try commit.deleteRelationship(number, record: 0, effects) }
        let twins = relationships.isEmpty ? try numbers("twin", limit) : []
        for number in twins { _ = try commit.deleteTwin(number, record: 0, effects) }
        let count = relationships.count + twins.count
        if count > 0 {
            effects.hasChanged = true
            return count
        }
        let models = catalog.ids.count
        try deleteAllModels()
        return models
    }

    private func numbers(_ table: StaticString, _ limit: Int) throws(DropError) -> [UInt32] {
        let query = try RawStatement.cached("SELECT no FROM \(table) ORDER BY no LIMIT ?", database)
        query.bind(1, Int64(limit))
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers
    }
}
