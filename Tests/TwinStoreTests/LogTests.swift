import DropCore
import GRDB
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `The write-ahead log` {
    private let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    /// Commits more than what is reserved.
    private func fill() throws {
        let text = PropertyValue.string(String(repeating: "x", count: 2000))
        try fixture.drop { writer in for number in 0..<12_000 { writer.twin("t\(number)", ["x": text]) } }
    }

    @Test func `is made long ahead of use`() throws {
        try fixture.store.maintenance.tendLog(reserving: true)
        #expect(fixture.store.maintenance.walBytes == StoreConnection.walBytesReserved)
        try fixture.drop { $0.twin("a") }
        #expect(fixture.store.maintenance.walBytes == StoreConnection.walBytesReserved)
    }

    @Test func `keeps its length when it was moved into the database, and is used from its start again`() throws {
        try fill()
        let bytes = fixture.store.maintenance.walBytes
        #expect(fixture.store.engine.connection.logUse.pages * StoreConnection.pageBytes > StoreConnection.walBytesIdle)
        try fixture.store.maintenance.tendLog(reserving: true)
        #expect(fixture.store.engine.connection.logUse.pages == 0)
        try fixture.drop { $0.twin("a") }
        #expect(fixture.store.maintenance.walBytes == bytes)
        #expect((1...100).contains(fixture.store.engine.connection.logUse.pages))
    }

    @Test func `is read back after a crash, although zeros and older pages follow`() throws {
        try fixture.store.maintenance.tendLog(reserving: true)
        try fixture.drop { $0.twin("a") }
        #expect(try fixture.crashed().history.twin("a") != nil)
        try fill()
        try fixture.store.maintenance.tendLog(reserving: true)
        try fixture.drop { $0.twin("b") }
        let store = try fixture.crashed()
        #expect(try store.history.twin("b") != nil && store.history.twin("t9999") != nil)
        #expect(try store.maintenance.quickCheck() == [])
    }

    @Test func `shows a commit that is not synced to others at once`() throws {
        try fixture.store.maintenance.checkpoint()
        try fixture.store.engine.connection.pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "CREATE TABLE shown(no INTEGER PRIMARY KEY)")
        }
        #expect(try fixture.store.engine.connection.pool.read { try $0.tableExists("shown") })
        #expect(try fixture.crashed().engine.connection.pool.read { try $0.tableExists("shown") })
    }

    /// SQLite then writes pages to the log before the commit, some of them several times, and reads them back from it.
    @Test func `takes a transaction that is larger than the cache, with parts undone`() throws {
        let text = String(repeating: "y", count: 900)
        try fixture.store.engine.connection.pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA cache_size = 8")
            try database.execute(sql: "CREATE TABLE spill(no INTEGER PRIMARY KEY, text TEXT, round INTEGER)")
            try database.inTransaction {
                for round in 0..<4 {
                    for number in stride(from: round, to: 3000, by: round + 1) {
                        try database.execute(
                            sql: "INSERT OR REPLACE INTO spill VALUES(?, ?, ?)", arguments: [number, text, round])
                    }
                    try database.execute(sql: "SAVEPOINT undone; DELETE FROM spill WHERE no % 3 = 0")
                    try database.execute(sql: "UPDATE spill SET text = 'gone'; ROLLBACK TO undone; RELEASE undone")
                }
                return .commit
            }
        }
        let crashed = try fixture.crashed()
        for store in [fixture.store, crashed] {
            #expect(try store.maintenance.quickCheck() == [])
            let sums = try store.engine.connection.pool.read { database in
                let row = try Row.fetchOne(database, sql: "SELECT count(*), sum(length(text)), sum(no * round) FROM spill")
                return row.map { $0.databaseValues.map { Int.fromDatabaseValue($0) ?? -1 } as [Int] }
            }
            var rounds = [Int](repeating: 0, count: 3000)
            for round in 0..<4 { for number in stride(from: round, to: 3000, by: round + 1) { rounds[number] = round } }
            let products = rounds.indices.map { $0 * rounds[$0] }
            #expect(sums == [3000, 3000 * 900, products.reduce(0, +)])
        }
    }
}

@Suite struct `Places by number` {
    @Test func `are the same, few or many`() {
        var table = OffsetTable()
        var expected: [UInt32: UInt32] = [:]
        var random = SeededGenerator(seed: 11)
        for step in 0..<2000 {
            // Numbers that meet in one slot, too.
            let number = UInt32.random(in: 1...(1 << 20), using: &random) &* (step % 3 == 0 ? 512 : 1)
            let place = UInt32.random(in: 0...9, using: &random)
            table[number] = place
            expected[number] = place
            if step % 97 == 0 || step == 1999 {
                #expect(expected.allSatisfy { table[$0.key] == $0.value })
                #expect(table[0] == 0 && table[1 << 29] == 0)
            }
        }
    }
}

@Suite struct `The register` {
    private let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    private func record(_ id: UInt64, inode: UInt64, source: String = "s") -> DropRecord {
        DropRecord(
            id: DropID(high: 1 << 40, low: id), source: SourceName(source)!, fileName: FileName("f\(id)"), bytes: 1,
            state: .claimed,
            claimedAt: 1, changedAt: 1, intake: FileIdentity(device: 1, inode: inode, changeTime: 9))
    }

    @Test func `knows a repeated intake from the intent on, and after a restart`() throws {
        let records = [record(1, inode: 7), record(2, inode: 8), record(3, inode: 7), record(4, inode: 7, source: "t")]
        try fixture.store.register.recordIntents(Array(records[..<2]))
        try fixture.store.register.recordIntents(Array(records[2...]))
        for _ in 0..<2 {
            let earlier = try records.map {
                try fixture.store.register.drop(withIntake: $0.intake, of: $0.source, before: $0.id)?.id.low
            }
            #expect(earlier == [nil, nil, 1, nil])
            try fixture.reopen()
        }
    }

    @Test(
        arguments: [[.quarantined], [.held, .duplicate], [.applied, .claimed]] as [Set<DropState>])
    func `finds few drops among many by an index`(states: Set<DropState>) throws {
        let index = states.contains(.applied) ? "drops_unfinished" : "drops_set_aside"
        let plan = try fixture.store.engine.reading { (database) throws(DropError) in
            let query = try RawStatement(
                "EXPLAIN QUERY PLAN SELECT id FROM drops WHERE \(DropRows.condition(states)) ORDER BY id", database)
            defer { query.reset() }
            return try query.step() ? query.text(3) : ""
        }
        #expect(plan.contains(index))
    }
}
