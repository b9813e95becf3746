import CodecKit
import DropCore
import TwinModel

extension CallWriter {
    /// Creates or replaces a twin (docs/azure-contract.md, "Twins").
    ///
    /// - Parameter twinsMax: twins there may be; nil: no such bound.
    func put(twin id: String, _ payload: JSON, _ condition: Precondition, twinsMax: Int? = nil) throws -> ServiceEntity {
        try Self.check(id: id, "twin")
        let old = try twin(id)
        try Self.check(condition, etag: old.map { store.etag($0, kind: 0) }, "The twin \(id)")
        let document: TwinDocument
        do throws(DocumentError) { document = try TwinDocument(payload: payload) } catch { throw ServiceError(error) }
        let key = store.keys.number(of: document.model ?? "")
        let shape = try shape(of: document, isNew: old == nil || old?.key != key)
        try Self.check(document, shape)
        if old == nil, let twinsMax { try checkCount(twinsMax) }
        let record = record(of: document, shape, old: old?.record, replacing: true)
        let twin = try old.map { try revise(twin: $0, model: key, record) } ?? create(twin: id, model: key, record)
        return try renderer().entity(twin: twin)
    }

    /// Changes a twin (docs/azure-contract.md, "Patches"); its new tag.
    func patch(twin id: String, _ patch: JSONPatch, _ condition: Precondition) throws -> String {
        guard let old = try twin(id) else { throw Self.missing(twin: id) }
        let etag = store.etag(old, kind: 0)
        try Self.check(condition, etag: etag, "The twin \(id)")
        guard !patch.operations.isEmpty else { return etag }
        let oldShape = catalog.shape(old.key)
        var document = try document(of: old)
        let oldComponents = oldShape.map { Array($0.components.keys) } ?? knownComponents(of: old)
        document.addComponents(oldComponents)
        // A patch that changes the model may also add the components the new one has.
        let isComponent = { [catalog, store] (name: String) -> Bool in
            if oldComponents.contains(where: { $0.utf8.elementsEqual(name.utf8) }) { return true }
            return patch.operations.contains { operation in
                operation.path == ["$metadata", "$model"]
                    && operation.value?.string.flatMap { store.keys.known($0) }.flatMap { catalog.shape($0) }?.components[name]
                        != nil
            }
        }
        do throws(JSONPatchError) {
            try document.apply(patch, components: isComponent)
        } catch {
            throw ServiceError(400, "JsonPatchInvalid", error.message)
        }
        let key = store.keys.number(of: document.model ?? "")
        let shape = try shape(of: document, isNew: old.key != key)
        try Self.check(document, shape)
        let record = record(of: document, shape, old: old.record, replacing: false)
        return store.etag(try revise(twin: old, model: key, record), kind: 0)
    }

    /// Deletes a twin that no relationship touches (docs/azure-contract.md, "Twins").
    func delete(twin id: String, _ condition: Precondition) throws {
        guard let old = try twin(id) else { throw Self.missing(twin: id) }
        try Self.check(condition, etag: store.etag(old, kind: 0), "The twin \(id)")
        guard try !hasRelationships(old) else {
            throw ServiceError(
                400, "RelationshipsNotDeleted",
                "The twin \(id) has relationships, or is the target of some. Delete those first.")
        }
        try delete(twin: old)
    }

    // MARK: Documents and records

    /// The components of a twin whose model is gone, as far as its record tells.
    private func knownComponents(of twin: StoredEntity) -> [String] {
        let named = twin.record.properties.compactMap { PropertyPath(key: store.keys.name($0.key)).component }
        return Set(named + twin.record.extras.levels.map { store.keys.name($0.key) }).sorted()
    }

    /// What a stored twin says.
    func document(of twin: StoredEntity) throws(DropError) -> TwinDocument {
        var properties: [(path: PropertyPath, value: JSON)] = []
        var sourceTimes: [PropertyPath: String] = [:]
        for property in twin.record.properties {
            properties.append((PropertyPath(key: store.keys.name(property.key)), try property.decoded().json))
        }
        for (key, text) in twin.record.extras.sourceTimes {
            sourceTimes[PropertyPath(key: store.keys.name(key))] = String(decoding: text, as: UTF8.self)
        }
        return TwinDocument(
            model: twin.key == 0 ? nil : store.keys.name(twin.key), properties: properties, sourceTimes: sourceTimes)
    }

    /// The record of a document. What it did not touch keeps its bytes and stamps, unless all is replaced.
    func record(of document: TwinDocument, _ shape: TwinShape, old: TwinRecord?, replacing: Bool) -> TwinRecord {
        var record = old ?? TwinRecord(created: effects.dropNumber, base: stamp)
        record.properties = []
        record.extras = .init()
        var stamped: Set<String> = []
        for (path, value) in document.properties(shape) {
            let key = store.keys.number(of: path.key)
            if !replacing, !document.touched.contains(path), let kept = old?.property(key) {
                record.properties.append(kept)
                continue
            }
            let model = path.component.map { shape.components[$0] } ?? shape.model
            record.properties.append(
                .init(key: key, value: PropertyValue(value, model?.properties[path.name]).encoded()[...], stamp: stamp))
            if let component = path.component { stamped.insert(component) }
        }
        record.properties.sort { $0.key < $1.key }
        for (path, text) in document.sourceTimes {
            record.extras.sourceTimes.append((store.keys.number(of: path.key), Array(text.utf8)))
        }
        record.extras.sourceTimes.sort { $0.key < $1.key }
        record.extras.levels = levels(document, shape, old: old, replacing: replacing, stamped)
        return record
    }

    /// Components whose last change no property of theirs shows.
    private func levels(
        _ document: TwinDocument, _ shape: TwinShape, old: TwinRecord?, replacing: Bool, _ stamped: Set<String>
    ) -> [(key: UInt32, drop: UInt64)] {
        var levels: [(key: UInt32, drop: UInt64)] = []
        for name in shape.components.keys where !stamped.contains(name) {
            let key = store.keys.number(of: name)
            if replacing || document.touched.contains(PropertyPath(name, "")) {
                levels.append((key, effects.dropNumber))
            } else if let kept = old?.extras.levels.first(where: { $0.key == key }) {
                levels.append(kept)
            }
        }
        return levels.sorted { $0.key < $1.key }
    }

    // MARK: Checks

    /// What the twin's model allows. `isNew`: the twin does not have this model yet.
    private func shape(of document: TwinDocument, isNew: Bool) throws(ServiceError) -> TwinShape {
        guard let model = document.model else {
            throw .invalid("Invalid twin specified", ["The twin has no model: add /$metadata/$model, and what it asks for."])
        }
        guard let entry = catalog.entries[model], let shape = catalog.shape(store.keys.number(of: model)) else {
            throw .invalid("Invalid twin specified", ["\(model) or one of its dependencies does not exist."])
        }
        guard !isNew || !entry.data.isDecommissioned else {
            throw ServiceError(
                400, "ModelDecommissioned",
                "The model \(model) is decommissioned and takes no new twins. Use a newer version of it.")
        }
        return shape
    }

    private func checkCount(_ twinsMax: Int) throws(ServiceError) {
        guard store.twins.count < twinsMax else {
            throw ServiceError(
                400, "TwinLimitReached",
                "The graph holds \(twinsMax) twins already, which is the most that http.limits.twins allows. Delete some, or raise it."
            )
        }
    }

    private static func check(_ document: TwinDocument, _ shape: TwinShape) throws(ServiceError) {
        let problems = document.problems(shape)
        guard problems.isEmpty else { throw .invalid("Invalid twin specified", problems) }
        guard fits(document.content) else {
            let bytes = document.content.utf8().count
            throw ServiceError(
                400, "LimitExceeded",
                "The twin would have \(bytes) bytes; at most \(twinBytesMax) fit. Split it into several twins.")
        }
    }

    /// Bytes of a twin's or relationship's document (docs/azure-contract.md, "Limits").
    static let twinBytesMax = 32 << 10

    /// Whether a twin's or relationship's content is small enough.
    static func fits(_ content: JSON) -> Bool { content.utf8().count <= twinBytesMax }

    /// Whether a text can be the id of a twin or relationship.
    static func isFit(_ id: String) -> Bool {
        !id.isEmpty && id.unicodeScalars.count <= 128 && !id.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    }

    static func check(id: String, _ what: String) throws(ServiceError) {
        guard isFit(id) else {
            throw ServiceError(
                400, "InvalidArgument",
                "\"\(Escaping.visible(id, scalarsMax: 150))\" cannot be the id of a \(what): use 1 to 128 characters, none of them "
                    + "control characters.")
        }
    }

    /// `etag` is nil where there is nothing yet.
    static func check(_ condition: Precondition, etag: String?, _ what: String) throws(ServiceError) {
        func fail(_ why: String) -> ServiceError { ServiceError(412, "PreconditionFailed", "\(what) \(why)") }
        switch condition {
        case .none: return
        case .ifAbsent:
            guard etag == nil else { throw fail("exists already. Leave out If-None-Match to replace it.") }
        case .ifPresent:
            guard etag != nil else { throw fail("does not exist. Leave out If-Match to create it.") }
        case .ifTagged(let tags):
            guard let etag else { throw fail("does not exist. Leave out If-Match to create it.") }
            guard tags.contains(where: { $0.utf8.elementsEqual(etag.utf8) }) else {
                throw fail("was changed since: its tag is another now. Read it again and repeat the change.")
            }
        }
    }

    static func missing(twin id: String) -> ServiceError {
        ServiceError(404, "DigitalTwinNotFound", "There is no digital twin with the id \(Escaping.visible(id, scalarsMax: 200)).")
    }
}

extension ServiceError {
    /// Content that its model refuses: one detail for each problem.
    static func invalid(_ headline: String, _ problems: [String]) -> ServiceError {
        ServiceError(
            400, "ValidationFailed", headline, details: problems.map { Detail(code: "ValidationFailed", message: $0) })
    }

    init(_ error: DocumentError) {
        switch error {
        case .noObject: self.init(400, "InvalidArgument", "Payload is invalid. Send a JSON object.")
        case .invalid(let problems): self = .invalid("Invalid twin specified", problems)
        }
    }
}
