import DropCore
import GRDB

/// What is written once for each member of a commit: its savepoint and its row in history. Prepared once per connection by
/// GRDB's cache; used inside one access.
final class MemberStatements {
    private let savepoint: RawStatement
    private let releaseSavepoint: RawStatement
    private let selectState: RawStatement
    private let insertCommit: RawStatement
    private let database: StoreTransaction

    init(_ database: StoreTransaction) throws(DropError) {
        self.database = database
        savepoint = try .cached("SAVEPOINT member", database)
        releaseSavepoint = try .cached("RELEASE member", database)
        selectState = try .cached("SELECT state FROM drops WHERE id = ?", database)
        insertCommit = try .cached(
            "INSERT INTO drop_commit(sequence, drop_no, time, first_revision, ticks) VALUES(?, ?, ?, ?, ?)", database)
    }

    func begin() throws(DropError) { try savepoint.run() }

    func release() throws(DropError) { try releaseSavepoint.run() }

    /// Takes back all since `begin`, and ends it.
    func rollBack() throws(DropError) {
        do {
            try database.execute(sql: "ROLLBACK TO member; RELEASE member")
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// The word for the state of a drop; nil where it has no row.
    func state(of drop: DropID) throws(DropError) -> String? {
        selectState.bind(text: 1, Array(drop.description.utf8))
        defer { selectState.reset() }
        return try selectState.step() ? selectState.text(0) : nil
    }

    /// - Parameter ticks: units of 100 nanoseconds behind `time`, which is in milliseconds.
    func insert(sequence: UInt64, drop: UInt64, time: UInt64, ticks: Int64 = 0, firstRevision: UInt64) throws(DropError) {
        insertCommit.bind(1, Int64(sequence))
        insertCommit.bind(2, Int64(drop))
        insertCommit.bind(3, Int64(time))
        insertCommit.bind(4, Int64(firstRevision))
        insertCommit.bind(5, ticks)
        try insertCommit.run()
    }

    /// The row of a call of the twin service.
    func insert(call: UInt64, caller: String, what: String) throws(DropError) {
        let row = try RawStatement.cached("INSERT INTO call(no, caller, what) VALUES(?, ?, ?)", database)
        row.bind(1, Int64(call))
        row.bind(text: 2, Array(caller.utf8))
        row.bind(text: 3, Array(what.utf8))
        try row.run()
    }
}
