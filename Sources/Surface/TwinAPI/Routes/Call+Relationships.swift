import CodecKit
import DropCore
import TwinModel

extension Call {
    func answerRelationships(_ route: Route) throws(APIError) -> APIResponse {
        switch (route, request.method) {
        case (.relationship(let id, let twin), "PUT"):
            let document = try object()
            // The recorded answer for a body without its two required members, whatever else is wrong.
            guard document["$relationshipName"]?.string != nil, document["$targetId"]?.string != nil else {
                throw APIError(
                    .invalidArgument,
                    "Could not deserialize relationship create body. It needs the texts $relationshipName and $targetId.")
            }
            let condition = try putCondition()
            return .entity(
                try ask { service throws(ServiceError) in
                    try service.put(relationship: id, of: twin, document, condition, by: caller)
                })
        case (.relationship(let id, let twin), "PATCH"):
            switch try patchBody() {
            case .malformed(let response): return response
            case .patch(let patch):
                let condition = try matchCondition()
                return .empty(
                    etag: try ask { service throws(ServiceError) in
                        try service.patch(relationship: id, of: twin, patch, condition, by: caller)
                    })
            }
        case (.relationship(let id, let twin), "DELETE"):
            let condition = try matchCondition()
            try ask { service throws(ServiceError) in try service.delete(relationship: id, of: twin, condition, by: caller) }
            return .empty()
        case (.relationship(let id, let twin), _):
            return .entity(try ask { service throws(ServiceError) in try service.relationship(id, of: twin) })
        case (.relationships(let twin), _): return try listRelationships(of: twin)
        case (.incomingRelationships(let twin), _): return try listIncomingRelationships(of: twin)
        default: throw APIError(.notFound, "There is nothing at this path.")
        }
    }

    private func listRelationships(of twin: String) throws(APIError) -> APIResponse {
        let name = request.parameter("relationshipName")
        let token = try page(
            "relationships", standard: api.limits.relationshipsPage, sizedByHeader: false, filters: name.map { [$0] } ?? [])
        let page = try ask { service throws(ServiceError) in
            try service.relationships(of: twin, named: token.filters.first, after: token.position, limit: token.limit)
        }
        return pageResponse(page.elements.map { $0.utf8() }, token, next: page.next)
    }

    private func listIncomingRelationships(of twin: String) throws(APIError) -> APIResponse {
        let token = try page("incoming", standard: api.limits.relationshipsPage, sizedByHeader: false)
        let page = try ask { service throws(ServiceError) in
            try service.incomingRelationships(of: twin, after: token.position, limit: token.limit)
        }
        let elements = page.elements.map { element in
            let source = PercentCoding.encoded(element["$sourceId"]?.string ?? "")
            let id = PercentCoding.encoded(element["$relationshipId"]?.string ?? "")
            let link = JSON.Member("$relationshipLink", .string(url("/digitaltwins/\(source)/relationships/\(id)")))
            return JSON.object((element.members ?? []) + [link]).utf8()
        }
        return pageResponse(elements, token, next: page.next)
    }
}
