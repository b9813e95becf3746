extension TwinDocument {
    /// Bytes a text value may have (docs/azure-contract.md, "Limits").
    package static let stringBytesMax = 4096

    /// Everything the model refuses, one sentence each; empty if the twin conforms (docs/dtdl-rules.md, "Values" and "Azure
    /// profile").
    package func problems(_ shape: TwinShape) -> [String] {
        var problems: [String] = []
        for member in content.members ?? [] {
            guard let component = shape.components.first(where: { $0.key.utf8.elementsEqual(member.name.utf8) })?.value else {
                shape.check(member, shape.model.properties, "Twin", &problems)
                continue
            }
            guard case .object(let inner) = member.value else {
                problems.append("Expected an object for the component \(member.name); found \(member.value.kindInWords).")
                continue
            }
            for own in inner { shape.check(own, component.properties, member.name, &problems) }
        }
        for name in shape.components.keys.sorted() where content[name] == nil {
            problems.append(
                "The component \(name) is missing: give it as an object, {\"$metadata\":{}} where nothing of it is known.")
        }
        let time = DTDLSchema.primitive(.dateTime)
        for (property, text) in sourceTimes where time.violation(of: .string(text)) != nil {
            problems.append("The sourceTime of \(property.key) is no date and time of RFC 3339.")
        }
        for property in sourceTimes.keys where value(property) == nil {
            problems.append("$metadata names \(property.key), which the twin does not have.")
        }
        return problems
    }
}

extension TwinShape {
    /// Checks one member against the properties that are allowed at its place; `place` is `Twin`, or the component's name.
    package func check(
        _ member: JSON.Member, _ properties: [String: DTDLSchema], _ place: String, _ problems: inout [String]
    ) {
        guard let schema = properties.first(named: member.name) else {
            problems.append("\(member.name) does not appear on the DTDL for \(place).")
            return
        }
        if let problem = problem(member.name, member.value, schema, place) { problems.append(problem) }
    }

    /// Why a value does not conform to the schema of a property; nil if it does.
    package func problem(_ name: String, _ value: JSON, _ schema: DTDLSchema, _ place: String) -> String? {
        if let violation = schema.violation(of: value, named: models.schema) {
            let at = violation.pointer.isEmpty ? "" : " At \(violation.pointer):"
            return
                "Expected value of type \(schema.nameInWords) for \(name) on \(place).\(at) It is \(violation.found) and must be "
                + "\(violation.rule)."
        }
        guard value.longestString <= TwinDocument.stringBytesMax else {
            return "\(name) on \(place) has a text of \(value.longestString) bytes; at most \(TwinDocument.stringBytesMax) fit."
        }
        return nil
    }
}

extension Dictionary<String, DTDLSchema> {
    /// The value of a name, compared byte by byte.
    func first(named name: String) -> DTDLSchema? {
        guard let index = index(forKey: name), self[index].key.utf8.elementsEqual(name.utf8) else { return nil }
        return self[index].value
    }
}

extension DTDLSchema {
    /// The schema's name as DTDL writes it; of a complex one, its class.
    package var nameInWords: String {
        switch self {
        case .primitive(let kind): kind.rawValue
        case .geospatial(let kind): kind.rawValue
        case .enumeration: "Enum"
        case .array: "Array"
        case .map: "Map"
        case .object: "Object"
        case .recursive(let id): id
        }
    }
}

extension JSON {
    /// What kind of value it is: `a text`, `a number`.
    package var kindInWords: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .double: "a number"
        case .string: "a text"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Bytes of the longest text in it.
    package var longestString: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .array(let elements): elements.lazy.map(\.longestString).max() ?? 0
        case .object(let members): members.lazy.map(\.value.longestString).max() ?? 0
        case .null, .bool, .int, .double: 0
        }
    }
}
