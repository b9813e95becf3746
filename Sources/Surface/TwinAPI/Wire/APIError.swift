package import DropCore

/// The answer of the API when it refuses a request: a refusal of the service, or one of the API itself.
package struct APIError: Error, Sendable, Equatable {
    /// Whose reason it is.
    package enum Code: Sendable, Hashable {
        case service(ServiceError.Code)
        case surface(SurfaceCode)
    }

    package let code: Code
    /// A sentence that says what is wrong and, if it is not obvious, what to do.
    package let message: String
    package let details: [ServiceError.Detail]

    init(_ code: ServiceError.Code, _ message: String) { self.init(.service(code), message, []) }

    init(_ code: SurfaceCode, _ message: String) { self.init(.surface(code), message, []) }

    init(_ error: ServiceError) { self.init(.service(error.code), error.message, error.details) }

    private init(_ code: Code, _ message: String, _ details: [ServiceError.Detail]) {
        self.code = code
        self.message = message
        self.details = details
    }

    /// The HTTP status of the answer.
    package var status: Int {
        switch code {
        case .service(let code): code.wire.status
        case .surface(let code): code.wire.status
        }
    }

    /// The code in the body and in `x-ms-error-code`.
    package var word: String {
        switch code {
        case .service(let code): code.wire.word
        case .surface(let code): code.wire.word
        }
    }

    /// The same error in other words.
    func saying(_ message: String) -> APIError { APIError(code, message, details) }
}

extension ServiceError.Code {
    /// How Azure Digital Twins says it (docs/azure-contract.md, "Errors").
    var wire: (status: Int, word: String) {
        switch self {
        case .invalidArgument: (400, "InvalidArgument")
        case .invalidPage: (400, "BadRequest")
        case .invalidQuery: (400, "SqlQueryError")
        case .timeout: (400, "TimeoutError")
        case .limitExceeded: (400, "LimitExceeded")
        case .validationFailed: (400, "ValidationFailed")
        case .operationNotAllowed: (400, "OperationNotAllowed")
        case .preconditionFailed: (412, "PreconditionFailed")
        case .modelNotFound: (404, "ModelNotFound")
        case .invalidModel: (400, "DTDLParserError")
        case .modelVersionNotSupported: (400, "ModelVersionNotSupported")
        case .modelExists: (409, "ModelIdAlreadyExists")
        case .modelDecommissioned: (400, "ModelDecommissioned")
        case .modelReferencesNotDecommissioned: (409, "ModelReferencesNotDecommissioned")
        case .modelReferencesNotDeleted: (409, "ModelReferencesNotDeleted")
        case .twinNotFound: (404, "DigitalTwinNotFound")
        case .componentNotFound: (404, "ComponentNotFound")
        case .invalidPatch: (400, "JsonPatchInvalid")
        case .twinLimitReached: (400, "TwinLimitReached")
        case .relationshipsNotDeleted: (400, "RelationshipsNotDeleted")
        case .relationshipNotFound: (404, "RelationshipNotFound")
        case .targetNotFound: (404, "TargetDigitalTwinNotFound")
        case .invalidRelationship: (400, "InvalidRelationship")
        case .eventRouteNotFound: (404, "EventRouteNotFound")
        case .eventRouteIDInvalid: (400, "EventRouteIdInvalid")
        case .eventRouteEndpointInvalid: (400, "EventRouteEndpointInvalid")
        case .eventRouteFilterInvalid: (400, "EventRouteFilterInvalid")
        case .unavailable: (503, "ServiceUnavailable")
        case .failed: (500, "InternalError")
        }
    }
}

/// Why the API refuses a request by itself: its address, its form, who sends it, and the bulk jobs.
package enum SurfaceCode: Sendable, Hashable, CaseIterable {
    case bodyMissing
    case bodyTooLarge
    case mediaTypeNotSupported
    case methodNotAllowed
    case missingArgument
    case notFound
    case versionMissing
    case versionNotSupported
    // Callers
    case forbidden
    case hostNotAllowed
    case hostUnclear
    case originNotAllowed
    case serverBusy
    case tooManyRequests
    // Jobs
    case deletionJobNotFound
    case importJobNotFound
    case jobExists
    case jobLimitReached
    case storageFailed
    /// For the record of a job, not for an answer.
    case inputUnavailable
    case outputUnavailable

    /// Status and code (docs/azure-contract.md, "Errors").
    var wire: (status: Int, word: String) {
        switch self {
        case .bodyMissing: (400, "BadRequest")
        case .bodyTooLarge: (413, "RequestEntityTooLarge")
        case .mediaTypeNotSupported: (415, "UnsupportedMediaType")
        case .methodNotAllowed: (405, "MethodNotAllowed")
        case .missingArgument: (400, "MissingArgument")
        case .notFound: (404, "NotFound")
        case .versionMissing: (400, "ApiVersionUnspecified")
        case .versionNotSupported: (400, "UnsupportedApiVersion")
        case .forbidden: (403, "Forbidden")
        case .hostNotAllowed: (403, "HostNotAllowed")
        case .hostUnclear: (400, "BadRequest")
        case .originNotAllowed: (403, "OriginNotAllowed")
        case .serverBusy: (503, "ServerBusy")
        case .tooManyRequests: (429, "TooManyRequests")
        case .deletionJobNotFound: (404, "DeleteJobNotFound")
        case .importJobNotFound: (404, "JobNotFound")
        case .jobExists: (409, "JobIdAlreadyExists")
        case .jobLimitReached: (400, "JobLimitReached")
        case .storageFailed: (500, "StorageFailed")
        case .inputUnavailable: (400, "InputUnavailable")
        case .outputUnavailable: (400, "OutputUnavailable")
        }
    }
}
