import DropCore
import GRDB

extension StoreSchema {
    /// Brings the schema to the newest version: all steps or none (docs/failure-model.md, "Upgrades"). What the database was
    /// before is kept beside it, made and checked first; where there is no room for that, nothing is changed.
    ///
    /// - Parameter keptPath: where the database is kept as it was; nil for a file that is a copy itself.
    static func migrate(_ database: Database, keptPath: (_ version: Int) -> String?) throws {
        let present = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard present <= version else { throw StorageFailure.otherVersion(present, known: version) }
        guard present < version else { return }
        if present > 0, let path = keptPath(present) { try keep(database, of: present, as: path) }
        try database.inTransaction(.immediate) {
            for step in migrations[present...] where !step.isEmpty { try database.execute(sql: step) }
            try database.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }

    /// Writes a copy of the database to `path` and proves that it is whole. One that an interrupted attempt left is replaced.
    private static func keep(_ database: Database, of present: Int, as path: String) throws(DropError) {
        let temporary = path + ".tmp"
        do {
            try StoreFiles.remove(temporary)
            try database.execute(sql: "VACUUM INTO ?", arguments: [temporary])
            var configuration = Configuration()
            configuration.readonly = true
            let copy = try DatabaseQueue(path: temporary, configuration: configuration)
            let findings = try copy.read { copy in
                try String.fetchAll(copy, sql: "PRAGMA quick_check") + String.fetchAll(copy, sql: "PRAGMA user_version")
            }
            try copy.close()
            guard findings == ["ok", "\(present)"] else { throw StorageFailure.damaged("the copy says \(findings[0])") }
            try StoreFiles.publish(temporary, as: path)
        } catch {
            try? StoreFiles.remove(temporary)
            throw DropError(
                .storage,
                "The twin database has schema \(present) and could not be copied before it is brought to schema \(version): "
                    + "\(StorageFailure.error(error).message)",
                hint: "Nothing was changed. Make room for \(path), as large as twin.db, and start again.", remedy: .stop)
        }
    }
}
