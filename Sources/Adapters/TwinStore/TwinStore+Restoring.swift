package import DropCore

extension TwinStore {
    /// Where `restore` keeps what was there: `twin.db.before-restore-N`.
    private static let keptEnding = ".before-restore-"

    /// Puts a file that `backup` wrote in place of `FOLDER/twin.db`. The caller holds the lock of the folder.
    ///
    /// The present database keeps its bytes under a name of its own, which no later call gives to another. First it gets that
    /// second name, then the backup takes over the first in one step: at every moment there is a whole database under `twin.db`,
    /// the old one or the new one. (An exchange of the names, as renameat2(2) makes it, would leave the old one under a name that
    /// the next attempt takes for its own, and not every file system has it.)
    ///
    /// - Parameters:
    ///   - archived: the newest record of the archive, which the backup need not know: a person says so by restoring it.
    ///   - act: who restores it, and why. It is written into the database that takes the place: there is no restored database
    ///     without it, and no act without one.
    /// - Returns: where the database that was there is kept, or why the file cannot take its place; nothing is changed then.
    /// - Throws: `storage` where the file is no sound database of this version; nothing is changed then. A present database that
    ///   is damaged is put aside as it is, with its log.
    package static func restore(
        from backup: String, folder: String, archived: UInt64?, by act: Act? = nil
    ) throws(DropError) -> Restored {
        let path = folder + "/twin.db"
        let candidate = path + ".restore"
        for ending in ["", "-wal", "-shm", "-journal"] { try StoreFiles.remove(candidate + ending) }
        // What cannot be read any more is the reason for many a restore.
        let isCheckpointed = StoreFiles.bytes(path) == 0 || (try? checkpoint(path)) != nil
        do throws(DropError) {
            try StoreFiles.copy(backup, to: candidate)
            // What an earlier restore put aside may have its log beside it.
            if StoreFiles.bytes(backup + "-wal") > 0 { try StoreFiles.copy(backup + "-wal", to: candidate + "-wal") }
            if let refused = try refusal(candidate, present: isCheckpointed ? path : nil) {
                for ending in ["", "-wal", "-shm", "-journal"] { try StoreFiles.remove(candidate + ending) }
                return refused
            }
            try prove(candidate, archived, act)
        } catch {
            for ending in ["", "-wal", "-shm", "-journal"] { try? StoreFiles.remove(candidate + ending) }
            throw error
        }
        let kept = try keep(path, withLog: !isCheckpointed)
        // Without its log before it goes, never with the log of another: SQLite would write that into the new one.
        for ending in ["-wal", "-shm"] { try StoreFiles.remove(path + ending) }
        try StoreFiles.syncFolder(of: path)
        try StoreFiles.publish(candidate, as: path)
        return .done(kept: kept)
    }

    /// What became of a `restore`.
    package enum Restored: Sendable, Equatable {
        /// - kept: where the database that was there lies now; nil where there was none.
        case done(kept: String?)
        /// `backup` never wrote this file.
        case noBackup
        /// The database in place holds drops, and is another one's: each has an id of its own, which its backups share.
        case ofAnotherHome
    }

    /// - Parameter path: of the database in place; nil where it cannot be read.
    private static func refusal(_ candidate: String, present path: String?) throws(DropError) -> Restored? {
        guard let restored = try StoredFile.identity(candidate) else { return .noBackup }
        guard let path, StoreFiles.bytes(path) > 0, let present = try StoredFile.identity(path), !present.isEmpty else {
            return nil
        }
        return present.instance == restored.instance ? nil : .ofAnotherHome
    }

    /// Gives the database at `path` a second name; the one it has from an attempt that was interrupted, where there is one.
    private static func keep(_ path: String, withLog: Bool) throws(DropError) -> String? {
        guard StoreFiles.exists(path) else { return nil }
        var number = 1
        while StoreFiles.exists("\(path)\(keptEnding)\(number)") { number += 1 }
        if number > 1, StoreFiles.isSame(path, "\(path)\(keptEnding)\(number - 1)") { number -= 1 }
        let kept = "\(path)\(keptEnding)\(number)"
        try StoreFiles.link(path, as: kept)
        if withLog, StoreFiles.bytes(path + "-wal") > 0 { try StoreFiles.link(path + "-wal", as: kept + "-wal") }
        try StoreFiles.syncFolder(of: path)
        return kept
    }

    /// Opens a backup once, which brings it to this version's form, and checks it.
    private static func prove(_ candidate: String, _ archived: UInt64?, _ act: Act?) throws(DropError) {
        let store = try TwinStore(path: candidate, isCopy: true)
        let findings = try store.maintenance.quickCheck()
        if let archived { try store.facts.accept(archived: archived, forGood: false) }
        if let act { try store.register.record(act) }
        try store.maintenance.checkpoint()
        try store.close()
        guard findings.isEmpty else { throw StorageFailure.damaged("the backup: \(findings[0])") }
        for ending in ["-wal", "-shm", "-journal"] { try StoreFiles.remove(candidate + ending) }
    }

    /// Moves the whole log of the database at `path` into it. One that cannot be read is not touched: whoever opens it for
    /// writing may lose its log.
    private static func checkpoint(_ path: String) throws(DropError) {
        try StoredFile.tryReading(path)
        let present = try TwinStore(path: path)
        try present.maintenance.checkpoint()
        try present.close()
        guard StoreFiles.bytes(path + "-wal") == 0 else { throw StorageFailure.damaged("its log is in use") }
    }
}
