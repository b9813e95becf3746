import DropCore
import SystemKit

/// The watcher's parts at work, all on one thread. `DropWatcher` owns the thread and the inbox.
///
/// In each turn it takes the inbox, handles signals, claims and hints, reads a piece of each root's scan, looks at files that are
/// due, gives files their turn, and delivers. So no source waits for the full folder of another, and a new file waits for at most
/// one piece of each; where a folder is read for the first time, until all of it is read.
final class WatchLoop {
    /// Files of an owner that have their turn before the others go on.
    private static let turnsMax = 512

    let state: WatchState
    let looks: FileLooks
    let health: RootHealth
    let answers: WatchAnswers
    private let scans: FolderScans
    private let left: LeftFiles
    private let handOver: HandOver
    private(set) var isWatching = false

    enum Purpose {
        /// By events and by a timer, until it is stopped.
        case watching
        /// Takes what is there once, without events.
        case once
        /// Looking only: nothing is taken, changed or written.
        case looking
    }

    init(
        sources: [WatchedSource], dropZone: String?, ownership: FolderOwnership?, timing: WatchTiming, handler: WatchHandler,
        truncation: TruncationRule, purpose: Purpose, owner: @escaping Routing.Owner = { _ in nil }
    ) {
        state = WatchState(
            purpose, sources: sources, folders: WatchedFolders(sources, dropZone: dropZone, owner: owner), timing: timing,
            handler: handler, truncation: truncation)
        scans = FolderScans(state)
        left = LeftFiles(state)
        health = RootHealth(state, scans: scans, left: left, ownership: ownership)
        looks = FileLooks(state, left: left, health: health, scans: scans)
        handOver = HandOver(state, left: left, looks: looks)
        answers = WatchAnswers(state, looks: looks)
    }

    /// One turn; false when there is more to do at once.
    func turn(_ inbox: Inbox, hints: [(hint: Inbox.Hint, arrival: Settling.Arrival)]) -> Bool {
        for signal in inbox.signals { act(on: signal) }
        for (file, result) in inbox.claims { handOver.note(file, result) }
        if inbox.everything { scans.scanEverything() }  // Names that events told were left out for it.
        for folder in inbox.folders { scans.scan(folder, deep: true, gathers: false) }
        for folder in inbox.flooded { scans.scan(folder, deep: true, gathers: true) }
        for (hint, arrival) in hints {
            if let folder = state.folders.folder(at: hint.folder) { looks.look(at: hint.name, in: folder, arrival: arrival) }
            if state.ready.count >= HandOver.batchMax { handOver.deliver() }
        }
        for request in inbox.requests { request(self) }
        if isWatching { health.glance() }
        if isWatching || state.purpose != .watching { beginDueScans() }
        var idle = true
        for watchRoot in state.folders.roots where read(watchRoot) { idle = false }
        lookAtDue()
        if takeTurns() { idle = false }
        handOver.deliver()
        state.folders.closeHandles()
        return idle
    }

    private func lookAtDue() {
        let now = Instant.now
        while let (at, hint) = state.due.next(by: now) {
            guard let folder = state.folders[hint.folder], folder.entries[hint.name]?.due == at else { continue }
            looks.look(at: hint.name, in: folder)
            if state.ready.count >= HandOver.batchMax { handOver.deliver() }
        }
    }

    /// When the next turn is needed if nothing happens before.
    var nextDue: Instant? {
        var earliest = state.due.earliest
        if isWatching { earliest = min(earliest ?? health.nextGlance, health.nextGlance) }
        for watchRoot in state.folders.roots where isWatching {
            earliest = min(earliest ?? watchRoot.nextScan, watchRoot.nextScan)
            if let deadline = watchRoot.probe.deadline { earliest = min(earliest ?? deadline, deadline) }
        }
        return earliest
    }

    // MARK: Signals

    private func act(on signal: EventStream.Signal) {
        switch signal {
        case .down(let reason, let failures):
            state.handler.note(reason)
            state.counters.restarts += 1
            isWatching = true
            // A single restart takes a moment; until then the timer is enough.
            for watchRoot in state.folders.roots where failures > 1 && watchRoot.isUsable {
                health.setMode(.polling("the watcher program does not run"), of: watchRoot)
            }
            scans.scanEverything()
        case .frame(.ready):
            isWatching = true
            for watchRoot in state.folders.roots {
                watchRoot.unwatched = [:]
                // An answer to the old helper is lost.
                watchRoot.probe = WatchRoot.Probe()
                if watchRoot.isUsable { watchRoot.mode = .starting }
            }
            scans.scanEverything()
        case .frame(.overflow):
            state.counters.overflows += 1
            scans.scanEverything()
        case .frame(.watched(let path)):
            guard let folder = state.folders.folder(at: path) else { return }
            folder.watchRoot.unwatched[path] = nil
            folder.handle = nil
            if path == folder.watchRoot.root { folder.watchRoot.nextScan = .now }
            scans.scan(path, deep: true, gathers: true)
        case .frame(.lost(let path)):
            guard let folder = state.folders[path] else { return }
            folder.handle = nil
            guard path == folder.watchRoot.root else { return state.forget(folder) }
            scans.gather(folder.watchRoot)
            folder.watchRoot.nextScan = .now
        case .frame(.unwatched(let code, let path)):
            guard let folder = state.folders.folder(at: path) else { return }
            let reason =
                SystemError.kind(of: code) == .full
                ? "the limit of inotify watches is reached; raise fs.inotify.max_user_watches" : SystemError.text(code)
            folder.watchRoot.unwatched[path] = reason
            state.handler.alarm("The folder \(path) has no watch and is polled: \(reason).")
            if path == folder.watchRoot.root { health.setMode(.polling(reason), of: folder.watchRoot) }
        case .frame(.failed), .frame(.renew), .frame(.event): break  // `down` follows; events come as hints.
        }
    }

    // MARK: Scanning

    private func beginDueScans() {
        let now = Instant.now
        for watchRoot in state.folders.roots {
            health.endProbe(of: watchRoot, at: now)
            guard watchRoot.nextScan <= now else { continue }
            health.check(watchRoot, at: now)
            watchRoot.nextScan = now + interval(of: watchRoot)
            guard watchRoot.isUsable else { continue }
            if watchRoot.scans.gathersAgain {
                guard watchRoot.scans.gathering != .running else { continue }  // Its end asks for this scan again.
                watchRoot.scans.gathersAgain = false
                scans.gather(watchRoot)
            }
            state.counters.scans += 1
            // Where no event tells of a file, the scans alone put files in order.
            let isAlone = watchRoot.isPolledInPart && !scans.isFull(watchRoot)
            scans.queueScan(
                of: watchRoot.root, in: watchRoot, deep: true, gathers: watchRoot.scans.gathering == .announced || isAlone)
        }
    }

    private func interval(of watchRoot: WatchRoot) -> Duration {
        if case .unavailable = watchRoot.mode { return state.timing.rescanRemote }
        if watchRoot.remote != nil { return state.timing.rescanRemote }
        if case .polling = watchRoot.mode { return state.timing.rescanPolled }
        return watchRoot.unwatched.isEmpty ? state.timing.rescan : state.timing.rescanPolled
    }

    /// Reads a piece of the root's scan; whether there is more to read at once.
    private func read(_ watchRoot: WatchRoot) -> Bool {
        if let piece = scans.next(of: watchRoot) {
            for entry in piece.entries { take(entry, of: piece.scan) }
            if piece.isLast { endScan(of: piece.scan.folder) }
        }
        scans.endGatheringWhenRead(watchRoot)
        return scans.hasMore(of: watchRoot)
    }

    private func take(_ found: FolderReader.Entry, of scan: ScanJob) {
        let folder = scan.folder
        if found.isFolder == true, takeSubfolder(found.name, of: scan) { return }
        if var entry = folder.entries[found.name] {
            entry.generation = folder.generation
            folder.entries[found.name] = entry
            switch entry.phase {
            case .delivered, .marker, .queued: return
            case .settling: if let due = entry.due, due > .now { return }
            case .left: break
            }
        }
        looks.look(at: found.name, in: folder, on: .scan)
    }

    /// Queues the scan of a subfolder that a source looks into; false when none does.
    private func takeSubfolder(_ name: FileName, of scan: ScanJob) -> Bool {
        let path = scan.folder.path.appending(name)
        guard let watchRoot = state.folders.folder(at: path)?.watchRoot else { return false }
        guard path.text != nil else {
            let reason = WaitingReason(
                .folderName, "The name of the folder \(path) is not valid UTF-8, so files in it are not taken.")
            let source = scan.folder.routing.members.first?.source.name
            left.leave(name, in: scan.folder, reason, source: source, FileIdentity(device: 0, inode: 0, changeTime: 0))
            scan.folder.entries[name]?.generation = scan.folder.generation
            return true
        }
        // A root of its own is scanned by itself.
        if scan.deep, watchRoot.root != path { scans.queueScan(of: path, in: watchRoot, deep: true, gathers: scan.gathers) }
        return true
    }

    /// A name that the scan did not see is gone.
    private func endScan(of folder: WatchedFolder) {
        var gone: [FileName] = []
        for (name, entry) in folder.entries where entry.generation != folder.generation {
            if entry.isDelivered { continue }
            if entry.isSettling { state.counters.vanished += 1 }
            gone.append(name)
        }
        for name in gone { folder.entries[name] = nil }
        if state.purpose != .looking { Markers(state: state).quarantineAlone(in: folder, left) }
    }

    // MARK: Turns

    /// Looks at files whose turn it is, as far as their owners have room; whether more could have their turn at once.
    ///
    /// Those of one call have one instant, from which on they must be still: so they become complete together, in their order.
    private func takeTurns() -> Bool {
        var isMore = false
        for owner in state.ready.owners {
            let now = Instant.now
            var rest = Self.turnsMax
            while rest > 0, let turn = state.ready.next(of: owner) {
                rest -= 1
                guard let folder = state.folders[turn.file.folder], let entry = folder.entries[turn.file.name],
                    case .queued = entry.phase, entry.changed == turn.changed
                else { continue }
                looks.look(at: turn.file.name, in: folder, on: .turn(now))
                if state.ready.count >= HandOver.batchMax { handOver.deliver() }
            }
            if state.ready.hasNext(of: owner) { isMore = true }
        }
        return isMore
    }
}
