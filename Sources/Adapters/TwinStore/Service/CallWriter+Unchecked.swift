import DropCore
import TwinModel

/// What an export marked as not conforming: the graph held it (a file brought it in that nobody checked, or its model is gone),
/// so an import takes it as it is.
extension CallWriter {
    /// Creates or replaces a twin as `put(twin:)` does, whether or not a model allows it. An object that has `$metadata` in it is
    /// a component.
    func put(unchecked id: String, _ payload: JSON) throws {
        try Self.check(uncheckedID: id, "twin")
        let document: TwinDocument
        do throws(DocumentError) {
            document = try TwinDocument(payload: payload, needsModel: false)
        } catch { throw ServiceError(error) }
        let key = document.model.map { store.keys.number(of: $0) } ?? 0
        let known = catalog.shape(key)
        var components = known?.components ?? [:]
        let none = EffectiveModel(id: "", ancestors: [], properties: [:], components: [:], relationships: [:], telemetry: [])
        for member in payload.members ?? [] where member.name != "$metadata" && member.value["$metadata"] != nil {
            components[member.name] = components[member.name] ?? none
        }
        let shape = TwinShape(model: known?.model ?? none, components: components, models: catalog.set)
        let old = try twin(id)
        let record = record(of: document, shape, old: old?.record, replacing: true)
        if let old { _ = try revise(twin: old, model: key, record) } else { _ = try create(twin: id, model: key, record) }
    }

    /// Creates or replaces a relationship between twins that are there, whether or not a model allows it.
    func put(uncheckedRelationship id: String, of sourceID: String, _ payload: JSON) throws {
        try Self.check(uncheckedID: id, "relationship")
        guard let source = try twin(sourceID) else { throw Self.missing(twin: sourceID) }
        guard let name = payload["$relationshipName"]?.string, let targetID = payload["$targetId"]?.string else {
            throw ServiceError(.invalidArgument, "The relationship needs the texts $relationshipName and $targetId.")
        }
        guard let target = try twin(targetID) else { throw Self.missing(target: targetID) }
        let declared = catalog.shape(source.key)?.model.relationships[name]
        let old = try relationship(id, of: source)
        let record = record(ofRelationship: payload, declared ?? .init(target: nil, properties: [:]), old: old?.record)
        let key = store.keys.number(of: name)
        if let old {
            _ = try revise(relationship: old, to: target.number, name: key, record)
        } else {
            _ = try create(relationship: id, from: source, to: target, name: key, record)
        }
    }

    private static func check(uncheckedID id: String, _ what: String) throws(ServiceError) {
        guard !id.isEmpty, id.utf8.count <= 4096, !id.utf8.contains(0) else {
            throw ServiceError(.invalidArgument, "The id of a \(what) is to have 1 to 4096 bytes, and no NUL.")
        }
    }
}

extension ModelCatalog {
    /// True where a call may write this twin just as its document says.
    func conforms(twin document: JSON, _ model: UInt32) -> Bool {
        guard let shape = shape(model), let id = document["$dtId"]?.string, CallWriter.isFit(id) else { return false }
        guard let read = try? TwinDocument(payload: document) else { return false }  // Why it is none, nobody asks.
        return read.problems(shape).isEmpty && CallWriter.fits(read.content)
    }

    /// True where a call may write this relationship just as its document says; `source` and `target` are models.
    func conforms(
        relationship document: JSON, from source: UInt32, to target: UInt32, named: (UInt32) -> String
    ) -> Bool {
        guard let name = document["$relationshipName"]?.string, let id = document["$relationshipId"]?.string,
            CallWriter.isFit(id), document["$sourceId"] != document["$targetId"], self.shape(target) != nil
        else { return false }
        let values = (document.members ?? []).filter { !CallWriter.fixed.contains($0.name) }
        return refusal(ofRelationship: name, from: source, to: target, values, strict: true, named: named) == nil
            && CallWriter.fits(.object(values))
    }
}
