import DequeModule
import DropCore

/// No source delays another: the files that a source has in work are bounded, and further files stay where they are, in order.
extension WatchLoop {
    /// When this many files wait, reading of the folder pauses.
    private static let backlogMax = 4096

    /// Whether the source may hand over another file now.
    func hasRoom(_ source: SourceName) -> Bool {
        guard let room = handler.room else { return true }
        return room(source) > batch.count(where: { $0.source == source })
    }

    /// Whether files of the source wait for their turn, so that no later file may overtake them.
    func isHeldBack(_ source: SourceName) -> Bool { backlogs[source] != nil }

    /// Puts the file behind the others of its source.
    func queue(_ name: FileName, in folder: WatchedFolder, of source: SourceName) {
        folder.entries[name]?.phase = .queued
        folder.entries[name]?.due = nil
        backlogs[source, default: []].append(Inbox.Hint(folder: folder.path, name: name))
    }

    /// Checks files again that waited for their turn, as far as their sources have room.
    func takeBacklogs() {
        for source in backlogs.keys.sorted() {
            while hasRoom(source), let hint = backlogs[source]?.popFirst() {
                guard let folder = folders[hint.folder], case .queued? = folder.entries[hint.name]?.phase else { continue }
                look(at: hint.name, in: folder, isItsTurn: true)
                if batch.count >= Self.batchMax { deliver() }
            }
            if backlogs[source]?.isEmpty == true { backlogs[source] = nil }
        }
    }

    /// Whether reading of the root's folders pauses for now.
    func isHeldUp(_ watchRoot: WatchRoot) -> Bool {
        guard !backlogs.isEmpty else { return false }
        return watchRoot.sources.contains { (backlogs[$0.name]?.count ?? 0) >= Self.backlogMax }
    }
}
