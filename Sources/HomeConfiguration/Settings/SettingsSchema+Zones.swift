import DropCore
import TwinModel

extension SettingsSchema {
    /// The word of `format` that marks a setting as the name of a time zone: its rules are handed to the plugin.
    static let zoneFormat = "time-zone"

    /// A text of the settings that names a time zone.
    struct ZoneName {
        let text: String
        let place: Place
        let keyPath: [String]
    }

    /// Every text in `node` whose schema says that it names a time zone.
    func zoneNames(in node: YAMLNode, keyPath: [String]) -> [ZoneName] { zoneNames(in: node, root, keyPath) }

    private func zoneNames(in node: YAMLNode, _ unresolved: JSON, _ path: [String]) -> [ZoneName] {
        guard let schema = resolved(unresolved) else { return [] }
        var found: [ZoneName] = []
        switch node.kind {
        case .text(let text) where schema["format"]?.string == Self.zoneFormat:
            found.append(ZoneName(text: text, place: node.place, keyPath: path))
        case .list(let elements):
            guard let items = schema["items"] else { break }
            for (index, element) in elements.enumerated() { found += zoneNames(in: element, items, path + [String(index)]) }
        case .map(let entries):
            for entry in entries {
                let property = schema["properties"]?[entry.key] ?? schema["additionalProperties"]
                if let property { found += zoneNames(in: entry.value, property, path + [entry.key]) }
            }
        default: break
        }
        for branch in schema["oneOf"]?.elements ?? schema["anyOf"]?.elements ?? [] {
            found += zoneNames(in: node, branch, path)
        }
        return found
    }
}
