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
        Result()
    }

    /// Reads what was checked when it was uploaded.
    static func read(stored: [[UInt8]]) -> Result {
        Result()
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
