import DropCore
import GRDB

/// The writer's transaction: begun at once as one that writes, so that nobody else can begin one meanwhile.
struct WriterTransaction {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    func begin() throws(DropError) { try run { try database.beginTransaction(.immediate) } }

    /// Makes it durable.
    func commit() throws(DropError) { try run { try database.commit() } }

    /// Ends it without a trace, and begins anew.
    func restart() throws(DropError) {
        try run {
            try database.rollback()
            try database.beginTransaction(.immediate)
        }
    }

    /// Ends it without a trace.
    func rollBack() {
        // A full disk may have ended the transaction already; then there is nothing to roll back.
        if database.isInsideTransaction { try? database.rollback() }
    }

    private func run(_ body: () throws -> Void) throws(DropError) {
        do {
            try body()
        } catch {
            throw StorageFailure.error(error)
        }
    }
}
