import DropCore
import DropSpooling
import DropWatch
import HomeConfiguration
package import HomeReports
import Logging
import ThreadKit

/// A daemon from its start to its end. A reload ends the engine and starts another with the changed configuration (decision
/// 0050): so there is never a mixture of two, and what a reload does is what a start does.
package final class DaemonRun: Sendable {
    private struct State {
        /// Nil between two engines.
        var engine: Engine?
        /// What a reload starts with.
        var next: Home?
        /// Asked for a reload between two engines.
        var isAskedAgain = false
        var isEnding = false
    }

    /// What an engine leaves to the next.
    private struct Heritage {
        let home: Home
        let lock: HomeLock
        let log: Logger
        let notices: ServiceNotices
    }

    private let acceptance: Engine.Acceptance
    private let listen: String?
    private let state: Monitor<State>

    /// Takes the home's lock and opens its parts; nothing runs before `start`.
    ///
    /// - Parameters:
    ///   - acceptance: what a person says may be so.
    ///   - listen: where the twin service listens, before the configuration; nil: as configured.
    package init(_ home: Home, acceptance: Engine.Acceptance, listen: String?) throws(CommandFailure) {
        self.acceptance = acceptance
        self.listen = listen
        state = Monitor(State(engine: try Engine(home, intake: .daemon, acceptance: acceptance)))
    }

    private var engine: Engine? { state.withoutWaking { $0.engine } }

    package func start() throws(CommandFailure) {
        guard let engine else { return }
        try reporting { () throws(DropError) in try engine.start() }
    }

    /// Opens the control socket and the twin service.
    ///
    /// - Returns: false when it was asked to end meanwhile: the twin service is then not opened, only to be closed at once.
    package func open() throws(CommandFailure) -> Bool {
        guard let engine else { return false }
        return try open(engine)
    }

    private func open(_ engine: Engine) throws(CommandFailure) -> Bool {
        try reporting { () throws(StartError) in try engine.openControl() }
        guard state.withoutWaking({ !$0.isEnding }) else { return false }
        try engine.openHTTP(listen: listen)
        return true
    }

    /// Tells the service manager that it is ready.
    package func ready() { engine?.notices.ready() }

    /// Asks for the end; `serve` returns.
    package func beginStop() {
        state.with { $0.isEnding = true }
        engine?.beginStop()
    }

    /// Asked again to end: what still runs is left to the next start.
    package func abandon() { engine?.abandon() }

    /// After a failure: closes everything.
    package func stop() { engine?.stop() }

    /// Serves until it is asked to end, or something fails.
    package func serve() throws(CommandFailure) {
        while let engine {
            let failure = engine.waitUntilStopping()
            let next = state.with { state in
                defer { state.next = nil }
                return state.isEnding || failure != nil ? nil : state.next
            }
            if let next {
                try change(to: next)
                continue
            }
            engine.stop()
            if let failure { throw CommandFailure(failure) }
            return
        }
    }

    // MARK: Reload

    /// SIGHUP: looks through the drop zone again, and takes over a changed `twindrop.yaml` if nothing in it stands against that.
    /// Mappings, tables, models and plugins need no signal: they are taken up when they change. On any thread.
    package func reload() {
        let running = state.with { state in
            state.isAskedAgain = state.engine == nil
            return state.engine
        }
        guard let running else { return }
        running.notices.reloading()
        switch ReloadDecision(running.home) {
        case .unchanged:
            running.watcher.rescanNow()
            running.log.notice("Asked to read the configuration again: it is as it was. The drop zone is looked through.")
            running.notices.ready()
        case .refused(let refusal):
            running.watcher.rescanNow()
            for reason in refusal.reasons { running.log.error("\(refusal.sentence)", metadata: ["why": "\(reason)"]) }
            running.log.error(
                "The changed configuration is not taken over: the daemon goes on with the one it has.",
                metadata: ["next": "\(refusal.next)"])
            running.notices.ready()
        case .taken(let home, let changes):
            running.log.notice(
                "The configuration was changed; the daemon takes it over.",
                metadata: ["changes": "\(changes.joined(separator: ", "))"])
            state.with { $0.next = home }
            running.beginStop()
        }
    }

    /// Ends the engine and starts one with the configuration of `next`; where that cannot be, with the one before.
    private func change(to next: Home) throws(CommandFailure) {
        let heritage = try endEngine()
        let isDone = Monitor(false)
        // The thread that says that the daemon lives is one of an engine. Nobody waits for a start that does not end.
        let pulse = NamedThread("td-reload") {
            for second in 1...600 where !isDone.wait(until: { $0 }, timeout: .seconds(1), { $0 }) {
                heritage.notices.alive(after: second)
            }
        }
        defer {
            isDone.with { $0 = true }
            pulse.join()
        }
        do throws(CommandFailure) {
            try begin(next, heritage.lock)
            heritage.log.notice(
                "The daemon goes on with the changed configuration.",
                metadata: ["sources": .number(next.configuration.sources.count)])
        } catch {
            heritage.log.error(
                "The changed configuration cannot be served: the daemon goes on with the one it had.",
                metadata: [
                    "why": "\(error.lines.joined(separator: " "))", "next": "Correct that, then reload the daemon once more.",
                ])
            try begin(heritage.home, heritage.lock)
        }
        heritage.notices.ready()
        let isAskedAgain = state.with { state in
            defer { state.isAskedAgain = false }
            return state.isAskedAgain
        }
        if isAskedAgain { reload() }
    }

    /// Stops the engine, and lets go of it: two graphs at a time would take the memory of both.
    private func endEngine() throws(CommandFailure) -> Heritage {
        guard let engine else { preconditionFailure("there is an engine where it is to end") }
        let heritage = Heritage(home: engine.home, lock: engine.lock, log: engine.log, notices: engine.notices)
        state.with { $0.engine = nil }
        guard engine.stop(isReload: true) else {
            throw CommandFailure(
                .storage, "The home could not be closed for a reload.", "See the log; the next start looks at everything.")
        }
        return heritage
    }

    private func begin(_ home: Home, _ lock: HomeLock) throws(CommandFailure) {
        let engine = try Engine(home, intake: .daemon, acceptance: acceptance, continuing: lock)
        do throws(CommandFailure) {
            try reporting { () throws(DropError) in try engine.start(isReload: true) }
            _ = try open(engine)
        } catch {
            engine.stop(isReload: true)
            throw error
        }
        let isEnding = state.with { state in
            state.engine = engine
            return state.isEnding
        }
        if isEnding { engine.beginStop() }
    }
}
