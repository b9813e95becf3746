/// When the provider is asked for keys: regularly, soon after a failure, and when a token names an unknown key. Not every such
/// token causes a request, because anybody can invent one.
struct KeySchedule: Sendable {
    /// The time from one success to the next request.
    private let refresh: Duration
    private var failures = 0
    /// When the next regular request is due.
    private(set) var due: ContinuousClock.Instant
    /// The first moment at which a token may cause a request.
    private var open: ContinuousClock.Instant

    /// Between two questions that tokens caused.
    static let pause: Duration = .seconds(60)
    /// After failures in a row; the last counts for all that follow.
    static let retries: [Duration] = [.seconds(2), .seconds(5), .seconds(10), .seconds(30), .seconds(60)]

    /// The first question is due at once.
    init(refresh: Duration, now: ContinuousClock.Instant) {
        self.refresh = refresh
        due = now
        open = now
    }

    /// A token names an unknown key: whether to ask now. True counts as a request.
    mutating func asks(at now: ContinuousClock.Instant) -> Bool {
        guard failures == 0, now >= open else { return false }
        open = now + Self.pause
        due = now
        return true
    }

    mutating func succeeded(at now: ContinuousClock.Instant) {
        failures = 0
        due = now + refresh
    }

    mutating func failed(at now: ContinuousClock.Instant) {
        due = now + Self.retries[min(failures, Self.retries.count - 1)]
        failures += 1
    }
}
