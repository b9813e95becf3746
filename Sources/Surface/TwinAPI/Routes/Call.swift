import CodecKit
import DropCore
import TwinModel

/// One request of one caller, being answered.
struct Call {
    let api: TwinAPI
    let request: APIRequest
    let caller: Caller
    /// False once the client has hung up.
    var isWanted: @Sendable () -> Bool = { true }

    private var service: any TwinService { api.service }

    /// Calls the service, and turns its refusals into answers of the API.
    func ask<T>(_ body: (any TwinService) throws(ServiceError) -> T) throws(APIError) -> T {
        do throws(ServiceError) { return try body(service) } catch { throw APIError(error) }
    }

    func answer(_ route: Route) throws(APIError) -> APIResponse {
        switch route {
        case .models, .model: try answerModels(route)
        case .query: try query()
        case .twin, .component, .telemetry, .componentTelemetry: try answerTwins(route)
        case .relationships, .relationship, .incomingRelationships: try answerRelationships(route)
        case .eventRoutes, .eventRoute: try answerEventRoutes(route)
        case .importJobs, .importJob, .importCancellation, .deletionJobs, .deletionJob: try answerJobs(route)
        case .metrics: .text(200, MetricFamily.text(api.metrics()), type: "text/plain; version=0.0.4; charset=utf-8")
        case .health: .text(200, "ok\n")
        case .readiness: readiness()
        }
    }

    private func readiness() -> APIResponse {
        // Everybody may ask, so the answer must not show folders of the machine.
        let hindrances = api.readiness().map(Self.withoutFolders)
        // A stopped source is not a reason to keep applications away from the graph. It is reported, and the answer stays 200.
        let lines = (hindrances.isEmpty ? ["ok"] : hindrances) + api.remarks().map(Self.withoutFolders)
        return .text(hindrances.isEmpty ? 200 : 503, lines.joined(separator: "\n") + "\n")
    }

    /// The sentence with each path in it reduced to its last part.
    private static func withoutFolders(_ sentence: String) -> String {
        sentence.split(separator: " ", omittingEmptySubsequences: false).map { word in
            word.hasPrefix("/") ? word.split(separator: "/").last ?? word : word
        }.joined(separator: " ")
    }

    // MARK: - Bodies

    /// The body without the mark of its encoding that some programs put first.
    private var text: [UInt8] {
        request.body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(request.body.dropFirst(3)) : request.body
    }

    /// The body as JSON; `InvalidArgument` if it is not valid.
    func document() throws(APIError) -> JSON {
        guard !request.body.isEmpty else {
            throw APIError(.bodyMissing, "A non-empty request body is required.")
        }
        do throws(JSONError) {
            return try JSON(parsing: text, depthMax: 64)
        } catch {
            throw APIError(
                .invalidArgument, "Payload is invalid. The body is not JSON: \(error.message), at byte \(error.offset).")
        }
    }

    /// The body as a JSON object; `InvalidArgument` if it is not valid.
    func object() throws(APIError) -> JSON {
        let value = try document()
        guard value.members != nil else {
            throw APIError(.invalidArgument, "Payload is invalid. The body must be a JSON object.")
        }
        return value
    }

    /// Checks the outer shape of a JSON Patch, whose errors have their own shape (docs/azure-contract.md, "Errors").
    enum PatchBody {
        case patch(JSON)
        case malformed(APIResponse)
    }

    func patchBody() throws(APIError) -> PatchBody {
        func malformed(_ detail: String) -> PatchBody {
            let trace =
                request.header("traceparent").flatMap { $0.split(separator: "-").dropFirst().first.map(String.init) } ?? ""
            return .malformed(ErrorShape.malformedPatch(detail, path: request.rawPath, trace: trace))
        }
        guard !request.body.isEmpty else { return malformed("A non-empty request body is required.") }
        let value: JSON
        do throws(JSONError) {
            value = try JSON(parsing: text, depthMax: 64)
        } catch {
            return malformed(
                "The JSON patch document was malformed and could not be parsed: \(error.message), at byte \(error.offset).")
        }
        guard let elements = value.elements else {
            return malformed("The JSON patch document was malformed and could not be parsed: it must be a list of operations.")
        }
        guard elements.allSatisfy({ $0.members != nil }) else {
            return malformed("The JSON patch document was malformed and could not be parsed: each operation must be an object.")
        }
        return .patch(value)
    }

    // MARK: - Conditions

    /// `If-Match`.
    func matchCondition() throws(APIError) -> Precondition {
        guard let text = request.header("if-match") else { return .none }
        var tags: [String] = []
        for part in Self.tags(in: text) {
            if part == "*" { return .ifPresent }
            tags.append(part)
        }
        guard !tags.isEmpty else {
            throw APIError(
                .invalidArgument, "The header If-Match holds no tag. Give the ETag of the last answer, or *.")
        }
        return .ifTagged(tags)
    }

    /// `If-Match`, or `If-None-Match: *`, of PUT.
    func putCondition() throws(APIError) -> Precondition {
        guard let text = request.header("if-none-match") else { return try matchCondition() }
        guard request.header("if-match") == nil else {
            throw APIError(
                .invalidArgument, "The headers If-Match and If-None-Match cannot both be met. Give one of them.")
        }
        guard text == "*" else {
            throw APIError(.invalidArgument, "The header If-None-Match may only be *: create, and never replace.")
        }
        return .ifAbsent
    }

    /// The elements of a list of tags; commas within quotes belong to the tag.
    static func tags(in text: String) -> [String] {
        var tags: [String] = []
        var current = ""
        var isQuoted = false
        for character in text {
            if character == "\"" { isQuoted.toggle() }
            if character == ",", !isQuoted {
                tags.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        tags.append(current)
        return tags.map { $0.trimmingBlanks() }.filter { !$0.isEmpty }
    }

    // MARK: - Paging

    /// The requested page: that of the token, or the first, with the size that the client suggests.
    func page(
        _ list: String, standard: Int, sizedByHeader: Bool = true, filters: [String] = [], withDefinitions: Bool = false
    )
        throws(APIError) -> PageToken
    {
        if let token = request.parameter("continuationToken") {
            return try PageToken(token, list: list, limitMax: api.limits.pageMax)
        }
        var limit = standard
        if sizedByHeader, let hint = try sizeHint() { limit = hint }
        return PageToken(list: list, limit: limit, filters: filters, withDefinitions: withDefinitions)
    }

    /// `max-items-per-page`, at most `limits.pageMax`.
    func sizeHint() throws(APIError) -> Int? {
        guard let text = request.header("max-items-per-page") else { return nil }
        guard let size = Int(text.trimmingBlanks()), size > 0 else {
            throw APIError(.invalidArgument, "The header max-items-per-page must be a whole number above 0.")
        }
        return min(size, api.limits.pageMax)
    }

    /// `{"value": […], "nextLink": …}`; the elements are JSON texts.
    func pageResponse(_ elements: [[UInt8]], _ token: PageToken, next: String?) -> APIResponse {
        var body = Array("{\"value\":[".utf8)
        for (index, element) in elements.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body += element
        }
        body += "],\"nextLink\":".utf8
        let link = next.map { JSON.string(url(request.rawPath, ["continuationToken": token.advanced(to: $0).text])) } ?? .null
        body += link.utf8()
        body.append(UInt8(ascii: "}"))
        return .bytes(200, body)
    }

    /// An absolute URL at the host the client called, with the client's api-version.
    func url(_ rawPath: String, _ parameters: KeyValuePairs<String, String> = [:]) -> String {
        let host = request.header("host").flatMap { HostName.isPlain($0) ? $0 : nil } ?? api.fallbackHost
        var text = "\(api.scheme)://\(host)\(rawPath)?"
        for (name, value) in parameters { text += "\(name)=\(PercentCoding.encoded(value))&" }
        return text + "api-version=\(PercentCoding.encoded(request.parameter("api-version") ?? "2023-10-31"))"
    }

    /// Versions before 2022-05-31 have no `$metadata.$lastUpdateTime` (docs/azure-contract.md, "Addresses and versions").
    func fitted(_ document: JSON) -> JSON {
        guard let version = request.parameter("api-version"), version < "2022-05-31" else { return document }
        return Self.withoutLastUpdateTime(document)
    }

    private static func withoutLastUpdateTime(_ document: JSON) -> JSON {
        guard let members = document.members else { return document }
        return .object(
            members.map { member in
                guard member.name == "$metadata", let inner = member.value.members else {
                    return JSON.Member(member.name, withoutLastUpdateTime(member.value))
                }
                return JSON.Member(member.name, .object(inner.filter { $0.name != "$lastUpdateTime" }))
            })
    }
}

extension String {
    /// Without blanks and tabs at either end.
    func trimmingBlanks() -> String {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }
}
