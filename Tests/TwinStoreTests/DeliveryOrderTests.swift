import DropCore
import TwinModel
import Testing

@testable import TwinStore

@Suite struct `A repeated delivery` {
    private static let ids = (0..<40).map { "asset-\($0)" }

    private static func say(_ id: String, _ value: Int64, _ writer: inout OperationWriter) {
        writer.twin(id, ["x": .integer(value), "name": .string("n-" + id)])
    }

    @Test func `is known by its order, without a look into the index of identities`() throws {
        let fixture = try StoreFixture()
        for _ in 0..<2 { try fixture.drop("erp") { for id in Self.ids { Self.say(id, 1, &$0) } } }
        for id in Self.ids {
            let hash = fixture.store.engine.identities.hash.identity(Array(id.utf8))
            fixture.store.engine.identities.twins.remove(hash, fixture.store.engine.identities.twins.number(of: hash))
        }
        let books = try fixture.drop("erp") { for id in Self.ids { Self.say(id, 1, &$0) } }.books
        #expect(books.unchanged == 40)
        #expect(books.created == 0)
    }

    @Test func `is the same in any order, whatever is left out or comes in between`() throws {
        let fixture = try StoreFixture()
        var random = SeededGenerator(seed: 11)
        var present: [String: Int64] = [:]
        for round in 0..<60 {
            let ids = Self.ids.filter { _ in Int.random(in: 0..<8, using: &random) > 0 }
            let listed = round % 5 == 4 ? ids.shuffled(using: &random) : ids
            var created: UInt64 = 0
            var updated: UInt64 = 0
            var told: [(String, Int64)] = []
            for id in listed {
                let value = Int.random(in: 0..<6, using: &random) == 0 ? Int64(round) : present[id] ?? 0
                if let before = present[id] { updated += before == value ? 0 : 1 } else { created += 1 }
                present[id] = value
                told.append((id, value))
            }
            let books = try fixture.drop(round % 7 == 6 ? "wms" : "erp") { for (id, value) in told { Self.say(id, value, &$0) } }
                .books
            #expect(books.created == created, "round \(round)")
            #expect(books.updated == updated, "round \(round)")
            #expect(books.unchanged == UInt64(listed.count) - created - updated, "round \(round)")
        }
        for (id, value) in present { #expect(try fixture.store.history.twin(id)?["x"] == .int(value)) }
    }

    @Test func `knows twins and relationships of one record by their order`() throws {
        let fixture = try StoreFixture()
        let say: (inout OperationWriter) -> Void = { writer in
            let (key, name) = (writer.key("x"), writer.key("near"))
            for index in 0..<9 {
                writer.record(length: 10)
                writer.beginTwin(.upsertTwin, "t\(index)")
                writer.set(key, .integer(Int64(index)))
                writer.end()
                writer.beginRelationship(.upsertRelationship, source: "t\(index)", name: name, target: "t0", id: "r")
                writer.end()
            }
        }
        try fixture.drop("erp", say)
        try fixture.drop("erp", say)
        for index in 0..<9 {
            let hash = fixture.store.engine.identities.relationshipHash(source: Array("t\(index)".utf8), id: Array("r".utf8))
            fixture.store.engine.identities.relationships.remove(
                hash, fixture.store.engine.identities.relationships.number(of: hash))
        }
        let books = try fixture.drop("erp", say).books
        #expect(books.unchanged == 18)
        #expect(books.recordsUsed == 9)
    }

    @Test func `sees what another source changed in the middle of it`() throws {
        let fixture = try StoreFixture()
        for _ in 0..<2 { try fixture.drop("erp") { for id in Self.ids { Self.say(id, 1, &$0) } } }
        try fixture.drop("wms") { Self.say("asset-20", 2, &$0) }
        let books = try fixture.drop("erp") { for id in Self.ids { Self.say(id, 1, &$0) } }.books
        #expect(books.updated == 1)
        #expect(books.unchanged == 39)
        #expect(try fixture.store.history.twin("asset-20")?["x"] == 1)
    }

    @Test func `is compared by the writer once its first changes were found to be some`() throws {
        let fixture = try StoreFixture()
        try fixture.drop("erp") { for id in Self.ids { Self.say(id, 1, &$0) } }
        // The operations of a frame are compared at its end: what follows in the next ones is left to the writer.
        let (job, record) = fixture.job()
        let builder = try fixture.store.graph.changeSet(for: job)
        for (index, id) in Self.ids.enumerated() {
            var writer = OperationWriter()
            for key in ["x", "name"] { _ = writer.key(key) }
            if index > 0 { _ = writer.takeBytes() }  // Keys are told once.
            // The last says less than before, and nothing else: only the writer finds out.
            if index < 39 { Self.say(id, 2, &writer) } else { writer.twin(id, ["x": .integer(1)]) }
            try unsafe builder.absorb(writer.takeBytes().span.bytes)
        }
        let changes = try builder.finish()
        #expect(changes.books.updated == 40)
        let result = try #require(try fixture.store.graph.commit([(changes, record)]).first).get()
        #expect(result.books.updated == 39)
        #expect(result.books.unchanged == 1)
    }
}
