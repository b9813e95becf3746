import DropCore
import GRDB

/// The secret that continuation tokens are sealed with, so that a token outlives a restart, and nobody else can make one. It
/// leaves the database nowhere; the instance id will not do: it lies in every landing folder.
struct TokenSecret {
    private static let name = "token-secret"

    /// The seal's hash.
    static func hash(_ database: StoreTransaction) throws(DropError) -> KeyedHash {
        // One that no daemon of this version has opened has no secret: a command that reads it makes tokens for itself alone.
        let query = try RawStatement.cached(
            "SELECT value FROM meta WHERE name IN ('\(name)', 'instance') ORDER BY name DESC LIMIT 1", database)
        defer { query.reset() }
        guard try query.step(), let key = UInt64(query.text(0), radix: 16) else {
            throw StorageFailure.damaged("it has no secret for continuation tokens")
        }
        return KeyedHash(key)
    }

    /// Makes it where it is not there.
    static func make(_ store: StoreEngine) throws(DropError) {
        let isThere = try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT 1 FROM meta WHERE name = '\(name)'", database)
            defer { query.reset() }
            return try query.step()
        }
        guard !isThere else { return }
        try store.transaction { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO meta(name, value) VALUES(?, lower(hex(randomblob(8))))", arguments: [name])
        }
    }
}
