package import DropCore
package import TwinModel

/// What a call makes of a twin: judged, and not written yet.
package struct TwinDraft: Sendable {
    package let document: TwinDocument
    /// The model's, which says what is a component.
    package let shape: TwinShape
    /// All of it is said anew. Otherwise what the call did not touch keeps the time at which it was said.
    package let replaces: Bool

    init(_ document: TwinDocument, _ shape: TwinShape, replaces: Bool) {
        (self.document, self.shape, self.replaces) = (document, shape, replaces)
    }

    /// One property of the new state.
    package struct Property: Sendable {
        package let path: PropertyPath
        package let value: JSON
        /// Nil where no model says what it is.
        package let schema: DTDLSchema?
        /// Said by this call, whether or not the value is another.
        package let isNew: Bool
    }

    package var model: String? { document.model }

    /// The properties, in the order of the document.
    package var properties: [Property] {
        document.properties(shape).map { path, value in
            let model = path.component.map { shape.components[$0] } ?? shape.model
            return Property(
                path: path, value: value, schema: model?.properties[path.name],
                isNew: replaces || document.touched.contains(path))
        }
    }

    /// The components, in no order, and whether the call said something of the component as such.
    package var components: [(name: String, isNew: Bool)] {
        shape.components.keys.map { ($0, replaces || document.touched.contains(PropertyPath($0, ""))) }
    }
}

// MARK: - Rules

extension TwinDraft {
    /// What the body of a PUT makes (docs/azure-contract.md, "Twins").
    ///
    /// - Parameter old: the model that the twin has, where it exists already; nil within: it has none.
    package static func put(_ payload: JSON, old: String??, _ models: ModelCatalog) throws(ServiceError) -> TwinDraft {
        let document: TwinDocument
        do throws(DocumentError) { document = try TwinDocument(payload: payload) } catch { throw ServiceError(error) }
        let hasModel = if let old { sameBytes(old, document.model) } else { false }
        let shape = try shape(of: document, isNew: !hasModel, models)
        try check(document, shape)
        return TwinDraft(document, shape, replaces: true)
    }

    /// What a patch makes (docs/azure-contract.md, "Patches").
    ///
    /// - Parameters:
    ///   - old: what the twin says.
    ///   - known: the components it has, as far as it tells without its model; asked where the model is gone.
    package static func patched(
        _ old: TwinDocument, _ patch: JSONPatch, known: () -> [String], _ models: ModelCatalog
    ) throws(ServiceError) -> TwinDraft {
        let oldComponents = models.shape(old.model).map { Array($0.components.keys) } ?? known()
        var document = old
        document.addComponents(oldComponents)
        // A patch that changes the model may also add the components the new one has.
        let isComponent = { (name: String) -> Bool in
            if oldComponents.contains(where: { $0.utf8.elementsEqual(name.utf8) }) { return true }
            return patch.operations.contains { operation in
                operation.path == ["$metadata", "$model"]
                    && operation.value?.string.flatMap { models.shape($0) }?.components[name] != nil
            }
        }
        do throws(JSONPatchError) {
            try document.apply(patch, components: isComponent)
        } catch {
            throw ServiceError(.invalidPatch, error.message)
        }
        let shape = try shape(of: document, isNew: !sameBytes(old.model, document.model), models)
        try check(document, shape)
        return TwinDraft(document, shape, replaces: false)
    }

    /// What an export marked as not conforming: the graph held it (a file brought it in that nobody checked, or its model is
    /// gone), so an import takes it as it is. An object that has `$metadata` in it is a component.
    package static func unchecked(_ payload: JSON, _ models: ModelCatalog) throws(ServiceError) -> TwinDraft {
        let document: TwinDocument
        do throws(DocumentError) {
            document = try TwinDocument(payload: payload, needsModel: false)
        } catch { throw ServiceError(error) }
        let known = models.shape(document.model)
        var components = known?.components ?? [:]
        let none = EffectiveModel(id: "", ancestors: [], properties: [:], components: [:], relationships: [:], telemetry: [])
        for member in payload.members ?? [] where member.name != "$metadata" && member.value["$metadata"] != nil {
            components[member.name] = components[member.name] ?? none
        }
        let shape = TwinShape(model: known?.model ?? none, components: components, models: models.set)
        return TwinDraft(document, shape, replaces: true)
    }

    /// What the twin's model allows. `isNew`: the twin does not have this model yet.
    private static func shape(
        of document: TwinDocument, isNew: Bool, _ models: ModelCatalog
    ) throws(ServiceError) -> TwinShape {
        guard let model = document.model else {
            throw .invalid("Invalid twin specified", ["The twin has no model: add /$metadata/$model, and what it asks for."])
        }
        guard let entry = models.entries[model], let shape = models.shape(model) else {
            throw .invalid("Invalid twin specified", ["\(model) or one of its dependencies does not exist."])
        }
        guard !isNew || !entry.data.isDecommissioned else {
            throw ServiceError(
                .modelDecommissioned,
                "The model \(model) is decommissioned and takes no new twins. Use a newer version of it.")
        }
        return shape
    }

    private static func check(_ document: TwinDocument, _ shape: TwinShape) throws(ServiceError) {
        let problems = document.problems(shape)
        guard problems.isEmpty else { throw .invalid("Invalid twin specified", problems) }
        guard ServiceLimits.fits(document.content) else {
            let bytes = document.content.utf8().count
            throw ServiceError(
                .limitExceeded,
                "The twin would have \(bytes) bytes; at most \(ServiceLimits.documentBytes) fit. Split it into several twins.")
        }
    }

    private static func sameBytes(_ one: String?, _ other: String?) -> Bool {
        switch (one, other) {
        case (nil, nil): true
        case (let one?, let other?): one.utf8.elementsEqual(other.utf8)
        default: false
        }
    }
}

extension ModelCatalog {
    /// True where a call may write this twin just as its document says.
    package func conforms(twin document: JSON, _ model: String?) -> Bool {
        guard let shape = shape(model), let id = document["$dtId"]?.string, ServiceLimits.isFit(id: id) else { return false }
        guard let read = try? TwinDocument(payload: document) else { return false }  // Why it is none, nobody asks.
        return read.problems(shape).isEmpty && ServiceLimits.fits(read.content)
    }
}
