import DropCore
import SystemKit

/// The landing folders and what is in them, as far as the watcher knows.
final class WatchedFolders {
    /// Descriptors kept open for folders.
    private static let handlesMax = 128

    let roots: [WatchRoot]
    private let sources: [WatchedSource]
    private let dropZone: FolderPath?
    private let owner: Routing.Owner
    private var known: [FolderPath: WatchedFolder] = [:]
    private var handles: [WatchedFolder] = []

    init(_ sources: [WatchedSource], dropZone: String?, owner: @escaping Routing.Owner) {
        roots = WatchRoot.all(sources, dropZone: dropZone, at: .now)
        self.sources = sources
        self.dropZone = dropZone.map { FolderPath($0) }
        self.owner = owner
        for root in roots { known[root.root] = WatchedFolder(root.root, watchRoot: root, routing: routing(of: root.root)) }
    }

    var all: [WatchedFolder] { Array(known.values) }

    subscript(path: FolderPath) -> WatchedFolder? { known[path] }

    func remove(_ folder: WatchedFolder) { known[folder.path] = nil }

    /// The folder's state, made when a root covers it. Nil for a folder without a source.
    func folder(at path: FolderPath) -> WatchedFolder? {
        if let known = known[path] { return known }
        guard let watchRoot = roots.filter({ $0.covers(path) }).max(by: { $0.root.bytes.count < $1.root.bytes.count }) else {
            return nil
        }
        let folder = WatchedFolder(path, watchRoot: watchRoot, routing: routing(of: path))
        known[path] = folder
        return folder
    }

    /// The sources that files of a folder can belong to: those whose folder it is, and those that scan subfolders and whose
    /// folder contains it.
    private func routing(of path: FolderPath) -> Routing {
        if path == dropZone { return Routing(dropZoneOf: sources) }
        return Routing(
            members: sources.filter { source in
                guard let below = path.components(below: FolderPath(source.folder)) else { return false }
                return source.recursive || below.isEmpty
            }, owner: owner)
    }

    /// The folder's descriptor. Kept until too many are.
    func descriptor(of folder: WatchedFolder) throws(SystemError) -> CInt {
        if folder.handle == nil { handles.append(folder) }
        return try folder.open()
    }

    func closeHandles() {
        guard handles.count > Self.handlesMax else { return }
        for folder in handles { folder.handle = nil }
        handles.removeAll()
    }
}
