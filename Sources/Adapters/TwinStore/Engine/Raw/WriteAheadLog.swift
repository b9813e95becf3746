import CGatherVFS
import DropCore
import GRDB
import GRDBSQLite
import Synchronization

/// The write-ahead log of the writer's connection, as SQLite itself gives access to it: nobody else touches the file
/// (docs/failure-model.md, "Database").
///
/// A commit that is written over bytes the file has already costs one flush of the medium. One that makes the file longer also
/// has to write down the new length, which on ext4 costs twice to four times as much. So the file is kept between checkpoints,
/// and made longer ahead of time, while nothing else is to be done.
enum WriteAheadLog {
    /// How many pages the log has in use: SQLite tells after each commit, on the writer's connection. From any thread.
    final class Use: Sendable {
        private let count = Atomic<Int>(0)

        /// Pages written since the log last began at its start.
        var pages: Int { count.load(ordering: .relaxed) }

        fileprivate func set(_ pages: Int) { count.store(pages, ordering: .relaxed) }
    }

    /// Hands the pages of a commit to the kernel together. For all connections that the process opens from now on.
    static func gatherWrites() throws(DropError) {
        let code = td_gather_vfs_register()
        guard code == SQLITE_OK else { throw StorageFailure.error(code, "the VFS could not be registered") }
    }

    /// Tells `use` from now on. It must live as long as the connection.
    static func watch(_ database: Database, _ use: Use) {
        unsafe sqlite3_wal_hook(
            database.sqliteConnection,
            { context, _, _, pages in
                unsafe Unmanaged<Use>.fromOpaque(context!).takeUnretainedValue().set(Int(pages))
                return SQLITE_OK
            }, Unmanaged.passUnretained(use).toOpaque())
    }

    /// Moves what it can into the database. When that was all, the next commit begins at the log's start again; the file stays.
    static func checkpoint(_ database: Database, _ use: Use) throws(DropError) {
        var total: CInt = 0
        var moved: CInt = 0
        let code = unsafe sqlite3_wal_checkpoint_v2(
            database.sqliteConnection, "main", SQLITE_CHECKPOINT_PASSIVE, &total, &moved)
        guard code == SQLITE_OK || code == SQLITE_BUSY else {
            throw unsafe StorageFailure.error(code, String(cString: sqlite3_errmsg(database.sqliteConnection)))
        }
        if moved >= total { use.set(0) }
    }

    /// Makes the file at least `bytes` long with zeros, durably: SQLite takes them for the end of the log, as it takes what an
    /// earlier round left there. Where the medium has no room for them, it stays as long as it is.
    ///
    /// - Returns: false when there was nothing to do.
    /// - Throws: `storage` (stop) when the log could not be synced.
    static func extend(_ database: Database, toBytes bytes: Int) throws(DropError) -> Bool {
        var opened: UnsafeMutablePointer<sqlite3_file>?
        let code = unsafe sqlite3_file_control(
            database.sqliteConnection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &opened)
        guard code == SQLITE_OK, let file = unsafe opened, let methods = unsafe file.pointee.pMethods else { return false }
        var size: sqlite3_int64 = 0
        guard unsafe methods.pointee.xFileSize(file, &size) == SQLITE_OK, Int(size) < bytes else { return false }
        // SQLite's files take at most 128 KiB at once, less a byte.
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        var end = Int(size)
        while end < bytes {
            let count = min(zeros.count, bytes - end)
            guard unsafe methods.pointee.xWrite(file, zeros, CInt(count), sqlite3_int64(end)) == SQLITE_OK else { break }
            end += count
        }
        let synced = unsafe methods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
        guard synced == SQLITE_OK else {
            throw StorageFailure.error(synced, "the write-ahead log could not be synced")
        }
        return true
    }
}
