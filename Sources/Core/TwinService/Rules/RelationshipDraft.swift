package import DropCore
package import TwinModel

/// What a call makes of a relationship: judged, and not written yet.
package struct RelationshipDraft: Sendable {
    package let name: String
    package let properties: [Property]

    /// One property of the new state.
    package struct Property: Sendable {
        package let name: String
        package let value: JSON
        /// Nil where no model says what it is.
        package let schema: DTDLSchema?
        /// Said by this call, whether or not the value is another.
        package let isNew: Bool
    }

    /// - Parameter touched: the names that the call said; nil: all.
    init(_ name: String, _ values: [JSON.Member], _ declared: EffectiveRelationship?, touched: Set<[UInt8]>? = nil) {
        self.name = name
        properties = values.map { member in
            Property(
                name: member.name, value: member.value, schema: declared?.properties[member.name],
                isNew: touched?.contains(Array(member.name.utf8)) ?? true)
        }
    }

    /// Members of a payload that are not properties; ids and tag are ignored, the path tells them.
    private static let fixed: Set<String> = [
        "$relationshipId", "$sourceId", "$etag", "$relationshipName", "$targetId", "$metadata",
    ]

    /// The properties of a payload.
    static func values(of payload: JSON) -> [JSON.Member] { (payload.members ?? []).filter { !fixed.contains($0.name) } }
}

// MARK: - Rules

/// One end of a relationship, as far as the rules ask.
package struct TwinEnd: Sendable {
    package let id: String
    /// Nil where it has none.
    package let model: String?

    package init(id: String, model: String?) { (self.id, self.model) = (id, model) }
}

extension RelationshipDraft {
    /// The name and the target that the body of a PUT gives.
    package static func ends(of payload: JSON) throws(ServiceError) -> (name: String, target: String) {
        guard case .object = payload, case .string(let name)? = payload["$relationshipName"], !name.isEmpty,
            case .string(let target)? = payload["$targetId"], !target.isEmpty
        else {
            throw ServiceError(
                .invalidArgument,
                "Could not deserialize relationship create body. Give $relationshipName and $targetId as texts.")
        }
        return (name, target)
    }

    /// What the body of a PUT makes (docs/azure-contract.md, "Relationships").
    package static func put(
        _ payload: JSON, named name: String, from source: TwinEnd, to target: TwinEnd, _ models: ModelCatalog
    ) throws(ServiceError) -> RelationshipDraft {
        guard !source.id.utf8.elementsEqual(target.id.utf8) else {
            throw ServiceError(.operationNotAllowed, "A relationship cannot lead from the twin \(source.id) to itself.")
        }
        let shape = try writable(source, models)
        let declared = try allowed(name, shape, target, models)
        let values = values(of: payload)
        try check(values, declared, name, shape)
        return RelationshipDraft(name, values, declared)
    }

    /// What a patch makes of a relationship: its properties only.
    ///
    /// - Parameter old: the properties it has.
    package static func patched(
        _ name: String, _ old: [JSON.Member], _ patch: JSONPatch, from source: TwinEnd, _ models: ModelCatalog
    ) throws(ServiceError) -> RelationshipDraft {
        let shape = try writable(source, models)
        guard let declared = shape.model.relationships[name] else { throw .undeclared(name, shape.model.id) }
        var content = JSON.object(old)
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
            throw ServiceError(.invalidPatch, error.message)
        }
        let values = content.members ?? []
        try check(values, declared, name, shape)
        return RelationshipDraft(name, values, declared, touched: touched)
    }

    /// What an export marked as not conforming, taken as it is; see `TwinDraft.unchecked`.
    package static func unchecked(
        _ payload: JSON, named name: String, from source: TwinEnd, _ models: ModelCatalog
    ) -> RelationshipDraft {
        RelationshipDraft(name, values(of: payload), models.shape(source.model)?.model.relationships[name])
    }

    /// The shape of a source whose relationships may be written: its model must be in the graph.
    private static func writable(_ source: TwinEnd, _ models: ModelCatalog) throws(ServiceError) -> TwinShape {
        guard let shape = models.shape(source.model) else {
            throw .invalid(
                "Invalid relationship specified",
                [
                    "The model of the twin \(source.id) or one of its dependencies does not exist: "
                        + "\(source.model ?? "It has none")."
                ])
        }
        return shape
    }

    /// The relationship as the source's model declares it, where it may lead to this target.
    private static func allowed(
        _ name: String, _ shape: TwinShape, _ target: TwinEnd, _ models: ModelCatalog
    ) throws(ServiceError) -> EffectiveRelationship {
        guard let declared = shape.model.relationships[name] else { throw .undeclared(name, shape.model.id) }
        guard let wanted = declared.target else { return declared }
        // What the model of an orphan extended is not known any more; relationships may still lead to it (docs/azure-contract.md,
        // "Models").
        let ancestors = models.shape(target.model)?.model.ancestors ?? (target.model == nil ? [] : [wanted])
        guard ancestors.contains(wanted) else {
            throw ServiceError(
                .invalidRelationship,
                "The relationship \(name) leads to twins of \(wanted); \(target.id) is "
                    + "\(target.model.map { "of \($0)" } ?? "of no model").")
        }
        return declared
    }

    private static func check(
        _ values: [JSON.Member], _ declared: EffectiveRelationship, _ name: String, _ shape: TwinShape
    ) throws(ServiceError) {
        var problems: [String] = []
        for value in values { shape.check(value, declared.properties, name, &problems) }
        guard problems.isEmpty else { throw .invalid("Invalid relationship specified", problems) }
        guard ServiceLimits.fits(.object(values)) else {
            let bytes = JSON.object(values).utf8().count
            throw ServiceError(
                .limitExceeded, "The relationship would have \(bytes) bytes; at most \(ServiceLimits.documentBytes) fit.")
        }
    }
}

extension ModelCatalog {
    /// Why the models refuse a relationship between two twins that are both there; nil where they allow it. For those that files
    /// state.
    ///
    /// - Parameters:
    ///   - source: the model the source has; nil: none. `target` the same.
    ///   - strict: a source without a model in the graph allows nothing, and a target whose model is not in it fits nowhere.
    package func refusal(
        ofRelationship name: String, from source: String?, to target: String?, _ values: [JSON.Member], strict: Bool
    ) -> String? {
        guard let shape = shape(source) else {
            return strict ? "The source has no model in the graph, which would declare its relationships." : nil
        }
        guard let declared = shape.model.relationships[name] else { return "\(shape.model.id) declares no relationship \(name)." }
        var problems: [String] = []
        for value in values { shape.check(value, declared.properties, name, &problems) }
        if let problem = problems.first { return problem }
        guard let wanted = declared.target else { return nil }
        let known = self.shape(target)?.model.ancestors
        guard known != nil || strict, !(known ?? [target ?? ""]).contains(wanted) else { return nil }
        return "\(name) leads to twins of \(wanted); the target is \(target.map { "of \($0)" } ?? "of no model")."
    }

    /// True where a call may write this relationship just as its document says; `source` and `target` are models.
    package func conforms(relationship document: JSON, from source: String?, to target: String?) -> Bool {
        guard let name = document["$relationshipName"]?.string, let id = document["$relationshipId"]?.string,
            ServiceLimits.isFit(id: id), document["$sourceId"] != document["$targetId"], shape(target) != nil
        else { return false }
        let values = RelationshipDraft.values(of: document)
        return refusal(ofRelationship: name, from: source, to: target, values, strict: true) == nil
            && ServiceLimits.fits(.object(values))
    }
}
