import DropCore
import Hummingbird
import HTTPTypes
import NIOCore
import Synchronization
import ThreadKit

/// Connects the asynchronous server with the blocking API: reads the request, runs it on the threads of its lane, and returns the
/// answer.
struct Responder: HTTPResponder {
    typealias Context = ConnectionContext

    let api: TwinAPI
    let authorizer: Authorizer
    let lanes: Lanes
    let requests: RequestCounters
    let peers: Peers
    let failed: FailedSignIns

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let begin = ContinuousClock.now
        let (answer, label) = try await answer(to: request, of: peers.peer(of: context.connection))
        // A caller who tries tokens waits for each answer.
        if answer.status == 401, request.headers.contains(.authorization) { await failed.note() }
        requests.note(route: label, status: answer.status, took: ContinuousClock.now - begin)
        return response(answer, to: request)
    }

    private func answer(to request: Request, of peer: Peer?) async throws -> (APIResponse, String) {
        guard
            let head = APIRequest(
                method: request.method.rawValue, target: request.head.path ?? "", headers: Self.headers(of: request))
        else {
            let error = APIError(
                .invalidArgument, "The query of the URL holds a broken percent-escape. Encode values once.")
            return (.error(error), "invalid")
        }
        guard request.head.authority != nil, !request.headers.contains(Self.host) else {
            let error = APIError(
                .hostUnclear, "A request names its host once: one Host line, and the same host in its target, where it has one.")
            return (.error(error, headers: [("Connection", "close")]), "invalid")
        }
        var routed: RoutedRequest
        do throws(APIError) {
            routed = try api.route(head)
        } catch {
            // A caller who may not read must not learn which paths exist.
            let decision = await authorizer.decide(head, needs: .viewer, peer: peer)
            if case .refused(let response) = decision { return (response, "none") }
            return (.error(error, headers: Self.allow(error, head)), "none")
        }
        let caller: Caller
        switch await authorizer.decide(head, needs: routed.role, peer: peer) {
        case .refused(let response): return (response, routed.label)
        case .passes(let known): caller = known
        }
        if let refusal = Self.refusal(ofBodyOf: request, routed) { return (refusal, routed.label) }
        guard let body = try await body(of: request, max: routed.bodyMax) else {
            return (Self.tooLarge(routed.bodyMax), routed.label)
        }
        routed.request.body = body
        return (await lanes.run(routed, api, caller, peer), routed.label)
    }

    /// The codec takes the first `Host` line away, so that this is a second one.
    private static let host = HTTPField.Name("Host")!

    private static func headers(of request: Request) -> [String: String] {
        var headers: [String: String] = [:]
        for field in request.headers {
            let name = field.name.canonicalName
            headers[name] = headers[name].map { $0 + ", " + field.value } ?? field.value
        }
        if let authority = request.head.authority { headers["host"] = authority }
        return headers
    }

    private static func allow(_ error: APIError, _ request: APIRequest) -> [(name: String, value: String)] {
        // The path exists; only the method is wrong.
        guard error.code == .surface(.methodNotAllowed), let route = try? Route(rawPath: request.rawPath) else { return [] }
        return [("Allow", route.methods.joined(separator: ", "))]
    }

    /// Checks that need only the head. Other content types are refused, because a browser sends some of them to other sites
    /// without asking first.
    private static func refusal(ofBodyOf request: Request, _ routed: RoutedRequest) -> APIResponse? {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > routed.bodyMax {
            return tooLarge(routed.bodyMax)
        }
        guard let type = request.headers[.contentType], !type.isEmpty, request.method != .get, request.method != .delete else {
            return nil
        }
        let word = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        guard word == "application/json" || word.hasPrefix("application/") && word.hasSuffix("+json") || !hasBody(request) else {
            return .error(
                APIError(
                    .mediaTypeNotSupported,
                    "The content type must be application/json, or application/json-patch+json for patches."))
        }
        return nil
    }

    private static func hasBody(_ request: Request) -> Bool {
        request.headers[.contentLength].map { $0 != "0" } ?? request.headers.contains(.transferEncoding)
    }

    private static func tooLarge(_ max: Int) -> APIResponse {
        .error(
            APIError(
                .bodyTooLarge, "The body is larger than \(max) bytes. Split it, or use an import job."),
            headers: [("Connection", "close")])
    }

    /// The whole body; nil if it is larger than `max`.
    private func body(of request: Request, max: Int) async throws -> [UInt8]? {
        guard Self.hasBody(request) else { return [] }
        var bytes: [UInt8] = []
        for try await chunk in request.body {
            guard bytes.count + chunk.readableBytes <= max else { return nil }
            bytes += chunk.readableBytesView
        }
        return bytes
    }

    private func response(_ answer: APIResponse, to request: Request) -> Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            guard let name = HTTPField.Name(name) else { continue }
            headers.append(HTTPField(name: name, value: value))
        }
        headers.append(HTTPField(name: .cacheControl, value: "no-store"))
        headers.append(HTTPField(name: .xContentTypeOptions, value: "nosniff"))
        if api.scheme == "https" { headers.append(HTTPField(name: .strictTransportSecurity, value: "max-age=31536000")) }
        if let id = Self.clientRequestID, let value = request.headers[id],
            let wanted = Self.returnClientRequestID.flatMap({ request.headers[$0] }), wanted.lowercased() == "true"
        {
            headers.append(HTTPField(name: id, value: value))
        }
        let body =
            answer.body.isEmpty || request.method == .head
            ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        return Response(status: .init(code: answer.status), headers: headers, body: body)
    }

    private static let clientRequestID = HTTPField.Name("x-ms-client-request-id")
    private static let returnClientRequestID = HTTPField.Name("x-ms-return-client-request-id")
}

/// A request's context: which connection it came by.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let connection: ObjectIdentifier

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = ObjectIdentifier(source.channel)
    }
}

/// The threads on which requests are answered.
final class Lanes: Sendable {
    private let pools: [Lane: ThreadPool]
    private let scans = Mutex<[String: Int]>([:])

    init(_ settings: ServerSettings) {
        // Each connection has one request at a time, so at most as many requests as connections can wait.
        pools = [
            .read: ThreadPool("td-http-read", width: settings.readThreads, capacity: settings.connectionsMax),
            .write: ThreadPool("td-http-write", width: settings.writeThreads, capacity: settings.connectionsMax),
            .scan: ThreadPool("td-http-scan", width: settings.scanThreads, capacity: settings.connectionsMax),
            .watch: ThreadPool("td-http-watch", width: 1, capacity: settings.connectionsMax),
        ]
    }

    func run(_ routed: RoutedRequest, _ api: TwinAPI, _ caller: Caller, _ peer: Peer?) async -> APIResponse {
        let place = "\(caller.name) \(peer?.place ?? "")"
        guard routed.lane != .scan || enter(place) else {
            let error = APIError(
                .tooManyRequests,
                "This caller has \(Self.scansMax) queries and lists under way already. Wait for an answer, then ask again.")
            return .error(error, headers: [("Retry-After", "1")])
        }
        defer { if routed.lane == .scan { leave(place) } }
        let isWanted: @Sendable () -> Bool = { peer?.isGone != true }
        return await withCheckedContinuation { continuation in
            let isTaken =
                pools[routed.lane]?.submit {
                    continuation.resume(returning: api.answer(routed, as: caller, isWanted: isWanted))
                } ?? false
            if !isTaken {
                let error = APIError(
                    .serverBusy, "The server is stopping, or has too many requests. Try again.")
                continuation.resume(returning: .error(error, headers: [("Retry-After", "1")]))
            }
        }
    }

    /// How many queries and lists of one caller may wait or run at once, because others wait behind them.
    private static let scansMax = 64

    private func enter(_ place: String) -> Bool {
        scans.withLock { scans in
            guard scans[place, default: 0] < Self.scansMax else { return false }
            scans[place, default: 0] += 1
            return true
        }
    }

    private func leave(_ place: String) {
        scans.withLock { scans in
            let count = scans[place, default: 0] - 1
            scans[place] = count > 0 ? count : nil
        }
    }

    /// Requests that wait for a thread.
    var waiting: [(lane: Lane, count: Int)] { Lane.allCases.map { ($0, pools[$0]?.waiting ?? 0) } }

    /// Blocking.
    func close() { for pool in pools.values { pool.close() } }
}
