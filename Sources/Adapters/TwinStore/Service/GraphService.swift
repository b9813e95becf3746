import CodecKit
package import DropCore
import GRDB
package import TwinModel

/// The twin service on the graph of a store.
package struct GraphService: TwinService {
    /// What callers may bring in.
    package struct Rules: Sendable, Equatable {
        /// Whose rules hold for `upload(models:)`; models of files and jobs follow the language itself.
        package var uploads = ModelOptions.Profile.dtdl
        /// Twins there may be before callers can make no more; nil: as many as fit.
        package var twinsMax: Int?

        package init(uploads: ModelOptions.Profile = .dtdl, twinsMax: Int? = nil) {
            self.uploads = uploads
            self.twinsMax = twinsMax
        }
    }

    let store: TwinStore
    let rules: Rules

    package init(_ store: TwinStore, rules: Rules = Rules()) {
        self.store = store
        self.rules = rules
    }

    // MARK: Twins

    package func twin(_ id: String) throws(ServiceError) -> ServiceEntity {
        let found = try store.answering { database throws(DropError) -> ServiceEntity? in
            guard let twin = try store.twinEntity(id, asOf: nil, database) else { return nil }
            return try TwinRenderer(store, database, store.catalog).entity(twin: twin)
        }
        guard let found else { throw CallWriter.missing(twin: id) }
        return found
    }

    package func put(
        twin id: String, _ document: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> ServiceEntity {
        try store.call(caller, "put twin") { [rules] writer in
            try writer.put(twin: id, document, condition, twinsMax: rules.twinsMax)
        }
    }

    package func patch(
        twin id: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String {
        let read = Self.read(patch: patch, below: nil)
        return try store.call(caller, "patch twin") { writer in
            guard try writer.twin(id) != nil else { throw CallWriter.missing(twin: id) }
            return try writer.patch(twin: id, read.get(), condition)
        }
    }

    package func delete(twin id: String, _ condition: Precondition, by caller: Caller) throws(ServiceError) {
        try store.call(caller, "delete twin") { writer in try writer.delete(twin: id, condition) }
    }

    package func component(_ name: String, ofTwin id: String) throws(ServiceError) -> ServiceEntity {
        let found = try store.answering { database throws(DropError) -> (String, JSON?)? in
            guard let twin = try store.twinEntity(id, asOf: nil, database) else { return nil }
            let renderer = TwinRenderer(store, database, store.catalog)
            return (store.etag(twin, kind: 0), try renderer.component(name, of: twin))
        }
        guard let (etag, object) = found else { throw CallWriter.missing(twin: id) }
        guard let object else { throw Self.missing(component: name, of: id) }
        return ServiceEntity(etag: etag, document: object)
    }

    package func patch(
        component name: String, ofTwin id: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String {
        let read = Self.read(patch: patch, below: name)
        return try store.call(caller, "patch component") { writer in
            guard try writer.twin(id) != nil else { throw CallWriter.missing(twin: id) }
            return try writer.patch(twin: id, read.get(), condition)
        }
    }

    package func telemetry(
        twin id: String, component: String?, messageID: String, sourceTime: String?, payload: JSON, by caller: Caller
    ) throws(ServiceError) {
        guard !messageID.isEmpty else {
            throw ServiceError(400, "InvalidArgument", "The header Message-Id is missing: give each message an id of its own.")
        }
        guard case .object = payload else {
            throw .invalid("Invalid telemetry specified", ["The payload is \(payload.kindInWords): send a JSON object."])
        }
        if let component { _ = try self.component(component, ofTwin: id) } else { _ = try twin(id) }
    }

    // MARK: Queries

    package func query(
        _ text: String?, continuation: String?, limit: Int?, isWanted: @escaping @Sendable () -> Bool
    ) throws(ServiceError) -> QueryPage {
        try store.query(text, continuation: continuation, limit: limit, isWanted: isWanted)
    }

    // MARK: Parts

    static func missing(component: String, of id: String) -> ServiceError {
        ServiceError(
            404, "ComponentNotFound", "The twin \(id) has no component \(Escaping.visible(component, scalarsMax: 200)).")
    }

    /// The patch, or why it is none; `component` goes before each path.
    static func read(patch: JSON, below component: String?) -> Result<JSONPatch, ServiceError> {
        do throws(JSONPatchError) {
            var read = try JSONPatch(patch)
            if let component {
                read.operations = read.operations.map { .init($0.verb, [component] + $0.path, $0.value) }
            }
            return .success(read)
        } catch {
            return .failure(ServiceError(400, "JsonPatchInvalid", error.message))
        }
    }
}
