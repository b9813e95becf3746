import CodecKit
import DropCore

/// What a path names. Segments are split before they are decoded, so that an id may contain `/`. Upper and lower case are equal,
/// because the service itself returns links in another case (docs/azure-contract.md, "Addresses and versions").
enum Route: Equatable {
    case models
    case model(String)
    case query
    case twin(String)
    case component(String, ofTwin: String)
    case telemetry(String)
    case componentTelemetry(String, ofTwin: String)
    case relationships(String)
    case relationship(String, ofTwin: String)
    case incomingRelationships(String)
    case eventRoutes
    case eventRoute(String)
    case importJobs
    case importJob(String)
    case importCancellation(String)
    case deletionJobs
    case deletionJob(String)
    case metrics
    case health
    case readiness

    /// Nil if the path names nothing. Errors: `InvalidArgument` if its percent-encoding is broken.
    init?(rawPath: String) throws(APIError) {
        guard rawPath.utf8.first == UInt8(ascii: "/") else { return nil }
        var segments: [String] = []
        for part in rawPath.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let segment = PercentCoding.decoded(part) else {
                throw APIError(
                    .invalidArgument, "The path holds a broken percent-escape, or one that is not UTF-8. Encode ids once.")
            }
            segments.append(segment)
        }
        if segments.count > 1, segments.last == "" { segments.removeLast() }
        guard let route = Self.match(segments) else { return nil }
        self = route
    }

    private static func match(_ segments: [String]) -> Route? {
        let tail = Array(segments.dropFirst())
        switch (segments[0].lowercased(), tail.count) {
        case ("models", 0): return .models
        case ("models", 1): return .model(tail[0])
        case ("query", 0): return .query
        case ("digitaltwins", 1...4): return twin(tail)
        case ("eventroutes", 0): return .eventRoutes
        case ("eventroutes", 1): return .eventRoute(tail[0])
        case ("jobs", 1...3): return job(tail)
        case ("metrics", 0): return .metrics
        case ("healthz", 0): return .health
        case ("readyz", 0): return .readiness
        default: return nil
        }
    }

    private static func twin(_ segments: [String]) -> Route? {
        let id = segments[0]
        let word = segments.count > 1 ? segments[1].lowercased() : ""
        switch (word, segments.count) {
        case ("", 1): return .twin(id)
        case ("telemetry", 2): return .telemetry(id)
        case ("relationships", 2): return .relationships(id)
        case ("incomingrelationships", 2): return .incomingRelationships(id)
        case ("relationships", 3): return .relationship(segments[2], ofTwin: id)
        case ("components", 3): return .component(segments[2], ofTwin: id)
        case ("components", 4) where segments[3].lowercased() == "telemetry": return .componentTelemetry(segments[2], ofTwin: id)
        default: return nil
        }
    }

    private static func job(_ segments: [String]) -> Route? {
        switch (segments[0].lowercased(), segments.count) {
        case ("imports", 1): return .importJobs
        case ("imports", 2): return .importJob(segments[1])
        case ("imports", 3) where segments[2].lowercased() == "cancel": return .importCancellation(segments[1])
        case ("deletions", 1): return .deletionJobs
        case ("deletions", 2): return .deletionJob(segments[1])
        default: return nil
        }
    }

    /// The methods it answers.
    var methods: [String] {
        switch self {
        case .models: ["GET", "POST"]
        case .model: ["GET", "PATCH", "DELETE"]
        case .query, .telemetry, .componentTelemetry, .importCancellation: ["POST"]
        case .twin, .relationship: ["GET", "PUT", "PATCH", "DELETE"]
        case .component: ["GET", "PATCH"]
        case .relationships, .incomingRelationships, .eventRoutes, .importJobs, .deletionJob, .metrics, .health, .readiness:
            ["GET"]
        case .eventRoute, .importJob: ["GET", "PUT", "DELETE"]
        case .deletionJobs: ["GET", "POST"]
        }
    }

    /// Whether it belongs to the Azure contract, where every call names an api-version.
    var isVersioned: Bool {
        switch self {
        case .metrics, .health, .readiness: false
        default: true
        }
    }

    /// A word for metrics: the path without ids.
    var label: String {
        switch self {
        case .models: "/models"
        case .model: "/models/{id}"
        case .query: "/query"
        case .twin: "/digitaltwins/{id}"
        case .component: "/digitaltwins/{id}/components/{name}"
        case .telemetry: "/digitaltwins/{id}/telemetry"
        case .componentTelemetry: "/digitaltwins/{id}/components/{name}/telemetry"
        case .relationships: "/digitaltwins/{id}/relationships"
        case .relationship: "/digitaltwins/{id}/relationships/{id}"
        case .incomingRelationships: "/digitaltwins/{id}/incomingrelationships"
        case .eventRoutes: "/eventroutes"
        case .eventRoute: "/eventroutes/{id}"
        case .importJobs: "/jobs/imports"
        case .importJob: "/jobs/imports/{id}"
        case .importCancellation: "/jobs/imports/{id}/cancel"
        case .deletionJobs: "/jobs/deletions"
        case .deletionJob: "/jobs/deletions/{id}"
        case .metrics: "/metrics"
        case .health: "/healthz"
        case .readiness: "/readyz"
        }
    }

    /// The role a caller needs.
    func role(for method: String) -> Role? {
        switch self {
        case .health, .readiness: nil
        case .query, .metrics: .viewer
        case .models, .model, .eventRoutes, .eventRoute: method == "GET" ? .viewer : .admin
        case .importJobs, .importJob, .importCancellation, .deletionJobs, .deletionJob: method == "GET" ? .viewer : .admin
        case .telemetry, .componentTelemetry: .operator
        case .twin, .component, .relationships, .relationship, .incomingRelationships: method == "GET" ? .viewer : .operator
        }
    }

    /// The threads on which it runs, so that a slow kind of call never delays another.
    func lane(for method: String) -> Lane {
        switch self {
        case .metrics, .health, .readiness: .watch
        case .query: .scan
        case .models where method == "GET": .scan
        default: method == "GET" ? .read : .write
        }
    }

    /// How large its body may be. Unit: bytes.
    func bodyMax(_ limits: RequestLimits) -> Int {
        switch self {
        case .models: limits.modelsBytesMax
        default: limits.bodyBytesMax
        }
    }
}

/// The pools of threads that requests run on.
package enum Lane: Sendable, CaseIterable {
    /// Reads of one thing and its neighbours.
    case read
    /// Changes: they wait for the one writer, and for its disk.
    case write
    /// Queries and long lists.
    case scan
    /// Health and metrics: monitoring must still get answers when the others are busy.
    case watch
}
