import DropCore
import TwinModel

extension SettingsSchema {
    /// Words of `format` that mark a setting as the name of something which its plugin finds outside the settings.
    enum NameFormat: String {
        /// A time zone: its rules are handed to the plugin.
        case zone = "time-zone"
        /// One of the source's lookup tables.
        case lookup = "lookup-table"
    }

    /// A text of the settings that names something.
    struct Name {
        let text: String
        let place: Place
        let keyPath: [String]
    }

    /// Every text in `node` whose schema says that it is a name of this kind.
    func names(_ format: NameFormat, in node: YAMLNode, keyPath: [String]) -> [Name] { names(format, in: node, root, keyPath) }

    private func names(_ format: NameFormat, in node: YAMLNode, _ unresolved: JSON, _ path: [String]) -> [Name] {
        guard let schema = resolved(unresolved) else { return [] }
        var found: [Name] = []
        switch node.kind {
        case .text(let text) where schema["format"]?.string == format.rawValue:
            found.append(Name(text: text, place: node.place, keyPath: path))
        case .list(let elements):
            guard let items = schema["items"] else { break }
            for (index, element) in elements.enumerated() { found += names(format, in: element, items, path + [String(index)]) }
        case .map(let entries):
            for entry in entries {
                let property = schema["properties"]?[entry.key] ?? schema["additionalProperties"]
                if let property { found += names(format, in: entry.value, property, path + [entry.key]) }
            }
        default: break
        }
        for branch in schema["oneOf"]?.elements ?? schema["anyOf"]?.elements ?? [] {
            found += names(format, in: node, branch, path)
        }
        return found
    }
}
