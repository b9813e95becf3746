import DropCore
import TwinModel

extension Call {
    func query() throws(APIError) -> APIResponse {
        let body = try object()
        let token = try optionalText("continuationToken", in: body)
        let text = try optionalText("query", in: body)
        guard token != nil || text != nil else {
            throw APIError(
                .invalidPage, "The body is to hold \"query\", or the \"continuationToken\" of the page before.")
        }
        // A token keeps the size that its first page was asked for with.
        let limit = try sizeHint() ?? (token == nil ? api.limits.queryPage : nil)
        let page = try ask { service throws(ServiceError) in
            try service.query(token == nil ? text : nil, continuation: token, limit: limit, isWanted: isWanted)
        }
        var out = Array("{\"value\":[".utf8)
        for (index, row) in page.rows.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            out += fitted(row).utf8()
        }
        out += "],\"continuationToken\":".utf8
        out += (page.continuation.map(JSON.string) ?? .null).utf8()
        out.append(UInt8(ascii: "}"))
        return .bytes(200, out, headers: [("query-charge", JSON.double(page.charge).text())])
    }

    private func optionalText(_ name: String, in body: JSON) throws(APIError) -> String? {
        switch body[name] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        default: throw APIError(.invalidArgument, "Payload is invalid. \"\(name)\" must be text.")
        }
    }
}
