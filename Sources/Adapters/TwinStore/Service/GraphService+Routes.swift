import CodecKit
package import DropCore
import GRDB
package import TwinModel

extension GraphService {
    /// Event routes there may be (docs/azure-contract.md, "Limits").
    static let eventRoutesMax = 6

    package func eventRoutes(after: String?, limit: Int) throws(ServiceError) -> ServicePage<JSON> {
        let limit = max(1, limit)
        return try store.answering { database throws(DropError) in
            let query = try RawStatement.cached(
                "SELECT id, endpoint, filter FROM event_route WHERE id > ? ORDER BY id LIMIT ?", database)
            query.bind(text: 1, Array((after ?? "").utf8))
            query.bind(2, Int64(limit + 1))
            defer { query.reset() }
            var routes: [JSON] = []
            while try query.step() { routes.append(Self.route(query)) }
            let page = Array(routes.prefix(limit))
            return ServicePage(elements: page, next: routes.count > limit ? page.last?["id"]?.string : nil)
        }
    }

    package func eventRoute(_ id: String) throws(ServiceError) -> JSON {
        let found = try store.answering { database throws(DropError) -> JSON? in
            let query = try RawStatement.cached("SELECT id, endpoint, filter FROM event_route WHERE id = ?", database)
            query.bind(text: 1, Array(id.utf8))
            defer { query.reset() }
            return try query.step() ? .some(Self.route(query)) : .none
        }
        guard let found else { throw Self.missing(eventRoute: id) }
        return found
    }

    /// Stores a route. Whether its endpoint exists, and whether its filter is one, the caller has checked: both are settled
    /// outside the graph.
    package func put(eventRoute id: String, endpoint: String, filter: String, by caller: Caller) throws(ServiceError) {
        let isFit = !id.isEmpty && id.utf8.count <= 128 && !id.unicodeScalars.contains { $0.value < 0x20 }
        guard isFit else {
            throw ServiceError(400, "EventRouteIdInvalid", "The id of an event route has 1 to 128 characters.")
        }
        guard !endpoint.isEmpty else {
            throw ServiceError(400, "EventRouteEndpointInvalid", "The event route \(id) names no endpoint: give endpointName.")
        }
        guard !filter.isEmpty else {
            throw ServiceError(
                400, "EventRouteFilterInvalid", "The event route \(id) has no filter: give `true` to forward every event.")
        }
        try store.call(caller, "put event route") { writer in
            let others = try Int.fetchOne(
                writer.database, sql: "SELECT count(*) FROM event_route WHERE id <> ?", arguments: [id])!
            guard others < Self.eventRoutesMax else {
                throw ServiceError(
                    400, "LimitExceeded", "There are \(others) event routes already: that is the most. Delete one.")
            }
            try writer.database.execute(
                sql: "INSERT OR REPLACE INTO event_route(id, endpoint, filter, call_no) VALUES(?, ?, ?, ?)",
                arguments: [id, endpoint, filter, Int64(writer.effects.dropNumber)])
            writer.effects.hasChanged = true
        }
    }

    package func delete(eventRoute id: String, by caller: Caller) throws(ServiceError) {
        try store.call(caller, "delete event route") { writer in
            try writer.database.execute(sql: "DELETE FROM event_route WHERE id = ?", arguments: [id])
            guard writer.database.changesCount > 0 else { throw Self.missing(eventRoute: id) }
            writer.effects.hasChanged = true
        }
    }

    private static func route(_ query: RawStatement) -> JSON {
        .object([
            .init("id", .string(query.text(0))), .init("endpointName", .string(query.text(1))),
            .init("filter", .string(query.text(2))),
        ])
    }

    private static func missing(eventRoute id: String) -> ServiceError {
        ServiceError(404, "EventRouteNotFound", "There is no event route with the id \(Escaping.visible(id, scalarsMax: 200)).")
    }
}
