import CodecKit
package import DropCore
package import TwinModel

extension ModelIntake {
    /// The interfaces of documents that are not stored yet.
    package static func interfaces(
        in documents: [ModelDocument], beside catalog: ModelCatalog
    ) throws(ServiceError) -> [ModelText] {
        var fresh: [ModelText] = []
        var places: [String: (file: String, value: JSON)] = [:]
        for document in documents {
            for (value, text) in try elements(of: document) {
                guard let id = value["@id"]?.string else {
                    throw ServiceError(
                        .invalidModel,
                        "\(document.name): an element has no @id: each interface in it needs one, such as dtmi:com:example:Lift;1."
                    )
                }
                if let other = places[id] {
                    guard other.value.isSame(as: value) else { throw conflict(id, document.name, other.file) }
                    continue
                }
                places[id] = (document.name, value)
                if let stored = catalog.entries[id] {
                    let known = try? JSON(parsing: stored.data.definition, depthMax: 64)  // What was stored can be read.
                    guard known?.isSame(as: value) ?? false else {
                        let time = UTCTime(milliseconds: UInt64(max(0, stored.data.uploadTime / 1000)))
                        throw conflict(id, document.name, "the model that is in the graph since \(time)")
                    }
                    continue
                }
                fresh.append(ModelText(text: text, value: value, file: document.name))
            }
        }
        return fresh
    }

    private static func elements(of document: ModelDocument) throws(ServiceError) -> [(JSON, [UInt8])] {
        let node: JSONNode
        do {
            node = try JSONNode(reading: document.bytes)
        } catch {
            throw ServiceError(
                .invalidModel, "\(document.name), byte \(error.offset): this is no JSON text: \(error.message).")
        }
        return (node.elements ?? [node]).map { ($0.json, Array(document.bytes[$0.range])) }
    }

    private static func conflict(_ id: String, _ file: String, _ other: String) -> ServiceError {
        ServiceError(
            .modelExists,
            "\(file) and \(other) define \(id) differently. Models cannot be changed: give the new one another version, or delete the "
                + "stored one first.")
    }
}
