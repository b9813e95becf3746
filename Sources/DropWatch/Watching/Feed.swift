import DropCore

/// One landing folder tree as the watcher's thread sees it: a source's, or the drop zone's root.
final class Feed {
    /// Nil for the drop zone's root.
    let source: SourceName?
    let root: FolderPath
    let rule: ReadinessRule
    let names: NameRule
    let fileBytesMax: UInt64
    let recursive: Bool

    var mode: WatchMode = .starting
    /// Subtrees that have no watch, each with the reason: they are polled.
    var unwatched: [FolderPath: String] = [:]
    /// The file system's name, where others change it without an event here.
    var remote: String?
    /// The last probe file. Its event, also a late one, proves that events arrive.
    var probe: FileName?
    /// While the probe's event is awaited: until when.
    var probeDeadline: Instant?
    /// When a folder whose probe stayed without an answer is probed again.
    var nextProbe: Instant?
    var nextScan: Instant
    /// The folders of this feed that wait for a scan, each with what is in it; one is read at a time.
    var pending: [(folder: FolderPath, deep: Bool)] = []
    var scan: ScanJob?

    init(_ source: WatchedSource, at now: Instant) {
        self.source = source.name
        root = FolderPath(source.folder)
        rule = source.readiness
        names = NameRule(source)
        fileBytesMax = source.fileBytesMax
        recursive = source.recursive
        nextScan = now
    }

    /// The drop zone's root: files are routed by the sources' patterns, once they are stable.
    init(dropZone: String, fileBytesMax: UInt64, at now: Instant) {
        source = nil
        root = FolderPath(dropZone)
        rule = ReadinessRule()
        let everything = WatchedSource(
            name: SourceName("root")!, folder: dropZone, patterns: [], readiness: rule, fileBytesMax: fileBytesMax,
            recursive: false)
        names = NameRule(everything)
        self.fileBytesMax = fileBytesMax
        recursive = false
        nextScan = now
    }

    var isUsable: Bool { if case .unavailable = mode { false } else { true } }

    /// Whether files of `folder` are noticed by a timer only.
    func isPolled(_ folder: FolderPath) -> Bool {
        if case .polling = mode { return true }
        return unwatched.keys.contains { folder.components(below: $0) != nil }
    }

    /// Whether `folder` belongs to this feed.
    func covers(_ folder: FolderPath) -> Bool {
        guard let below = folder.components(below: root) else { return false }
        return recursive || below.isEmpty
    }

    /// Queues a scan, once.
    func queue(_ folder: FolderPath, deep: Bool) {
        if let index = pending.firstIndex(where: { $0.folder == folder }) {
            pending[index].deep = pending[index].deep || deep
        } else {
            pending.append((folder, deep))
        }
    }
}

/// One folder being read.
final class ScanJob {
    let folder: WatchedFolder
    let deep: Bool
    let reader: FolderReader

    init(_ folder: WatchedFolder, deep: Bool, reader: consuming FolderReader) {
        self.folder = folder
        self.deep = deep
        self.reader = reader
    }
}

/// What is known of the files in one folder.
final class WatchedFolder {
    struct Entry {
        enum Phase {
            case settling(Settling, Settling.Waiting?)
            /// With the pipeline; `again` when something happened to the name since.
            case delivered(FileIdentity, again: Bool)
            case refused(DropError, FileIdentity)
            /// Told about once; nobody's patterns name it.
            case unrouted(FileIdentity)
            case marker
        }

        var phase: Phase
        let firstSeen: Instant
        /// The last scan that saw it.
        var generation: UInt32
        /// When it is to be looked at again.
        var due: Instant?
        /// What it held while a writer kept it open went to quarantine: no second time.
        var isStillOpen = false
    }

    let path: FolderPath
    let feed: Feed
    var entries: [FileName: Entry] = [:]
    /// Data files by the marker each waits for.
    var awaiting: [FileName: Set<FileName>] = [:]
    var generation: UInt32 = 0
    /// Opened on demand; dropped when the folder may be another one.
    var handle: LandingFolders.OpenFolder?

    init(_ path: FolderPath, feed: Feed) {
        self.path = path
        self.feed = feed
    }

    func open() throws(SystemCallError) -> CInt {
        if let handle { return handle.descriptor.number }
        let opened = LandingFolders.OpenFolder(try path.open(below: feed.root))
        handle = opened
        return opened.descriptor.number
    }
}
