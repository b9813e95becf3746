import HomeConfiguration
package import DropCore
import DropSpooling
package import DropWatch
import Evidence
package import HomeReports
import Logging
import Pipeline
import PluginHost
import SystemKit
import ThreadKit
import TwinAPI
package import TwinModel
import TwinService
import TwinStore

/// The composition root: makes the parts of a home, wires them into one pipeline, and starts and stops them in order.
package final class Engine: Sendable {
    /// Where drops come from.
    package enum Intake: Sendable {
        /// The drop zone, watched until stopped.
        case daemon
        /// The drop zone as it is now, once.
        case once
        /// Only what `submit` is given, and what an earlier run left.
        case none
    }

    /// What a person accepts at a start.
    package struct Acceptance: Sendable {
        /// An archive that is not the one the database knows.
        var archive: Bool
        /// A database that is older than the archive, or new.
        var database: Bool

        package init(archive: Bool = false, database: Bool = false) {
            self.archive = archive
            self.database = database
        }
    }

    let home: Home
    let intake: Intake
    let log: Logger
    package let register: any DropRegister
    let graph: TwinStore
    package let tally = Tally()
    let budget: DescriptorBudget
    /// What the last `finish` left behind.
    private let leftBehind = Monitor<WaitingReport?>(nil)
    private let left: LeftLog
    private let claims = ClaimResults()
    let lock: HomeLock
    let host: PluginHost
    let pipeline: DropPipeline
    let watcher: DropWatcher
    private let wiring: Wiring
    /// How the sources stand with the deliveries that are expected of them.
    let lateness: Lateness
    let watchful: Watchfulness
    /// How the service manager hears of this daemon.
    package let notices = ServiceNotices()
    private let control = Monitor<ControlServer?>(nil)
    private let watching = Monitor(false)
    private let isOver = Monitor(false)
    private let display = ProgressDisplay()
    private let alive = Monitor<NamedThread?>(nil)
    private let suspensions = Monitor<[SourceName: Suspension]?>(nil)
    private let begun = ContinuousClock.now

    /// Which files are doubted since a power cut.
    var truncation: TruncationRule { lock.truncation }
    private let http = Monitor<HTTPService?>(nil)
    /// The graph, as applications use it.
    let service: any TwinService

    /// Takes the home's lock and opens its parts; nothing runs before `start`.
    ///
    /// - Parameter acceptance: what a person says may be so.
    package convenience init(_ home: Home, intake: Intake, acceptance: Acceptance = .init()) throws(CommandFailure) {
        try self.init(home, intake: intake, acceptance: acceptance, continuing: nil)
    }

    /// - Parameter held: the lock of the engine before, at a reload; nil: it is taken.
    init(_ home: Home, intake: Intake, acceptance: Acceptance, continuing held: HomeLock?) throws(CommandFailure) {
        try home.checkServable()
        self.home = home
        self.intake = intake
        let settings = home.configuration.log
        log = Logger(label: "twindrop") { label in
            LogLines(label: label, format: LogLines.Format(settings.format), level: Logger.Level(settings.level))
        }
        let limits = home.configuration.limits
        let budget = try reporting { () throws(StartError) in
            try DescriptorBudget(
                limit: Int(clamping: System.raiseOpenFilesMax()), connections: home.configuration.http.limits.connections,
                claims: limits.commitDrops, transforms: limits.workers)
        }
        self.budget = budget
        left = LeftLog(log)
        let ears = Ears(nil)
        (lock, graph, host, pipeline, watcher, wiring) = try Assembly(
            home: home, intake: intake, log: log, tally: tally, claims: claims, left: left, ears: ears,
            acceptance: acceptance, held: held, budget: budget
        ).make()
        register = graph.register
        lateness = try reporting { [graph] () throws(DropError) in
            try Lateness(starting: home.configuration, graph, at: WallClock.milliseconds())
        }
        watchful = Watchfulness(home, graph, pipeline, host, lateness, log)
        ears.with { [watchful] in $0 = Listener { watchful.hear($0) } }
        let http = home.configuration.http
        let rules = ServiceRules(
            uploads: http.models == .azure ? .azure : .dtdl, twinsMax: http.limits.twins == 0 ? nil : http.limits.twins)
        service = GraphService(graph, rules: rules)
    }

    /// Recovers, then starts the stages, then looks at the drop zone.
    ///
    /// - Parameter isReload: the daemon runs already, and goes on with another configuration.
    package func start(isReload: Bool = false) throws(DropError) {
        if !isReload { tellStart() }
        if intake.isDaemon { notices.status("Starting; what the last run left is recovered.") }
        alive.with { thread in
            thread = NamedThread("td-alive") { [self] in
                var seconds = 0
                while !isOver.wait(until: { $0 }, timeout: .seconds(1), { $0 }) {
                    seconds += 1
                    if seconds % 10 == 0 { lock.touch() }
                    resumeCorrected()
                    noteSuspensions()
                    if seconds % 5 == 0, intake.isDaemon { left.note(waiting()) }
                    watchful.lookAtClock()
                    tellAlive(after: seconds)
                }
            }
        }
        display.start(log: log) { [pipeline] in pipeline.progress().map(ProgressLine.init) }
        try pipeline.start()
        if case .none = intake {} else { try watchful.start(asDaemon: !intake.isOnce) }
        if case .daemon = intake {
            watcher.start()
            watching.with { $0 = true }
        }
    }

    /// Before `start`: the drop is given up when its turn comes, and not worked on.
    package func willDiscard(_ drop: DropID, by person: Person, reason: String?) throws(DropError) {
        try pipeline.willDiscard(drop, by: person, reason: reason)
    }

    /// Waits until everything that is present has come to its end; throws what stopped the pipeline.
    ///
    /// - Parameter complete: a file of the drop zone that this process has written.
    package func finish(complete: DropWatcher.CompleteFile? = nil) throws(CommandFailure) {
        if intake.isOnce {
            let present = watcher.takePresent(
                complete: complete, claims: { [claims] in claims.take() }, mayClaim: { [pipeline] in pipeline.failure == nil })
            for file in present.files {
                log.warning(
                    "A file was left.",
                    metadata: left.metadata(file.reason).merging(
                        ["file": "\(file.folder)/\(file.name)", "source": "\(file.source?.text ?? "-")"]
                    ) { first, _ in first })
            }
            if let failure = pipeline.waitUntilIdle() { throw CommandFailure(failure) }
            let all = waiting(present)
            left.note(all)
            leftBehind.with { $0 = all }
        } else if let failure = pipeline.waitUntilIdle() {
            throw CommandFailure(failure)
        }
        if intake.isOnce { watchful.finish() }
        noteSuspensions()
    }

    /// What the last `finish` left: files, drops and sources that did not go on. Nil where the drop zone was not looked at.
    package var whatIsLeft: WaitingReport? { leftBehind.with { $0 } }

    /// Everything that waits, and why.
    func waiting() -> WaitingReport { waiting(nil) }

    private func waiting(_ present: DropWatcher.Waiting?) -> WaitingReport {
        WaitingReport.running(home, watcher, pipeline, host, present: present, now: WallClock.milliseconds())
    }

    /// Why a file waits, after `finish`: a code and sentences.
    package func why(_ path: String) -> JSON {
        let report = leftBehind.with { $0 } ?? waiting()
        return WhyReport(home, watcher: watcher, register: register, waiting: report).answer(path)
    }

    /// Writes down which sources are suspended, for commands that run when no daemon does.
    private func noteSuspensions() {
        let now = pipeline.snapshot().suspensions
        let isNew = suspensions.with { known in
            defer { known = now }
            return known != now
        }
        if isNew { SuspensionFile(state: home.paths.state).write(now) }
    }

    /// Hands over a file that is known to be complete.
    func submit(_ file: SettledFile) { pipeline.submit([file]) }

    package func openControl() throws(StartError) {
        let server = try ControlServer(at: home.controlSocket) { [unowned self] (act, request, caller) throws(CommandFailure) in
            try answer(act, request, caller)
        }
        control.with { $0 = server }
    }

    /// Serves the graph to applications; `state/endpoint` gets the URL.
    ///
    /// - Parameter listen: `HOST:PORT` or `off`, before the configuration; nil: as configured.
    package func openHTTP(listen: String?) throws(CommandFailure) {
        let assembly = HTTPAssembly(engine: self, listen: listen)
        guard let service = try reporting({ () throws(StartError) in try assembly.start() }) else { return }
        http.with { $0 = service }
        do {
            try EndpointFile.write(service.server.url, state: home.paths.state)
        } catch {
            throw CommandFailure(
                .storage, "The file state/endpoint cannot be written: \(error.lines.joined(separator: " "))",
                "Check the state folder.")
        }
        log.info("The twin service listens.", metadata: ["url": "\(service.server.url)"])
    }

    /// Asks for the end; `waitUntilStopping` returns.
    package func beginStop() { pipeline.beginStop() }

    /// Asked again to end: what still runs is left to the next start.
    package func abandon() {
        log.notice("Asked again to end: drops in hand are left to the next start.")
        pipeline.abandon()
    }

    package func waitUntilStopping() -> DropError? { pipeline.waitUntilStopping() }

    /// Stops intake, finishes the drops in hand, closes everything. May be called more than once.
    ///
    /// - Parameter isReload: the daemon goes on with another engine, which takes the lock of this one.
    /// - Returns: whether all of it was closed as it should be.
    @discardableResult
    package func stop(isReload: Bool = false) -> Bool {
        if intake.isDaemon, !isReload { notices.stopping() }
        let serving = http.with { service in
            defer { service = nil }
            return service
        }
        if let serving {
            EndpointFile.remove(state: home.paths.state)
            serving.stop()
        }
        control.with { server in
            server?.stop()
            server = nil
        }
        let wasWatching = watching.with { state in
            defer { state = false }
            return state
        }
        if wasWatching { watcher.stop() }
        watchful.stop()
        pipeline.stop()
        host.close()
        let wasOver = isOver.with { over in
            defer { over = true }
            return over
        }
        if !wasOver, !isReload { tellStop() }
        alive.with { $0 }?.join()
        display.stop()
        wiring.hangUp()
        do {
            // After a failure of storage the next start looks at everything, as after a crash.
            let isSound = pipeline.waitUntilStopping() == nil
            try graph.close(movingLog: isSound)
            if isSound, !isReload { try lock.release() }
            return isSound
        } catch {
            log.error("The home was not closed cleanly.", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// A run is told of at both ends; a command that does one thing is not a run.
    private func tellStart() {
        if case .none = intake { return }
        log.notice(
            "TwinDrop starts.",
            metadata: [
                "version": "\(Version.text)", "home": "\(home.paths.home)", "pid": .number(FileCalls.process),
                "sources": .number(home.configuration.sources.count),
            ])
    }

    private func tellStop() {
        if case .none = intake { return }
        log.notice(
            "TwinDrop stops.",
            metadata: [
                "version": "\(Version.text)", "pid": .number(FileCalls.process), "drops": .number(tally.count),
                "seconds": .number((ContinuousClock.now - begun) / .seconds(1)),
            ])
    }

    /// Sources that were suspended, and whose plugin, mapping or tables were changed since, go on.
    private func resumeCorrected() {
        for source in home.configuration.sources.map(\.name) where host.isWorthAnotherTry(source) {
            host.resume(source)
            do throws(DropError) { _ = try host.transformDigest(of: source) } catch {
                guard error.remedy != .suspendSource else {
                    pipeline.restate(source, error)  // Still wrong, perhaps otherwise.
                    continue
                }
            }
            log.notice("The files of a suspended source were changed; it goes on.", metadata: ["source": "\(source)"])
            pipeline.resume(source)
        }
    }
}

extension Engine.Intake {
    var isOnce: Bool { if case .once = self { true } else { false } }
    var isDaemon: Bool { if case .daemon = self { true } else { false } }
}

/// What became of files that were submitted while nobody watches.
final class ClaimResults: Sendable {
    private let results = Monitor<[(SettledFile, ClaimResult)]>([])

    func note(_ more: [(SettledFile, ClaimResult)]) { results.with { $0 += more } }

    func take() -> [(SettledFile, ClaimResult)] {
        results.with { results in
            defer { results = [] }
            return results
        }
    }
}
