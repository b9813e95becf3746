package import DropCore
import GRDB
import TwinModel

extension GraphService {
    package func put(twins: [TwinPayload], by caller: Caller) throws(ServiceError) -> [ServiceError?] {
        guard !twins.isEmpty else { return [] }
        return try store.call(caller, "put twins") { [rules] writer in
            try Self.each(twins) { twin in
                guard twin.isChecked else { return try writer.put(unchecked: twin.id, twin.document) }
                _ = try writer.put(twin: twin.id, twin.document, .none, twinsMax: rules.twinsMax)
            }
        }
    }

    package func put(relationships: [RelationshipPayload], by caller: Caller) throws(ServiceError) -> [ServiceError?] {
        guard !relationships.isEmpty else { return [] }
        return try store.call(caller, "put relationships") { writer in
            try Self.each(relationships) { one in
                guard one.isChecked else {
                    return try writer.put(uncheckedRelationship: one.id, of: one.source, one.document)
                }
                _ = try writer.put(relationship: one.id, of: one.source, one.document, .none)
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
                    let document = try renderer.document(twin: twin)
                    try body(.twin(document, conforms: catalog.conforms(twin: document, twin.key)))
                }
                twins.reset()
                let relationships = try RawStatement(
                    """
                    SELECT r.no, r.id, r.source, r.target, r.name, r.rec, s.id, s.model, t.model FROM relationship r
                    JOIN twin s ON s.no = r.source JOIN twin t ON t.no = r.target ORDER BY r.no
                    """, database)
                while try relationships.step() {
                    let relationship = StoredEntity(
                        number: UInt32(truncatingIfNeeded: relationships.integer(0)), id: relationships.text(1),
                        key: UInt32(truncatingIfNeeded: relationships.integer(4)),
                        source: UInt32(truncatingIfNeeded: relationships.integer(2)),
                        target: UInt32(truncatingIfNeeded: relationships.integer(3)),
                        record: try TwinRecord(relationships.bytes(5)))
                    let document = try renderer.document(relationship: relationship, source: relationships.text(6))
                    let models = (relationships.integer(7), relationships.integer(8))
                    let conforms = catalog.conforms(
                        relationship: document, from: UInt32(truncatingIfNeeded: models.0),
                        to: UInt32(truncatingIfNeeded: models.1), named: store.keys.name)
                    try body(.relationship(document, conforms: conforms))
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
