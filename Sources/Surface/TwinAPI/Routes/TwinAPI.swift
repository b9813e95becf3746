import CodecKit
package import DropCore
import TwinModel

/// The Azure Digital Twins data plane (api-version 2023-10-31 and older) over a `TwinService`, without a server: requests in,
/// responses out. `TwinServer` puts it on a port.
package struct TwinAPI: Sendable {
    let service: any TwinService
    let jobs: JobStore?
    let limits: RequestLimits
    /// `http` or `https`, and the address for requests that name no host.
    let scheme: String
    let fallbackHost: String
    /// Why the service is not ready, in words; empty when it is.
    let readiness: @Sendable () -> [String]
    let remarks: @Sendable () -> [String]
    let metrics: @Sendable () -> [MetricFamily]
    /// Names that event routes may lead to.
    let endpoints: Set<String>

    /// - Parameters:
    ///   - jobs: nil where bulk jobs are not offered; they then answer 404.
    ///   - endpoints: names that event routes may lead to.
    ///   - remarks: what has stopped while the service works, in words; as `readiness`.
    ///   - readiness: why the service is not ready, in words; called for `/readyz`, may block.
    ///   - metrics: what `/metrics` shows besides the server's own; may block.
    package init(
        service: any TwinService, jobs: JobStore? = nil, limits: RequestLimits = RequestLimits(), scheme: String = "http",
        fallbackHost: String = "127.0.0.1", endpoints: Set<String> = [], readiness: @escaping @Sendable () -> [String] = { [] },
        remarks: @escaping @Sendable () -> [String] = { [] },
        metrics: @escaping @Sendable () -> [MetricFamily] = { [] }
    ) {
        self.service = service
        self.jobs = jobs
        self.limits = limits
        self.scheme = scheme
        self.fallbackHost = fallbackHost
        self.endpoints = endpoints
        self.readiness = readiness
        self.remarks = remarks
        self.metrics = metrics
    }

    /// The supported versions of the contract; they differ only in `$metadata.$lastUpdateTime` (docs/azure-contract.md,
    /// "Addresses and versions").
    static let versions = [
        "2020-10-31", "2021-06-30-preview", "2022-05-31", "2023-02-27-preview", "2023-06-30", "2023-10-31",
    ]

    /// What the head of a request asks for, before its body is read; or an immediate answer.
    package func route(_ request: APIRequest) throws(APIError) -> RoutedRequest {
        guard let route = try Route(rawPath: request.rawPath) else {
            throw APIError(
                .notFound,
                "There is nothing at this path. The API has /models, /digitaltwins, /query, /eventroutes and /jobs.")
        }
        guard route.methods.contains(request.method) else {
            if case .models = route, request.rawPath.hasSuffix("/") {
                throw APIError(.missingArgument, "The id of the model is empty. Name it: /models/dtmi:example:Room;1.")
            }
            throw APIError(
                .methodNotAllowed, "\(route.label) answers \(route.methods.joined(separator: ", ")) only.")
        }
        if route.isVersioned { try checkVersion(request) }
        return RoutedRequest(route: route, request: request, limits: limits)
    }

    private func checkVersion(_ request: APIRequest) throws(APIError) {
        let known = Self.versions.joined(separator: ", ")
        guard let version = request.parameter("api-version"), !version.isEmpty else {
            throw APIError(.versionMissing, "The parameter api-version is missing. It is one of \(known).")
        }
        guard Self.versions.contains(version) else {
            throw APIError(
                .versionNotSupported,
                "The API version \(Escaping.visible(String(version.prefix(40)))) is not supported. Use one of \(known).")
        }
    }

    /// Answers a request. Blocking; must not be called on Swift's cooperative pool.
    ///
    /// - Parameter isWanted: false once the client has hung up; long queries end then.
    package func answer(
        _ routed: RoutedRequest, as caller: Caller, isWanted: @escaping @Sendable () -> Bool = { true }
    ) -> APIResponse {
        do throws(APIError) {
            return try Call(api: self, request: routed.request, caller: caller, isWanted: isWanted).answer(routed.route)
        } catch {
            guard error.code == .surface(.methodNotAllowed) else { return .error(error) }
            return .error(error, headers: [("Allow", routed.route.methods.joined(separator: ", "))])
        }
    }
}

/// A request whose path, method and version are known to be right.
package struct RoutedRequest: Sendable {
    let route: Route
    package var request: APIRequest
    /// The threads it runs on.
    package let lane: Lane
    /// Unit: bytes.
    package let bodyMax: Int
    /// The path without ids, for metrics and logs.
    package let label: String
    let role: Role?

    init(route: Route, request: APIRequest, limits: RequestLimits) {
        self.route = route
        self.request = request
        lane = route.lane(for: request.method)
        bodyMax = route.bodyMax(limits)
        label = route.label
        role = route.role(for: request.method)
    }
}
