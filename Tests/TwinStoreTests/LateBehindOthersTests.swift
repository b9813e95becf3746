import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// A late drop behind another late one: what others did to what a newer drop said stays. The late one before it used to count as
/// the newest drop at its place, so that everything others had done before that one's commit was older than the late word
/// (docs/decisions/0026-order-and-lateness.md).
@Suite struct `What others did behind a newer drop` {
    private let fixture: StoreFixture
    private let policy: ApplyPolicy

    init() throws {
        fixture = try StoreFixture()
        var policy = ApplyPolicy()
        (policy.deletesShareMax, policy.rejectsShareMax) = (1, 1)
        self.policy = policy
    }

    private func deliver(_ place: String, _ write: (inout OperationWriter) -> Void) throws -> CommitResult {
        try fixture.drop(policy: policy, place: place, write)
    }

    /// An old drop, and the newest, which says what `t` is and leads from it to `keep`.
    private func begin() throws {
        _ = try deliver("01") { $0.twin("other", ["v": .string("1")]) }
        _ = try deliver("14") { writer in
            writer.twin("t", ["v": .string("NEW")])
            writer.twin("keep")
            writer.relationship("t", "feeds", "keep", id: "r")
        }
    }

    private func old(_ writer: inout OperationWriter) { writer.twin("t", ["v": .string("OLD"), "w": .string("OLD")]) }

    private func between() throws { _ = try deliver("07") { $0.twin("other", ["v": .string("7")]) } }

    @Test(arguments: [false, true]) func `stays deleted`(isBehindAnother: Bool) throws {
        try begin()
        try fixture.drop("wms", policy: policy) { $0.twin("t", .deleteTwin) }
        if isBehindAnother { try between() }
        let late = try deliver("09", old)
        #expect(late.books.superseded == 1 && late.books.created == 0, "\(late.books)")
        #expect(try fixture.store.history.twin("t") == nil)
    }

    @Test(arguments: [false, true]) func `keeps what was made again, and what was set`(isDeleted: Bool) throws {
        try begin()
        if isDeleted { try fixture.drop("wms", policy: policy) { $0.twin("t", .deleteTwin) } }
        try fixture.drop("wms", policy: policy) { $0.twin("t", ["w": .string("B")]) }
        try between()
        _ = try deliver("09", old)
        let twin = try fixture.store.history.twin("t")
        #expect(twin?["w"] == "B")
        #expect(twin?["v"] == (isDeleted ? nil : "NEW"))
    }

    @Test func `keeps a relationship away that was deleted`() throws {
        try begin()
        try fixture.drop("wms", policy: policy) { $0.relationship("t", "feeds", "keep", id: "r", .deleteRelationship) }
        try between()
        _ = try deliver("09") { $0.relationship("t", "feeds", "other", id: "r") }
        #expect(try fixture.store.history.relationships(of: "t") == [])
    }

    @Test func `stays where the late drop was held and released`() throws {
        try begin()
        try fixture.drop("wms", policy: policy) { $0.twin("t", .deleteTwin) }
        // It comes now, is held, and released: it is as old as its name says.
        var (job, record) = fixture.job(policy: policy, place: "09")
        record.state = .held
        try fixture.store.register.update([record])
        job = ApplyJob(
            drop: job.drop, source: job.source, policy: policy, bytes: job.bytes, transformDigest: job.transformDigest,
            amends: nil, place: "09",
            origin: job.drop, released: true, scratchFolder: fixture.folder)
        let builder = try fixture.store.graph.changeSet(for: job)
        try unsafe builder.absorb(fixture.stream("erp", old).span.bytes)
        _ = try fixture.store.graph.commit([(try builder.finish(), record)])[0].get()
        #expect(try fixture.store.history.twin("t") == nil)
    }

    @Test func `stays where a record of a late drop is corrected`() throws {
        try begin()
        try fixture.drop("wms", policy: policy) { $0.twin("t", .deleteTwin) }
        let dirty = try deliver("09") { writer in
            writer.record(length: 10)
            writer.reject(code: "wrong", message: "wrong")
            writer.twin("other", ["v": .string("9")])
        }
        let amendment = Amendment(drop: dirty.drop, rows: [1: [1]], refused: [:], open: [])
        try fixture.drop(policy: policy, amends: dirty.drop, amendment: amendment) { writer in
            old(&writer)
            writer.twin("other", ["v": .string("9")])
        }
        #expect(try fixture.store.history.twin("t") == nil)
    }
}
