import DequeModule
import DropCore
import SystemKit

/// The watcher's state and decisions, all on one thread. `DropWatcher` owns the thread and the inbox.
///
/// In each turn it takes the inbox, handles signals, claims and hints, reads a piece of each root's scan, checks files that are
/// due, and delivers. So no source waits for the full folder of another, and a new file waits for at most one piece of each.
final class WatchLoop {
    /// Entries read from a folder before the next feed has its turn.
    static let scanPiece = 512
    /// Files delivered in one call.
    static let batchMax = 256
    /// Files that one look at a folder found become due one after the other. The first of them waits so long for the others, so
    /// that they are delivered together, in their order.
    private static let dueTogether = Duration.milliseconds(25)
    /// Descriptors kept open for folders.
    private static let handlesMax = 128

    let watchRoots: [WatchRoot]
    let sources: [WatchedSource]
    let ownership: FolderOwnership?
    let timing: WatchTiming
    let handler: WatchHandler
    let truncation: TruncationRule
    /// What it is for.
    let purpose: Purpose
    /// Only for looking: whether there is room for files that must be copied.
    var copying: CopyRoom?
    private let dropZone: FolderPath?
    var folders: [FolderPath: WatchedFolder] = [:]
    var counters = WatchCounters()
    var due = DueQueue<Inbox.Hint>()
    var batch: [SettledFile] = []
    var unrouted: [UnroutedFile] = []
    /// Files of sources that already have as many files in work as they may have, in the order in which they were found complete.
    var backlogs: [SourceName: Deque<Inbox.Hint>] = [:]
    private var handles: [WatchedFolder] = []
    private var probes: UInt64 = 0
    var nextGlance = Instant.now
    var isWatching = false
    private let owner: Routing.Owner

    /// Known to be complete: see `DropWatcher.takePresent`.
    var complete: DropWatcher.CompleteFile?

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
        watchRoots = WatchRoot.all(sources, dropZone: dropZone, at: .now)
        self.sources = sources
        self.ownership = ownership
        self.timing = timing
        self.handler = handler
        self.truncation = truncation
        self.purpose = purpose
        self.owner = owner
        self.dropZone = dropZone.map { FolderPath($0) }
        for watchRoot in watchRoots {
            folders[watchRoot.root] = WatchedFolder(watchRoot.root, watchRoot: watchRoot, routing: routing(of: watchRoot.root))
        }
    }

    /// One turn; false when there is more to do at once.
    func turn(_ inbox: Inbox, hints: [(hint: Inbox.Hint, arrival: Settling.Arrival)]) -> Bool {
        for signal in inbox.signals { act(on: signal) }
        for (file, result) in inbox.claims { note(file, result) }
        if inbox.everything { scanEverything() }
        for folder in inbox.folders { scan(folder, deep: true) }
        takeBacklogs()
        for (hint, arrival) in hints {
            if let folder = self.folder(at: hint.folder) { look(at: hint.name, in: folder, arrival: arrival) }
            if batch.count >= Self.batchMax { deliver() }
        }
        for request in inbox.requests { request(self) }
        if isWatching { glance() }
        if isWatching || purpose != .watching { beginDueScans() }
        var idle = true
        for watchRoot in watchRoots where readPiece(of: watchRoot) { idle = false }
        lookAtDue()
        deliver()
        closeHandles()
        return idle
    }

    private func lookAtDue() {
        let now = Instant.now
        guard let ripe, ripe <= now else { return }
        while let (at, hint) = due.next(by: now) {
            guard let folder = folders[hint.folder], folder.entries[hint.name]?.due == at else { continue }
            look(at: hint.name, in: folder)
            if batch.count >= Self.batchMax { deliver() }
        }
    }

    /// When the files that are due first are looked at, and with them those that are due soon after.
    var ripe: Instant? { due.earliest.map { $0 + Self.dueTogether } }

    /// When the next turn is needed if nothing happens before.
    var nextDue: Instant? {
        var earliest = ripe
        if isWatching { earliest = min(earliest ?? nextGlance, nextGlance) }
        for watchRoot in watchRoots where isWatching {
            earliest = min(earliest ?? watchRoot.nextScan, watchRoot.nextScan)
            if let deadline = watchRoot.probeDeadline { earliest = min(earliest ?? deadline, deadline) }
        }
        return earliest
    }

    // MARK: Signals

    private func act(on signal: EventStream.Signal) {
        switch signal {
        case .down(let reason, let failures):
            handler.note(reason)
            counters.restarts += 1
            isWatching = true
            // A single restart takes a moment; until then the timer is enough.
            for watchRoot in watchRoots where failures > 1 && watchRoot.isUsable {
                setMode(.polling("the watcher program does not run"), of: watchRoot)
            }
            scanEverything()
        case .frame(.ready):
            isWatching = true
            for watchRoot in watchRoots {
                watchRoot.unwatched = [:]
                // An answer to the old helper is lost.
                (watchRoot.probe, watchRoot.probeDeadline, watchRoot.nextProbe) = (nil, nil, nil)
                if watchRoot.isUsable { watchRoot.mode = .starting }
            }
            scanEverything()
        case .frame(.overflow):
            counters.overflows += 1
            scanEverything()
        case .frame(.watched(let path)):
            guard let folder = folder(at: path) else { return }
            folder.watchRoot.unwatched[path] = nil
            folder.handle = nil
            if path == folder.watchRoot.root { folder.watchRoot.nextScan = .now }
            scan(path, deep: true)
        case .frame(.lost(let path)):
            guard let folder = folders[path] else { return }
            folder.handle = nil
            if path == folder.watchRoot.root { folder.watchRoot.nextScan = .now } else { forget(folder) }
        case .frame(.unwatched(let code, let path)):
            guard let folder = folder(at: path) else { return }
            let reason =
                SystemError.kind(of: code) == .full
                ? "the limit of inotify watches is reached; raise fs.inotify.max_user_watches" : SystemError.text(code)
            folder.watchRoot.unwatched[path] = reason
            handler.alarm("The folder \(path) has no watch and is polled: \(reason).")
            if path == folder.watchRoot.root { setMode(.polling(reason), of: folder.watchRoot) }
        case .frame(.failed), .frame(.renew), .frame(.event): break  // `down` follows; events come as hints.
        }
    }

    func setMode(_ mode: WatchMode, of watchRoot: WatchRoot) {
        guard watchRoot.mode != mode else { return }
        watchRoot.mode = mode
        let sentence = "\(watchRoot.title): \(mode.description)."
        switch mode {
        case .starting, .events: handler.note(sentence)
        case .polling, .unavailable: handler.alarm(sentence)
        }
    }

    // MARK: Folders

    /// The folder's state, made when a root covers it. Nil for a folder without a source.
    func folder(at path: FolderPath) -> WatchedFolder? {
        if let known = folders[path] { return known }
        guard let watchRoot = watchRoots.filter({ $0.covers(path) }).max(by: { $0.root.bytes.count < $1.root.bytes.count }) else {
            return nil
        }
        let folder = WatchedFolder(path, watchRoot: watchRoot, routing: routing(of: path))
        folders[path] = folder
        return folder
    }

    /// The sources that files of a folder can belong to: those whose folder it is, and those that scan subfolders and whose
    /// folder contains it.
    private func routing(of path: FolderPath) -> Routing {
        if path == dropZone { return Routing(dropZoneOf: sources) }
        return Routing(
            members: sources.filter { source in
                guard let below = path.components(below: FolderPath(source.folder)) else { return false }
                return source.recursive || below.isEmpty
            }, owner: owner)
    }

    /// The folder's descriptor. Kept until too many are.
    func descriptor(of folder: WatchedFolder) throws(SystemError) -> CInt {
        if folder.handle == nil { handles.append(folder) }
        return try folder.open()
    }

    private func closeHandles() {
        guard handles.count > Self.handlesMax else { return }
        for folder in handles { folder.handle = nil }
        handles.removeAll()
    }

    // MARK: Scanning

    func scanEverything() {
        for watchRoot in watchRoots { watchRoot.nextScan = .now }
    }

    private func scan(_ path: FolderPath, deep: Bool) {
        guard let folder = folder(at: path), folder.watchRoot.isUsable else { return }
        folder.watchRoot.queue(path, deep: deep)
    }

    private func beginDueScans() {
        let now = Instant.now
        for watchRoot in watchRoots {
            if let deadline = watchRoot.probeDeadline, deadline <= now {
                watchRoot.probeDeadline = nil
                watchRoot.nextProbe = now + timing.rescan
                setMode(.polling("events do not arrive"), of: watchRoot)
            }
            guard watchRoot.nextScan <= now else { continue }
            check(watchRoot, at: now)
            watchRoot.nextScan = now + interval(of: watchRoot)
            guard watchRoot.isUsable else { continue }
            counters.scans += 1
            watchRoot.queue(watchRoot.root, deep: true)
        }
    }

    private func interval(of watchRoot: WatchRoot) -> Duration {
        if case .unavailable = watchRoot.mode { return timing.rescanRemote }
        if watchRoot.remote != nil { return timing.rescanRemote }
        if case .polling = watchRoot.mode { return timing.rescanPolled }
        return watchRoot.unwatched.isEmpty ? timing.rescan : timing.rescanPolled
    }

    /// Is the folder there, ours, and does it send events?
    func check(_ watchRoot: WatchRoot, at now: Instant) {
        guard let root = folders[watchRoot.root] else { return }
        root.handle = nil
        do throws(DropError) {
            try own(watchRoot, root)
            let folder: CInt
            do { folder = try descriptor(of: root) } catch {
                if error.kind == .lockedAway, let path = watchRoot.root.text { throw FolderOwnership.closed(path) }
                throw DropError(
                    .folderMissing, "The landing folder \(watchRoot.root) cannot be opened: \(SystemError.text(error.number)).",
                    hint: "Create it, or correct the source's folder.", remedy: .suspendSource)
            }
            if !watchRoot.isUsable { watchRoot.mode = .starting }
            let again = watchRoot.nextProbe.map { $0 <= now } ?? false
            if watchRoot.mode == .starting || again { probeEvents(watchRoot, folder, at: now) }
        } catch {
            watchRoot.isTaken = false
            (watchRoot.probe, watchRoot.probeDeadline, watchRoot.nextProbe) = (nil, nil, nil)
            setMode(.unavailable(error), of: watchRoot)
            leaveAll(of: watchRoot, because: error)
        }
    }

    /// Takes the folder over, once after each start, and again when another folder has the name.
    private func own(_ watchRoot: WatchRoot, _ root: WatchedFolder) throws(DropError) {
        guard let ownership, let path = watchRoot.root.text else { return }
        let name = watchRoot.sources.first?.name.text
        if purpose == .looking {
            if let refusal = ownership.refusal(of: path, for: name) { throw refusal }
            return
        }
        let isHeld = (try? descriptor(of: root)).map(ownership.holds) ?? false
        guard !isHeld || !watchRoot.isTaken || !watchRoot.isUsable else { return }
        switch try ownership.take(path, for: name) {
        case .wasOurs, .taken: break
        case .again:
            let again = "the folder \(watchRoot.root) was made again or lost its owner file; it is ours again."
            handler.note("\(watchRoot.title): \(again)")
            watchRoot.ownerFileWasGone = again.prefix(1).uppercased() + again.dropFirst()
        case .over:
            handler.note(
                "\(watchRoot.title): the folder \(watchRoot.root) was this home's under another database; it is ours again.")
        }
        watchRoot.isTaken = true
        root.handle = nil
    }

    /// Creates and removes a file to see whether its event arrives.
    private func probeEvents(_ watchRoot: WatchRoot, _ folder: CInt, at now: Instant) {
        if purpose != .watching { return }
        if case .remote(let name)? = try? FileSystemKind.of(folder) {
            watchRoot.remote = name
            setMode(.polling("\(name) sends no events of other machines"), of: watchRoot)
            return
        }
        watchRoot.remote = nil
        if let reason = watchRoot.unwatched[watchRoot.root] { return setMode(.polling(reason), of: watchRoot) }
        guard watchRoot.probeDeadline == nil else { return }
        probes += 1
        let name = FileName(Self.probePrefix + "\(System.processID)-\(probes)")
        do {
            let file = try SystemCall.createFile(name, in: folder)
            _ = consume file
            // Another instance, whose folder it was until now, may have removed it first: its event comes all the same.
            do { try SystemCall.unlink(name, in: folder) } catch  where error.isMissing {}
            (watchRoot.probe, watchRoot.probeDeadline, watchRoot.nextProbe) = (name, now + timing.probe, nil)
        } catch {
            setMode(.polling("no probe file can be made: \(SystemError.text(error.number))"), of: watchRoot)
        }
    }

    private static let probePrefix = ".twindrop-probe-"

    /// Handles one of our own names, from an event or a scan. The event of the probe proves that events arrive.
    func noteOwnName(_ name: FileName, in folder: WatchedFolder) {
        let watchRoot = folder.watchRoot
        if purpose != .looking, watchRoot.isUsable, name.bytes.starts(with: Self.probePrefix.utf8),
            let open = try? descriptor(of: folder)
        {
            // A probe is gone before a scan can see it, unless its daemon was killed.
            try? SystemCall.unlink(name, in: open)
        }
        guard watchRoot.probe == name, folder.path == watchRoot.root, watchRoot.isUsable else { return }
        (watchRoot.probe, watchRoot.probeDeadline, watchRoot.nextProbe) = (nil, nil, nil)
        setMode(.events, of: folder.watchRoot)
    }

    /// Reads a piece of the root's scan; false when none is left.
    private func readPiece(of watchRoot: WatchRoot) -> Bool {
        if isHeldUp(watchRoot) { return false }  // The landing folder is the queue: the scan continues when the source has room.
        if watchRoot.scan == nil { startScan(of: watchRoot) }
        guard let scan = watchRoot.scan else { return !watchRoot.pending.isEmpty }
        var entries: [FolderReader.Entry] = []
        let more: Bool
        do { more = try scan.reader.next(max: Self.scanPiece, into: &entries) } catch {
            handler.alarm("The folder \(scan.folder.path) cannot be read: \(error).")
            watchRoot.scan = nil
            return !watchRoot.pending.isEmpty
        }
        for entry in entries {
            take(entry, of: scan)
            if batch.count >= Self.batchMax { deliver() }
        }
        if more { return true }
        watchRoot.scan = nil
        endScan(of: scan.folder)
        return !watchRoot.pending.isEmpty
    }

    private func startScan(of watchRoot: WatchRoot) {
        guard !watchRoot.pending.isEmpty else { return }
        let (path, deep) = watchRoot.pending.removeFirst()
        guard let folder = folder(at: path) else { return }
        do {
            let reader = try FolderReader(FileName("."), in: try descriptor(of: folder))
            folder.generation &+= 1
            watchRoot.scan = ScanJob(folder, deep: deep, reader: reader)
        } catch {
            folder.handle = nil
            if error.isMissing, path != watchRoot.root { return forget(folder) }
            if !error.isMissing, purpose != .looking {
                handler.alarm("The folder \(path) cannot be read: \(SystemError.text(error.number)).")
            }
            if path == watchRoot.root { watchRoot.nextScan = min(watchRoot.nextScan, Instant.now + timing.rescanRemote) }
        }
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
        look(at: found.name, in: folder)
    }

    /// Queues the scan of a subfolder that a source looks into; false when none does.
    private func takeSubfolder(_ name: FileName, of scan: ScanJob) -> Bool {
        let path = scan.folder.path.appending(name)
        guard let watchRoot = folder(at: path)?.watchRoot else { return false }
        guard path.text != nil else {
            let reason = WaitingReason(
                .folderName, "The name of the folder \(path) is not valid UTF-8, so files in it are not taken.")
            let source = scan.folder.routing.members.first?.source.name
            leave(name, in: scan.folder, reason, source: source, FileIdentity(device: 0, inode: 0, changeTime: 0))
            scan.folder.entries[name]?.generation = scan.folder.generation
            return true
        }
        if scan.deep, watchRoot.root != path { watchRoot.queue(path, deep: true) }  // A root of its own is scanned by itself.
        return true
    }

    /// A name that the scan did not see is gone.
    private func endScan(of folder: WatchedFolder) {
        var gone: [FileName] = []
        for (name, entry) in folder.entries where entry.generation != folder.generation {
            if case .delivered = entry.phase { continue }
            if entry.isSettling { counters.vanished += 1 }
            gone.append(name)
        }
        for name in gone { folder.entries[name] = nil }
        if purpose != .looking { quarantineMarkersWithoutData(in: folder) }
    }
}
