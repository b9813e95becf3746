import DropCore

/// How long a query may run, and whether somebody still waits for it.
struct QueryDeadline {
    private let end: ContinuousClock.Instant
    private let isWanted: @Sendable () -> Bool
    private let begin = ContinuousClock.now

    init(_ end: ContinuousClock.Instant, isWanted: @escaping @Sendable () -> Bool = { true }) {
        self.end = end
        self.isWanted = isWanted
    }

    /// Errors: `code`.
    func check() throws(DropError) {
        let now = ContinuousClock.now
        guard now < end else { throw Self.late }
        // A short query is answered whether or not its client has closed its own side of the connection already.
        guard now < begin + .milliseconds(250) || isWanted() else { throw Self.unwanted }
    }

    static let code: DropError.Code = .queryTimeout

    private static let unwanted = DropError(
        code, "The query was ended: its client has hung up.", hint: "Ask again.", remedy: .retry(after: .seconds(1)))

    private static var late: DropError {
        DropError(
            code, "The query took too long.",
            hint: "Narrow it: by $dtId, by model, or by a property that the configuration declares indexed.",
            remedy: .retry(after: .seconds(1)))
    }
}
