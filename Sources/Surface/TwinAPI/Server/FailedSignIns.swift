import Logging
import Synchronization

/// Slows down callers who send invalid tokens, and logs it at most once a minute.
final class FailedSignIns: Sendable {
    private struct State {
        var count = 0
        var toldAt: ContinuousClock.Instant?
    }

    private let log: Logger
    private let state = Mutex(State())

    private static let pause: Duration = .milliseconds(200)
    private static let interval: Duration = .seconds(60)

    init(log: Logger) { self.log = log }

    /// One more; returns after a pause.
    func note() async {
        let now = ContinuousClock.now
        let count: Int? = state.withLock { state in
            state.count += 1
            if let toldAt = state.toldAt, now < toldAt + Self.interval { return nil }
            defer { state = State(toldAt: now) }
            return state.count
        }
        if let count {
            log.warning("Requests came with a token that is not valid here.", metadata: ["requests": "\(count)"])
        }
        // A client that closes the connection meanwhile only ends the pause.
        try? await Task.sleep(for: Self.pause)
    }
}
