import DropCore
import Glibc
import Synchronization
import Testing
import ThreadKit
import TwinModel
import TwinService

@testable import TwinStore

@Suite struct `Calls of the service beside drops` {
    let fixture: ServiceFixture
    var store: GraphService<TwinStore> { fixture.store }
    let me: Caller

    init() throws {
        fixture = try ServiceFixture()
        me = fixture.me
    }

    private func number(_ value: Int64) -> (inout OperationWriter) -> Void {
        { $0.twin("f", model: "dtmi:test:Floor;1", ["number": .integer(value)]) }
    }

    private func patch(_ value: Int) throws { _ = try fixture.patch("f", #"[{"op":"add","path":"/number","value":\#(value)}]"#) }

    @Test func `show in history and explanation who did what`() throws {
        let drop = try fixture.base.drop("erp", number(1))
        try patch(2)
        let explained = try fixture.base.store.history.explain("f", "/number")[0]
        #expect(explained.value == 2)
        #expect(explained.setBy.call == .init(caller: me, what: "patch twin"))
        #expect(explained.before == 1)
        #expect(explained.beforeSetBy?.record?.drop == drop.drop)
        let history = try fixture.base.store.history.history("f")
        #expect(history.map(\.kind) == [.updated, .created])
        #expect(history[0].provenance.call?.caller == me)
        #expect(history[0].changes == [.init(pointer: "/number", before: 1, after: 2)])
    }

    @Test func `leave every earlier state answerable`() throws {
        let drop = try fixture.base.drop("erp", number(1))
        try patch(2)
        try store.delete(twin: "f", .none, by: me)
        try fixture.floor("f")
        let graph = fixture.base.store
        #expect(try graph.history.twin("f", asOf: .sequence(drop.sequence))?["number"] == 1)
        #expect(try graph.history.twin("f", asOf: .sequence(drop.sequence + 1))?["number"] == 2)
        #expect(try graph.history.twin("f", asOf: .sequence(drop.sequence + 2)) == nil)
        #expect(try graph.history.twin("f", asOf: .sequence(drop.sequence + 3))?["number"] == nil)
        #expect(try graph.history.twin("f", asOf: .sequence(drop.sequence + 3)) != nil)
    }

    @Test func `make a repeated file say something again`() throws {
        let first = try fixture.base.drop("erp", number(1))
        #expect(try fixture.base.drop("erp", number(1)).books.unchanged == 1)
        #expect(try fixture.base.store.graph.isUntouched(since: first.drop, source: SourceName("erp")!))
        try patch(2)
        #expect(try !fixture.base.store.graph.isUntouched(since: first.drop, source: SourceName("erp")!))
        #expect(try fixture.base.drop("erp", number(1)).books.updated == 1)
        #expect(try store.twin("f").document["number"] == 1)
        #expect(try fixture.base.drop("erp", number(1)).books.unchanged == 1)
    }

    @Test func `overtake a drop that found nothing to change`() throws {
        _ = try fixture.base.drop("erp", number(1))
        let compared = try fixture.base.changeSet("erp", number(1))
        try patch(2)
        let result = try fixture.base.store.graph.commit([compared])[0].get()
        #expect(result.books.updated == 1)
        #expect(try store.twin("f").document["number"] == 1)
    }

    @Test func `take over a twin that a drop is about to make`() throws {
        let compared = try fixture.base.changeSet("erp", number(1))
        try fixture.floor("f")
        let result = try fixture.base.store.graph.commit([compared])[0].get()
        #expect(result.books.updated == 1)
        #expect(result.books.created == 0)
        #expect(try store.twin("f").document["number"] == 1)
        #expect(try fixture.base.store.history.counts().twins == 1)
    }

    @Test func `make a twin that a drop found missing`() throws {
        let compared = try fixture.base.changeSet(released: true) { $0.twin("f", .patchTwin, ["number": .integer(7)]) }
        #expect(compared.changes.rejections.count == 1)
        try fixture.floor("f")
        #expect(try fixture.base.store.graph.commit([compared])[0].get().books.updated == 1)
        #expect(try store.twin("f").document["number"] == 7)
    }

    @Test func `bring a relationship that waited for its twin`() throws {
        try fixture.base.drop { writer in
            writer.twin("f", model: "dtmi:test:Floor;1", [:])
            writer.relationship("f", "has", "r", id: "1")
        }
        #expect(try fixture.base.store.history.counts().pending == 1)
        try fixture.room("r")
        #expect(try store.relationship("1", of: "f").document["$targetId"] == "r")
        #expect(try fixture.base.store.history.counts().pending == 0)
        let again = try fixture.base.drop { writer in
            writer.twin("f", model: "dtmi:test:Floor;1", [:])
            writer.relationship("f", "has", "r", id: "1")
        }
        #expect(again.books.unchanged == 2)
    }

    @Test func `are forgotten of a snapshot's twin that they deleted`() throws {
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        func list(_ ids: String...) throws -> DropBooks {
            try fixture.base.drop("erp", policy: policy) { writer in
                for id in ids { writer.twin(id, model: "dtmi:test:Floor;1", [:]) }
            }.books
        }
        _ = try list("f", "g")
        try store.delete(twin: "g", .none, by: me)
        #expect(try list("f").deletedByAbsence == 0)
        try fixture.floor("g")
        #expect(try list("f").deletedByAbsence == 0)
        #expect(code { try store.twin("g") } == nil)
    }

    @Test func `survive a crash together with them`() throws {
        _ = try fixture.base.drop("erp", number(1))
        try patch(2)
        let before = try store.twin("f")
        let after = GraphService(try fixture.base.crashed())
        #expect(try after.twin("f") == before)
        #expect(try after.models(dependenciesFor: [], after: nil, limit: 9).elements.count == 4)
    }

    @Test func `of many threads on one twin lose no update`() throws {
        try fixture.floor("f")
        let (store, base, me) = (store, fixture.base, me)
        let failures = Mutex<[String]>([])
        let threads = (0..<4).map { worker in
            NamedThread("caller-\(worker)") {
                for _ in 0..<25 {
                    if let failure = Self.increment(store, me) { failures.withLock { $0.append(failure) } }
                }
            }
        }
        for number in 0..<20 { try base.drop { $0.twin("other-\(number)", model: "dtmi:test:Floor;1", ["number": .integer(1)]) } }
        threads.forEach { $0.join() }
        #expect(failures.withLock { $0 } == [])
        #expect(try store.twin("f").document["number"] == 100)
        #expect(try base.store.history.history("f").count == 101)
    }

    /// Adds one to the number of the twin, as often as somebody else was quicker; what failed otherwise.
    private static func increment(_ store: GraphService<TwinStore>, _ me: Caller) -> String? {
        while true {
            do throws(ServiceError) {
                let twin = try store.twin("f")
                let next = (twin.document["number"]?.int ?? 0) + 1
                let patch: JSON = [["op": "add", "path": "/number", "value": .int(next)]]
                _ = try store.patch(twin: "f", patch, .ifTagged([twin.etag]), by: me)
                return nil
            } catch {
                if error.code != .preconditionFailed { return error.message }
            }
        }
    }
}
