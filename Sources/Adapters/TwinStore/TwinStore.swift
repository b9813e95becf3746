package import DropCore
import GRDB
import Synchronization
import ThreadKit
import TwinModel

/// The twin graph, its history and the register of drops: one SQLite database (`twin.db`) with one writer and several readers.
///
/// All calls may block, and are safe from any thread but a GRDB access of the same store; not from Swift's cooperative pool. What
/// the process keeps beside the database (indexes, fingerprints, versions) is rebuilt at open, and changes only after COMMIT.
package final class TwinStore: Sendable {
    /// Numbers and the head of history, as committed; `nextTwin`, `nextRelationship` and `nextDrop` run ahead.
    struct Counters {
        var nextTwin: UInt32 = 1
        var nextRelationship: UInt32 = 1
        var nextDrop: UInt64 = 1
        var sequence: UInt64 = 0
        var nextRevision: UInt64 = 1
        /// Milliseconds since 1970 of the last commit; labels never run backwards.
        var lastTime: UInt64 = 0
        /// Units of 100 nanoseconds since 1970, of the last call of the twin service.
        var lastTicks: Int64 = 0
        var reservedDrops: [DropID: UInt64] = [:]
        /// Drops on their way that are known to be no repeated intake.
        var freshIntakes: Set<DropID> = []
    }

    /// What the process knows of sources and drops.
    struct Sources {
        var memories: [SourceName: SourceMemory] = [:]
        /// By `dropSource`.
        var names: [SourceName] = []
        var scopes: [UInt64: String] = [:]
    }

    /// What waits for twins, and what was taken from drops that are on their way.
    struct Waiting {
        /// Identities of twins that a waiting relationship names.
        var twins: Set<IdentityHash> = []
        /// Their own identities.
        var relationships: Set<IdentityHash> = []
        /// Numbers whose identity another drop took over.
        var stolenTwins: Set<UInt32> = []
        var stolenRelationships: Set<UInt32> = []
    }

    let pool: DatabasePool
    /// Opened by `openReader`: it has no index of identities, and finds a twin by looking through the table.
    let isWithoutIndex: Bool
    /// Absolute or relative path of the database file.
    package let path: String
    /// Numbers of twins that a reader without index has looked for: a look through the table is dear.
    let lookedUp = Mutex<[String: UInt32]>([:])
    let hash = KeyedHash()
    let twins = IdentityIndex()
    let relationships = IdentityIndex()
    /// By number: the sequence of the last commit that changed it; 0 while it is not committed.
    let twinVersions = SparseArray<UInt32>()
    let relationshipVersions = SparseArray<UInt32>()
    /// By number: the model each twin has.
    let twinModels = TwinModels()
    /// Keys of the properties that have an index.
    let indexed = Mutex<Set<UInt32>>([])
    /// Queries that run: each has a connection, and comparisons need some, too.
    let queries = Monitor(0)
    /// By drop number: index of its source's name plus one.
    let dropSource = SparseArray<UInt16>()
    let keys = GlobalKeys()
    let counters = Mutex(Counters())
    let sources = Mutex(Sources())
    let waiting = Mutex(Waiting())
    let publication = Publication()
    /// How much of the write-ahead log is in use.
    let logUse = WriteAheadLog.Use()
    /// The models of the graph, as committed.
    let presentCatalog = Mutex(KeyedModels.empty)
    /// By global key of a model: the sequence of the commit that last changed it; guarded by `publication`.
    let modelVersions = SparseArray<UInt32>()
    /// Calls of the twin service that wait for the writer.
    let calls = CallQueue()
    private let isClosed = Mutex(false)
    /// Units of 100 nanoseconds since 1970.
    let clock: @Sendable () -> Int64

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
        try store.load()
        try store.makeTokenSecret()
        return store
    }

    init(
        path: String, isReader: Bool = false, isWithoutIndex: Bool = false, isCopy: Bool = false,
        clock: @escaping @Sendable () -> Int64 = SystemTime.ticks
    ) throws(DropError) {
        self.path = path
        self.clock = clock
        self.isWithoutIndex = isWithoutIndex
        pool = isReader ? try Self.openReadOnly(path) : try Self.openPool(path, logUse, isCopy: isCopy)
    }

    /// Moves what it can of the write-ahead log into the database, so that the file `twin.db` is whole by itself, and closes all
    /// connections. No other call may be running or follow, but this one.
    ///
    /// - Parameter movingLog: false after storage has failed: what is on the medium is looked at by the next start.
    package func close(movingLog: Bool = true) throws(DropError) {
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

    var keyed: KeyedModels { presentCatalog.withLock { $0 } }

    func reading<T>(_ body: (Database) throws(DropError) -> T) throws(DropError) -> T {
        do {
            return try pool.read(body)
        } catch {
            throw StorageFailure.error(error)
        }
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

    // MARK: Numbers and identities

    func reserve(_ kind: NumberReservation.Kind, _ count: UInt32) -> UInt32 {
        counters.withLock { counters in
            switch kind {
            case .twins:
                defer { counters.nextTwin += count }
                return counters.nextTwin
            case .relationships:
                defer { counters.nextRelationship += count }
                return counters.nextRelationship
            }
        }
    }

    func giveBack(_ kind: NumberReservation.Kind, from next: UInt32, to end: UInt32) {
        guard next < end else { return }
        counters.withLock { counters in
            switch kind {
            case .twins: if counters.nextTwin == end { counters.nextTwin = next }
            case .relationships: if counters.nextRelationship == end { counters.nextRelationship = next }
            }
        }
    }

    /// The identity of a relationship: its source twin's id and its own.
    func relationshipHash(source: [UInt8], id: [UInt8]) -> IdentityHash { hash.identity(source + [0] + id) }

    /// The number of a drop: that of its row, or one kept for it until it has a row.
    func dropNumber(of drop: DropID, _ writer: Database?) throws(DropError) -> UInt64 {
        if let known = counters.withLock({ $0.reservedDrops[drop] }) { return known }
        let find = { (database: Database) throws(DropError) -> UInt64? in
            let query = try RawStatement.cached("SELECT no FROM drops WHERE id = ?", database)
            query.bind(text: 1, Array(drop.description.utf8))
            defer { query.reset() }
            return try query.step() ? UInt64(query.integer(0)) : nil
        }
        let known: UInt64?
        if let writer { known = try find(writer) } else { known = try reading(find) }
        return known ?? reserveDrop(drop)
    }

    func reserveDrop(_ drop: DropID) -> UInt64 {
        counters.withLock { counters in
            if let known = counters.reservedDrops[drop] { return known }
            defer { counters.nextDrop += 1 }
            counters.reservedDrops[drop] = counters.nextDrop
            return counters.nextDrop
        }
    }

    /// The memory of a source; made when it is new.
    func memory(of source: SourceName) -> SourceMemory {
        sources.withLock { sources in
            if let known = sources.memories[source] { return known }
            let fresh = SourceMemory(source: source)
            sources.memories[source] = fresh
            return fresh
        }
    }

    /// Remembers whose a committed drop is.
    func note(drop number: UInt64, of source: SourceName, scope: String) {
        sources.withLock { sources in
            if !scope.isEmpty { sources.scopes[number] = scope }
            let index = sources.names.firstIndex(of: source) ?? sources.names.count
            if index == sources.names.count { sources.names.append(source) }
            dropSource[UInt32(number)] = UInt16(index + 1)
        }
    }

    func source(ofDrop number: UInt64) -> SourceName? {
        guard number < UInt64(SparseArray<UInt16>.capacity) else { return nil }
        let index = dropSource[UInt32(number)]
        return index == 0 ? nil : sources.withLock { $0.names[Int(index) - 1] }
    }

    /// The scope of a committed drop; empty where it has none.
    func scope(ofDrop number: UInt64) -> String { sources.withLock { $0.scopes[number] ?? "" } }

    func isDrop(_ number: UInt64, of memory: SourceMemory) -> Bool { source(ofDrop: number) == memory.source }

    var hasWaiting: Bool { waiting.withLock { !$0.twins.isEmpty } }

    /// Takes an identity from a drop that is on its way: that one is compared again when its turn comes.
    func steal(_ kind: NumberReservation.Kind, _ hash: IdentityHash, _ number: UInt32) {
        switch kind {
        case .twins:
            twins.remove(hash, number)
            waiting.withLock { _ = $0.stolenTwins.insert(number) }
        case .relationships:
            relationships.remove(hash, number)
            waiting.withLock { _ = $0.stolenRelationships.insert(number) }
        }
    }

    /// Removes what an abandoned drop introduced from the indexes.
    func release(_ log: ChangeLog) {
        // A log that cannot be read back leaves entries behind that lead to numbers nobody has: they only cost a second look.
        try? log.forEach { (place, view) throws(DropError) in
            let entry = view.head
            guard entry.isNew else { return }
            switch entry.kind {
            case .twin: twins.remove(hash.identity(view.bytes(0..<entry.idLength)), entry.number)
            case .relationship:
                let names = entry.idLength + entry.targetLength
                let hash = relationshipHash(
                    source: view.bytes(0..<entry.idLength), id: view.bytes(names..<names + entry.relationshipLength))
                relationships.remove(hash, entry.number)
            }
        }
        forgetStolen(log)
    }

    /// What was stolen from a drop that is given up concerns nobody any more. What another introduced and this one only spoke of
    /// is still that other's.
    private func forgetStolen(_ log: ChangeLog) {
        let stolen = waiting.withLock { (twins: $0.stolenTwins, relationships: $0.stolenRelationships) }
        guard !stolen.twins.isEmpty || !stolen.relationships.isEmpty else { return }
        var own: (twins: Set<UInt32>, relationships: Set<UInt32>) = ([], [])
        // One that stays costs a second comparison of whoever gets its number.
        try? log.forEach { (place, view) throws(DropError) in
            let entry = view.head
            guard entry.isNew else { return }
            if entry.kind == .twin, stolen.twins.contains(entry.number) { own.twins.insert(entry.number) }
            if entry.kind == .relationship, stolen.relationships.contains(entry.number) { own.relationships.insert(entry.number) }
        }
        waiting.withLock { waiting in
            waiting.stolenTwins.subtract(own.twins)
            waiting.stolenRelationships.subtract(own.relationships)
        }
    }
}
