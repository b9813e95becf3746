import CodecKit
import DropCore
import TwinModel

extension CallWriter {
    /// Edges that may start, and that may end, at one twin (docs/azure-contract.md, "Limits").
    static let edgesMax = 50_000

    /// Creates or replaces a relationship (docs/azure-contract.md, "Relationships").
    func put(relationship id: String, of sourceID: String, _ payload: JSON, _ condition: Precondition) throws -> ServiceEntity {
        try Self.check(id: id, "relationship")
        guard let source = try twin(sourceID) else { throw Self.missing(twin: sourceID) }
        let old = try relationship(id, of: source)
        try Self.check(condition, etag: old.map { store.etag($0, kind: 1) }, Self.words(id, sourceID))
        guard case .object(let members) = payload, case .string(let name)? = payload["$relationshipName"], !name.isEmpty,
            case .string(let targetID)? = payload["$targetId"], !targetID.isEmpty
        else {
            throw ServiceError(
                400, "InvalidArgument",
                "Could not deserialize relationship create body. Give $relationshipName and $targetId as texts.")
        }
        guard let target = try twin(targetID) else { throw Self.missing(target: targetID) }
        guard source.number != target.number else {
            throw ServiceError(400, "OperationNotAllowed", "A relationship cannot lead from the twin \(sourceID) to itself.")
        }
        let shape = try writable(source)
        let model = try allowed(name, shape, target)
        let values = members.filter { !Self.fixed.contains($0.name) }
        try Self.check(values, model, name, shape)
        if old == nil { try checkEdges(source, target) }
        let record = record(ofRelationship: payload, model, old: old?.record)
        let key = store.keys.number(of: name)
        let made =
            try old.map { try revise(relationship: $0, to: target.number, name: key, record) }
            ?? create(relationship: id, from: source, to: target, name: key, record)
        return try renderer().entity(relationship: made, source: sourceID)
    }

    /// Changes the properties of a relationship; its new tag.
    func patch(relationship id: String, of sourceID: String, _ patch: JSONPatch, _ condition: Precondition) throws -> String {
        guard let source = try twin(sourceID) else { throw Self.missing(twin: sourceID) }
        guard let old = try relationship(id, of: source) else { throw Self.missing(relationship: id, of: sourceID) }
        let etag = store.etag(old, kind: 1)
        try Self.check(condition, etag: etag, Self.words(id, sourceID))
        guard !patch.operations.isEmpty else { return etag }
        let shape = try writable(source)
        let name = store.keys.name(old.key)
        guard let model = shape.model.relationships[name] else { throw ServiceError.undeclared(name, shape.model.id) }
        var members: [JSON.Member] = []
        for property in old.record.properties {
            members.append(.init(store.keys.name(property.key), try property.decoded().json))
        }
        var content = JSON.object(members)
        var touched: Set<[UInt8]> = []
        do throws(JSONPatchError) {
            for operation in patch.operations {
                guard !operation.path[0].hasPrefix("$") else {
                    throw JSONPatchError(
                        "The path \(operation.pointer) cannot be changed: delete the relationship and create it anew instead.")
                }
                try content.apply(operation)
                touched.insert(Array(operation.path[0].utf8))
            }
        } catch {
            throw ServiceError(400, "JsonPatchInvalid", error.message)
        }
        let values = content.members ?? []
        try Self.check(values, model, name, shape)
        var record = old.record
        record.properties = values.map { member in
            let key = store.keys.number(of: member.name)
            if !touched.contains(Array(member.name.utf8)), let kept = old.record.property(key) { return kept }
            let value = PropertyValue(member.value, model.properties[member.name]).encoded()
            return .init(key: key, value: value[...], stamp: stamp)
        }
        record.properties.sort { $0.key < $1.key }
        return store.etag(try revise(relationship: old, to: old.target, name: old.key, record), kind: 1)
    }

    func delete(relationship id: String, of sourceID: String, _ condition: Precondition) throws {
        guard let source = try twin(sourceID) else { throw Self.missing(twin: sourceID) }
        guard let old = try relationship(id, of: source) else { throw Self.missing(relationship: id, of: sourceID) }
        try Self.check(condition, etag: store.etag(old, kind: 1), Self.words(id, sourceID))
        try delete(relationship: old)
    }

    /// The record of a payload: all its properties, with the call's stamp.
    func record(ofRelationship payload: JSON, _ model: EffectiveRelationship, old: TwinRecord?) -> TwinRecord {
        var record = old ?? TwinRecord(created: effects.dropNumber, base: stamp)
        record.properties = (payload.members ?? []).filter { !Self.fixed.contains($0.name) }.map { member in
            .init(
                key: store.keys.number(of: member.name),
                value: PropertyValue(member.value, model.properties[member.name]).encoded()[...], stamp: stamp)
        }
        record.properties.sort { $0.key < $1.key }
        return record
    }

    // MARK: Checks

    /// Members of a payload that are not properties; ids and tag are ignored, the path tells them.
    static let fixed: Set<String> = [
        "$relationshipId", "$sourceId", "$etag", "$relationshipName", "$targetId", "$metadata",
    ]

    /// The shape of a source whose relationships may be written: its model must be in the graph.
    private func writable(_ source: StoredEntity) throws(ServiceError) -> TwinShape {
        guard let shape = catalog.shape(source.key) else {
            let model = source.key == 0 ? "It has none" : store.keys.name(source.key)
            throw .invalid(
                "Invalid relationship specified",
                ["The model of the twin \(source.id) or one of its dependencies does not exist: \(model)."])
        }
        return shape
    }

    /// The relationship as the source's model declares it, where it may lead to this target.
    private func allowed(_ name: String, _ shape: TwinShape, _ target: StoredEntity) throws(ServiceError) -> EffectiveRelationship
    {
        guard let model = shape.model.relationships[name] else { throw .undeclared(name, shape.model.id) }
        guard let wanted = model.target else { return model }
        let found = store.keys.name(target.key)
        // What the model of an orphan extended is not known any more; relationships may still lead to it (docs/azure-contract.md,
        // "Models").
        let ancestors = catalog.shape(target.key)?.model.ancestors ?? (target.key == 0 ? [] : [wanted])
        guard ancestors.contains(wanted) else {
            throw ServiceError(
                400, "InvalidRelationship",
                "The relationship \(name) leads to twins of \(wanted); \(target.id) is \(found.isEmpty ? "of no model" : "of \(found)")."
            )
        }
        return model
    }

    private static func check(
        _ values: [JSON.Member], _ model: EffectiveRelationship, _ name: String, _ shape: TwinShape
    ) throws(ServiceError) {
        var problems: [String] = []
        for value in values { shape.check(value, model.properties, name, &problems) }
        guard problems.isEmpty else { throw .invalid("Invalid relationship specified", problems) }
        guard fits(.object(values)) else {
            let bytes = JSON.object(values).utf8().count
            throw ServiceError(400, "LimitExceeded", "The relationship would have \(bytes) bytes; at most \(twinBytesMax) fit.")
        }
    }

    private func checkEdges(_ source: StoredEntity, _ target: StoredEntity) throws {
        for (twin, column, what) in [(source, "source" as StaticString, "start"), (target, "target", "end")] {
            guard try !hasEdges(Self.edgesMax, column, twin) else {
                throw ServiceError(
                    400, "LimitExceeded",
                    "\(Self.edgesMax) relationships \(what) at the twin \(twin.id) already: that is the most.")
            }
        }
    }

    private static func words(_ id: String, _ source: String) -> String { "The relationship \(id) of the twin \(source)" }

    static func missing(target id: String) -> ServiceError {
        ServiceError(
            404, "TargetDigitalTwinNotFound",
            "The target of the relationship, the twin \(Escaping.visible(id, scalarsMax: 200)), does not exist.")
    }

    static func missing(relationship id: String, of source: String) -> ServiceError {
        ServiceError(
            404, "RelationshipNotFound",
            "The twin \(source) has no relationship with the id \(Escaping.visible(id, scalarsMax: 200)).")
    }
}

extension ServiceError {
    static func undeclared(_ name: String, _ model: String) -> ServiceError {
        ServiceError(
            400, "InvalidRelationship",
            "The model \(model) has no relationship \(Escaping.visible(name, scalarsMax: 200)), nor has one that it extends.")
    }
}
