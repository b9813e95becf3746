import DropCore
import DropWatch
import HomeConfiguration
import HomeReports
import Logging
import Pipeline

/// What a service manager is told, and what it asks for with a signal.
extension Engine {
    /// Every second, on the thread that tends the home. The snapshot takes the pipeline's lock: a daemon in which that is never
    /// free again says nothing more, and is ended.
    func tellAlive(after seconds: Int) {
        guard intake.isDaemon, notices.isHeard else { return }
        let snapshot = pipeline.snapshot()
        let suspended = snapshot.suspended.count
        notices.status(
            "\(counted(home.configuration.sources.count, "source")), \(counted(snapshot.inFlight.count, "drop")) in hand"
                + (suspended > 0 ? ", \(counted(suspended, "source")) suspended" : "")
                + (snapshot.diskIsFull ? ", the disk is full" : ""))
        notices.alive(after: seconds)
    }

    /// SIGHUP: looks through the drop zone again, and reads `twindrop.yaml` to say what a restart would change. Mappings, tables,
    /// models and plugins need no signal: they are taken up when they change.
    package func reload() {
        notices.reloading()
        defer { notices.ready() }
        watcher.rescanNow()
        guard home.configuration.isOutOfDate else {
            log.notice("Asked to read the configuration again: it is as it was. The drop zone is looked through.")
            return
        }
        let mistakes: [String]
        do throws(CommandFailure) {
            mistakes = try Home(home.paths.home).configuration.allMistakes?.errors.map(\.description) ?? []
        } catch { mistakes = error.lines }
        for mistake in mistakes { log.error("The changed configuration has a mistake.", metadata: ["why": "\(mistake)"]) }
        log.notice(
            "The configuration was changed; the change counts from the next start on.",
            metadata: [
                "changes": "\(home.configuration.changes().joined(separator: ", "))", "mistakes": .number(mistakes.count),
                "next": "\(mistakes.isEmpty ? "Restart the daemon." : "Correct the mistakes, then restart the daemon.")",
            ])
    }
}
