/// When keys are asked for at their provider: in good time, soon after a failure, and where a token names a key that is not
/// known, but then not for every such token: anybody can make one up.
struct KeySchedule: Sendable {
    /// From one success to the next question.
    private let refresh: Duration
    private var failures = 0
    /// The next question of its own accord.
    private(set) var due: ContinuousClock.Instant
    /// The first moment at which a token may cause one.
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

    /// A token names an unknown key: whether to ask now. A yes is taken for a question.
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
