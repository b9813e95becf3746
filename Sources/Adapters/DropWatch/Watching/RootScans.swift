import DropCore

/// The scans of one root: the folder that is read, those that wait, and whether files are gathered.
struct RootScans {
    /// Whether the root's owners pause until all that lies in its folders is known, so that each file has its place.
    enum Gathering {
        case none
        /// Until a scan of the whole root, which has not begun, has ended.
        case announced
        /// Until no gathering scan is left.
        case running
    }

    struct Pending {
        let folder: FolderPath
        /// With the folders in it.
        var deep: Bool
        /// No file is handed over before it has ended.
        var gathers: Bool
    }

    var gathering = Gathering.announced
    /// Who pauses: the root's owners, and those of whom files were found.
    var paused: [SourceName?] = []
    /// Events were lost meanwhile, so the files are gathered once more.
    var gathersAgain = false
    /// One folder is read at a time.
    var current: ScanJob?
    private var pending: [Pending] = []

    /// Queues a scan, once.
    mutating func add(_ folder: FolderPath, deep: Bool, gathers: Bool) {
        if let index = pending.firstIndex(where: { $0.folder == folder }) {
            pending[index].deep = pending[index].deep || deep
            pending[index].gathers = pending[index].gathers || gathers
        } else {
            pending.append(Pending(folder: folder, deep: deep, gathers: gathers))
        }
    }

    /// Takes the scan that is next: those that gather come first, the others only when they are `wanted`.
    mutating func next(others wanted: Bool) -> Pending? {
        nextIndex(others: wanted).map { pending.remove(at: $0) }
    }

    func hasNext(others wanted: Bool) -> Bool { nextIndex(others: wanted) != nil }

    private func nextIndex(others wanted: Bool) -> Int? {
        pending.firstIndex { $0.gathers } ?? (wanted ? pending.indices.first : nil)
    }

    /// Whether a scan that gathers runs, or waits.
    var isGathering: Bool { current?.gathers == true || pending.contains { $0.gathers } }

    /// Whether a scan of the folder that gathers is still to begin.
    func willGather(_ folder: FolderPath) -> Bool { pending.contains { $0.folder == folder && $0.gathers } }
}

/// One folder being read.
final class ScanJob {
    let folder: WatchedFolder
    let deep: Bool
    let gathers: Bool
    let reader: FolderReader

    init(_ folder: WatchedFolder, deep: Bool, gathers: Bool, reader: consuming FolderReader) {
        self.folder = folder
        self.deep = deep
        self.gathers = gathers
        self.reader = reader
    }
}
