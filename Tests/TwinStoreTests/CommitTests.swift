import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `A commit` {
    @Test func `of two change sets over one twin equals one after the other`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { $0.twin("a", ["x": .integer(0), "y": .integer(0)]) }
        let first = try fixture.changeSet("erp") { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.changeSet("wms") { $0.twin("a", ["x": .integer(2), "y": .integer(2)]) }
        let third = try fixture.changeSet("tms") { $0.twin("a", ["x": .integer(0)]) }
        let results = try fixture.store.graph.commit([first, second, third]).map { try $0.get() }
        #expect(results.map(\.sequence) == [2, 3, 4])
        #expect(results.map(\.books.updated) == [1, 1, 1])
        #expect(try fixture.store.history.twin("a")?.plain == ["$dtId": "a", "x": 0, "y": 2])
        #expect(try fixture.store.history.twin("a", asOf: .sequence(2))?.plain == ["$dtId": "a", "x": 1, "y": 0])
    }

    @Test func `applies an unchanged statement again when another drop changed its twin first`() throws {
        let fixture = try StoreFixture()
        try fixture.drop("erp") { $0.twin("a", ["x": .integer(1)]) }
        let restating = try fixture.changeSet("erp") { $0.twin("a", ["x": .integer(1)]) }
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(9)]) }
        let result = try fixture.store.graph.commit([restating])[0].get()
        #expect(result.books.updated == 1)
        #expect(try fixture.store.history.twin("a")?["x"] == 1)
    }

    @Test func `of two drops that introduce one twin makes one twin`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.changeSet("erp") { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.changeSet("wms") { $0.twin("a", ["y": .integer(2)]) }
        let later = try fixture.store.graph.commit([second])[0].get()
        let earlier = try fixture.store.graph.commit([first])[0].get()
        #expect(later.books.created == 1)
        #expect(earlier.books.updated == 1)
        #expect(try fixture.store.history.counts().twins == 1)
        #expect(try fixture.store.history.twin("a")?.plain == ["$dtId": "a", "x": 1, "y": 2])
        try fixture.reopen()
        #expect(try fixture.store.history.twin("a")?.plain == ["$dtId": "a", "x": 1, "y": 2])
    }

    @Test func `of a second drop stands when the first that introduced the twin is abandoned`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.changeSet("erp") { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.changeSet("wms") { $0.twin("a", ["y": .integer(2)]) }
        first.changes.abandon()
        #expect(try fixture.store.graph.commit([second])[0].get().books.created == 1)
        #expect(try fixture.store.history.twin("a")?.plain == ["$dtId": "a", "y": 2])
    }

    @Test func `leaves out a member that fails, and applies the others`() throws {
        let fixture = try StoreFixture()
        let (job, record) = fixture.job()
        let once = try fixture.store.graph.changeSet(for: job)
        try unsafe once.absorb(fixture.stream("erp") { $0.twin("a") }.span.bytes)
        _ = try fixture.store.graph.commit([(try once.finish(), record)])[0].get()
        let twice = try fixture.store.graph.changeSet(for: job)
        try unsafe twice.absorb(fixture.stream("erp") { $0.twin("b") }.span.bytes)
        let good = try fixture.changeSet { $0.twin("c") }
        let last = try fixture.changeSet { $0.twin("d") }
        let results = try fixture.store.graph.commit([good, (try twice.finish(), record), last])
        #expect(#expect(throws: DropError.self) { try results[1].get() }?.code.text == "already-applied")
        #expect(try results[2].get().books.created == 1)
        #expect(try fixture.store.history.twin("b") == nil)
        #expect(try fixture.store.history.twin("c") != nil)
        #expect(try fixture.store.history.twin("d") != nil)
        #expect(try fixture.store.register.drop(last.record.id)?.state == .applied)
        #expect(try fixture.store.register.drop(last.record.id)?.books?.created == 1)
    }

    @Test func `is there after a crash, whole`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { $0.twin("a", ["x": .integer(1)]) }
        let pending = try fixture.changeSet { $0.twin("b") }
        let crashed = try fixture.crashed()
        #expect(try crashed.history.twin("a")?["x"] == 1)
        #expect(try crashed.history.counts().twins == 1)
        #expect(try crashed.maintenance.quickCheck() == [])
        pending.changes.abandon()
        try crashed.close()
    }

    @Test func `syncs fully`() throws {
        let fixture = try StoreFixture()
        let level = try fixture.store.engine.writing { (database) throws(DropError) in
            let query = try RawStatement("PRAGMA synchronous", database)
            defer { query.reset() }
            return try query.step() ? query.integer(0) : -1
        }
        #expect(level == 2)
    }
}

@Suite struct `A fingerprint` {
    @Test func `spares the comparison until another source changes the twin`() throws {
        let fixture = try StoreFixture()
        let say: (inout OperationWriter) -> Void = { $0.twin("a", ["x": .integer(1)]) }
        try fixture.drop("erp", say)
        #expect(try fixture.drop("erp", say).books.unchanged == 1)
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(2)]) }
        #expect(try fixture.drop("erp", say).books.updated == 1)
        #expect(try fixture.store.history.twin("a")?["x"] == 1)
    }

    @Test func `does not outlive its twin`() throws {
        let fixture = try StoreFixture()
        let say: (inout OperationWriter) -> Void = { $0.twin("a", ["x": .integer(1)]) }
        try fixture.drop("erp", say)
        try fixture.drop("erp") { $0.twin("a", .deleteTwin) }
        #expect(try fixture.drop("erp", say).books.created == 1)
        #expect(try fixture.store.history.twin("a")?["x"] == 1)
    }

    @Test func `holds within its transform digest only`() throws {
        let fixture = try StoreFixture()
        try fixture.drop("erp", transformDigest: 1) { $0.twin("a", ["x": .integer(1)]) }
        let number = fixture.store.engine.identities.twins.number(
            of: fixture.store.engine.identities.hash.identity(Array("a".utf8)))
        let cache = fixture.store.engine.sources.cache(of: SourceName("erp")!)
        let first = cache.twinFingerprints[number]
        #expect(first != 0)
        #expect(try fixture.drop("erp", transformDigest: 2) { $0.twin("a", ["x": .integer(1)]) }.books.unchanged == 1)
        #expect(cache.twinFingerprints[number] != first)
    }
}

@Suite struct `A repeated drop` {
    @Test func `is untouched until somebody else changes what its source said`() throws {
        let fixture = try StoreFixture()
        let erp = SourceName("erp")!
        let first = try fixture.drop("erp") { $0.twin("a", ["x": .integer(1)]) }
        try fixture.drop("wms") { $0.twin("b", ["x": .integer(1)]) }
        #expect(try fixture.store.graph.isUntouched(since: first.drop, source: erp))
        try fixture.drop("wms") { $0.twin("a", ["y": .integer(1)]) }
        #expect(try !fixture.store.graph.isUntouched(since: first.drop, source: erp))
        let again = try fixture.drop("erp") { $0.twin("a", ["x": .integer(1)]) }
        #expect(try fixture.store.graph.isUntouched(since: again.drop, source: erp))
    }

    @Test func `counts as touched when its source relied on values of another that changed`() throws {
        let fixture = try StoreFixture()
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(1)]) }
        let bare = try fixture.drop("erp") { $0.twin("a", ["x": .integer(1)]) }
        #expect(bare.books.unchanged == 1)
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(2)]) }
        #expect(try !fixture.store.graph.isUntouched(since: bare.drop, source: SourceName("erp")!))
    }
}
