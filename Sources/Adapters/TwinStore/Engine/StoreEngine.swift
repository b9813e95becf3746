import DropCore
import GRDB
import Synchronization

/// What all rooms of the store share: the connections, and what the process keeps beside the database. Each part owns one thing,
/// and says what guards it.
///
/// What the parts keep is rebuilt at open, and changes only after COMMIT.
final class StoreEngine: Sendable {
    let connection: StoreConnection
    let identities: Identities
    let versions = Versions()
    let numbers = Numbers()
    let sources = SourceCaches()
    let keys = GlobalKeys()
    let catalog = PresentModels()
    /// Keys of the properties that have an index.
    let indexed = Mutex<Set<UInt32>>([])
    /// Units of 100 nanoseconds since 1970.
    let clock: @Sendable () -> Int64

    init(
        path: String, isReader: Bool = false, isWithoutIndex: Bool = false, isCopy: Bool = false,
        clock: @escaping @Sendable () -> Int64 = SystemTime.ticks
    ) throws(DropError) {
        self.clock = clock
        identities = Identities(isWithoutIndex: isWithoutIndex)
        connection = try StoreConnection(path: path, isReader: isReader, isCopy: isCopy)
    }

    var states: StoredStates { StoredStates(self) }
    var lives: StoredLives { StoredLives(store: self) }

    func reading<T>(_ body: (Database) throws(DropError) -> T) throws(DropError) -> T { try connection.reading(body) }

    func writing<T>(_ body: (Database) throws(DropError) -> T) throws(DropError) -> T { try connection.writing(body) }

    /// One durable transaction.
    func transaction<T>(_ body: (Database) throws -> T) throws(DropError) -> T { try connection.transaction(body) }

    /// The number of a drop: that of its row, or one kept for it until it has a row.
    func dropNumber(of drop: DropID, _ writer: Database?) throws(DropError) -> UInt64 {
        if let known = numbers.state.withLock({ $0.reservedDrops[drop] }) { return known }
        let find = { (database: Database) throws(DropError) -> UInt64? in
            let query = try RawStatement.cached("SELECT no FROM drops WHERE id = ?", database)
            query.bind(text: 1, Array(drop.description.utf8))
            defer { query.reset() }
            return try query.step() ? UInt64(query.integer(0)) : nil
        }
        let known: UInt64?
        if let writer { known = try find(writer) } else { known = try reading(find) }
        return known ?? numbers.reserveDrop(drop)
    }
}
