package import DropCore
import TwinModel
package import TwinService

/// The twin graph, its history and the register of drops: one SQLite database (`twin.db`) with one writer and several readers.
/// It opens and closes them, and hands out what each caller needs.
///
/// All calls may block, and are safe from any thread but a GRDB access of the same store; not from Swift's cooperative pool. It
/// keeps nothing that changes: what changes is in the parts of `StoreEngine`, and each says which lock or thread guards it.
package final class TwinStore: Sendable {
    let engine: StoreEngine
    package let queries: StoreQueries
    package let service: StoreService

    package var register: StoreRegister { StoreRegister(store: engine) }
    package var lists: DropLists { DropLists(store: engine) }
    package var sourceKeys: SourceKeys { SourceKeys(store: engine) }
    package var notices: StoreNotices { StoreNotices(store: engine) }
    package var facts: StoreFacts { StoreFacts(store: engine) }
    package var graph: StoreGraph { StoreGraph(store: engine) }
    package var waiting: StoreWaiting { StoreWaiting(store: engine) }
    package var history: StoreHistory { StoreHistory(store: engine) }
    package var maintenance: StoreUpkeep { StoreUpkeep(store: engine) }

    /// Absolute or relative path of the database file.
    package var path: String { engine.connection.path }

    /// Opens `FOLDER/twin.db`, or makes it; brings its schema up to date and rebuilds the indexes (a second per million twins).
    /// Of an older schema N a copy is kept, `FOLDER/twin.db.schema-N`.
    ///
    /// Errors: `storage` (stop) where the file is no database, is damaged, was written by a newer version, or cannot be copied.
    ///
    /// - Parameter clock: units of 100 nanoseconds since 1970, for calls of the twin service; drops bring their own times.
    package static func open(
        folder: String, clock: @escaping @Sendable () -> Int64 = SystemTime.ticks
    ) throws(DropError) -> TwinStore {
        let store = try TwinStore(path: folder + "/twin.db", clock: clock)
        try StoreLoader(store.engine).load()
        try store.queries.makeTokenSecret()
        return store
    }

    init(
        path: String, isReader: Bool = false, isWithoutIndex: Bool = false, isCopy: Bool = false,
        clock: @escaping @Sendable () -> Int64 = SystemTime.ticks
    ) throws(DropError) {
        engine = try StoreEngine(path: path, isReader: isReader, isWithoutIndex: isWithoutIndex, isCopy: isCopy, clock: clock)
        queries = StoreQueries(engine)
        service = StoreService(engine)
    }

    /// Moves what it can of the write-ahead log into the database, so that the file `twin.db` is whole by itself, and closes all
    /// connections. No other call may be running or follow, but this one.
    ///
    /// - Parameter movingLog: false after storage has failed: what is on the medium is looked at by the next start.
    package func close(movingLog: Bool = true) throws(DropError) { try engine.connection.close(movingLog: movingLog) }
}

/// What the rules of the twin service see of the store.
extension TwinStore: TwinStorage {
    package typealias Reader = StoreReader
    package typealias Writer = CallWriter

    package var models: ModelCatalog { service.models }

    package func answering<T>(_ body: (StoreReader) throws(DropError) -> T) throws(ServiceError) -> T {
        try service.answering(body)
    }

    package func call<T>(
        _ caller: Caller, _ what: String, isAlone: Bool, _ body: @escaping (CallWriter) throws -> T
    ) throws(ServiceError) -> T { try service.call(caller, what, isAlone: isAlone, body) }

    package func exporting(_ body: (StoreReader) throws -> Void) throws { try service.exporting(body) }

    package func query(
        _ text: String?, continuation: String?, limit: Int?, isWanted: @escaping @Sendable () -> Bool
    ) throws(ServiceError) -> QueryPage {
        try queries.query(text, continuation: continuation, limit: limit, isWanted: isWanted)
    }
}
