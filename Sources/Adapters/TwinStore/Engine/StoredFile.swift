import DropCore
import GRDB

/// Looks into a database file that is not opened as a store: it may be no database, or a damaged one.
enum StoredFile {
    /// The id of a database, and whether nothing was ever put into it; nil for a file that is no twin database.
    static func identity(_ path: String) throws(DropError) -> (instance: String, isEmpty: Bool)? {
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let found = try queue.read { database -> (String, Bool)? in
                for table in ["meta", "drops", "drop_commit", "twin"] where try !database.tableExists(table) { return nil }
                let isEmpty = "NOT EXISTS (SELECT 1 FROM drops) AND NOT EXISTS (SELECT 1 FROM drop_commit)"
                let row = try Row.fetchOne(database, sql: "SELECT value, \(isEmpty) FROM meta WHERE name = 'instance'")
                return row.map { ($0[0], $0[1]) }
            }
            try queue.close()
            return found.map { (instance: $0.0, isEmpty: $0.1) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            return nil
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// Reads a little of it. Errors: it cannot be read.
    static func tryReading(_ path: String) throws(DropError) {
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            _ = try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }
            try queue.close()
        } catch {
            throw StorageFailure.error(error)
        }
    }
}
