import Foundation
import HomeConfiguration
import DropCore
import DropSpooling
import DropWatch
import Evidence
import HomeReports
import Logging
import Pipeline
import PluginHost
import SocketKit
import SystemKit
import ThreadKit
import TwinModel
import TwinStore

/// Builds the parts of an engine from a configuration.
struct Assembly {
    let home: Home
    let intake: Engine.Intake
    let log: Logger
    let tally: Tally
    let claims: ClaimResults
    let left: LeftLog
    /// Told of everything that happens, once somebody listens.
    let ears: Ears
    let acceptance: Engine.Acceptance
    /// The lock of the engine before, at a reload.
    let held: HomeLock?
    let budget: DescriptorBudget

    typealias Parts = (HomeLock, TwinStore, PluginHost, DropPipeline, DropWatcher, Wiring)

    private var configuration: Configuration { home.configuration }
    private var paths: Configuration.Paths { home.paths }

    /// A command beside holds the lock for as long as it handles one file: `run` started at the same moment waits that long, but
    /// not for another daemon, which answers on its control socket.
    private func lockHome() throws(DropError) -> HomeLock {
        let deadline = ContinuousClock.now + .seconds(3)
        var isToldOf = false
        while true {
            do { return try HomeLock(state: paths.state) } catch {
                guard error.code == .locked, ContinuousClock.now < deadline, !isServed else { throw error }
                if !isToldOf { log.notice("A command holds the home; waiting for its end.") }
                isToldOf = true
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
    }

    /// A daemon runs on this home. Without an answer that is not known, and the lock decides.
    private var isServed: Bool { (try? LocalConnection(connectingTo: home.controlSocket)) != nil }

    /// Takes the lock and makes the parts, from the files up; nothing runs yet.
    func make() throws(CommandFailure) -> Parts {
        let stored = try reporting { () throws(DropError) in try openStored() }
        let events = try reporting { () throws(StartError) in
            let models = try ModelFolder.adopt([paths.models], into: stored.store, by: Caller(name: "models folder"))
            if !models.isEmpty { log.notice("Models were taken from the home.", metadata: ["models": .number(models.count)]) }
            return try configuration.log.events.map { path throws(StartError) in try EventStream(path) }
        }
        return try reporting { () throws(DropError) in try connect(stored, events) }
    }

    /// What of the home lies on the disk, opened and compared.
    private struct Stored {
        let lock: HomeLock
        let inHand: InHandFile
        let spool: SpoolFolder
        let store: TwinStore
    }

    private func openStored() throws(DropError) -> Stored {
        Folders.tighten(home: paths.home, state: paths.state)
        try Folders.make([paths.state, paths.archive])
        try Folders.make([paths.dropzone], forSenders: true)
        makeOthers()
        let lock = if let held { try HomeLock(continuing: held) } else { try lockHome() }
        if lock.wasUnclean { log.warning("The last run did not end cleanly; recovering.") }
        if lock.wasUnclean, lock.wasRebooted, let doubted = lock.truncation.doubted.last {
            log.warning(
                "The machine went down under the last run; files changed then are quarantined unless something vouches for them.",
                metadata: ["from": "\(Times.text(doubted.lowerBound))", "until": "\(Times.text(doubted.upperBound))"])
        }
        let inHand = try InHandFile(state: paths.state, wasUnclean: lock.wasUnclean, wasRebooted: lock.wasRebooted)
        let spool = try SpoolFolder(state: paths.state)
        try spool.clearScratch()
        if !acceptance.database { try ArchiveConsistency.checkForDatabase(state: paths.state, archive: paths.archive) }
        let store = try TwinStore.open(folder: paths.state)
        if lock.wasUnclean, let damage = try store.maintenance.quickCheck().first {
            throw DropError(
                .damaged, "The twin database is damaged: \(damage).",
                hint:
                    "Restore the newest backup with `twindrop restore FILE`; \(DocumentPage.path("operations.md")) says what follows.",
                remedy: .stop)
        }
        try compare(store, spool)
        return Stored(lock: lock, inHand: inHand, spool: spool, store: store)
    }

    private func connect(_ stored: Stored, _ events: EventStream?) throws(DropError) -> Parts {
        let (lock, store, inHand, spool) = (stored.lock, stored.store, stored.inHand, stored.spool)
        try store.maintenance.declareIndexes(configuration.indexes)
        for id in try store.service.unreadableModels() {
            log.warning(
                "A stored model cannot be read by this version; its twins cannot be written.", metadata: ["model": "\(id)"])
        }
        let host = SourcePlugins.host(
            of: configuration.sources, in: configuration, keys: store.sourceKeys, warmWorkersMax: budget.workers, log: log)
        let claimer = Claimer(
            spoolFolder: paths.state + "/spool/in", sources: configuration.sources.map(\.watched),
            dropZone: paths.dropzone,
            ordered: Set(
                configuration.sources.filter { $0.order != .none || $0.policy.mode == .snapshot || $0.sequence != nil }.map(
                    \.name)),
            reserve: SpaceReserve(share: configuration.limits.space.softShare, bytes: configuration.limits.space.softBytes),
            ownership: FolderOwnership(
                instance: try store.facts.instanceID(), stateFolder: paths.state, homeFolder: paths.home))
        sayWhatIsNotServed()
        let wiring = Wiring(log: log, tally: tally, events: events, ears: ears)
        let pipeline = try makePipeline(store, host, spool, inHand, claimer, wiring)
        let watcher = makeWatcher(
            pipeline, Router(host: host), store, instance: try store.facts.instanceID(), lock.truncation)
        let claims = claims
        let told: @Sendable ([(SettledFile, ClaimResult)]) -> Void =
            if intake.isOnce { { claims.note($0) } } else { { watcher.noteClaims($0) } }
        wiring.afterClaim.with { $0 = Listener(hear: told) }
        return (lock, store, host, pipeline, watcher, wiring)
    }

    /// Database and archive must know one another, and the database what lies in the spool.
    private func compare(_ store: TwinStore, _ spool: SpoolFolder) throws(DropError) {
        let consistency = try ArchiveConsistency(store, root: paths.archive)
        let accepted = try consistency.check(acceptsArchive: acceptance.archive, acceptsDatabase: acceptance.database)
        if let why = accepted.archive {
            log.warning("The archive is not the one the database knows.", metadata: ["why": "\(why)"])
        }
        if let why = accepted.database {
            log.error("The database has forgotten archived drops.", metadata: ["why": "\(why)"])
        }
        for path in spool.strangers(besides: Set(try store.register.unfinished().map(\.id))) {
            log.error(
                "A file in the spool belongs to no drop that the database knows.",
                metadata: ["file": "\(path)", "hint": "\(Strangers.hint(path, paths))"])
        }
    }

    /// The others go on.
    private func sayWhatIsNotServed() {
        for broken in configuration.broken {
            for mistake in broken.mistakes {
                log.error(
                    "A source is not served.",
                    metadata: [
                        "source": "\(broken.name)", "reason": "\(WaitingReason.Code.sourceMistake.rawValue)", "why": "\(mistake)",
                        "next": "\(broken.reason.hint)",
                    ])
            }
        }
    }

    /// Folders that one source, or the receipts, cannot do without. Where one cannot be made, the others go on, and every surface
    /// says what is the matter with that one.
    private func makeOthers() {
        for folder in [paths.receipts] + ownLandingFolders {
            do throws(DropError) { try Folders.make([folder], forSenders: true) } catch {
                log.error("A folder cannot be made.", metadata: ["error": "\(error)"])
            }
        }
    }

    /// The sources' folders in the drop zone. Others may be mounts that are away: to make those would hide that.
    private var ownLandingFolders: [String] {
        configuration.sources.map(\.watched.folder).filter { $0.hasPrefix(paths.dropzone + "/") }
    }

    private func makePipeline(
        _ store: TwinStore, _ host: PluginHost, _ spool: SpoolFolder, _ inHand: InHandFile, _ claimer: Claimer, _ wiring: Wiring
    ) throws(DropError) -> DropPipeline {
        var limits = PipelineLimits()
        limits.transformThreads = configuration.limits.workers
        limits.waitsForSpace = intake.isDaemon
        limits.batchDrops = budget.claims
        limits.commitBytes = configuration.limits.commitBytes
        limits.scratchFolder = spool.scratchFolder
        limits.softFree = (configuration.limits.space.softShare, configuration.limits.space.softBytes)
        limits.hardFree = (configuration.limits.space.hardShare, configuration.limits.space.hardBytes)
        let archive = configuration.archive
        limits.aheadBytes = archive.containerBytes
        let root = paths.archive
        let log = log
        let ports = PipelinePorts(
            register: store.register, graph: store.graph, transformer: host, claimer: claimer, spool: spool,
            receipts: home.receipts(), amendments: AmendmentReader(archive: root, scratch: spool.scratchFolder),
            makeArchive: { () throws(DropError) in
                let limits = ArchiveWriter.Limits(
                    level: archive.level, drops: archive.containerDrops, bytes: archive.containerBytes)
                let writer = try ArchiveWriter(root: root, limits: limits, now: WallClock.milliseconds())
                return ArchivePort(writer, clock: WallClock.milliseconds, log: log)
            },
            fetch: { drop, descriptor throws(DropError) in try ArchiveCatalogue(root: root).cat(drop, to: descriptor) },
            maintenance: Maintenance(store: store, retention: configuration.retention, receipts: paths.receipts, log: log)
                .maintain,
            clock: WallClock.milliseconds, inHand: inHand)
        var sources: [PipelineSource] = []
        for source in configuration.sources {
            try load(source, host)
            sources.append(PipelineSource(source))
        }
        return DropPipeline(
            ports: ports, sources: sources, limits: limits, notBefore: try store.lists.newestLabel(),
            afterClaim: { results in wiring.afterClaim.withoutWaking { $0 }?.hear(results) }, emit: wiring.emit)
    }

    /// A source whose plugin is missing or broken still has its other files claimed and kept; its drops wait.
    private func load(_ source: Source, _ host: PluginHost) throws(DropError) {
        do { _ = try host.transformDigest(of: source.name) } catch {
            guard error.remedy == .suspendSource else { throw error }
            log.error(
                "A source cannot run.",
                metadata: left.metadata(WaitingReport.suspension(error)).merging(["source": "\(source.name)"]) { first, _ in first
                })
        }
    }

    private func makeWatcher(
        _ pipeline: DropPipeline, _ router: Router, _ store: TwinStore, instance: String, _ truncation: TruncationRule
    )
        -> DropWatcher
    {
        let (log, left) = (log, left)
        // A daemon leaves files where they are while their source has enough to do; what ends waits for its turn.
        var room: (@Sendable (SourceName) -> Int)?
        if intake.isDaemon { room = { source in pipeline.room(for: source) } }
        let handler = WatchHandler(
            settled: { files in pipeline.submit(files) }, route: { files in router.route(files) },
            left: { (file: WaitingFile) in left.note(file) }, room: room,
            note: { sentence in log.notice("Watching changed.", metadata: ["note": "\(sentence)"]) },
            alarm: { sentence in log.warning("A folder is not watched as it should be.", metadata: ["note": "\(sentence)"]) })
        return DropWatcher(
            sources: configuration.sources.map(\.watched), dropZone: paths.dropzone,
            helperPath: intake.isOnce ? nil : Installation.current.path(of: "twindrop-watch"),
            ownership: FolderOwnership(instance: instance, stateFolder: paths.state, homeFolder: paths.home),
            truncation: truncation, owner: store.owner(of:), handler: handler)
    }
}

/// A closure as a value of a type of its own. A bare closure in a `Monitor` is wrapped anew each time it is read and put back,
/// for generic code sees closures in another form: the wrappers pile up until the stack ends.
struct Listener<Heard>: Sendable {
    let hear: @Sendable (Heard) -> Void
}

/// Who listens to the pipeline's events; nil before that is known.
typealias Ears = Monitor<Listener<PipelineEvent>?>

/// Connects the pipeline's events to log, tally and event stream; made before the watcher, which is told of claims later.
final class Wiring: Sendable {
    let afterClaim = Monitor<Listener<[(SettledFile, ClaimResult)]>?>(nil)
    private let log: Logger
    private let tally: Tally
    private let events: EventStream?
    private let ears: Ears

    init(log: Logger, tally: Tally, events: EventStream?, ears: Ears) {
        self.log = log
        self.tally = tally
        self.events = events
        self.ears = ears
    }

    /// Forgets who listens. Pipeline, watcher and listeners hold one another through this; nothing else would end that, and a
    /// reload would keep the graph of each engine.
    func hangUp() {
        afterClaim.with { $0 = nil }
        ears.with { $0 = nil }
    }

    @Sendable func emit(_ event: PipelineEvent) {
        ears.withoutWaking { $0 }?.hear(event)
        switch event {
        case .claimed, .transforming: break
        case .applied(let record):
            tally.note(record)
            events?.note(.applied, record.fileName)
            emit(ended: record)
        case .archived(let record):
            events?.note(.archived, record.fileName)
            log.debug("A drop was archived.", metadata: facts(record))
        case .endedWithoutApply(let record):
            tally.note(record)
            emit(ended: record)
        case .closed(let record):
            tally.noteClosed(record)
            log.info(
                record.state == .retried ? "A drop runs again as another." : "A drop was put right by a later one.",
                metadata: DropFactsForLog(record).metadata)
        case .acted(let act):
            var facts: Logger.Metadata = ["act": "\(act.kind.rawValue)", "act.id": "\(act.id)", "by": "\(act.by.description)"]
            if let drop = act.drop { facts["drop.id"] = "\(drop)" }
            if let source = act.source { facts["source"] = "\(source)" }
            if let reason = act.reason { facts["reason"] = "\(reason)" }
            log.notice("A person acted.", metadata: facts)
        case .refused(let file, let error):
            log.warning(
                "A file cannot be claimed.", metadata: ["file": "\(file.name)", "source": "\(file.source)", "error": "\(error)"])
        case .sourceSuspended(let source, let error):
            log.error(
                "A source is suspended; its files wait.",
                metadata: [
                    "source": "\(source)", "reason": "\(WaitingReason.Code.sourceSuspended.rawValue)", "error": "\(error)",
                ])
        case .waiting(let record, let error):
            log.warning(
                "A drop waits.", metadata: ["drop.id": "\(record.id)", "source": "\(record.source)", "error": "\(error)"])
        case .goesOn(let code, let source):
            log.notice("What was told is over.", metadata: ["reason": "\(code.rawValue)", "source": "\(source?.text ?? "-")"])
        case .failed(let error):
            log.error("Something failed.", metadata: ["error": "\(error)"])
        }
    }

    private func emit(ended record: DropRecord) {
        switch record.state {
        case .held:
            if record.outcome == .nothingUsable {
                log.warning("A drop is held, because nothing of it can be used.", metadata: facts(record))
            } else {
                log.warning("A drop is held.", metadata: facts(record))
            }
        case .quarantined: log.warning("A drop was quarantined.", metadata: facts(record))
        case .discarded: log.info("A drop was discarded.", metadata: facts(record))
        case .duplicate: log.info("A drop is a duplicate.", metadata: facts(record))
        default:
            switch record.outcome {
            case .appliedWithRejects: log.warning("A drop was applied with rejects.", metadata: facts(record))
            case .nothingUsable:
                if record.released {
                    log.warning("A drop was released, and nothing of it could be used.", metadata: facts(record))
                } else {
                    log.warning("Nothing of a drop could be used, and its source holds no such drop.", metadata: facts(record))
                }
            default:
                log.log(level: record.books?.withheld == nil ? .info : .warning, "A drop was applied.", metadata: facts(record))
            }
        }
    }

    private func facts(_ record: DropRecord) -> Logger.Metadata { DropFactsForLog(record).metadata }
}
