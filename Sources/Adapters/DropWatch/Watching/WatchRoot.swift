import DropCore
import SystemKit

/// One landing folder tree, as the watcher's thread sees it: the folder of one or more sources, or the drop zone's root.
final class WatchRoot {
    /// The sources whose folder it is; none for the drop zone's root.
    let sources: [WatchedSource]
    let root: FolderPath

    var mode: WatchMode = .starting {
        didSet { unusableSince = isUsable ? nil : unusableSince ?? .now }
    }
    /// Since when the folder cannot be used.
    private(set) var unusableSince: Instant?
    /// Subtrees that have no watch, each with the reason: they are polled.
    var unwatched: [FolderPath: String] = [:]
    /// The file system's name, if others can change it without an event here.
    var remote: String?
    /// Proves that events arrive.
    var probe = Probe()
    var nextScan: Instant
    var scans = RootScans()
    /// The sources whose folders it has, or is in. Any source's files may lie in the drop zone's root, which is no source's
    /// folder.
    let owners: [SourceName?]

    /// The folder that had this name at the last look, if any; nil: nobody looked yet.
    var glanced: FolderIdentity??

    /// Whether the folder was taken over, or found ours, since the start.
    var isTaken = false
    /// That it had lost its owner file, for `status`: somebody removed that.
    var ownerFileWasGone: String?

    /// A file that is made and removed; its event tells that events arrive, even if it is late.
    struct Probe {
        /// The last one.
        var name: FileName?
        /// While its event is awaited: until when.
        var deadline: Instant?
        /// When a folder is probed again whose probe had no answer.
        var next: Instant?
    }

    init(_ sources: [WatchedSource], owners: [SourceName?], root: FolderPath, at now: Instant) {
        self.sources = sources
        self.owners = owners
        self.root = root
        nextScan = now
    }

    /// One root for each folder, the drop zone's root last.
    static func all(_ sources: [WatchedSource], dropZone: String?, at now: Instant) -> [WatchRoot] {
        var roots: [FolderPath] = []
        for root in sources.map({ FolderPath($0.folder) }) where !roots.contains(root) { roots.append(root) }
        let own = roots.map { root in
            let owners = sources.filter { source in
                guard let below = root.components(below: FolderPath(source.folder)) else { return false }
                return source.recursive || below.isEmpty
            }
            return WatchRoot(
                sources.filter { FolderPath($0.folder) == root }, owners: owners.map(\.name), root: root, at: now)
        }
        guard let dropZone else { return own }
        return own + [WatchRoot([], owners: [], root: FolderPath(dropZone), at: now)]
    }

    /// The folder as messages name it.
    var title: String {
        switch sources.count {
        case 0: "The drop zone"
        case 1: "Source \(sources[0].name)"
        default: "Sources " + sources.map(\.name.text).joined(separator: ", ")
        }
    }

    /// Whether files in subfolders count for at least one of the sources.
    var recursive: Bool { sources.contains { $0.recursive } }

    var settle: Duration { sources.map(\.readiness.settle).max() ?? ReadinessRule().settle }

    var isUsable: Bool { if case .unavailable = mode { false } else { true } }

    /// Whether files of some of its folders are noticed by a timer only.
    var isPolledInPart: Bool { if case .polling = mode { true } else { !unwatched.isEmpty } }

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
}

/// The facts that differ between two folders of one name, or when the rights of the folder change.
struct FolderIdentity: Equatable {
    let kind: FileFacts.Kind
    let device: UInt64
    let inode: UInt64
    let mode: UInt32
    let owner: UInt32
}
