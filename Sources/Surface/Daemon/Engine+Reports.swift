import DropCore
import DropWatch
import HomeConfiguration
import HomeReports
import Pipeline
import PluginHost
import ThreadKit
import TwinAPI
import TwinModel
import TwinStore

/// What the daemon says of itself to those who watch it.
extension Engine {
    /// Why applications should not be sent here, in words; empty when all is well.
    func hindrances() -> [String] {
        let snapshot = pipeline.snapshot()
        var found = snapshot.diskIsFull ? ["disk-full: files wait in their folders."] : []
        if let reason = snapshot.archiveReason { found.append("\(reason.code.rawValue): drops wait for the archive.") }
        if snapshot.receiptsAreFull { found.append("receipts-full: receipts wait for room.") }
        return found
    }

    /// What does not go on although the service does: a line each, without paths.
    func remarks() -> [String] {
        let report = waiting()
        return report.unserved.map { "\($0.title): \($0.words) (\($0.reason.code.rawValue)), for \($0.seconds) s" }
            + report.groups.map {
                "\($0.source.map { "source \($0)" } ?? "the drop zone"): \(counted($0.files, "file")) wait (\($0.code.rawValue)), "
                    + "for \($0.oldestSeconds) s"
            }
            + Dictionary(grouping: report.drops) { "source \($0.record.source): drops wait (\($0.reason.code.rawValue))" }
            .map { "\($0.key): \($0.value.count)" }.sorted() + warnings()
    }

    /// What a person should know although the service is ready.
    func warnings() -> [String] {
        lateness.standings(at: WallClock.milliseconds()).filter(\.standing.isLate).map {
            "source \($0.source) is late. \($0.standing.sentence)"
        }
    }

    /// What `/metrics` shows.
    func metrics() -> [MetricFamily] {
        let paths = home.paths
        let folders = [("state", paths.state), ("dropzone", paths.dropzone), ("archive", paths.archive)]
        return EngineMetrics(
            snapshot: pipeline.snapshot(), watched: watcher.status(), waiting: waiting(),
            watcherRestarts: watcher.counters().restarts,
            plugins: host.status(), store: graph, totals: tally.totals, ends: tally.ends,
            last: lateness.last, expected: lateness.standings(at: WallClock.milliseconds()), channels: watchful.standings,
            space: folders.map { (folder: $0.0, space: FileCalls.space(of: $0.1)) }
        ).families
    }
}
