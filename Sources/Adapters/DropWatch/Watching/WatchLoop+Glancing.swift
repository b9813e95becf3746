import DropCore
import SystemKit

extension WatchLoop {
    /// No event reports that a landing folder was removed, made again, or mounted over. So the watcher looks at each folder.
    func glance() {
        let now = Instant.now
        guard nextGlance <= now else { return }
        nextGlance = now + timing.glance
        // A network file system may take long to answer. Its scans find out.
        for watchRoot in watchRoots where watchRoot.remote == nil {
            let seen = SystemCall.identity(ofFolder: watchRoot.root)
            defer { watchRoot.glanced = .some(seen) }
            guard let before = watchRoot.glanced, before != seen else { continue }
            folders[watchRoot.root]?.handle = nil
            if watchRoot.isUsable { watchRoot.mode = .starting }
            gather(watchRoot)
            watchRoot.nextScan = now
        }
    }

    /// What is in nobody's hands yet, and lay in a folder that is away.
    func forgetFiles(of folder: WatchedFolder) {
        for (name, entry) in folder.entries {
            if case .delivered = entry.phase { continue }
            if entry.isSettling { counters.vanished += 1 }
            folder.entries[name] = nil
        }
    }

    func forget(_ folder: WatchedFolder) {
        for entry in folder.entries.values { if entry.isSettling { counters.vanished += 1 } }
        folders[folder.path] = nil
    }
}
