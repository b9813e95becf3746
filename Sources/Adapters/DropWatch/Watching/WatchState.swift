import DropCore

/// What the parts of the watcher share. All of them run on its one thread.
final class WatchState {
    let purpose: WatchLoop.Purpose
    let sources: [WatchedSource]
    let timing: WatchTiming
    let handler: WatchHandler
    let truncation: TruncationRule
    let folders: WatchedFolders
    /// Files that wait for their turn, and those that are delivered next.
    var ready: ReadyFiles
    /// Complete files of which a plugin must say whose they are.
    var unrouted: [UnroutedFile] = []
    /// When files are looked at again.
    var due = DueQueue<Inbox.Hint>()
    var counters = WatchCounters()

    init(
        _ purpose: WatchLoop.Purpose, sources: [WatchedSource], folders: WatchedFolders, timing: WatchTiming,
        handler: WatchHandler, truncation: TruncationRule
    ) {
        self.purpose = purpose
        self.sources = sources
        self.folders = folders
        self.timing = timing
        self.handler = handler
        self.truncation = truncation
        ready = ReadyFiles(byName: Set(sources.filter(\.byName).map(\.name)), room: handler.room)
    }

    /// What is in nobody's hands yet, and lay in a folder that is away.
    func forgetFiles(of folder: WatchedFolder) {
        for (name, entry) in folder.entries {
            if entry.isDelivered { continue }
            if entry.isSettling { counters.vanished += 1 }
            folder.entries[name] = nil
        }
    }

    func forget(_ folder: WatchedFolder) {
        for entry in folder.entries.values { if entry.isSettling { counters.vanished += 1 } }
        folders.remove(folder)
    }
}
