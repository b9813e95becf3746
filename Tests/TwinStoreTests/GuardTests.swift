import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// What a free number of deletes covers (docs/decisions/0027-snapshots.md).
@Suite struct `A list of a small source` {
    private var policy: ApplyPolicy {
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        return policy
    }

    private func list(_ names: [String], _ fixture: StoreFixture, _ policy: ApplyPolicy) throws -> CommitResult {
        try fixture.drop(policy: policy) { writer in for name in names { writer.twin(name) } }
    }

    @Test(arguments: [
        (["a", "b", "c", "d", "e"], ["a"], "4 of 5 twins"), (["a", "b", "c"], ["a", "x", "y"], "2 of 3 twins"),
    ])
    func `is held where it leaves out more than half, whatever number is free`(
        before: [String], now: [String], part: String
    ) throws {
        let fixture = try StoreFixture()
        _ = try list(before, fixture, policy)
        let error = #expect(throws: DropError.self) { try list(now, fixture, policy) }
        #expect(error?.code == .guardDeletes)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("more than half") == true, "\(error?.message ?? "")")
        #expect(try fixture.store.history.counts().twins == before.count)
    }

    @Test func `may leave out half, and more where a share allows it`() throws {
        let fixture = try StoreFixture()
        _ = try list(["a", "b", "c", "d"], fixture, policy)
        #expect(try list(["a", "b"], fixture, policy).books.deletedByAbsence == 2)
        #expect(try list(["a"], fixture, policy).books.deletedByAbsence == 1)
        _ = try list(["a", "b", "c", "d"], fixture, policy)
        var wide = policy
        wide.deletesShareMax = 0.8
        #expect(try list(["a"], fixture, wide).books.deletedByAbsence == 3)
    }

    @Test func `withholds what bytes may list that its plugin names no part of`() throws {
        let fixture = try StoreFixture()
        _ = try list(["a", "b", "c", "d"], fixture, policy)
        func short(_ bytes: UInt64, _ names: [String]) throws -> CommitResult {
            let (plain, record) = fixture.job(policy: policy, bytes: bytes)
            let job = ApplyJob(
                drop: plain.drop, source: plain.source, policy: policy, bytes: bytes, transformDigest: plain.transformDigest,
                amends: nil,
                doubtsBytes: true, released: false, scratchFolder: fixture.folder)
            let builder = try fixture.store.graph.changeSet(for: job)
            try unsafe builder.absorb(fixture.stream("erp") { writer in for name in names { writer.twin(name) } }.span.bytes)
            return try fixture.store.graph.commit([(try builder.finish(), record)])[0].get()
        }
        let books = try short(43, ["a", "b", "c"]).books
        #expect(books.deletedByAbsence == 0 && books.withheldTwins == 1)
        #expect(
            books.withheld
                == "13 bytes belong to no record, header or remainder, and it is not known what they list: 1 twin that no other "
                + "record lists was not deleted.")
        let error = #expect(throws: DropError.self) { try short(11, ["a"]) }
        #expect(error?.message.contains("1 byte belongs to no record") == true, "\(error?.message ?? "")")
        #expect(try short(30, ["a", "b", "c"]).books.deletedByAbsence == 1)
    }

    @Test func `holds its corrections where another mapping reads it, and deletes nothing when they are released`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop(policy: policy) { writer in
            for name in ["a", "b"] { writer.twin(name) }
            writer.record(length: 5)
            writer.reject(code: "bad", message: "no number")
        }
        let amendment = Amendment(
            drop: first.drop, rows: [3: [1]], refused: [:], open: [],
            readBy: ContentDigest(bytes: Array(repeating: 1, count: 32)))
        func amend(transformDigest: UInt8, released: Bool) throws -> CommitResult {
            try fixture.drop(
                policy: policy, transformDigest: transformDigest, amends: first.drop, amendment: amendment, released: released
            ) {
                writer in
                for name in ["A", "b", "c"] { writer.twin(name) }
            }
        }
        let error = #expect(throws: DropError.self) { try amend(transformDigest: 2, released: false) }
        #expect(error?.code == .amendedOtherwise && error?.remedy == .hold, "\(error?.message ?? "")")
        let books = try amend(transformDigest: 2, released: true).books
        #expect(books.deletedByAbsence == 0 && books.withheldTwins == 1 && books.created == 1, "\(books)")
        #expect(try fixture.store.history.counts().twins == 3)
    }

    /// 8 relationships are within the free number, though they are all; 12 are not.
    @Test(arguments: [8, 12]) func `may lose all of a few relationships, and not all of many`(count: Int) throws {
        let fixture = try StoreFixture()
        let names = (0..<count).map { "t\($0)" }
        _ = try fixture.drop(policy: policy) { writer in
            for name in names { writer.twin(name) }
            for name in names { writer.relationship(name, "at", "t0") }
        }
        guard count > Int(policy.deletesFree) else {
            #expect(try list(names, fixture, policy).books.deletedByAbsence == UInt64(count))
            return
        }
        let error = #expect(throws: DropError.self) { try list(names, fixture, policy) }
        #expect(error?.code == .guardDeletes)
        #expect(error?.message.contains("12 of 12 relationships") == true, "\(error?.message ?? "")")
    }

    @Test func `may be shortened by records that name what goes`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in for name in ["a", "b", "c"] { writer.twin(name) } }
        let result = try fixture.drop { writer in for name in ["a", "b"] { writer.twin(name, .deleteTwin) } }
        #expect(result.books.deleted == 2)
    }

    @Test func `has the relationships in its books that went with its twins`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            for name in ["a", "b", "c"] { writer.twin(name) }
            writer.relationship("a", "next", "b")
            writer.relationship("b", "next", "c")
            writer.relationship("c", "next", "a")
        }
        let result = try fixture.drop { $0.twin("b", .deleteTwin) }
        #expect(result.books.deleted == 1 && result.books.deletedWithTwins == 2, "\(result.books)")
        #expect(try fixture.store.register.drop(result.drop)?.books?.deletedWithTwins == 2)
        #expect(result.books.operations == 1)
    }
}
