package import DropCore
package import TwinModel

/// What callers may bring in.
package struct ServiceRules: Sendable, Equatable {
    /// Whose rules hold for `upload(models:)`; models of files and jobs follow the language itself.
    package var uploads = ModelOptions.Profile.dtdl
    /// Twins there may be before callers can make no more; nil: as many as fit.
    package var twinsMax: Int?

    package init(uploads: ModelOptions.Profile = .dtdl, twinsMax: Int? = nil) {
        self.uploads = uploads
        self.twinsMax = twinsMax
    }
}

/// The twin service on the graph of a store, whichever that is: every rule of it is here, and none in the store.
package struct GraphService<Store: TwinStorage>: TwinService {
    let store: Store
    let rules: ServiceRules

    package init(_ store: Store, rules: ServiceRules = ServiceRules()) {
        self.store = store
        self.rules = rules
    }

    func call<T>(
        _ caller: Caller, _ what: String, isAlone: Bool = false, _ body: @escaping (Store.Writer) throws -> T
    ) throws(ServiceError) -> T {
        try store.call(caller, what, isAlone: isAlone, body)
    }

    // MARK: Twins

    package func twin(_ id: String) throws(ServiceError) -> ServiceEntity {
        let found = try store.answering { reader throws(DropError) -> ServiceEntity? in
            guard let twin = try reader.twin(id) else { return nil }
            return try reader.entity(twin)
        }
        guard let found else { throw .missing(twin: id) }
        return found
    }

    package func put(
        twin id: String, _ document: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> ServiceEntity {
        try call(caller, "put twin") { [rules] writer in
            try writer.put(twin: id, document, condition, twinsMax: rules.twinsMax)
        }
    }

    package func patch(
        twin id: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String {
        let read = Self.read(patch: patch, below: nil)
        return try call(caller, "patch twin") { writer in try writer.patch(twin: id, read, condition) }
    }

    package func delete(twin id: String, _ condition: Precondition, by caller: Caller) throws(ServiceError) {
        try call(caller, "delete twin") { writer in try writer.delete(twin: id, condition) }
    }

    package func component(_ name: String, ofTwin id: String) throws(ServiceError) -> ServiceEntity {
        let found = try store.answering { reader throws(DropError) -> (tag: String, object: JSON?)? in
            guard let twin = try reader.twin(id) else { return nil }
            var texts = TickTexts()
            return (reader.tag(of: twin), try reader.view(of: twin, isDated: false).component(name, &texts))
        }
        guard let found else { throw .missing(twin: id) }
        guard let object = found.object else { throw .missing(component: name, of: id) }
        return ServiceEntity(etag: found.tag, document: object)
    }

    package func patch(
        component name: String, ofTwin id: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String {
        let read = Self.read(patch: patch, below: name)
        return try call(caller, "patch component") { writer in try writer.patch(twin: id, read, condition) }
    }

    package func telemetry(
        twin id: String, component: String?, messageID: String, sourceTime: String?, payload: JSON, by caller: Caller
    ) throws(ServiceError) {
        guard !messageID.isEmpty else {
            throw ServiceError(.invalidArgument, "The header Message-Id is missing: give each message an id of its own.")
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

    /// The patch, or why it is none; `component` goes before each path.
    static func read(patch: JSON, below component: String?) -> Result<JSONPatch, ServiceError> {
        do throws(JSONPatchError) {
            var read = try JSONPatch(patch)
            if let component {
                read.operations = read.operations.map { .init($0.verb, [component] + $0.path, $0.value) }
            }
            return .success(read)
        } catch {
            return .failure(ServiceError(.invalidPatch, error.message))
        }
    }
}
