import DropCore
import SystemKit

/// One landing folder tree, as the watcher's thread sees it: the folder of one or more sources, or the drop zone's root.
final class WatchRoot {
    /// The sources whose folder it is; none for the drop zone's root.
    let sources: [WatchedSource]
    let root: FolderPath
    /// Whether files in subfolders count for at least one of the sources.
    let recursive: Bool

    var mode: WatchMode = .starting {
        didSet { unusableSince = isUsable ? nil : unusableSince ?? .now }
    }
    /// Since when the folder cannot be used.
    private(set) var unusableSince: Instant?
    /// Subtrees that have no watch, each with the reason: they are polled.
    var unwatched: [FolderPath: String] = [:]
    /// The file system's name, if others can change it without an event here.
    var remote: String?
    /// The last probe file. Its event proves that events arrive, even if it is late.
    var probe: FileName?
    /// While the probe's event is awaited: until when.
    var probeDeadline: Instant?
    /// When a folder is probed again whose probe had no answer.
    var nextProbe: Instant?
    var nextScan: Instant
    /// The folders of this root that wait for a scan, each with what is in it; one is read at a time.
    var pending: [(folder: FolderPath, deep: Bool)] = []
    var scan: ScanJob?

    /// The folder that had this name at the last look, if any; nil: nobody looked yet.
    var glanced: FolderIdentity??

    /// Whether the folder was taken over, or found ours, since the start.
    var isTaken = false
    /// That it had lost its owner file, for `status`: somebody removed that.
    var ownerFileWasGone: String?

    init(_ sources: [WatchedSource], root: FolderPath, at now: Instant) {
        self.sources = sources
        self.root = root
        recursive = sources.contains { $0.recursive }
        nextScan = now
    }

    /// One root for each folder, the drop zone's root last.
    static func all(_ sources: [WatchedSource], dropZone: String?, at now: Instant) -> [WatchRoot] {
        var roots: [FolderPath] = []
        for root in sources.map({ FolderPath($0.folder) }) where !roots.contains(root) { roots.append(root) }
        let own = roots.map { root in WatchRoot(sources.filter { FolderPath($0.folder) == root }, root: root, at: now) }
        return own + (dropZone.map { [WatchRoot([], root: FolderPath($0), at: now)] } ?? [])
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

    /// Whether `folder` belongs to this root.
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

/// The facts that differ between two folders of one name, or when the rights of the folder change.
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

/// What is known about the files in one folder.
final class WatchedFolder {
    struct Entry {
        enum Phase {
            case settling(Settling, Settling.Waiting?)
            /// Complete, but its source already has as many files in work as it may have. It is checked again in its turn.
            case queued
            /// Delivered to the pipeline; `again` when something happened to the name since.
            case delivered(FileIdentity, again: Bool)
            /// Stays until it changes, or somebody does something about it.
            case left(WaitingReason, FileIdentity)
            case marker
        }

        var phase: Phase
        /// Its source; nil if it belongs to none.
        var source: SourceName?
        let firstSeen: Instant
        /// When it came or changed last, by its file system's clock; 0 if nobody looked.
        var changed: Int64 = 0
        /// The last scan that saw it.
        var generation: UInt32
        /// When to check it again.
        var due: Instant?
        /// A copy went to quarantine while a writer kept it open. This must not happen a second time.
        var isStillOpen = false
        /// How it got its name, as far as events showed.
        var arrival = Settling.Arrival.unknown
        /// Claims in a row that failed for lack of room.
        var refusals = 0
        /// What was last said of it.
        var lastReason: WaitingReason.Code?
        /// It is checked again after some time, because a plugin had no answer yet.
        var isAsked = false

        init(_ phase: Phase, source: SourceName?, at now: Instant, generation: UInt32) {
            self.phase = phase
            self.source = source
            firstSeen = now
            self.generation = generation
        }
    }

    let path: FolderPath
    let watchRoot: WatchRoot
    let routing: Routing
    var entries: [FileName: Entry] = [:]
    /// Data files by the marker each waits for.
    var awaiting: [FileName: Set<FileName>] = [:]
    var generation: UInt32 = 0
    /// Opened when needed; closed when another folder may have the name.
    var handle: LandingFolders.OpenFolder?

    init(_ path: FolderPath, watchRoot: WatchRoot, routing: Routing) {
        self.path = path
        self.watchRoot = watchRoot
        self.routing = routing
    }

    func open() throws(SystemError) -> CInt {
        if let handle { return handle.descriptor.number }
        let opened = LandingFolders.OpenFolder(try path.open(below: watchRoot.root))
        handle = opened
        return opened.descriptor.number
    }
}
