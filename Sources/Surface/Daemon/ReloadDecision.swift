import HomeConfiguration
import HomeReports

/// What a reload does with `twindrop.yaml` as it is now (decision 0050).
enum ReloadDecision {
    /// Why nothing is taken over, and what a person can do.
    struct Refusal {
        let sentence: String
        let reasons: [String]
        let next: String
    }

    case unchanged
    case refused(Refusal)
    /// Served from now on; the keys that changed.
    case taken(Home, [String])

    /// - Parameter running: what is served now. Reads the file, and what it names.
    init(_ running: Home) {
        guard running.configuration.isOutOfDate else {
            self = .unchanged
            return
        }
        let next: Home
        do throws(CommandFailure) { next = try Home(running.paths.home) } catch {
            self = .mistaken(error.lines)
            return
        }
        do throws(CommandFailure) { try next.checkServable() } catch {
            self = .mistaken(next.configuration.allMistakes?.errors.map(\.description) ?? error.lines)
            return
        }
        let changes = running.configuration.changes()
        if let mistakes = next.configuration.newMistakes(besides: running.configuration) {
            self = .mistaken(mistakes)
        } else if changes.contains(where: StatusReport.needsRestart) {
            self = .refused(
                Refusal(
                    sentence: "The changed configuration has another archive or state folder, which only a start takes.",
                    reasons: changes.filter(StatusReport.needsRestart), next: "Restart the daemon."))
        } else {
            self = changes.isEmpty ? .unchanged : .taken(next, changes)
        }
    }

    private static func mistaken(_ mistakes: [String]) -> Self {
        .refused(
            Refusal(
                sentence: "The changed configuration has a mistake.", reasons: mistakes,
                next: "Correct the mistakes, then reload the daemon once more."))
    }
}
