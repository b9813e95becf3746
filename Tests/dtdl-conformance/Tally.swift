/// The count over all cases.
struct Tally {
    let results: [ConformanceCase.Result]

    init(_ results: [ConformanceCase.Result]) { self.results = results }

    var verdictsRight: Int { results.count(where: \.isVerdictRight) }
    /// The invalid cases whose suite names ids.
    var errorCases: [ConformanceCase.Result] { results.filter { $0.isErrorRight != nil } }
    var errorsRight: Int { results.count { $0.isErrorRight == true } }

    /// One line per case that is not as expected.
    var misses: [String] {
        results.compactMap { result in
            if !result.isVerdictRight { return "verdict   \(result.name): \(result.explanation)" }
            if result.isErrorRight == false { return "error id  \(result.name): \(result.explanation)" }
            if result.hasOtherErrors { return "other id  \(result.name): \(result.explanation)" }
            if !result.isUnresolvedRight { return "undefined \(result.name): \(result.explanation)" }
            return nil
        }
    }

    /// The last lines; scripts read the very last.
    var summary: String {
        """
        exact: no id besides the expected ones in \(errorCases.count { $0.isErrorRight == true && !$0.hasOtherErrors }) of \
        \(errorCases.count); undefined ids as expected in \(results.count(where: \.isUnresolvedRight)) of \(results.count)
        verdicts \(verdictsRight) of \(results.count), error ids \(errorsRight) of \(errorCases.count)
        """
    }
}
