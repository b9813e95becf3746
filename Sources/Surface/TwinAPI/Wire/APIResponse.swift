import DropCore
import TwinModel

/// One HTTP response, whole.
package struct APIResponse: Sendable {
    package let status: Int
    /// In the order they are sent; names as the service spells them.
    package var headers: [(name: String, value: String)]
    package let body: [UInt8]

    init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON document.
    static func json(_ status: Int, _ value: JSON, headers: [(name: String, value: String)] = []) -> APIResponse {
        bytes(status, value.utf8(), headers: headers)
    }

    /// A JSON document that is text already.
    static func bytes(_ status: Int, _ text: [UInt8], headers: [(name: String, value: String)] = []) -> APIResponse {
        APIResponse(status: status, headers: [("Content-Type", "application/json; charset=utf-8")] + headers, body: text)
    }

    static func text(_ status: Int, _ text: String, type: String = "text/plain; charset=utf-8") -> APIResponse {
        APIResponse(status: status, headers: [("Content-Type", type)], body: Array(text.utf8))
    }

    static func entity(_ entity: ServiceEntity) -> APIResponse {
        .json(200, entity.document, headers: [("ETag", entity.etag)])
    }

    /// 204, with the new tag if there is one.
    static func empty(etag: String? = nil) -> APIResponse {
        APIResponse(status: 204, headers: etag.map { [("ETag", $0)] } ?? [])
    }

    /// The error envelope (docs/azure-contract.md, "Errors").
    static func error(_ error: APIError, headers: [(name: String, value: String)] = []) -> APIResponse {
        .json(error.status, ErrorShape.envelope(error), headers: [("x-ms-error-code", error.word)] + headers)
    }
}

/// The shapes errors have on the wire (docs/azure-contract.md, "Errors").
enum ErrorShape {
    static func envelope(_ error: APIError) -> JSON {
        var members: [JSON.Member] = [.init("code", .string(error.word)), .init("message", .string(error.message))]
        if !error.details.isEmpty {
            let details = error.details.map {
                JSON.object([.init("code", .string($0.code.wire.word)), .init("message", .string($0.message))])
            }
            members.append(.init("details", .array(details)))
        }
        return ["error": .object(members)]
    }

    /// A token that is missing or bad: no envelope.
    static var unauthorized: APIResponse {
        .json(401, ["statusCode": 401, "message": "Unauthorized"], headers: [("WWW-Authenticate", "Bearer")])
    }

    /// The same, when the server answers the user that runs it without a token.
    static var otherUser: APIResponse {
        .json(
            401,
            [
                "statusCode": 401,
                "message": """
                Unauthorized. Without a token this server answers only the user of this machine that runs it; others need one: \
                set http.tokens, or http.anonymous, in twindrop.yaml.
                """,
            ], headers: [("WWW-Authenticate", "Bearer")])
    }

    /// A patch that is no list of objects.
    static func malformedPatch(_ detail: String, path: String, trace: String) -> APIResponse {
        let body: JSON = [
            "errors": ["": [.string(detail)]], "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
            "title": "One or more validation errors occurred.", "status": 400, "detail": .string(detail),
            "instance": .string(path), "extensions": ["traceId": .string(trace)],
        ]
        return APIResponse(
            status: 400,
            headers: [("Content-Type", "application/problem+json; charset=utf-8"), ("x-ms-error-code", "JsonPatchInvalid")],
            body: body.utf8())
    }

    /// A second bulk job while one runs: the error document as a string within JSON, as the service sends it.
    static func jobAlreadyRuns(_ error: APIError) -> APIResponse {
        .json(429, .string(envelope(error).text()), headers: [("x-ms-error-code", error.word)])
    }
}
