import DropCore
import GRDB
import Synchronization

/// Indexes of properties of twins.
///
/// `declare` runs once at start, before anything is written; the set of them has a lock of its own.
struct PropertyIndexes {
    let store: StoreEngine

    /// Makes the indexes of these properties of twins, and drops those of others: an equality, range, IN or STARTSWITH on one of
    /// them then costs what it finds. A property of a component is `component/name` or `component.name`. Once at start, before
    /// anything is written; the first time it takes about a second per million twins and index.
    func declare(_ names: [String]) throws(DropError) {
        let wanted = Set(
            names.map { name in
                store.keys.number(of: String(name.map { $0 == "." ? "/" : $0 }))
            })
        let unknown = store.keys.unpersisted(of: [])
        try store.transaction { database in
            for (number, name) in unknown {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO key(no, name) VALUES(?, ?)", arguments: [Int64(number), name])
            }
            let present = try Self.indexedKeys(database)
            for key in present.subtracting(wanted) { try database.execute(sql: "DROP INDEX \(Self.indexPrefix)\(key)") }
            for key in wanted.subtracting(present).sorted() {
                try database.execute(
                    sql: """
                        CREATE INDEX \(Self.indexPrefix)\(key) ON twin(td_value(rec, \(key))) WHERE td_value(rec, \(key)) IS NOT NULL
                        """)
            }
        }
        store.keys.persisted(Set(unknown.map(\.number)))
        store.indexed.withLock { $0 = wanted }
    }

    private static let indexPrefix = "property_"

    /// Keys of the properties that have an index.
    private static func indexedKeys(_ database: Database) throws -> Set<UInt32> {
        let names = try String.fetchAll(
            database, sql: "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'twin' AND sql IS NOT NULL")
        return Set(names.filter { $0.hasPrefix(indexPrefix) }.compactMap { UInt32($0.dropFirst(indexPrefix.count)) })
    }

    /// Notes which indexes the database has.
    func load(_ database: Database) throws(DropError) {
        do {
            let found = try Self.indexedKeys(database)
            store.indexed.withLock { $0 = found }
        } catch {
            throw StorageFailure.error(error)
        }
    }
}
