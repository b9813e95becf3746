package import DropCore
import Synchronization
import ThreadKit
import TwinModel

/// Answers queries, a page at a time.
///
/// Any thread: each page reads one moment on a connection of its own. `queries` counts those that run, under its monitor.
package final class StoreQueries: Sendable {
    private let store: StoreEngine
    /// Queries that run: each has a connection, and comparisons need some, too.
    private let queries = Monitor(0)

    init(_ store: StoreEngine) { self.store = store }

    /// Rows of a page where nobody says how many.
    private static let queryPage = 100

    /// One page of a query of the present graph; see `TwinService.query`.
    package func query(
        _ text: String?, continuation: String?, limit: Int?, isWanted: @escaping @Sendable () -> Bool = { true }
    ) throws(ServiceError) -> QueryPage {
        try query(text, continuation: continuation, limit: limit, asOf: .now, isWanted: isWanted)
    }

    /// One page of a query of the graph at a moment (docs/query-language.md). It reads one snapshot, never waits for the writer,
    /// and never holds it up.
    ///
    /// - Parameters:
    ///   - text: the query; not looked at where `continuation` is given.
    ///   - continuation: the token of the page before: it holds the query and its moment.
    ///   - limit: rows of the page, at most 1000 (more are taken as 1000); nil: as many as the page before was to have, or 100.
    ///   - family: what the models extend; nil: those of the graph, as they are now.
    ///   - timeout: after this long the query ends with `timeout`.
    ///   - isWanted: asked while the query runs; false ends it, too, as nobody waits for it.
    ///
    /// Errors: `invalidQuery`, `invalidPage` (no query, a token that is not of this graph, a moment whose history is gone),
    /// `timeout`; `failed` where storage fails.
    package func query(
        _ text: String?, continuation: String?, limit: Int?, asOf moment: Moment, family: ModelFamily? = nil,
        timeout: Duration = .seconds(60), isWanted: @escaping @Sendable () -> Bool = { true }
    ) throws(ServiceError) -> QueryPage {
        var token: ContinuationToken?
        if let continuation { token = try self.token(continuation) }
        guard let text = token?.query ?? text else {
            throw ServiceError(.invalidPage, "The request has neither a query nor a continuation token.")
        }
        let limit = limit ?? token?.limit ?? Self.queryPage
        guard limit > 0 else {
            throw ServiceError(.invalidPage, "A page has at least one row: ask for 1 to \(QueryLimits.pageMax).")
        }
        let query: Query
        do {
            query = try Query(parsing: text)
        } catch {
            throw ServiceError(.invalidQuery, error.sentence)
        }
        let family = family ?? ModelFamily(store.catalog.keyed.catalog)
        let deadline = ContinuousClock.now + timeout
        let hasBegun = queries.wait(until: { $0 < StoreConnection.queriesMax }, timeout: timeout) { running in
            guard running < StoreConnection.queriesMax else { return false }
            running += 1
            return true
        }
        guard hasBegun else {
            throw ServiceError(.timeout, "Too many other queries were running. Try again.")
        }
        defer { queries.with { $0 -= 1 } }
        do {
            return try store.reading { (database) throws(DropError) in
                let sequence = if let token { token.sequence } else { try store.states.resolve(moment, database) }
                let graph = try QueryGraph(
                    store, database, asOf: sequence, until: QueryDeadline(deadline, isWanted: isWanted))
                let former = token ?? ContinuationToken(query: text, sequence: sequence, rows: 0, limit: limit, position: [])
                return try page(query, graph, family, after: former, limit: min(limit, QueryLimits.pageMax))
            }
        } catch {
            throw Self.refusal(error)
        }
    }

    private func page(
        _ query: Query, _ graph: QueryGraph, _ family: ModelFamily, after former: ContinuationToken, limit: Int
    ) throws(DropError) -> QueryPage {
        let plan = try QueryPlan(query, graph, family)
        let left = query.top.map { max(0, $0 - former.rows) } ?? Int.max
        let run = QueryRun(plan, graph, after: former.position, limit: min(limit, left))
        try run.run()
        let found = run.page
        let rows = query.selection == .count ? [.object([.init("COUNT", .int(Int64(found.matches)))])] : found.rows
        var continuation: String?
        if let next = found.next, rows.count < left {
            let token = ContinuationToken(
                query: former.query, sequence: former.sequence, rows: former.rows + rows.count, limit: limit, position: next)
            continuation = token.text(try TokenSecret.hash(graph.database))
        }
        return QueryPage(rows: rows, continuation: continuation, charge: Self.charge(graph.work, rows.count))
    }

    /// Query units: 1 for the question, and what was looked at and answered.
    private static func charge(_ work: Int, _ rows: Int) -> Double {
        (100 * (1 + Double(work) / 200 + Double(rows) / 50)).rounded() / 100
    }

    // MARK: Tokens

    private func token(_ text: String) throws(ServiceError) -> ContinuationToken {
        do {
            let hash = try store.reading { (database) throws(DropError) in try TokenSecret.hash(database) }
            if let token = ContinuationToken(text, hash) { return token }
        } catch {
            throw Self.refusal(error)
        }
        throw ServiceError(
            .invalidPage, "The continuation token is not one of this graph. Start again with the query.")
    }

    /// See `TokenSecret`.
    func makeTokenSecret() throws(DropError) { try TokenSecret.make(store) }

    private static func refusal(_ error: DropError) -> ServiceError {
        switch error.code {
        case QueryDeadline.code: ServiceError(.timeout, error.message + " " + error.hint)
        case .pruned: ServiceError(.invalidPage, error.message + " " + error.hint)
        default: ServiceError(.failed, error.message)
        }
    }
}
