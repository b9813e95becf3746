/// The combined `@context` members from the top of a document down to an element (docs/dtdl-rules.md, "Context").
struct ActiveContext: Sendable {
    /// The language version of the element.
    var version: Int
    var limits: DTDLLimits
    /// The specifier in force for each extension, by the specifier without its version.
    var extensions: [String: String] = [:]
    /// Whether an unknown extension is named, which is allowed here.
    var isIncomplete = false

    private var language: Extension? { Extension.all["dtmi:dtdl:context;\(version)"] }

    /// The identifier of a term: the language's own terms first.
    func iri(of term: String) -> String? {
        if let iri = language?.terms[term] { return iri }
        return extensionIRI(of: term)
    }

    /// The identifier of a term of an active extension.
    func extensionIRI(of term: String) -> String? {
        for context in extensions.values {
            if let iri = Extension.all[context]?.terms[term] { return iri }
        }
        return nil
    }

    /// The identifier of a unit: a term of an extension goes before one of the language (`byte` is both, in version 4).
    func unitIRI(of term: String) -> String? { extensionIRI(of: term) ?? language?.terms[term] }

    /// The class that a term or identifier names, if this language version has it.
    func classNamed(_ text: String) -> DTDLClass? {
        var name = text
        if text.utf8.starts(with: "dtmi:dtdl:class:".utf8) {
            let rest = text.dropFirst("dtmi:dtdl:class:".count)
            guard rest.hasSuffix(";\(version)") else { return nil }
            name = String(rest.dropLast(2))
        }
        guard let kind = DTDLClass(rawValue: name), kind.exists(in: version) else { return nil }
        return kind
    }

    /// The co-type that a term or identifier names. Terms need their extension in force, identifiers do not.
    func adjunctNamed(_ text: String) -> AdjunctFact? {
        if text.utf8.starts(with: "dtmi:".utf8) { return Extension.adjunctsByIRI[text] }
        for context in [language].compactMap({ $0 }) + extensions.values.compactMap({ Extension.all[$0] }) {
            if let iri = context.terms[text], let fact = Extension.adjunctsByIRI[iri] { return fact }
        }
        return nil
    }

    /// What an unknown type or member name is (docs/dtdl-rules.md, "Types and unknown members").
    enum UnknownName { case undefinedTerm, irrelevant, invalidDTMI, notDTMINorTerm }

    func unknownName(_ name: String) -> UnknownName {
        if name.utf8.starts(with: "dtmi:".utf8) {
            return DTMI(name)?.fragment == nil && DTMI(name) != nil ? .irrelevant : .invalidDTMI
        }
        if name.utf8.contains(UInt8(ascii: ":")) { return .notDTMINorTerm }
        return iri(of: name) == nil ? .undefinedTerm : .irrelevant
    }

    /// Documents must not define identifiers with these beginnings.
    var reservedPrefixes: [String] {
        var prefixes = ["dtmi:dtdl:", "dtmi:standard:"]
        if extensions["dtmi:iotcentral:context"] != nil { prefixes.append("dtmi:iotcentral:") }
        if extensions["dtmi:iotoperations:context"] != nil { prefixes.append("dtmi:iotoperations:") }
        return prefixes
    }

    func isReserved(_ id: String) -> Bool { reservedPrefixes.contains { id.utf8.starts(with: $0.utf8) } }
}
