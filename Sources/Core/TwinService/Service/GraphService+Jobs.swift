package import DropCore
import TwinModel

extension GraphService {
    package func put(twins: [TwinPayload], by caller: Caller) throws(ServiceError) -> [ServiceError?] {
        guard !twins.isEmpty else { return [] }
        return try call(caller, "put twins") { [rules] writer in
            try Self.each(twins) { twin in
                guard twin.isChecked else { return try writer.put(uncheckedTwin: twin.id, twin.document) }
                _ = try writer.put(twin: twin.id, twin.document, .none, twinsMax: rules.twinsMax)
            }
        }
    }

    package func put(relationships: [RelationshipPayload], by caller: Caller) throws(ServiceError) -> [ServiceError?] {
        guard !relationships.isEmpty else { return [] }
        return try call(caller, "put relationships") { writer in
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
        try call(caller, "delete everything", isAlone: true) { writer in try writer.deleteSome(max(1, limit)) }
    }

    package func export(_ body: (ExportedPart) throws -> Void) throws {
        try store.exporting { reader in
            let models = reader.models
            for id in models.ids { try models.entries[id].map { try body(.model($0.data)) } }
            var texts = TickTexts()
            try reader.forEachTwin { twin in
                let document = try reader.view(of: twin, isDated: true).document(&texts)
                try body(.twin(document, conforms: models.conforms(twin: document, reader.model(of: twin))))
            }
            try reader.forEachRelationship { relationship, from, to in
                let document = try reader.document(relationship)
                try body(.relationship(document, conforms: models.conforms(relationship: document, from: from, to: to)))
            }
        }
    }
}
