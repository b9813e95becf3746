import DropCore
import Glibc

/// The watcher's state and its decisions in time, all on one thread. `DropWatcher` owns the thread and the inbox.
///
/// A turn: take the inbox; act on signals, claims and hints; read a piece of each feed's scan; look at what is due; deliver. So
/// no source waits for another's full folder, and a single new file waits for at most one piece of each.
final class WatchLoop {
    /// Entries read from a folder before the next feed has its turn.
    static let scanPiece = 512
    /// Files delivered in one call.
    static let batchMax = 256
    /// Descriptors kept open for folders.
    private static let handlesMax = 128

    let feeds: [Feed]
    let sources: [WatchedSource]
    let ownership: FolderOwnership?
    let timing: WatchTiming
    let handler: WatchHandler
    let truncation: TruncationRule
    /// Taking what is there once, without events.
    let once: Bool
    var folders: [FolderPath: WatchedFolder] = [:]
    var counters = WatchCounters()
    var due = DueQueue<Inbox.Hint>()
    var batch: [SettledFile] = []
    var unrouted: [UnroutedFile] = []
    private var handles: [WatchedFolder] = []
    private var probes: UInt64 = 0
    var isWatching = false

    init(
        sources: [WatchedSource], dropZone: String?, ownership: FolderOwnership?, timing: WatchTiming, handler: WatchHandler,
        truncation: TruncationRule, once: Bool
    ) {
        let now = Instant.now
        let largest = sources.map(\.fileBytesMax).max() ?? .max
        feeds =
            sources.map { Feed($0, at: now) } + (dropZone.map { [Feed(dropZone: $0, fileBytesMax: largest, at: now)] } ?? [])
        self.sources = sources
        self.ownership = ownership
        self.timing = timing
        self.handler = handler
        self.truncation = truncation
        self.once = once
        for feed in feeds { folders[feed.root] = WatchedFolder(feed.root, feed: feed) }
    }

    /// One turn; false when there is more to do at once.
    func turn(_ inbox: Inbox, hints: [Inbox.Hint]) -> Bool {
        for signal in inbox.signals { act(on: signal) }
        for (file, result) in inbox.claims { note(file, result) }
        if inbox.everything { scanEverything() }
        for folder in inbox.folders { scan(folder, deep: true) }
        for hint in hints {
            if let folder = self.folder(at: hint.folder) { look(at: hint.name, in: folder) }
            if batch.count >= Self.batchMax { deliver() }
        }
        for request in inbox.requests { request(self) }
        if isWatching || once { beginDueScans() }
        var idle = true
        for feed in feeds where readPiece(of: feed) { idle = false }
        let now = Instant.now
        while let (at, hint) = due.next(by: now) {
            guard let folder = folders[hint.folder], folder.entries[hint.name]?.due == at else { continue }
            look(at: hint.name, in: folder)
            if batch.count >= Self.batchMax { deliver() }
        }
        deliver()
        closeHandles()
        return idle
    }

    /// When the next turn is needed if nothing happens before.
    var nextDue: Instant? {
        var earliest = due.earliest
        for feed in feeds where isWatching {
            earliest = min(earliest ?? feed.nextScan, feed.nextScan)
            if let deadline = feed.probeDeadline { earliest = min(earliest ?? deadline, deadline) }
        }
        return earliest
    }

    /// Hands over what is complete, oldest change first. Blocks while the pipeline is full.
    func deliver() {
        if !batch.isEmpty {
            // Change times are as coarse as the kernel's tick: names decide between equals.
            let files = batch.sorted {
                $0.identity.changeTime != $1.identity.changeTime
                    ? $0.identity.changeTime < $1.identity.changeTime : $0.name.bytes.lexicographicallyPrecedes($1.name.bytes)
            }
            batch.removeAll(keepingCapacity: true)
            counters.settled += files.count
            handler.settled(files)
        }
        if !unrouted.isEmpty {
            let files = unrouted
            unrouted = []
            handler.unrouted(files)
        }
    }

    // MARK: Signals

    private func act(on signal: EventStream.Signal) {
        switch signal {
        case .down(let reason, let failures):
            handler.note(reason)
            counters.restarts += 1
            isWatching = true
            // A single restart is over in a moment; the timer does until then.
            for feed in feeds where failures > 1 && feed.isUsable {
                setMode(.polling("the watcher program does not run"), of: feed)
            }
            scanEverything()
        case .frame(.ready):
            isWatching = true
            for feed in feeds {
                feed.unwatched = [:]
                (feed.probe, feed.probeDeadline, feed.nextProbe) = (nil, nil, nil)  // An answer to the old helper is lost.
                if feed.isUsable { feed.mode = .starting }
            }
            scanEverything()
        case .frame(.overflow):
            counters.overflows += 1
            scanEverything()
        case .frame(.watched(let path)):
            guard let folder = folder(at: path) else { return }
            folder.feed.unwatched[path] = nil
            folder.handle = nil
            if path == folder.feed.root { folder.feed.nextScan = .now }
            scan(path, deep: true)
        case .frame(.lost(let path)):
            guard let folder = folders[path] else { return }
            folder.handle = nil
            if path == folder.feed.root { folder.feed.nextScan = .now } else { forget(folder) }
        case .frame(.unwatched(let code, let path)):
            guard let folder = folder(at: path) else { return }
            let reason =
                code == ENOSPC
                ? "the limit of inotify watches is reached; raise fs.inotify.max_user_watches" : SystemCallError.text(code)
            folder.feed.unwatched[path] = reason
            handler.alarm("The folder \(path) has no watch and is polled: \(reason).")
            if path == folder.feed.root { setMode(.polling(reason), of: folder.feed) }
        case .frame(.failed), .frame(.renew), .frame(.event): break  // `down` follows; events come as hints.
        }
    }

    func setMode(_ mode: WatchMode, of feed: Feed) {
        guard feed.mode != mode else { return }
        feed.mode = mode
        let sentence = "\(feed.source.map { "Source \($0)" } ?? "The drop zone"): \(mode.description)."
        switch mode {
        case .starting, .events: handler.note(sentence)
        case .polling, .unavailable: handler.alarm(sentence)
        }
    }

    // MARK: Folders

    /// The folder's state, made when a feed covers it. Nil for folders of nobody.
    func folder(at path: FolderPath) -> WatchedFolder? {
        if let known = folders[path] { return known }
        guard let feed = feeds.filter({ $0.covers(path) }).max(by: { $0.root.bytes.count < $1.root.bytes.count }) else {
            return nil
        }
        let folder = WatchedFolder(path, feed: feed)
        folders[path] = folder
        return folder
    }

    private func forget(_ folder: WatchedFolder) {
        for entry in folder.entries.values { if case .settling = entry.phase { counters.vanished += 1 } }
        folders[folder.path] = nil
    }

    /// The folder's descriptor. Kept until too many are.
    func descriptor(of folder: WatchedFolder) throws(SystemCallError) -> CInt {
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
        for feed in feeds { feed.nextScan = .now }
    }

    private func scan(_ path: FolderPath, deep: Bool) {
        guard let folder = folder(at: path), folder.feed.isUsable else { return }
        folder.feed.queue(path, deep: deep)
    }

    private func beginDueScans() {
        let now = Instant.now
        for feed in feeds {
            if let deadline = feed.probeDeadline, deadline <= now {
                feed.probeDeadline = nil
                feed.nextProbe = now + timing.rescan
                setMode(.polling("events do not arrive"), of: feed)
            }
            guard feed.nextScan <= now else { continue }
            check(feed, at: now)
            feed.nextScan = now + interval(of: feed)
            guard feed.isUsable else { continue }
            counters.scans += 1
            feed.queue(feed.root, deep: true)
        }
    }

    private func interval(of feed: Feed) -> Duration {
        if case .unavailable = feed.mode { return timing.rescanRemote }
        if feed.remote != nil { return timing.rescanRemote }
        if case .polling = feed.mode { return timing.rescanPolled }
        return feed.unwatched.isEmpty ? timing.rescan : timing.rescanPolled
    }

    /// Is the folder there, ours, and does it send events?
    private func check(_ feed: Feed, at now: Instant) {
        guard let root = folders[feed.root] else { return }
        root.handle = nil
        do throws(DropError) {
            if let ownership {
                let held = (try? descriptor(of: root)).map(ownership.holds) ?? false
                if !held || !feed.isUsable {
                    guard let path = feed.root.text else { return }
                    try ownership.take(path)
                }
            }
            let folder: CInt
            do { folder = try descriptor(of: root) } catch {
                throw DropError(
                    "folder-missing", "The landing folder \(feed.root) cannot be opened: \(SystemCallError.text(error.number)).",
                    hint: "Create it, or correct the source's folder.", remedy: .suspendSource)
            }
            if !feed.isUsable { feed.mode = .starting }
            let again = feed.nextProbe.map { $0 <= now } ?? false
            if feed.mode == .starting || again { probeEvents(feed, folder, at: now) }
        } catch {
            (feed.probe, feed.probeDeadline, feed.nextProbe) = (nil, nil, nil)
            setMode(.unavailable(error), of: feed)
        }
    }

    /// Creates and removes a file to see whether its event arrives.
    private func probeEvents(_ feed: Feed, _ folder: CInt, at now: Instant) {
        if once { return }
        if case .remote(let name)? = try? FileSystemKind.of(folder) {
            feed.remote = name
            setMode(.polling("\(name) sends no events of other machines"), of: feed)
            return
        }
        feed.remote = nil
        if let reason = feed.unwatched[feed.root] { return setMode(.polling(reason), of: feed) }
        guard feed.probeDeadline == nil else { return }
        probes += 1
        let name = FileName(Self.probePrefix + "\(getpid())-\(probes)")
        do {
            let file = try SystemCall.createFile(name, in: folder)
            _ = consume file
            try SystemCall.unlink(name, in: folder)
            (feed.probe, feed.probeDeadline, feed.nextProbe) = (name, now + timing.probe, nil)
        } catch {
            setMode(.polling("no probe file can be made: \(SystemCallError.text(error.number))"), of: feed)
        }
    }

    private static let probePrefix = ".twindrop-probe-"

    /// One of our own names, of an event or found by a scan: the probe's event proves that events arrive.
    func noteOwnName(_ name: FileName, in folder: WatchedFolder) {
        let feed = folder.feed
        if feed.isUsable, name.bytes.starts(with: Self.probePrefix.utf8), let open = try? descriptor(of: folder) {
            // A probe is gone before anybody looks, unless the daemon that made it was killed.
            try? SystemCall.unlink(name, in: open)
        }
        guard feed.probe == name, folder.path == feed.root, feed.isUsable else { return }
        (feed.probe, feed.probeDeadline, feed.nextProbe) = (nil, nil, nil)
        setMode(.events, of: folder.feed)
    }

    /// Reads a piece of the feed's scan; false when none is left.
    private func readPiece(of feed: Feed) -> Bool {
        if feed.scan == nil { startScan(of: feed) }
        guard let scan = feed.scan else { return !feed.pending.isEmpty }
        var entries: [FolderReader.Entry] = []
        let more: Bool
        do { more = try scan.reader.next(max: Self.scanPiece, into: &entries) } catch {
            handler.alarm("The folder \(scan.folder.path) cannot be read: \(error).")
            feed.scan = nil
            return !feed.pending.isEmpty
        }
        for entry in entries {
            take(entry, of: scan)
            if batch.count >= Self.batchMax { deliver() }
        }
        if more { return true }
        feed.scan = nil
        endScan(of: scan.folder)
        return !feed.pending.isEmpty
    }

    private func startScan(of feed: Feed) {
        guard !feed.pending.isEmpty else { return }
        let (path, deep) = feed.pending.removeFirst()
        guard let folder = folder(at: path) else { return }
        do {
            let reader = try FolderReader(FileName("."), in: try descriptor(of: folder))
            folder.generation &+= 1
            feed.scan = ScanJob(folder, deep: deep, reader: reader)
        } catch {
            folder.handle = nil
            if error.number == ENOENT, path != feed.root { return forget(folder) }
            if error.number != ENOENT {
                handler.alarm("The folder \(path) cannot be read: \(SystemCallError.text(error.number)).")
            }
            if path == feed.root { feed.nextScan = min(feed.nextScan, Instant.now + timing.rescanRemote) }
        }
    }

    private func take(_ found: FolderReader.Entry, of scan: ScanJob) {
        let folder = scan.folder
        if found.isFolder == true, folder.feed.recursive {
            if scan.deep { takeSubfolder(found.name, of: folder) }
            return
        }
        if var entry = folder.entries[found.name] {
            entry.generation = folder.generation
            folder.entries[found.name] = entry
            switch entry.phase {
            case .delivered, .marker: return
            case .settling: if let due = entry.due, due > .now { return }
            case .refused, .unrouted: break
            }
        }
        look(at: found.name, in: folder)
    }

    private func takeSubfolder(_ name: FileName, of folder: WatchedFolder) {
        let path = folder.path.appending(name)
        guard path.text != nil else {
            let error = DropError(
                "folder-name", "The name of the folder \(path) is no valid UTF-8, so files in it are not taken.",
                hint: "Rename the folder.", remedy: .retry(after: .seconds(30)))
            return refuse(name, in: folder, error, identity: FileIdentity(device: 0, inode: 0, changeTime: 0))
        }
        folder.feed.queue(path, deep: true)
    }

    /// What the scan did not see is gone.
    private func endScan(of folder: WatchedFolder) {
        var gone: [FileName] = []
        for (name, entry) in folder.entries where entry.generation != folder.generation {
            if case .delivered = entry.phase { continue }
            if case .settling = entry.phase { counters.vanished += 1 }
            gone.append(name)
        }
        for name in gone { folder.entries[name] = nil }
        if folder.feed.rule.kind == .marker { quarantineMarkersWithoutData(in: folder) }
    }
}
