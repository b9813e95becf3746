import DropCore
import SystemKit
import ThreadKit

/// The locks that an instance holds on the owner files of the folders it serves. They end with the process, so whoever wants to
/// take a folder over sees whether its owner lives (docs/decisions/0047-nobody-writes-unseen.md). Safe from any thread.
final class OwnerLocks: Sendable {
    private let held = Monitor<[String: CInt]>([:])

    /// Locks the owner file that the folder has now, in place of the one it had. A file system without locks has none.
    func take(_ path: String, _ folder: CInt) {
        let file = try? System.open(FolderOwnership.ownerFile.bytes, in: folder, [.readAndWrite, .noLink])
        if let file, !FileLock.takeForWriting(file) {
            System.close(file)
            return release(path)
        }
        let former = held.withoutWaking { held in
            let former = held[path]
            held[path] = file
            return former
        }
        if let former { System.close(former) }
    }

    private func release(_ path: String) {
        if let former = held.withoutWaking({ $0.removeValue(forKey: path) }) { System.close(former) }
    }

    /// Whether a process holds the lock on a folder's owner file. Where it cannot be told, none does.
    static func isHeld(in folder: CInt) -> Bool {
        guard let file = try? SystemCall.openFile(FolderOwnership.ownerFile, in: folder) else { return false }
        return FileLock.isRefused(file.number, forWriting: true) == true
    }

    deinit { held.withoutWaking { held in for file in held.values { System.close(file) } } }
}
