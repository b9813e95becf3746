import DropCore
import SystemKit

/// Whether the roots can be used, and whether events tell of their files.
final class RootHealth {
    private static let probePrefix = ".twindrop-probe-"

    private let state: WatchState
    private let scans: FolderScans
    private let left: LeftFiles
    private let ownership: FolderOwnership?
    private var probes: UInt64 = 0
    private(set) var nextGlance = Instant.now

    init(_ state: WatchState, scans: FolderScans, left: LeftFiles, ownership: FolderOwnership?) {
        (self.state, self.scans, self.left, self.ownership) = (state, scans, left, ownership)
    }

    func setMode(_ mode: WatchMode, of watchRoot: WatchRoot) {
        guard watchRoot.mode != mode else { return }
        watchRoot.mode = mode
        let sentence = "\(watchRoot.title): \(mode.description)."
        switch mode {
        case .starting, .events: state.handler.note(sentence)
        case .polling, .unavailable: state.handler.alarm(sentence)
        }
    }

    /// No event reports that a landing folder was removed, made again, or mounted over. So the watcher looks at each folder.
    func glance() {
        let now = Instant.now
        guard nextGlance <= now else { return }
        nextGlance = now + state.timing.glance
        // A network file system may take long to answer. Its scans find out.
        for watchRoot in state.folders.roots where watchRoot.remote == nil {
            let seen = SystemCall.identity(ofFolder: watchRoot.root)
            defer { watchRoot.glanced = .some(seen) }
            guard let before = watchRoot.glanced, before != seen else { continue }
            state.folders[watchRoot.root]?.handle = nil
            if watchRoot.isUsable { watchRoot.mode = .starting }
            scans.gather(watchRoot)
            watchRoot.nextScan = now
        }
    }

    /// Probes that nobody has answered in time.
    func endProbe(of watchRoot: WatchRoot, at now: Instant) {
        guard let deadline = watchRoot.probe.deadline, deadline <= now else { return }
        watchRoot.probe.deadline = nil
        watchRoot.probe.next = now + state.timing.rescan
        setMode(.polling("events do not arrive"), of: watchRoot)
    }

    /// Is the folder there, ours, and does it send events?
    func check(_ watchRoot: WatchRoot, at now: Instant) {
        guard let root = state.folders[watchRoot.root] else { return }
        root.handle = nil
        do throws(DropError) {
            try own(watchRoot, root)
            let folder: CInt
            do { folder = try state.folders.descriptor(of: root) } catch {
                if error.kind == .lockedAway, let path = watchRoot.root.text { throw FolderOwnership.closed(path) }
                throw DropError(
                    .folderMissing, "The landing folder \(watchRoot.root) cannot be opened: \(SystemError.text(error.number)).",
                    hint: "Create it, or correct the source's folder.", remedy: .suspendSource)
            }
            if !watchRoot.isUsable {
                watchRoot.mode = .starting
                scans.gather(watchRoot)
            }
            let again = watchRoot.probe.next.map { $0 <= now } ?? false
            if watchRoot.mode == .starting || again { probeEvents(watchRoot, folder, at: now) }
        } catch {
            watchRoot.isTaken = false
            watchRoot.probe = WatchRoot.Probe()
            setMode(.unavailable(error), of: watchRoot)
            scans.endGathering(of: watchRoot)
            left.leaveAll(of: watchRoot, because: error)
        }
    }

    /// Takes the folder over, once after each start, and again when another folder has the name.
    private func own(_ watchRoot: WatchRoot, _ root: WatchedFolder) throws(DropError) {
        guard let ownership, let path = watchRoot.root.text else { return }
        let name = watchRoot.sources.first?.name.text
        if state.purpose == .looking {
            if let refusal = ownership.refusal(of: path, for: name) { throw refusal }
            return
        }
        let isHeld = (try? state.folders.descriptor(of: root)).map(ownership.holds) ?? false
        guard !isHeld || !watchRoot.isTaken || !watchRoot.isUsable else { return }
        switch try ownership.take(path, for: name) {
        case .wasOurs, .taken: break
        case .again:
            let again = "the folder \(watchRoot.root) was made again or lost its owner file; it is ours again."
            state.handler.note("\(watchRoot.title): \(again)")
            watchRoot.ownerFileWasGone = again.prefix(1).uppercased() + again.dropFirst()
        case .over:
            state.handler.note(
                "\(watchRoot.title): the folder \(watchRoot.root) was this home's under another database; it is ours again.")
        }
        watchRoot.isTaken = true
        root.handle = nil
    }

    /// Creates and removes a file to see whether its event arrives.
    private func probeEvents(_ watchRoot: WatchRoot, _ folder: CInt, at now: Instant) {
        if state.purpose != .watching { return }
        if case .remote(let name)? = try? FileSystemKind.of(folder) {
            watchRoot.remote = name
            setMode(.polling("\(name) sends no events of other machines"), of: watchRoot)
            return
        }
        watchRoot.remote = nil
        if let reason = watchRoot.unwatched[watchRoot.root] { return setMode(.polling(reason), of: watchRoot) }
        guard watchRoot.probe.deadline == nil else { return }
        probes += 1
        let name = FileName(Self.probePrefix + "\(System.processID)-\(probes)")
        do {
            let file = try SystemCall.createFile(name, in: folder)
            _ = consume file
            // Another instance, whose folder it was until now, may have removed it first: its event comes all the same.
            try removeProbe(name, in: folder)
            watchRoot.probe = WatchRoot.Probe(name: name, deadline: now + state.timing.probe)
        } catch {
            setMode(.polling("no probe file can be made: \(SystemError.text(error.number))"), of: watchRoot)
        }
    }

    private func removeProbe(_ name: FileName, in folder: CInt) throws(SystemError) {
        do { try SystemCall.unlink(name, in: folder) } catch {
            guard error.isMissing else { throw error }
        }
    }

    /// Handles one of our own names, from an event or a scan. The event of the probe proves that events arrive.
    func noteOwnName(_ name: FileName, in folder: WatchedFolder) {
        let watchRoot = folder.watchRoot
        if state.purpose != .looking, watchRoot.isUsable, name.bytes.starts(with: Self.probePrefix.utf8),
            let open = try? state.folders.descriptor(of: folder)
        {
            // A probe is gone before a scan can see it, unless its daemon was killed.
            try? SystemCall.unlink(name, in: open)
        }
        guard watchRoot.probe.name == name, folder.path == watchRoot.root, watchRoot.isUsable else { return }
        watchRoot.probe = WatchRoot.Probe()
        setMode(.events, of: folder.watchRoot)
    }
}
