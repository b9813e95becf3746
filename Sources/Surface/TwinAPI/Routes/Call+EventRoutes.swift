import CodecKit
import DropCore
import TwinModel

extension Call {
    func answerEventRoutes(_ route: Route) throws(APIError) -> APIResponse {
        switch (route, request.method) {
        case (.eventRoutes, _):
            let token = try page("eventroutes", standard: api.limits.listPage)
            let page = try ask { service throws(ServiceError) in
                try service.eventRoutes(after: token.position, limit: token.limit)
            }
            return pageResponse(page.elements.map { $0.utf8() }, token, next: page.next)
        case (.eventRoute(let id), "PUT"):
            let body = try object()
            guard let endpoint = body["endpointName"]?.string else {
                throw APIError(.eventRouteEndpointInvalid, "The route needs the text \"endpointName\".")
            }
            guard let filter = body["filter"]?.string else {
                throw APIError(
                    .eventRouteFilterInvalid, "The route needs the text \"filter\"; \"true\" forwards every event.")
            }
            guard api.endpoints.contains(where: { $0.utf8.elementsEqual(endpoint.utf8) }) else {
                throw APIError(
                    .eventRouteEndpointInvalid,
                    "There is no endpoint \(Escaping.visible(endpoint, scalarsMax: 100)). "
                        + "Add its name to http.endpoints of twindrop.yaml."
                )
            }
            do throws(QueryError) {
                _ = try EventRouteFilter(parsing: filter)
            } catch {
                throw APIError(.eventRouteFilterInvalid, error.filterSentence)
            }
            try ask { service throws(ServiceError) in
                try service.put(eventRoute: id, endpoint: endpoint, filter: filter, by: caller)
            }
            return .empty()
        case (.eventRoute(let id), "DELETE"):
            try ask { service throws(ServiceError) in try service.delete(eventRoute: id, by: caller) }
            return .empty()
        case (.eventRoute(let id), _):
            return .json(200, try ask { service throws(ServiceError) in try service.eventRoute(id) })
        default: throw APIError(.notFound, "There is nothing at this path.")
        }
    }
}
