import DropCore
import Synchronization

/// What the server counts about requests.
final class RequestCounters: Sendable {
    private struct Key: Hashable {
        let route: String
        let status: Int
    }

    private struct State {
        var answers: [Key: UInt64] = [:]
        var durations: [String: DurationHistogram] = [:]
    }

    private let state = Mutex(State())

    /// - Parameter route: a path without ids.
    func note(route: String, status: Int, took duration: Duration) {
        state.withLock { state in
            state.answers[Key(route: route, status: status), default: 0] += 1
            state.durations[route, default: DurationHistogram()].note(duration)
        }
    }

    var families: [MetricFamily] {
        let (answers, durations) = state.withLock { ($0.answers, $0.durations) }
        var counted = MetricFamily("twindrop_http_requests_total", .counter, "Requests answered, by route and status.")
        for (key, count) in answers.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }) {
            counted.add(Double(count), ["route": key.route, "status": String(key.status)])
        }
        var timed = MetricFamily(
            "twindrop_http_request_duration_seconds", .histogram, "From a request's head to its complete answer, by route.")
        for (route, histogram) in durations.sorted(by: { $0.key < $1.key }) { timed.add(histogram, ["route": route]) }
        return [counted, timed]
    }
}
