import CodecKit
import DropCore
import TwinModel

extension SettingsSchema {
    /// Everything in `node` that the schema does not allow, each with its place; `keyPath` is the node's own.
    func errors(in node: YAMLNode, keyPath: [String]) -> [ConfigurationError] {
        errors(in: node, root, keyPath, place: node.place)
    }

    private func errors(in node: YAMLNode, _ unresolved: JSON, _ path: [String], place: Place) -> [ConfigurationError] {
        if case .bool(let allowed) = unresolved {
            return allowed ? [] : [fault(.unknownKey, place, path, "nothing is allowed here.")]
        }
        guard let schema = resolved(unresolved) else { return [] }  // Reported as a fault of the manifest already.
        let words = Self.words(schema["type"])
        guard words.isEmpty || words.contains(where: node.isOfType) else {
            let expected = words.map(Self.noun).joined(separator: " or ")
            var hint = ""
            if words.contains("string"), !node.written.isEmpty { hint = "Put it in quotes if text is meant." }
            return [fault(.wrongType, place, path, "found \(node.found), expected \(expected).", hint: hint)]
        }
        return scalarErrors(node, schema, path) + listErrors(node, schema, path) + mapErrors(node, schema, path)
            + branchErrors(node, schema, path, place: place)
    }

    private func scalarErrors(_ node: YAMLNode, _ schema: JSON, _ path: [String]) -> [ConfigurationError] {
        var errors: [ConfigurationError] = []
        let allowed = schema["enum"]?.elements ?? schema["const"].map { [$0] } ?? []
        if !allowed.isEmpty, !allowed.contains(where: { node.json.sameValue(as: $0) }) {
            let words = allowed.map { $0.string ?? $0.text() }
            let hint = node.json.string.map { Suggestion.hint(for: $0, among: words) } ?? ""
            errors.append(
                fault(
                    .badValue, node.place, path, "found \(node.found), allowed: \(words.joined(separator: ", ")).", hint: hint))
        }
        if let number = node.json.number {
            if let least = schema["minimum"]?.number, number < least {
                errors.append(
                    fault(.badValue, node.place, path, "found \(node.written), at least \(JSON.numberText(least)) is allowed."))
            }
            if let most = schema["maximum"]?.number, number > most {
                errors.append(
                    fault(.badValue, node.place, path, "found \(node.written), at most \(JSON.numberText(most)) is allowed."))
            }
        }
        if schema["format"]?.string == Self.wordFormat, let other = Self.otherForm(of: node) {
            errors.append(
                fault(
                    .badValue, node.place, path,
                    "found \(node.written), which is a number and would be compared as \(other), not as it is written.",
                    hint: "Put it in quotes."))
        }
        if case .text(let text) = node.kind {
            let (least, most) = (schema["minLength"]?.int ?? 0, schema["maxLength"]?.int ?? .max)
            if text.unicodeScalars.count < least || text.unicodeScalars.count > most {
                let expected = most == .max ? "at least \(least)" : "\(least) to \(most)"
                errors.append(fault(.badValue, node.place, path, "found \(node.found), expected \(expected) characters."))
            }
            if !Self.fits(text, schema) {
                errors.append(fault(.badValue, node.place, path, "found \(node.found), expected \(Self.wanted(schema))."))
            }
        }
        return errors
    }

    /// The word of `format` for what is compared with the text of a file.
    private static let wordFormat = "word"

    /// How a plugin reads a number as a word, if that is not how it is written: `1.10` is 1.1.
    private static func otherForm(of node: YAMLNode) -> String? {
        let form: String
        switch node.kind {
        case .int(let number): form = String(number)
        case .double(let number): form = String(number)
        default: return nil
        }
        return form == node.written ? nil : form
    }

    private static func fits(_ text: String, _ schema: JSON) -> Bool {
        guard let expression = schema["pattern"]?.string.flatMap(expression) else { return true }
        return text.firstMatch(of: expression) != nil
    }

    private static func wanted(_ schema: JSON) -> String {
        schema["description"]?.string ?? "a text that fits \(schema["pattern"]?.string ?? "the pattern")"
    }

    private func listErrors(_ node: YAMLNode, _ schema: JSON, _ path: [String]) -> [ConfigurationError] {
        guard case .list(let elements) = node.kind else { return [] }
        var errors: [ConfigurationError] = []
        let (least, most) = (schema["minItems"]?.int ?? 0, schema["maxItems"]?.int ?? .max)
        if elements.count < least || elements.count > most {
            let expected = most == .max ? "at least \(least)" : "\(least) to \(most)"
            errors.append(fault(.badValue, node.place, path, "found \(elements.count) elements, expected \(expected)."))
        }
        guard let items = schema["items"] else { return errors }
        for (index, element) in elements.enumerated() {
            errors += self.errors(in: element, items, path + [String(index)], place: element.place)
        }
        return errors
    }

    private func mapErrors(_ node: YAMLNode, _ schema: JSON, _ path: [String]) -> [ConfigurationError] {
        guard case .map(let entries) = node.kind else { return [] }
        var errors: [ConfigurationError] = []
        let properties = schema["properties"]?.members ?? []
        for name in Self.words(schema["required"]) where !entries.contains(where: { $0.key == name }) {
            let meaning = properties.first { $0.name == name }?.value["description"]?.string.map { " (\($0))" } ?? ""
            errors.append(fault(.missingKey, node.place, path + [name], "the key is missing\(meaning)."))
        }
        let names = schema["propertyNames"].flatMap(resolved)
        for entry in entries {
            let path = path + [entry.key]
            if let names, !Self.fits(entry.key, names) {
                let found = Escaping.visible(entry.key, scalarsMax: 64)
                errors.append(fault(.badName, entry.place, path, "found the name '\(found)', expected \(Self.wanted(names))."))
                continue
            }
            if let property = properties.first(where: { $0.name == entry.key })?.value {
                errors += self.errors(in: entry.value, property, path, place: entry.value.place)
            } else if let others = schema["additionalProperties"] {
                guard case .bool(false) = others else {
                    errors += self.errors(in: entry.value, others, path, place: entry.value.place)
                    continue
                }
                let names = properties.map(\.name)
                let allowed = names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
                let hint = Suggestion.hint(for: entry.key, among: names)
                errors.append(fault(.unknownKey, entry.place, path, "unknown key; allowed here: \(allowed).", hint: hint))
            }
        }
        return errors
    }

    /// `oneOf`, `anyOf`: the errors of the branch that fits best, where none fits whole.
    private func branchErrors(_ node: YAMLNode, _ schema: JSON, _ path: [String], place: Place) -> [ConfigurationError] {
        guard let branches = schema["oneOf"]?.elements ?? schema["anyOf"]?.elements, !branches.isEmpty else { return [] }
        let fitting = branches.filter { branch in
            let words = Self.words(resolved(branch)?["type"])
            return words.isEmpty || words.contains(where: node.isOfType)
        }
        guard !fitting.isEmpty else {
            let words = branches.flatMap { Self.words(resolved($0)?["type"]) }
            var nouns: [String] = []
            for noun in words.map(Self.noun) where !nouns.contains(noun) { nouns.append(noun) }
            return [fault(.wrongType, place, path, "found \(node.found), expected \(nouns.joined(separator: " or ")).")]
        }
        return fitting.map { errors(in: node, $0, path, place: place) }.min { $0.count < $1.count } ?? []
    }

    private func fault(
        _ code: ConfigurationError.Code, _ place: Place, _ path: [String], _ message: String, hint: String = ""
    ) -> ConfigurationError {
        ConfigurationError(code, at: place, keyPath: path.joined(separator: "."), message, hint: hint)
    }

    private static func noun(_ type: String) -> String {
        switch type {
        case "object": "a mapping"
        case "array": "a list"
        case "string": "text"
        case "integer": "a whole number"
        case "number": "a number"
        case "boolean": "true or false"
        default: "nothing"
        }
    }
}

extension YAMLNode {
    /// Whether this value is of a type as JSON Schema names it.
    fileprivate func isOfType(_ type: String) -> Bool {
        switch (type, kind) {
        case ("object", .map), ("array", .list), ("string", .text), ("integer", .int), ("number", .int), ("number", .double),
            ("boolean", .bool), ("null", .null):
            true
        case ("integer", .double(let value)): value == value.rounded()
        default: false
        }
    }
}

extension JSON {
    fileprivate var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// Equality as JSON Schema has it: 1 and 1.0 are the same.
    func sameValue(as other: JSON) -> Bool {
        if let left = number, let right = other.number { return left == right }
        return text(.canonical) == other.text(.canonical)
    }
}
