import DropCore
import DropWatch
import HomeConfiguration
import HomeReports
import Pipeline
import PluginHost
import TwinModel

extension StatusReport {
    /// What `status` shows of a running daemon.
    static func running(
        _ engine: Engine, _ snapshot: PipelineSnapshot, _ watcher: DropWatcher, _ host: PluginHost
    ) throws(DropError) -> JSON {
        let watched = Dictionary(watcher.status().map { ($0.source, $0) }) { first, _ in first }
        let plugins = Dictionary(host.status().map { ($0.source, $0) }) { first, _ in first }
        let counters = watcher.counters()
        let daemon: JSON = [
            "waiting": .int(Int64(snapshot.waitingFiles)), "inFlight": .array(snapshot.inFlight.map { DropReport.json($0) }),
            "diskIsFull": .bool(snapshot.diskIsFull), "changed": changed(engine.home).map { .string($0) } ?? .null,
            "restartsOfWatcher": .int(Int64(counters.restarts)),
            "notify": .array(engine.watchful.standings.map(json)),
            "overflows": .int(Int64(counters.overflows)), "filesSeen": .int(Int64(counters.seen)),
            "sandboxMissing": .array((host.sandboxMissing() ?? []).map { .string($0) }),
            "doubted": .array(
                engine.truncation.doubted.map {
                    ["from": .string(Times.text($0.lowerBound)), "until": .string(Times.text($0.upperBound))]
                }),
        ]
        return try report(engine.home, engine.graph, engine.waiting(), engine.lateness, daemon: daemon) { source in
            var members: [JSON.Member] = []
            if let seen = watched[source.name] {
                members.append(.init("watch", .string(seen.mode.description)))
                members.append(.init("waitingFiles", .int(Int64(seen.waiting))))
                members.append(.init("refusedFiles", .int(Int64(seen.refused))))
                if let oldest = seen.oldestWaiting {
                    members.append(.init("oldestWaitingSeconds", .int(oldest.components.seconds)))
                }
                if !seen.alarms.isEmpty { members.append(.init("alarms", .array(seen.alarms.map { .string($0) }))) }
            }
            if let plugin = plugins[source.name] {
                members.append(.init("worker", .string(plugin.isRunning ? "busy" : plugin.hasWarmWorker ? "warm" : "none")))
            }
            if let why = plugins[source.name]?.suspension?.description ?? suspension(of: source, snapshot) {
                members.append(.init("suspended", .string(why)))
            }
            if snapshot.blocked.contains(source.name) { members.append(.init("blocked", true)) }
            return members
        }
    }

    /// Why its drops wait although its plugin was never run: the defect beside it says more.
    private static func suspension(of source: Source, _ snapshot: PipelineSnapshot) -> String? {
        guard snapshot.suspended.contains(source.name) else { return nil }
        return "Its plugin or settings cannot be used; its files wait. Correct them: it goes on by itself, "
            + "after a change of twindrop.yaml once the daemon was started again."
    }

    private static func json(_ channel: Notifier.Standing) -> JSON {
        .object([
            .init("channel", .string(channel.channel)), .init("sent", .int(Int64(channel.sent))),
            .init("waiting", .int(Int64(channel.waiting))), .init("failures", .int(Int64(channel.failures))),
            .init("failuresInARow", .int(Int64(channel.failuresInARow))),
            .init("lastSentAt", channel.lastSentAt.map { .string(Times.text($0)) } ?? .null),
            .init("error", channel.error.map { .string($0) } ?? .null),
        ])
    }
}
