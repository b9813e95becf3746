import DropCore
import TwinModel

/// Reads DTDL for the graph: what is uploaded, and what is stored.
enum ModelReader {
    /// One interface as the graph needs it.
    struct Interface {
        let id: String
        let extends: [String]
        let displayName: [JSON.Member]
        let description: [JSON.Member]
        let effective: EffectiveModel

        func entry(_ text: [UInt8], uploaded: Int64, isDecommissioned: Bool) -> ModelCatalog.Entry {
            ModelCatalog.Entry(
                data: ModelData(
                    id: id, displayName: displayName, description: description, isDecommissioned: isDecommissioned,
                    uploadTime: uploaded, definition: text), extends: extends, effective: effective)
        }
    }

    struct Result {
        var interfaces: [String: Interface] = [:]
        var recursive: [String: DTDLSchema] = [:]
    }

    /// How the service begins what its parser found.
    static let headline = "None of the models in the request could be created."

    /// Reads an upload. Errors: `DTDLParserError`, `ModelVersionNotSupported`.
    static func read(_ models: [ModelText], known: ModelCatalog) throws(ServiceError) -> Result {
        var result = Result()
        var pending = models.map(\.value)
        var effective = known.entries.mapValues(\.effective)
        while !pending.isEmpty {
            let before = pending.count
            pending.removeAll { model in
                guard let interface = Plain.interface(model, effective) else { return false }
                effective[interface.id] = interface.effective
                result.interfaces[interface.id] = interface
                return true
            }
            guard pending.count < before else { throw ServiceError(400, "DTDLParserError", headline + " References are unresolved.") }
        }
        return result
    }

    /// Reads what was checked when it was uploaded.
    static func read(stored: [[UInt8]]) -> Result {
        let models = stored.compactMap { text in (try? JSON(parsing: text)).map { ModelText(text: text, value: $0) } }
        return (try? read(models, known: .empty)) ?? Result()
    }

    /// Well-formed models only.
    private enum Plain {
        static func interface(_ json: JSON, _ known: [String: EffectiveModel]) -> Interface? {
            guard let id = json["@id"]?.string else { return nil }
            let extends = list(json["extends"]).compactMap(\.string)
            var ancestors = [id]
            var properties: [String: DTDLSchema] = [:]
            var components: [String: String] = [:]
            var relationships: [String: EffectiveRelationship] = [:]
            for parent in extends {
                guard let parent = known[parent] else { return nil }
                ancestors += parent.ancestors
                properties.merge(parent.properties) { $1 }
                components.merge(parent.components) { $1 }
                relationships.merge(parent.relationships) { $1 }
            }
            for content in list(json["contents"]) {
                guard let name = content["name"]?.string else { return nil }
                switch list(content["@type"]).first?.string {
                case "Property": properties[name] = schema(content["schema"])
                case "Component":
                    guard let component = content["schema"]?.string, known[component] != nil else { return nil }
                    components[name] = component
                case "Relationship":
                    var own: [String: DTDLSchema] = [:]
                    for property in list(content["properties"]) { own[property["name"]?.string ?? ""] = schema(property["schema"]) }
                    relationships[name] = EffectiveRelationship(target: content["target"]?.string, properties: own)
                default: break
                }
            }
            return Interface(
                id: id, extends: extends, displayName: map(json["displayName"]), description: map(json["description"]),
                effective: EffectiveModel(
                    id: id, ancestors: ancestors, properties: properties, components: components, relationships: relationships,
                    telemetry: []))
        }

        static func list(_ json: JSON?) -> [JSON] {
            if case .array(let elements)? = json { return elements }
            return json.map { [$0] } ?? []
        }

        static func map(_ json: JSON?) -> [JSON.Member] {
            if case .string? = json { return [.init("en", json!)] }
            return json?.members ?? []
        }

        static func schema(_ json: JSON?) -> DTDLSchema {
            if let name = json?.string { return .primitive(.init(rawValue: name) ?? .string) }
            switch json?["@type"]?.string {
            case "Enum": return .enumeration(list(json?["enumValues"]).compactMap { $0["enumValue"] })
            case "Map": return .map(schema(json?["mapValue"]?["schema"]))
            case "Array": return .array(schema(json?["elementSchema"]))
            default:
                return .object(list(json?["fields"]).map { .init(name: $0["name"]?.string ?? "", schema: schema($0["schema"])) })
            }
        }
    }
}

/// The form of model ids, as far as telling a mistyped one from an unknown one needs it.
enum DTMIText {
    static func isPlausible(_ text: String) -> Bool {
        guard text.utf8.count <= 2048, text.hasPrefix("dtmi:") else { return false }
        let parts = text.dropFirst(5).split(separator: ";", omittingEmptySubsequences: false)
        guard parts.count <= 2, let path = parts.first, !path.isEmpty else { return false }
        let isPath = path.split(separator: ":", omittingEmptySubsequences: false).allSatisfy { segment in
            segment.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
            } && segment.utf8.first.map { !(0x30...0x39).contains($0) } ?? false && segment.utf8.last != 0x5F
        }
        guard parts.count == 2 else { return isPath }
        let version = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        return isPath && (1...2).contains(version.count)
            && version.allSatisfy { part in
                (1...9).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && (part == "0" || part.utf8.first != 0x30)
            }
    }
}

extension JSON {
    /// The same value, whatever the order of members, and whether a whole number is written with a fraction.
    func isSame(as other: JSON) -> Bool { utf8(.canonical) == other.utf8(.canonical) }
}
