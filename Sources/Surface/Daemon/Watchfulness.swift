import DropCore
import HomeConfiguration
import HomeReports
import Logging
import Pipeline
import PluginHost
import ThreadKit
import TwinModel
import TwinStore

/// What needs a person and nobody asked about: late and suspended sources, and who is told of them.
final class Watchfulness: Sendable {
    private struct State {
        /// Sources that do not go on, since when and why.
        var suspended: [SourceName: (since: UInt64, why: String)] = [:]
        var late: [SourceName: UInt64] = [:]
    }

    private let pipeline: DropPipeline
    private let host: PluginHost
    private let lateness: Lateness
    private let log: Logger
    private let state: Monitor<State>
    private let notifier: Notifier

    init(
        _ home: Home, _ store: TwinStore, _ pipeline: DropPipeline, _ host: PluginHost, _ lateness: Lateness, _ log: Logger
    ) {
        self.pipeline = pipeline
        self.host = host
        self.lateness = lateness
        self.log = log
        let state = Monitor(State())
        self.state = state
        notifier = Notifier(home, store, log: log) {
            Self.suspended(pipeline, host, state) + Self.late(lateness)
        }
    }

    var standings: [Notifier.Standing] { notifier.standings }

    func start(asDaemon: Bool) throws(DropError) { if asDaemon { try notifier.start() } }

    /// Tells once what is open: nobody watches any longer.
    func finish() { notifier.finish() }

    func stop() { notifier.stop() }

    /// Called with everything that happens to a drop, where it happens: quick, and never waits.
    func hear(_ event: PipelineEvent) {
        switch event {
        case .claimed(let record): lateness.note(record)
        case .transforming(let record), .applied(let record): lateness.judge(record)
        case .sourceSuspended(let source, let error):
            state.with { state in
                if state.suspended[source] == nil { state.suspended[source] = (WallClock.milliseconds(), error.message) }
            }
            notifier.look()
        case .endedWithoutApply(let record):
            lateness.judge(record)
            notifier.look()
        case .closed: notifier.look()
        default: break
        }
    }

    /// Called every second: says in the log which sources became late, or are so no longer.
    func lookAtClock() {
        let standings = lateness.standings(at: WallClock.milliseconds())
        for (source, standing) in standings {
            let was = state.with { state in
                let was = state.late[source]
                state.late[source] = standing.isLate ? was ?? standing.due : nil
                return was
            }
            if standing.isLate, was == nil {
                log.warning(
                    "A source is late.", metadata: ["source": "\(source)", "why": "\(standing.sentence)"])
                notifier.look()
            } else if !standing.isLate, was != nil {
                log.info("A late source delivered.", metadata: ["source": "\(source)"])
                notifier.look()
            }
        }
    }

    private static func suspended(_ pipeline: DropPipeline, _ host: PluginHost, _ state: Monitor<State>) -> [Notice] {
        let plugins = host.status().filter { $0.suspension != nil }
        let names = pipeline.suspended.union(plugins.map(\.source))
        let now = WallClock.milliseconds()
        return state.with { state in
            state.suspended = state.suspended.filter { names.contains($0.key) }
            return names.sorted().map { name in
                let plugin = plugins.first { $0.source == name }?.suspension
                let known = state.suspended[name] ?? (now, plugin?.message ?? "Its plugin or settings cannot be used.")
                state.suspended[name] = known
                var facts: [JSON.Member] = [
                    .init("source", .string(name.text)), .init("message", .string(plugin?.message ?? known.why)),
                ]
                if let hint = plugin?.hint { facts.append(.init("hint", .string(hint))) }
                return Notice(event: .suspended, subject: name.text, since: known.since, facts: facts)
            }
        }
    }

    private static func late(_ lateness: Lateness) -> [Notice] {
        lateness.standings(at: WallClock.milliseconds()).filter(\.standing.isLate).map { source, standing in
            Notice(
                event: .late, subject: source.text, since: standing.due,
                facts: [
                    .init("source", .string(source.text)),
                    .init("lastDelivery", standing.last.map { .string(Times.text($0)) } ?? .null),
                    .init("message", .string(standing.sentence)),
                    .init("hint", "Ask its sender; `twindrop why FILE` says why a file that lies in its folder is not taken."),
                ])
        }
    }
}
