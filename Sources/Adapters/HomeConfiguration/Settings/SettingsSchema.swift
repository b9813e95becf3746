import DropCore
import TwinModel

/// The shape of a plugin's settings: a part of JSON Schema that can be checked without surprises.
///
/// Keywords: `type` (a word or a list), `properties`, `required`, `additionalProperties` (true, false, a schema), `items`,
/// `propertyNames`, `minItems`, `maxItems`, `enum`, `const`, `minimum`, `maximum`, `minLength`, `maxLength`, `pattern` (a regular
/// expression; its `description` says in words what it wants), `oneOf` and `anyOf` (the value follows at least one), `$ref` to
/// `#/$defs/NAME`; `title`, `description`, `default`, `examples`, `format`, `$schema`, `$id`, `$comment`, `$defs` say nothing
/// about values. Any other keyword is an error of the manifest, because its rule would not be checked.
struct SettingsSchema: Sendable {
    static let checked: Set<String> = [
        "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "const", "minimum",
        "maximum", "minLength", "maxLength", "pattern", "propertyNames", "oneOf", "anyOf", "$ref",
    ]
    static let spoken: Set<String> = [
        "title", "description", "default", "examples", "format", "$schema", "$id", "$comment", "$defs",
    ]
    static let types = ["object", "array", "string", "integer", "number", "boolean", "null"]

    let root: JSON

    /// The schema, and what is wrong with it itself, in words.
    static func read(_ json: JSON) -> (schema: SettingsSchema, faults: [String]) {
        let schema = SettingsSchema(root: json)
        var faults: [String] = []
        schema.inspect(json, at: "settings", &faults)
        return (schema, faults)
    }

    /// Follows `$ref`; nil if it leads nowhere.
    func resolved(_ schema: JSON) -> JSON? {
        var schema = schema
        for _ in 0..<16 {
            guard let reference = schema["$ref"]?.string else { return schema }
            guard let name = reference.split(separator: "/").last, reference == "#/$defs/\(name)",
                let next = root["$defs"]?[String(name)]
            else { return nil }
            schema = next
        }
        return nil
    }

    private func inspect(_ schema: JSON, at path: String, _ faults: inout [String]) {
        if case .bool = schema { return }
        guard let members = schema.members else {
            faults.append("\(path): a schema is an object, true or false.")
            return
        }
        for member in members where !Self.checked.contains(member.name) && !Self.spoken.contains(member.name) {
            faults.append("\(path): the keyword \(member.name) is not checked by TwinDrop; allowed: \(Self.allowed).")
        }
        for word in Self.words(schema["type"]) where !Self.types.contains(word) {
            faults.append("\(path).type: found \(word), allowed: \(Self.types.joined(separator: ", ")).")
        }
        if schema["$ref"] != nil, resolved(schema) == nil {
            faults.append("\(path).$ref: it must name a schema of $defs, as #/$defs/NAME, and not lead round in a circle.")
        }
        if let pattern = schema["pattern"], pattern.string.flatMap({ Self.expression($0) }) == nil {
            faults.append("\(path).pattern: it must be a regular expression.")
        }
        for keyword in ["properties", "$defs"] {
            for member in schema[keyword]?.members ?? [] {
                inspect(member.value, at: "\(path).\(keyword).\(member.name)", &faults)
            }
        }
        for keyword in ["items", "additionalProperties", "propertyNames"] {
            if let inner = schema[keyword] { inspect(inner, at: "\(path).\(keyword)", &faults) }
        }
        for keyword in ["oneOf", "anyOf"] {
            for (index, inner) in (schema[keyword]?.elements ?? []).enumerated() {
                inspect(inner, at: "\(path).\(keyword).\(index)", &faults)
            }
        }
    }

    /// The regular expression `pattern`, which may fit anywhere in a text; nil if it is not valid.
    static func expression(_ pattern: String) -> Regex<AnyRegexOutput>? {
        (try? Regex(pattern))?.matchingSemantics(.unicodeScalar)  // The reason does not matter: it is not a regular expression.
    }

    /// One word, or the words of a list.
    static func words(_ json: JSON?) -> [String] {
        switch json {
        case .string(let word): [word]
        case .array(let words): words.compactMap(\.string)
        default: []
        }
    }

    private static let allowed = checked.union(["title", "description", "default"]).sorted().joined(separator: ", ")
}
