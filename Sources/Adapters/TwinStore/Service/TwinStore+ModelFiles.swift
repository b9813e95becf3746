import CodecKit
package import DropCore
import Synchronization
package import TwinModel

extension TwinStore {
    /// Takes the models of files: one interface, or an array of them, each. Those that are stored already with the same content
    /// are left as they are; the answer has the new ones.
    ///
    /// Errors: as `upload`; `ModelIdAlreadyExists` where one id has two contents, with both places in the message.
    ///
    /// - Parameter isRehearsal: nothing is stored; this process alone knows the models, for a dry run.
    package func adopt(
        _ documents: [ModelDocument], by caller: Caller, isRehearsal: Bool = false
    ) throws(ServiceError) -> [ModelData] {
        let fresh = try Self.interfaces(in: documents, beside: catalog)
        guard !fresh.isEmpty else { return [] }
        guard isRehearsal else {
            return try call(caller, "adopt models", isAlone: true) { writer in try writer.upload(fresh) }
        }
        let set = try ModelIntake.read(fresh, known: catalog.set)
        var entries = catalog.entries
        for model in fresh {
            guard let interface = model.value["@id"]?.string.flatMap({ set.interfaces[$0] }) else { continue }
            entries[interface.id] = .init(interface, model.text, uploaded: clock() / 10, isDecommissioned: false)
        }
        let extended = ModelCatalog(entries, set) { keys.number(of: $0) }
        presentCatalog.withLock { $0 = extended }
        return fresh.compactMap { $0.value["@id"]?.string.flatMap { entries[$0]?.data } }
    }

    /// The interfaces of documents that are not stored yet.
    private static func interfaces(
        in documents: [ModelDocument], beside catalog: ModelCatalog
    ) throws(ServiceError) -> [ModelText] {
        var fresh: [ModelText] = []
        var places: [String: (file: String, value: JSON)] = [:]
        for document in documents {
            for (value, text) in try elements(of: document) {
                guard let id = value["@id"]?.string else {
                    throw ServiceError(
                        400, "DTDLParserError",
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
                400, "DTDLParserError", "\(document.name), byte \(error.offset): this is no JSON text: \(error.message).")
        }
        return (node.elements ?? [node]).map { ($0.json, Array(document.bytes[$0.range])) }
    }

    private static func conflict(_ id: String, _ file: String, _ other: String) -> ServiceError {
        ServiceError(
            409, "ModelIdAlreadyExists",
            "\(file) and \(other) define \(id) differently. Models cannot be changed: give the new one another version, or delete the "
                + "stored one first.")
    }
}
