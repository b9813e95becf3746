import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// With `dangling: reject`, a file that deletes a twin and states relationships of it: those are refused, and the rest is applied
/// (docs/decisions/0026-order-and-lateness.md). Before, such a drop met itself at its commit again and again.
@Suite struct `A relationship of a twin that its own file deletes` {
    private let fixture: StoreFixture
    private let policy: ApplyPolicy

    init() throws {
        fixture = try StoreFixture()
        var policy = ApplyPolicy()
        (policy.dangling, policy.deletesShareMax, policy.rejectsShareMax) = (.reject, 1, 1)
        self.policy = policy
        try fixture.drop { writer in for id in ["a", "b", "c"] { writer.twin(id) } }
    }

    private func links(_ id: String) throws -> [String?] {
        try fixture.store.history.relationships(of: id).map { $0["$targetId"]?.string }
    }

    @Test func `is refused with what is deleted, over frames, and in the order of the file`() throws {
        let (job, record) = fixture.job(policy: policy)
        let builder = try fixture.store.graph.changeSet(for: job)
        var writer = OperationWriter()
        let frames: [(inout OperationWriter) -> Void] = [
            { $0.relationship("a", "feeds", "b") }, { $0.twin("d") }, { $0.twin("b", .deleteTwin) },
            { $0.relationship("b", "feeds", "c") },
        ]
        for write in frames {
            write(&writer)
            try unsafe builder.absorb(writer.takeBytes().span.bytes)
        }
        let changes = try builder.finish()
        #expect(changes.rejections.map(\.record) == [1, 4])
        #expect(changes.rejections.allSatisfy { $0.code == "dangling" })
        #expect(changes.rejections[0].message.contains("its target b goes with this same file"), "\(changes.rejections)")
        let books = try fixture.store.graph.commit([(changes, record)])[0].get().books
        #expect(books.deleted == 1 && books.created == 1 && books.recordsRejected == 2, "\(books)")
        #expect(try fixture.store.history.twin("b") == nil)
        #expect(try links("a") == [])
    }

    @Test func `is refused too when a person lets the drop go on`() throws {
        var careful = policy
        (careful.deletesShareMax, careful.deletesFree) = (0, 0)
        let write: (inout OperationWriter) -> Void = { writer in
            writer.relationship("a", "feeds", "b")
            writer.twin("b", .deleteTwin)
        }
        let held = #expect(throws: DropError.self) { try fixture.changeSet(policy: careful, write) }
        #expect(held?.code == .guardDeletes)
        let released = try fixture.drop(policy: careful, released: true, write)
        #expect(released.books.deleted == 1 && released.books.recordsRejected == 1, "\(released.books)")
        #expect(try fixture.store.history.twin("b") == nil)
    }

    @Test func `is refused where others delete the twin before the commit`() throws {
        let set = try fixture.changeSet(policy: policy) { writer in
            writer.relationship("a", "feeds", "b")
            writer.relationship("a", "feeds", "c")
            writer.twin("c", .deleteTwin)
        }
        try fixture.drop("wms", policy: policy) { $0.twin("b", .deleteTwin) }
        let books = try fixture.store.graph.commit([set])[0].get().books
        #expect(books.recordsRejected == 2 && books.deleted == 1, "\(books)")
        #expect(try links("a") == [])
    }

    @Test func `takes with it what its record makes, and what needs that`() throws {
        let set = try fixture.changeSet(policy: policy) { writer in
            let feeds = writer.key("feeds")
            writer.record(length: 10)
            writer.beginTwin(.upsertTwin, "d")
            writer.end()
            writer.beginRelationship(.upsertRelationship, source: "d", name: feeds, target: "b")
            writer.end()
            writer.relationship("a", "feeds", "d")
            writer.twin("b", .deleteTwin)
        }
        #expect(set.changes.rejections.map(\.record) == [1, 2])
        _ = try fixture.store.graph.commit([set])[0].get()
        #expect(try fixture.store.history.twin("d") == nil)
    }

    @Test func `is found in a large drop, which is read once more for it`() throws {
        let (job, record) = fixture.job(policy: policy)
        func compare() throws -> any ChangeSet {
            let builder = try fixture.store.graph.changeSet(for: job)
            let text = String(repeating: "a text that makes the drop large; ", count: 30)
            var writer = OperationWriter()
            writer.relationship("a", "feeds", "b")
            for part in 0..<30 {
                for row in 0..<100 { writer.twin("r-\(part)-\(row)", ["text": .string(text)]) }
                if part == 29 { writer.twin("b", .deleteTwin) }
                try unsafe builder.absorb(writer.takeBytes().span.bytes)
            }
            do {
                return try builder.finish()
            } catch {
                builder.abandon()
                throw error
            }
        }
        let first = #expect(throws: DropError.self) { try compare() }
        #expect(first?.code == .conflict)
        let books = try fixture.store.graph.commit([(try compare(), record)])[0].get().books
        #expect(books.recordsRejected == 1 && books.created == 3000 && books.deleted == 1, "\(books)")
    }
}
