package import TwinModel

/// The twin graph as a service: what the Azure Digital Twins data plane (api-version 2023-10-31) offers, without HTTP. Every
/// call is one request of one caller, whole or not at all; calls block, and are safe from any thread but Swift's cooperative
/// pool.
///
/// All errors are `ServiceError`. Ids are compared byte by byte.
package protocol TwinService: Sendable {
    // Models

    /// Stores all interfaces or none, and answers in the order of the request. Each element is the text of one interface, and is
    /// returned exactly as it was sent.
    ///
    /// Errors: `invalidModel`, `modelExists`, `modelVersionNotSupported`, `limitExceeded`, `invalidArgument`.
    func upload(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData]
    /// With its definition. Errors: `modelNotFound`, `invalidArgument`.
    func model(_ id: String) throws(ServiceError) -> ModelData
    /// At most `limit` models in a stable order, after the model `after`; of `dependenciesFor` (all, where empty) and what they
    /// extend or contain. Errors: `modelNotFound`, `invalidArgument`.
    func models(dependenciesFor: [String], after: String?, limit: Int) throws(ServiceError) -> ServicePage<ModelData>
    /// Errors: `modelNotFound`, `modelReferencesNotDecommissioned`.
    func decommission(model id: String, _ value: Bool, by caller: Caller) throws(ServiceError)
    /// Errors: `modelNotFound`, `modelReferencesNotDeleted`.
    func delete(model id: String, by caller: Caller) throws(ServiceError)

    // Twins

    /// Errors: `twinNotFound`.
    func twin(_ id: String) throws(ServiceError) -> ServiceEntity
    /// Creates or replaces. Errors: `invalidArgument`, `validationFailed`, `modelDecommissioned`, `preconditionFailed`,
    /// `twinLimitReached`.
    func put(
        twin id: String, _ document: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> ServiceEntity
    /// The new tag. Errors: `twinNotFound`, `invalidPatch`, `validationFailed`, `preconditionFailed`.
    func patch(twin id: String, _ patch: JSON, _ condition: Precondition, by caller: Caller) throws(ServiceError) -> String
    /// Errors: `twinNotFound`, `relationshipsNotDeleted`, `preconditionFailed`.
    func delete(twin id: String, _ condition: Precondition, by caller: Caller) throws(ServiceError)
    /// The component's object, and the twin's tag. Errors: `twinNotFound`, `componentNotFound`.
    func component(_ name: String, ofTwin id: String) throws(ServiceError) -> ServiceEntity
    /// As `patch(twin:)`, with every path below the component; an unknown component is `invalidPatch`.
    func patch(
        component name: String, ofTwin id: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String

    // Relationships

    /// Errors: `twinNotFound`, `relationshipNotFound`.
    func relationship(_ id: String, of source: String) throws(ServiceError) -> ServiceEntity
    /// Errors: `twinNotFound`, `targetNotFound`, `invalidArgument`, `invalidRelationship`, `validationFailed`,
    /// `operationNotAllowed`, `preconditionFailed`.
    func put(
        relationship id: String, of source: String, _ document: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> ServiceEntity
    func patch(
        relationship id: String, of source: String, _ patch: JSON, _ condition: Precondition, by caller: Caller
    ) throws(ServiceError) -> String
    func delete(relationship id: String, of source: String, _ condition: Precondition, by caller: Caller) throws(ServiceError)
    /// After the position `after` (the last page's `next`). Errors: `twinNotFound`.
    func relationships(of source: String, named: String?, after: String?, limit: Int) throws(ServiceError) -> ServicePage<JSON>
    /// `$relationshipId`, `$sourceId`, `$relationshipName` each; the HTTP surface adds the link.
    func incomingRelationships(of target: String, after: String?, limit: Int) throws(ServiceError) -> ServicePage<JSON>

    // Telemetry

    /// Checks that the twin (and component) exist; the payload is not stored.
    func telemetry(
        twin id: String, component: String?, messageID: String, sourceTime: String?, payload: JSON, by caller: Caller)
        throws(ServiceError)

    // Queries

    /// One page. `continuation` is a token of the page before; the query is then inside it. Errors: `invalidQuery`, `invalidPage`
    /// (token), `timeout`.
    ///
    /// - Parameters:
    ///   - limit: rows of a page; nil: as the page before, or as the service likes.
    ///   - isWanted: asked from time to time; false ends the query.
    func query(
        _ text: String?, continuation: String?, limit: Int?, isWanted: @escaping @Sendable () -> Bool
    ) throws(ServiceError) -> QueryPage

    // Event routes

    func eventRoutes(after: String?, limit: Int) throws(ServiceError) -> ServicePage<JSON>
    /// Errors: `eventRouteNotFound`.
    func eventRoute(_ id: String) throws(ServiceError) -> JSON
    /// Errors: `eventRouteEndpointInvalid`, `eventRouteFilterInvalid`, `eventRouteIDInvalid`, `limitExceeded`.
    func put(eventRoute id: String, endpoint: String, filter: String, by caller: Caller) throws(ServiceError)
    func delete(eventRoute id: String, by caller: Caller) throws(ServiceError)

    // Jobs

    /// As `upload`, without its limit of models in one call, and leaving out those that are stored already with the same content.
    /// The answer has the new ones only.
    func uploadNew(models: [ModelText], by caller: Caller) throws(ServiceError) -> [ModelData]
    /// As many `put(twin:)` in one durable transaction: each is whole or refused by itself. The answer has the refusal of each,
    /// in their order. Some thousands at a time are quickest. A twin that must not be checked is stored as it is, whatever its
    /// model says.
    func put(twins: [TwinPayload], by caller: Caller) throws(ServiceError) -> [ServiceError?]
    /// As many `put(relationship:)`; see `put(twins:)`.
    func put(relationships: [RelationshipPayload], by caller: Caller) throws(ServiceError) -> [ServiceError?]
    /// Deletes at most `limit` relationships. If there are none, it deletes twins, and then all models. Returns how many it
    /// deleted: call it until that is 0.
    func deleteSome(_ limit: Int, by caller: Caller) throws(ServiceError) -> Int
    /// The whole graph as of one moment: every model, then every twin, then every relationship, as their GET shows them. The
    /// callback must not use the service; what it throws ends the export and is thrown.
    func export(_ body: (ExportedPart) throws -> Void) throws
}

/// A twin among many that are written at once.
package struct TwinPayload: Sendable {
    package let id: String
    package let document: JSON
    /// Whether it must conform to its model.
    package let isChecked: Bool

    package init(_ id: String, _ document: JSON, isChecked: Bool = true) {
        (self.id, self.document, self.isChecked) = (id, document, isChecked)
    }
}

/// A relationship among many that are written at once.
package struct RelationshipPayload: Sendable {
    package let source: String
    package let id: String
    package let document: JSON
    /// Whether the models of its ends must allow it.
    package let isChecked: Bool

    package init(source: String, _ id: String, _ document: JSON, isChecked: Bool = true) {
        (self.source, self.id, self.document, self.isChecked) = (source, id, document, isChecked)
    }
}

/// One line of an export.
package enum ExportedPart: Sendable {
    case model(ModelData)
    /// `conforms`: a call may write it exactly so. Twins that files made may have no model, or may not conform to it.
    case twin(JSON, conforms: Bool)
    case relationship(JSON, conforms: Bool)
}

/// Who calls: kept with what the call changes, and shown by `explain`.
package struct Caller: Sendable, Hashable {
    /// `anonymous`, the name of a token, or the subject of a JWT; at most 256 bytes.
    package let name: String

    package init(name: String) { self.name = name }
}

/// A refusal or failure of the twin service. The surface decides which status and word it has on the wire.
package struct ServiceError: Error, Sendable, Equatable {
    package let code: Code
    /// A sentence that says what is wrong and, if it is not obvious, what to do.
    package let message: String
    package let details: [Detail]

    /// Every reason there is; `docs/azure-contract.md`, "Errors" has the word of each on the wire.
    package enum Code: Sendable, Hashable, CaseIterable {
        // What is asked for
        case invalidArgument
        /// A token, a size or a moment that no page of the list has.
        case invalidPage
        case invalidQuery
        case timeout
        case limitExceeded
        case validationFailed
        case operationNotAllowed
        case preconditionFailed
        // Models
        case modelNotFound
        case invalidModel
        case modelVersionNotSupported
        case modelExists
        case modelDecommissioned
        case modelReferencesNotDecommissioned
        case modelReferencesNotDeleted
        // Twins
        case twinNotFound
        case componentNotFound
        case invalidPatch
        case twinLimitReached
        case relationshipsNotDeleted
        // Relationships
        case relationshipNotFound
        case targetNotFound
        case invalidRelationship
        // Event routes
        case eventRouteNotFound
        case eventRouteIDInvalid
        case eventRouteEndpointInvalid
        case eventRouteFilterInvalid
        // The service itself
        /// Passing trouble: the same call may succeed later.
        case unavailable
        case failed

        /// True when the service failed and the call is right.
        package var isOurs: Bool { self == .unavailable || self == .failed }
    }

    package struct Detail: Sendable, Equatable {
        package let code: Code
        package let message: String

        package init(code: Code, message: String) {
            self.code = code
            self.message = message
        }
    }

    package init(_ code: Code, _ message: String, details: [Detail] = []) {
        self.code = code
        self.message = message
        self.details = details
    }
}

/// `If-None-Match: *` and `If-Match` (RFC 9110 §13.1) as far as the service has them.
package enum Precondition: Sendable, Equatable {
    case none
    case ifAbsent
    case ifPresent
    /// One of these tags, compared byte by byte.
    case ifTagged([String])
}

/// A document and its tag.
package struct ServiceEntity: Sendable, Equatable {
    /// `W/"…"`, as in the member `$etag`.
    package let etag: String
    package let document: JSON

    package init(etag: String, document: JSON) {
        self.etag = etag
        self.document = document
    }
}

/// Part of a list; `next` is the position from which to continue, nil at the end.
package struct ServicePage<Element: Sendable>: Sendable {
    package let elements: [Element]
    package let next: String?

    package init(elements: [Element], next: String?) {
        self.elements = elements
        self.next = next
    }
}

extension TwinService {
    /// One page of a query that is wanted whatever happens.
    package func query(_ text: String?, continuation: String?, limit: Int?) throws(ServiceError) -> QueryPage {
        try query(text, continuation: continuation, limit: limit, isWanted: { true })
    }
}

/// Part of a query's result.
package struct QueryPage: Sendable {
    package let rows: [JSON]
    package let continuation: String?
    /// Query units, shaped like the service's: 1 and more.
    package let charge: Double

    package init(rows: [JSON], continuation: String?, charge: Double) {
        self.rows = rows
        self.continuation = continuation
        self.charge = charge
    }
}

/// One interface as it was sent: its text, and the value the text has.
package struct ModelText: Sendable, Equatable {
    package let text: [UInt8]
    package let value: JSON
    /// The file it is from, if it is from one: errors name it.
    package let file: String?

    package init(text: [UInt8], value: JSON, file: String? = nil) {
        self.text = text
        self.value = value
        self.file = file
    }
}

/// A stored model.
package struct ModelData: Sendable, Equatable {
    package let id: String
    /// Language code and text; empty if the model has none.
    package let displayName: [JSON.Member]
    package let description: [JSON.Member]
    package let isDecommissioned: Bool
    /// Microseconds since 1970.
    package let uploadTime: Int64
    /// As it was uploaded.
    package let definition: [UInt8]

    package init(
        id: String, displayName: [JSON.Member], description: [JSON.Member], isDecommissioned: Bool, uploadTime: Int64,
        definition: [UInt8]
    ) {
        self.id = id
        self.displayName = displayName
        self.description = description
        self.isDecommissioned = isDecommissioned
        self.uploadTime = uploadTime
        self.definition = definition
    }
}
