import DropCore
import SystemKit

/// One landing folder tree as the watcher's thread sees it: that of the sources whose folder it is, or the drop zone's root.
final class Feed {
    /// The sources whose folder it is; none for the drop zone's root.
    let sources: [WatchedSource]
    let root: FolderPath
    /// Whether files in subfolders count, for one of the sources at least.
    let recursive: Bool

    var mode: WatchMode = .starting {
        didSet { unusableSince = isUsable ? nil : unusableSince ?? .now }
    }
    /// Since when the folder cannot be used.
    private(set) var unusableSince: Instant?
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

    /// What had the folder's name at the last glance, if anything; nil: nobody looked yet.
    var glanced: FolderIdentity??

    /// Whether the folder was taken over, or found ours, since the start.
    var isTaken = false

    init(_ sources: [WatchedSource], root: FolderPath, at now: Instant) {
        self.sources = sources
        self.root = root
        recursive = sources.contains { $0.recursive }
        nextScan = now
    }

    /// One feed for each folder, the drop zone's root last.
    static func all(_ sources: [WatchedSource], dropZone: String?, at now: Instant) -> [Feed] {
        var roots: [FolderPath] = []
        for root in sources.map({ FolderPath($0.folder) }) where !roots.contains(root) { roots.append(root) }
        let own = roots.map { root in Feed(sources.filter { FolderPath($0.folder) == root }, root: root, at: now) }
        return own + (dropZone.map { [Feed([], root: FolderPath($0), at: now)] } ?? [])
    }

    /// The folder as messages name it.
    var title: String {
        switch sources.count {
        case 0: "The drop zone"
        case 1: "Source \(sources[0].name)"
        default: "Sources " + sources.map(\.name.text).joined(separator: ", ")
        }
    }

    var settle: Duration { sources.map(\.readiness.settle).max() ?? ReadinessRule().settle }

    var isUsable: Bool { if case .unavailable = mode { false } else { true } }

    /// Whether files of `folder` are noticed by a timer only.
    func isPolled(_ folder: FolderPath) -> Bool { whyPolled(folder) != nil }

    /// Why files of `folder` are noticed by a timer only; nil where they are not.
    func whyPolled(_ folder: FolderPath) -> String? {
        if case .polling(let reason) = mode { return reason }
        return unwatched.first { folder.components(below: $0.key) != nil }?.value
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

/// What tells one folder of a name from another, and from itself with other rights.
struct FolderIdentity: Equatable {
    let kind: FileFacts.Kind
    let device: UInt64
    let inode: UInt64
    let mode: UInt32
    let owner: UInt32
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
            /// Complete, and its source has as much to do as it may have at once: it is looked at again in its turn.
            case queued
            /// With the pipeline; `again` when something happened to the name since.
            case delivered(FileIdentity, again: Bool)
            /// Stays until it changes, or somebody does something about it.
            case left(WaitingReason, FileIdentity)
            case marker
        }

        var phase: Phase
        /// Whose it is; nil where nobody is responsible.
        var source: SourceName?
        let firstSeen: Instant
        /// When it came or changed last, by its file system's clock; 0 where nobody looked.
        var changed: Int64 = 0
        /// The last scan that saw it.
        var generation: UInt32
        /// When it is to be looked at again.
        var due: Instant?
        /// What it held while a writer kept it open went to quarantine: no second time.
        var isStillOpen = false
        /// How it came to its name, as far as events told.
        var arrival = Settling.Arrival.unknown
        /// Claims in a row that were not possible for want of room.
        var refusals = 0
        /// What was last said of it.
        var lastReason: WaitingReason.Code?
        /// It is looked at again by time, because a plugin had no answer yet.
        var isAsked = false

        init(_ phase: Phase, source: SourceName?, at now: Instant, generation: UInt32) {
            self.phase = phase
            self.source = source
            firstSeen = now
            self.generation = generation
        }
    }

    let path: FolderPath
    let feed: Feed
    let routing: Routing
    var entries: [FileName: Entry] = [:]
    /// Data files by the marker each waits for.
    var awaiting: [FileName: Set<FileName>] = [:]
    var generation: UInt32 = 0
    /// Opened on demand; dropped when the folder may be another one.
    var handle: LandingFolders.OpenFolder?

    init(_ path: FolderPath, feed: Feed, routing: Routing) {
        self.path = path
        self.feed = feed
        self.routing = routing
    }

    func open() throws(SystemError) -> CInt {
        if let handle { return handle.descriptor.number }
        let opened = LandingFolders.OpenFolder(try path.open(below: feed.root))
        handle = opened
        return opened.descriptor.number
    }
}
