package import DropCore
package import TwinModel

extension GraphService {
    package func eventRoutes(after: String?, limit: Int) throws(ServiceError) -> ServicePage<JSON> {
        let limit = max(1, limit)
        let routes = try store.answering { reader throws(DropError) in
            try reader.eventRoutes(after: after ?? "", limit: limit + 1)
        }
        let page = routes.prefix(limit)
        return ServicePage(elements: page.map(\.document), next: routes.count > limit ? page.last?.id : nil)
    }

    package func eventRoute(_ id: String) throws(ServiceError) -> JSON {
        let found = try store.answering { reader throws(DropError) in try reader.eventRoute(id) }
        guard let found else { throw .missing(eventRoute: id) }
        return found.document
    }

    /// Stores a route. Whether its endpoint exists, and whether its filter is one, the caller has checked: both are settled
    /// outside the graph.
    package func put(eventRoute id: String, endpoint: String, filter: String, by caller: Caller) throws(ServiceError) {
        let isFit = !id.isEmpty && id.utf8.count <= 128 && !id.unicodeScalars.contains { $0.value < 0x20 }
        guard isFit else {
            throw ServiceError(.eventRouteIDInvalid, "The id of an event route has 1 to 128 characters.")
        }
        guard !endpoint.isEmpty else {
            throw ServiceError(.eventRouteEndpointInvalid, "The event route \(id) names no endpoint: give endpointName.")
        }
        guard !filter.isEmpty else {
            throw ServiceError(
                .eventRouteFilterInvalid, "The event route \(id) has no filter: give `true` to forward every event.")
        }
        try call(caller, "put event route") { writer in
            let others = try writer.countEventRoutes(besides: id)
            guard others < ServiceLimits.eventRoutes else {
                throw ServiceError(
                    .limitExceeded, "There are \(others) event routes already: that is the most. Delete one.")
            }
            try writer.put(EventRoute(id: id, endpoint: endpoint, filter: filter))
        }
    }

    package func delete(eventRoute id: String, by caller: Caller) throws(ServiceError) {
        try call(caller, "delete event route") { writer in
            guard try writer.delete(eventRoute: id) else { throw ServiceError.missing(eventRoute: id) }
        }
    }
}
