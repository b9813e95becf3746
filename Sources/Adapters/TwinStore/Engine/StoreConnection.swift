import DropCore
import GRDB
import Synchronization

/// The database: one connection that writes, and several that read. The only place where either is lent.
///
/// Any thread but a GRDB access of the same store; calls block, so not from Swift's cooperative pool. GRDB's queue orders the
/// writers; `logUse` has a lock of its own.
final class StoreConnection: Sendable {
    /// Absolute or relative path of the database file.
    let path: String
    let pool: DatabasePool
    /// How much of the write-ahead log is in use.
    let logUse = WriteAheadLog.Use()
    private let isClosed = Mutex(false)

    /// Queries that run at once. Connections for comparisons are kept beside.
    static let queriesMax = 8

    init(path: String, isReader: Bool, isCopy: Bool) throws(DropError) {
        self.path = path
        pool = isReader ? try Self.openReadOnly(path) : try Self.openPool(path, logUse, isCopy: isCopy)
    }

    var isReadOnly: Bool { pool.configuration.readonly }

    /// Moves what it can of the write-ahead log into the database, so that the file `twin.db` is whole by itself, and closes all
    /// connections. No other call may be running or follow, but this one.
    ///
    /// - Parameter movingLog: false after storage has failed: what is on the medium is looked at by the next start.
    func close(movingLog: Bool = true) throws(DropError) {
        let isOpen = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        if isOpen, movingLog, !pool.configuration.readonly { try moveLog() }
        do {
            try pool.close()
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// What cannot be moved, because somebody reads or there is no room, stays in the log, where the next start finds it.
    private func moveLog() throws(DropError) {
        do throws(DropError) {
            try writing { (database) throws(DropError) in try WriteAheadLog.checkpoint(database, logUse) }
        } catch {
            guard case .retry = error.remedy else { throw error }
        }
    }

    // MARK: Access

    func reading<T>(_ body: (Database) throws(DropError) -> T) throws(DropError) -> T {
        do {
            return try pool.read(body)
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// For a body that throws errors of its own as well: only those of SQLite are translated.
    func exporting(_ body: (Database) throws -> Void) throws {
        do { try pool.read(body) } catch let error as DatabaseError { throw StorageFailure.error(error) }
    }

    func writing<T>(_ body: (Database) throws(DropError) -> T) throws(DropError) -> T {
        do {
            return try pool.writeWithoutTransaction(body)
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// One durable transaction.
    func transaction<T>(_ body: (Database) throws -> T) throws(DropError) -> T {
        do {
            return try pool.writeWithoutTransaction { database in
                var result: T?
                try database.inTransaction(.immediate) {
                    result = try body(database)
                    return .commit
                }
                return result!
            }
        } catch {
            throw StorageFailure.error(error)
        }
    }

    // MARK: The log

    /// Moves the write-ahead log into the database and empties its file. Between transactions, on the writer's connection, which
    /// alone may do it. Readers that are at work keep the part they need; it moves next time.
    func checkpoint() throws(DropError) {
        try writing { (database) throws(DropError) in
            let query = try RawStatement("PRAGMA wal_checkpoint(TRUNCATE)", database)
            defer { query.reset() }
            _ = try query.step()
        }
    }

    /// For idle moments: a checkpoint when the log has grown to some megabytes and, with `reserving`, room in it for the next
    /// commits, which then need not make the file longer. Does nothing most times. Errors: `storage` (stop).
    func tendLog(reserving: Bool) throws(DropError) {
        try checkpoint(past: Self.walBytesIdle)
        guard reserving, walBytes < Self.walBytesReserved, StoreFiles.free(path) > UInt64(64 * Self.walBytesReserved) else {
            return
        }
        try writing { (database) throws(DropError) in
            _ = try WriteAheadLog.extend(database, toBytes: Self.walBytesReserved)
        }
    }

    /// Bytes of the write-ahead log's file, used or not; 0 where there is none.
    var walBytes: Int { StoreFiles.bytes(path + "-wal") }

    func checkpointIfLarge() throws(DropError) { try checkpoint(past: Self.walBytesMax) }

    private func checkpoint(past bytes: Int) throws(DropError) {
        guard logUse.pages * Self.pageBytes > bytes else { return }
        try writing { (database) throws(DropError) in try WriteAheadLog.checkpoint(database, logUse) }
    }
}

// MARK: - Opening

extension StoreConnection {
    /// Bytes a page has, measured: see docs/decisions/0010-twin-storage.md.
    static let pageBytes = 4096
    /// KiB of pages each connection keeps.
    private static let cacheKiB = 32 * 1024
    /// The write-ahead log is checkpointed by the writer when it passes this, and while idle when it passes the second.
    static let walBytesMax = 256 << 20
    static let walBytesIdle = 16 << 20
    /// What its file is made long ahead of use.
    static let walBytesReserved = 20 << 20

    /// Connections that only read, beside a running daemon or without one.
    static func openReadOnly(_ path: String) throws(DropError) -> DatabasePool {
        var configuration = configuration()
        configuration.readonly = true
        configuration.maximumReaderCount = 2
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            let version = try pool.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
            guard version == StoreSchema.version else { throw StorageFailure.otherVersion(version, known: StoreSchema.version) }
            return pool
        } catch {
            throw StorageFailure.error(error)
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = 6 + queriesMax
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { database in
            for pragma in [
                "page_size = \(pageBytes)", "cache_size = -\(database.configuration.readonly ? cacheKiB / 4 : cacheKiB)",
                "mmap_size = 0",
                "cell_size_check = ON", "trusted_schema = OFF", "wal_autocheckpoint = 0", "temp_store = MEMORY",
            ] { try database.execute(sql: "PRAGMA \(pragma)") }
            try RecordFunctions.register(on: database)
        }
        return configuration
    }

    /// - Parameters:
    ///   - use: kept up to date about the write-ahead log; lives as long as the pool.
    ///   - isCopy: nothing is kept of an older schema.
    static func openPool(_ path: String, _ use: WriteAheadLog.Use, isCopy: Bool) throws(DropError) -> DatabasePool {
        try WriteAheadLog.gatherWrites()
        let configuration = configuration()
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                // GRDB sets NORMAL; a power cut would then lose commits whose files are gone.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.execute(sql: "PRAGMA secure_delete = OFF")
                WriteAheadLog.watch(database, use)
                try StoreSchema.migrate(database) { isCopy ? nil : "\(path).schema-\($0)" }
            }
            return pool
        } catch {
            throw StorageFailure.error(error)
        }
    }
}
