/// A text that models are read from.
package struct ModelDocument: Sendable {
    /// As the caller names it: a path, or where it came from.
    package let name: String
    /// UTF-8, with or without a byte order mark.
    package let bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// One Interface of a model.
package struct ModelInterface: Sendable {
    /// Its DTMI.
    package let id: String
    /// The language version it is written in: 2, 3 or 4.
    package let version: Int
    /// Texts by language; a plain string is under `en`.
    package let displayName: [JSON.Member]
    /// Texts by language, as `displayName`.
    package let description: [JSON.Member]
    /// The Interfaces it extends directly.
    package let extends: [String]
    /// The Interfaces of its own components, without repeats.
    package let componentSchemas: [String]
    /// The targets of its own relationships, without repeats; they need not be known.
    package let relationshipTargets: [String]
    /// The document it was read from, as the caller named it.
    package let file: String
    /// Where it is in the document.
    package let range: Range<Int>
    /// Its JSON text, as it was written.
    package let definition: [UInt8]
    /// With all it inherits: what twins are checked against.
    package let effective: EffectiveModel

    /// The Interfaces that it needs, without repeats.
    package var dependencies: [String] {
        var seen: Set<String> = []
        return (extends + componentSchemas).filter { seen.insert($0).inserted }
    }
}

/// Interfaces that are complete and valid together. A value: reading more gives another one.
package struct ModelSet: Sendable {
    /// By id.
    package private(set) var interfaces: [String: ModelInterface] = [:]
    /// Every element of them, by id.
    private(set) var elements: [String: Element] = [:]

    package init() {}

    init(interfaces: [String: ModelInterface], elements: [String: Element]) {
        self.interfaces = interfaces
        self.elements = elements
    }

    /// This set without one Interface. What extends it stays, as it was read.
    package func removing(_ id: String) -> ModelSet {
        var left = self
        left.interfaces[id] = nil
        left.elements = left.elements.filter { $0.value.partition != id }
        return left
    }

    /// The schema with that DTMI, standard ones included; for `.recursive` schemas, and for checking values by hand. Nil where
    /// the element is not known or has no values, as an Interface has none.
    package func schema(_ id: String) -> DTDLSchema? { SchemaBuilder(graph: ElementGraph(elements: elements)).schema(id) }
}

/// What reading documents gave.
package struct ModelReading: Sendable {
    /// The known Interfaces with the new ones; without them where something is wrong.
    package let models: ModelSet
    /// The ids of the Interfaces that were read, in the order of the documents.
    package let read: [String]
    /// What is wrong, by document and place.
    package let errors: [DTDLError]
    /// References that nothing defines; only if there are no errors.
    package let unresolved: [UnresolvedReference]

    /// How many Interfaces were read from each document, by its name.
    let interfaceCounts: [String: Int]

    /// Whether nothing is wrong and nothing is missing.
    package var isValid: Bool { errors.isEmpty && unresolved.isEmpty }
}
