/// The content of a twin without its id, tag and times: the model, properties and components, and the source times of properties.
/// It is made from a payload or from stored data, changed by a patch, and then checked against the model.
package struct TwinDocument: Sendable, Equatable {
    /// Nil if the twin has none (a file made it).
    package var model: String?
    /// An object: properties, and components as objects without `$metadata`.
    package private(set) var content: JSON
    /// Source times by property (RFC 3339).
    package private(set) var sourceTimes: [PropertyPath: String]
    /// What was written, even if its value did not change: the property, or the component as a whole (an empty name).
    package private(set) var touched: Set<PropertyPath> = []

    /// A document of stored parts; nothing is touched yet.
    package init(model: String?, properties: [(path: PropertyPath, value: JSON)], sourceTimes: [PropertyPath: String]) {
        self.model = model
        self.sourceTimes = sourceTimes
        var members: [JSON.Member] = []
        for (path, value) in properties {
            guard let component = path.component else {
                members.append(.init(path.name, value))
                continue
            }
            let index = members.firstIndex { $0.name.utf8.elementsEqual(component.utf8) }
            if let index, case .object(let inner) = members[index].value {
                members[index].value = .object(inner + [.init(path.name, value)])
            } else {
                members.append(.init(component, .object([.init(path.name, value)])))
            }
        }
        content = .object(members)
    }

    /// Adds components that the document does not have, empty.
    package mutating func addComponents(_ names: some Sequence<String>) {
        guard case .object(var members) = content else { return }
        let missing = names.filter { name in !members.contains { $0.name.utf8.elementsEqual(name.utf8) } }
        for name in missing.sorted() { members.append(.init(name, .object([]))) }
        content = .object(members)
    }

    // MARK: Payloads

    /// Reads the body of a PUT: `$dtId`, `$etag` and times are ignored (docs/azure-contract.md, "Twins"). `problems` are those of
    /// its metadata.
    ///
    /// - Parameter needsModel: false if a twin may be without one.
    package init(payload: JSON, needsModel: Bool = true) throws(DocumentError) {
        guard case .object(let all) = payload else { throw .noObject }
        let metadata = payload["$metadata"]?.members ?? []
        model = payload["$metadata"]?["$model"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        guard model != nil || !needsModel else {
            throw .invalid(["$metadata.$model is missing: name the twin's model, as {\"$metadata\":{\"$model\":\"dtmi:…;1\"}}."])
        }
        content = .object([])
        sourceTimes = [:]
        var members: [JSON.Member] = []
        var problems: [String] = []
        readSourceTimes(metadata, component: nil, &problems)
        for member in all where !Self.ignored.contains(member.name) {
            guard case .object(let inner) = member.value,
                let index = inner.firstIndex(where: { $0.name == "$metadata" })
            else {
                members.append(member)
                continue
            }
            if case .object(let own) = inner[index].value {
                readSourceTimes(own, component: member.name, &problems)
            } else {
                problems.append("$metadata of \(member.name) is no object.")
            }
            var rest = inner
            rest.remove(at: index)
            members.append(.init(member.name, .object(rest)))
        }
        content = .object(members)
        guard problems.isEmpty else { throw .invalid(problems) }
    }

    private static let ignored: Set<String> = ["$dtId", "$etag", "$metadata", "$relationships"]

    private mutating func readSourceTimes(_ metadata: [JSON.Member], component: String?, _ problems: inout [String]) {
        for member in metadata where !member.name.hasPrefix("$") {
            guard case .object = member.value else {
                problems.append("$metadata.\(member.name) is no object.")
                continue
            }
            switch member.value["sourceTime"] {
            case nil, .null?: break
            case .string(let text)?: sourceTimes[PropertyPath(component, member.name)] = text
            default: problems.append("sourceTime of \(member.name) is no text.")
            }
        }
    }

    // MARK: Patches

    /// Applies a patch, all of it or none. Paths are the twin's.
    ///
    /// Only the model and source times of the metadata can be changed; a whole component's `$metadata` in a value is read as in a
    /// payload.
    package mutating func apply(_ patch: JSONPatch, components: (String) -> Bool) throws(JSONPatchError) {
        var copy = self
        for operation in patch.operations { try copy.apply(operation, components) }
        // A patch may set the time of a value before the value. A property that has no value at the end has no time either.
        for operation in patch.operations where operation.verb != .remove && operation.path.last == "sourceTime" {
            guard let at = operation.path.firstIndex(of: "$metadata"), operation.path.count == at + 3, at < 2 else { continue }
            let property = PropertyPath(at == 0 ? nil : operation.path[0], operation.path[at + 1])
            guard copy.sourceTimes[property] == nil || copy.value(property) != nil else { throw .unresolved(operation.path) }
        }
        self = copy
    }

    private mutating func apply(_ operation: JSONPatch.Operation, _ isComponent: (String) -> Bool) throws(JSONPatchError) {
        let path = operation.path
        if let at = path.prefix(2).firstIndex(of: "$metadata"), at == 0 || path.count > 1 {
            return try applyMetadata(operation, component: at == 0 ? nil : path[0], Array(path[(at + 1)...]))
        }
        guard !path[0].hasPrefix("$") else {
            throw JSONPatchError("The path \(operation.pointer) cannot be changed by a patch.")
        }
        guard path.count == 1, let value = operation.value, case .object(let members) = value,
            isComponent(path[0]) || members.contains(where: { $0.name == "$metadata" })
        else {
            try content.apply(operation)
            note(path, isComponent, removes: operation.verb == .remove)
            return
        }
        var problems: [String] = []
        if case .object(let own)? = value["$metadata"] {
            sourceTimes = sourceTimes.filter { $0.key.component != path[0] }
            readSourceTimes(own, component: path[0], &problems)
        }
        if let problem = problems.first { throw JSONPatchError(problem) }
        try content.apply(.init(operation.verb, path, .object(members.filter { $0.name != "$metadata" })))
        touched.insert(PropertyPath(path[0], ""))
        for member in members where member.name != "$metadata" { touched.insert(PropertyPath(path[0], member.name)) }
    }

    private mutating func note(_ path: [String], _ isComponent: (String) -> Bool, removes: Bool) {
        let isInComponent = isComponent(path[0])
        if path.count == 1 {
            touched.insert(isInComponent ? PropertyPath(path[0], "") : PropertyPath(nil, path[0]))
            if removes {
                sourceTimes = sourceTimes.filter {
                    isInComponent ? $0.key.component != path[0] : $0.key != PropertyPath(nil, path[0])
                }
            }
        } else if isInComponent {
            let property = PropertyPath(path[0], path[1])
            touched.insert(property)
            touched.insert(PropertyPath(path[0], ""))
            if removes, path.count == 2 { sourceTimes[property] = nil }
        } else {
            touched.insert(PropertyPath(nil, path[0]))
        }
    }

    private mutating func applyMetadata(
        _ operation: JSONPatch.Operation, component: String?, _ rest: [String]
    ) throws(JSONPatchError) {
        if component == nil, rest == ["$model"] {
            guard operation.verb != .remove, case .string(let model)? = operation.value else {
                throw JSONPatchError("The model of a twin is replaced by another: the value is its DTMI.")
            }
            guard operation.verb == .add || self.model != nil else { throw .unresolved(operation.path) }
            self.model = model
            return
        }
        guard rest.count == 2, rest[1] == "sourceTime" else {
            throw JSONPatchError(
                "The path \(operation.pointer) cannot be changed by a patch: of the metadata, only $model and the sourceTime of a "
                    + "property can.")
        }
        let property = PropertyPath(component, rest[0])
        // Programs replace the time of a property that never had one. Whether it has a value is known only at the end of the
        // patch.
        guard operation.verb != .remove || sourceTimes[property] != nil else { throw .unresolved(operation.path) }
        switch operation.value {
        case nil: sourceTimes[property] = nil
        case .string(let text)?: sourceTimes[property] = text
        default: throw JSONPatchError("The value for \(operation.pointer) is no text.")
        }
        touched.insert(property)
        if let component { touched.insert(PropertyPath(component, "")) }
    }

    // MARK: Reading

    /// The value of a property; nil if it has none.
    package func value(_ path: PropertyPath) -> JSON? {
        func member(_ json: JSON?, _ name: String) -> JSON? {
            json?.members?.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
        }
        return path.component.map { member(member(content, $0), path.name) } ?? member(content, path.name)
    }

    /// The properties, as the shape says what is a component.
    package func properties(_ shape: TwinShape) -> [(path: PropertyPath, value: JSON)] {
        var result: [(path: PropertyPath, value: JSON)] = []
        for member in content.members ?? [] {
            if shape.components[member.name] != nil, case .object(let inner) = member.value {
                for own in inner { result.append((PropertyPath(member.name, own.name), own.value)) }
            } else {
                result.append((PropertyPath(nil, member.name), member.value))
            }
        }
        return result
    }
}

/// Why a payload cannot be a twin or relationship.
package enum DocumentError: Error, Sendable, Equatable {
    /// It is not an object.
    case noObject
    /// Sentences, one for each problem.
    case invalid([String])
}
