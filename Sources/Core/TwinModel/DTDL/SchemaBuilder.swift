/// Makes the schemas for checking values from elements.
struct SchemaBuilder {
    let graph: ElementGraph
    private var made: [String: DTDLSchema] = [:]

    init(graph: ElementGraph) { self.graph = graph }

    /// The schema with that id; nil if it is not known or has no values.
    func schema(_ id: String) -> DTDLSchema? {
        var builder = self
        return builder.make(id, isRoot: true)
    }

    /// A schema that contains itself is built one round at a time: inside another schema it is named only. So the work grows only
    /// with the size of the model, whatever its references are.
    private mutating func make(_ id: String, isRoot: Bool = false) -> DTDLSchema? {
        if let schema = made[id], !isRoot { return schema }
        guard let element = graph.elements[id] else { return StandardElement.all[id]?.schema }
        if !isRoot, element.version >= 4, isCyclic(element) {
            made[id] = .recursive(id)
            return made[id]
        }
        let schema: DTDLSchema?
        switch element.kind {
        case .array: schema = element.target("elementSchema").flatMap { make($0) }.map { .array($0) }
        case .map:
            let value = element.target("mapValue").flatMap { graph.elements[$0]?.target("schema") }
            schema = value.flatMap { make($0) }.map { .map($0) }
        case .enumeration:
            schema = .enumeration(graph.children(element, "enumValues").compactMap { $0.literals["enumValue"] })
        case .object:
            var fields: [DTDLSchema.Field] = []
            for field in graph.children(element, "fields") {
                guard let name = field.name, let inner = field.target("schema").flatMap({ make($0) }) else { continue }
                fields.append(.init(name: name, schema: inner, isRequired: Self.isRequired(field)))
            }
            schema = .object(fields)
        default: schema = nil
        }
        if !isRoot { made[id] = schema }
        return schema
    }

    /// Whether a schema leads back to itself.
    private func isCyclic(_ element: Element) -> Bool {
        var seen: Set<String> = []
        var queue = ElementGraph.schemaMembers.flatMap { element.targets($0) }
        while let id = queue.popLast() {
            if id.isSame(as: element.id) { return true }
            guard seen.insert(id).inserted, let next = graph.elements[id] else { continue }
            queue += ElementGraph.schemaMembers.flatMap { next.targets($0) }
        }
        return false
    }

    private static func isRequired(_ field: Element) -> Bool {
        field.cotypes.contains { $0.utf8.starts(with: "dtmi:dtdl:extension:requirement:".utf8) }
    }

    private mutating func schema(of element: Element) -> DTDLSchema? {
        element.target("schema").flatMap { make($0) }
    }

    // MARK: Interfaces

    mutating func interface(_ element: Element, in document: ModelDocument) -> ModelInterface {
        let own = graph.children(element, "contents")
        return ModelInterface(
            id: element.id, version: element.version, displayName: texts("displayName", element),
            description: texts("description", element), extends: element.targets("extends"),
            componentSchemas: unique(own.filter { $0.kind == .component }.compactMap { $0.target("schema") }),
            relationshipTargets: unique(own.filter { $0.kind == .relationship }.compactMap { $0.literals["target"]?.string }),
            file: document.name, range: element.range, definition: Array(document.bytes[element.range]),
            effective: effective(element))
    }

    private func texts(_ member: String, _ element: Element) -> [JSON.Member] {
        if case .object(let members)? = element.literals[member] { members } else { [] }
    }

    private func unique(_ ids: [String]) -> [String] {
        var seen: Set<String> = []
        return ids.filter { seen.insert($0).inserted }
    }

    private mutating func effective(_ interface: Element) -> EffectiveModel {
        var properties: [String: DTDLSchema] = [:]
        var components: [String: String] = [:]
        var relationships: [String: EffectiveRelationship] = [:]
        var telemetry: Set<String> = []
        for element in graph.contents(of: interface) {
            guard let name = element.name else { continue }
            switch element.kind {
            case .property: properties[name] = schema(of: element)
            case .component: components[name] = element.target("schema")
            case .telemetry: telemetry.insert(name)
            case .relationship:
                var own: [String: DTDLSchema] = [:]
                for property in graph.children(element, "properties") {
                    if let name = property.name { own[name] = schema(of: property) }
                }
                relationships[name] = EffectiveRelationship(target: element.literals["target"]?.string, properties: own)
            default: continue
            }
        }
        return EffectiveModel(
            id: interface.id, ancestors: [interface.id] + graph.ancestors(of: interface.id).map(\.id), properties: properties,
            components: components, relationships: relationships, telemetry: telemetry)
    }
}
