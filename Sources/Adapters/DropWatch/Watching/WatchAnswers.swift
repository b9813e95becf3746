import DropCore
import SystemKit

/// Answers what waits, and why.
struct WatchAnswers {
    /// Files of one subfolder that nobody looks into, at most; and names of a landing folder in which subfolders are sought.
    private static let unwatchedMax = 1000
    private static let subfoldersMax = 10_000

    let state: WatchState
    let looks: FileLooks
    private var reasons: FileReasons { FileReasons(state: state) }

    init(_ state: WatchState, looks: FileLooks) { (self.state, self.looks) = (state, looks) }

    func knowledge(of name: FileName, in path: FolderPath) -> FileReasons.Knowledge? { reasons.knowledge(of: name, in: path) }

    /// Per source, in the order of the configuration; the drop zone's root is not a source.
    func status() -> [SourceStatus] {
        let now = Instant.now
        var tallies: [SourceName: (waiting: Int, left: Int, oldest: Instant?)] = [:]
        for folder in state.folders.all {
            for entry in folder.entries.values {
                guard let source = entry.source else { continue }
                switch entry.phase {
                case .settling, .delivered, .queued:
                    let oldest = tallies[source]?.oldest ?? entry.firstSeen
                    tallies[source, default: (0, 0, nil)].waiting += 1
                    tallies[source]?.oldest = min(oldest, entry.firstSeen)
                case .left: tallies[source, default: (0, 0, nil)].left += 1
                case .marker: break
                }
            }
        }
        return state.sources.compactMap { source in
            guard let watchRoot = state.folders[FolderPath(source.folder)]?.watchRoot else { return nil }
            let tally = tallies[source.name]
            return SourceStatus(
                source: source.name, mode: watchRoot.mode,
                alarms: watchRoot.unwatched.map { "\($0.key) is polled: \($0.value)" }.sorted()
                    + (watchRoot.ownerFileWasGone.map { [$0] } ?? []), waiting: tally?.waiting ?? 0,
                refused: tally?.left ?? 0, oldestWaiting: (tally?.oldest).map { now - $0 })
        }
    }

    /// Every file that is known and not claimed, with what it waits for; the first `limit` of them.
    func waiting(limit: Int) -> [WaitingFile] {
        if state.purpose == .watching {
            forgetGone(max: limit)
            lookForSubfolders()
        }
        let now = Instant.now
        var files: [WaitingFile] = []
        for folder in state.folders.all {
            for (name, entry) in folder.entries where files.count < limit && !vouches(name, entry, in: folder) {
                if case .left(let reason, _) = entry.phase, reason.code == .notWatched {
                    files += unwatched(name, entry, in: folder, max: min(limit - files.count, Self.unwatchedMax), at: now)
                } else {
                    files.append(reasons.waitingFile(name, entry, in: folder, at: now))
                }
            }
        }
        return files
    }

    /// No event tells of what comes into a subfolder that no source looks into; the next scan does. Who asks is told now.
    private func lookForSubfolders() {
        for watchRoot in state.folders.roots where watchRoot.isUsable && watchRoot.remote == nil && !watchRoot.recursive {
            guard let folder = state.folders[watchRoot.root], let open = try? state.folders.descriptor(of: folder),
                let reader = try? FolderReader(FileName("."), in: open)
            else { continue }
            var found: [FolderReader.Entry] = []
            // One that cannot be read is told of by its scan.
            _ = try? reader.next(max: Self.subfoldersMax, into: &found)
            for entry in found where entry.isFolder == true && folder.entries[entry.name] == nil {
                looks.look(at: entry.name, in: folder)
            }
        }
    }

    /// The files in a subfolder that no source looks into, each with the subfolder's reason.
    private func unwatched(
        _ name: FileName, _ entry: WatchedFolder.Entry, in folder: WatchedFolder, max: Int, at now: Instant
    ) -> [WaitingFile] {
        let shared = reasons.waitingFile(name, entry, in: folder, at: now)
        var files: [WaitingFile] = []
        var pending = [folder.path.appending(name)]
        while files.count < max, let path = pending.popLast() {
            var found: [FolderReader.Entry] = []
            // What was removed meanwhile, or cannot be read, holds nothing that could be taken.
            guard let open = try? path.open(below: folder.watchRoot.root),
                let reader = try? FolderReader(FileName("."), in: open.number),
                (try? reader.next(max: max, into: &found)) != nil
            else { continue }
            for one in found where files.count < max {
                guard one.isFolder != true else {
                    if pending.count < max { pending.append(path.appending(one.name)) }
                    continue
                }
                files.append(
                    WaitingFile(
                        source: shared.source, folder: path.description, name: one.name, reason: shared.reason, age: shared.age))
            }
        }
        return files
    }

    /// No event reports a name that a sender renamed or removed, or a subfolder that was moved away; only the next scan finds it.
    /// So an answer leaves out names that do not exist any more.
    private func forgetGone(max: Int) {
        var left = max
        for folder in state.folders.all where !folder.entries.isEmpty && folder.watchRoot.remote == nil && left > 0 {
            let open: Descriptor
            do { open = try folder.path.open(below: folder.watchRoot.root) } catch {
                guard error.isNowhere || error.kind == .link else { continue }
                // A landing folder that is away has a reason of its own, and what lay in it went with it.
                if folder.path == folder.watchRoot.root { state.forgetFiles(of: folder) } else { state.forget(folder) }
                continue
            }
            left -= folder.entries.count
            for (name, entry) in folder.entries {
                if entry.isDelivered { continue }
                guard let isThere = try? SystemCall.exists(name, in: open.number), !isThere else { continue }
                if entry.isSettling { state.counters.vanished += 1 }
                folder.entries[name] = nil
            }
        }
    }

    /// The folders that are not scanned, each with the reason.
    func unusedFolders() -> [UnusedFolder] {
        state.folders.roots.compactMap { watchRoot in
            guard case .unavailable(let error) = watchRoot.mode else { return nil }
            return UnusedFolder(
                sources: watchRoot.sources.map(\.name), folder: watchRoot.root.description, reason: WaitingReason(error),
                since: watchRoot.unusableSince.map { Instant.now - $0 } ?? .zero)
        }
    }

    /// What `run --once` leaves behind.
    func leftFiles() -> [WaitingFile] {
        waiting(limit: .max).filter { $0.reason.code.isLeft }.sorted {
            ($0.folder, $0.name.description) < ($1.folder, $1.name.description)
        }
    }

    /// Whether the pipeline has delivered files whose result it has not reported.
    var hasDelivered: Bool {
        state.folders.all.contains { $0.entries.values.contains(where: \.isDelivered) }
    }

    /// Only the data file waits, not the marker beside it.
    private func vouches(_ name: FileName, _ entry: WatchedFolder.Entry, in folder: WatchedFolder) -> Bool {
        guard case .marker = entry.phase, case .marker(let member) = folder.routing.answer(for: name) else { return false }
        return folder.entries.keys.contains { $0 != name && member.names.markers(for: $0).contains(name) }
    }
}
