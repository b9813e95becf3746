import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// What may still be said behind newer deliveries (docs/decisions/0025-amendments.md, 0026-order-and-lateness.md).
@Suite struct `A delivery behind newer ones` {
    private let fixture: StoreFixture
    private let policy: ApplyPolicy

    init() throws {
        fixture = try StoreFixture()
        var policy = ApplyPolicy()
        (policy.deletesShareMax, policy.rejectsShareMax) = (1, 1)
        self.policy = policy
    }

    /// A delivery with a place of two digits.
    @discardableResult
    private func drop(_ place: Int, _ write: (inout OperationWriter) -> Void) throws -> CommitResult {
        try fixture.drop(policy: policy, place: "\(place)", write)
    }

    private func values(_ id: String) throws -> [String: Int64]? {
        guard let twin = try fixture.store.history.twin(id) else { return nil }
        return ["a", "b", "n"].reduce(into: [String: Int64]()) { $0[$1] = twin[$1]?.int }
    }

    @Test(arguments: [false, true])
    func `brings nothing back that a newer one deleted, though the twin is there again`(wasThere: Bool) throws {
        if wasThere { try drop(10) { $0.twin("x", ["a": .integer(1), "b": .integer(1), "n": .integer(1)]) } }
        let deleted = try drop(21) { $0.twin("x", .deleteTwin) }
        try drop(34) { $0.twin("x", ["a": .integer(3), "n": .integer(3)]) }
        try fixture.reopen()
        let late = try drop(12) { $0.twin("x", ["a": .integer(2), "b": .integer(2), "n": .integer(2)]) }
        #expect(try values("x") == ["a": 3, "n": 3])
        #expect(late.books.superseded == 1 && late.books.operations == 1)
        #expect(late.reason?.message.hasPrefix("1 of its operations was not applied: drop \(deleted.drop) (") == true)
    }

    @Test func `brings nothing back that a late delete took, or a corrected one`() throws {
        try drop(10) { $0.twin("x", ["a": .integer(1), "b": .integer(1)]) }
        try drop(34) { $0.twin("x", ["a": .integer(3)]) }
        try drop(21) { $0.twin("x", .deleteTwin) }
        #expect(try values("x") == ["a": 3])
        try drop(12) { $0.twin("x", ["b": .integer(2)]) }
        #expect(try values("x") == ["a": 3])

        let dirty = try drop(22) { writer in
            writer.twin("z", ["a": .integer(1)])
            writer.record(length: 10)
            writer.reject(code: "wrong", message: "wrong")
        }
        try drop(35) { $0.twin("y", ["a": .integer(3)]) }
        let amendment = Amendment(drop: dirty.drop, rows: [2: [1]], refused: [:], open: [])
        try fixture.drop(policy: policy, amends: dirty.drop, amendment: amendment) { writer in
            writer.twin("z", ["a": .integer(1)])
            writer.twin("y", .deleteTwin)
        }
        try drop(13) { $0.twin("y", ["b": .integer(2)]) }
        #expect(try values("y") == ["a": 3])
    }

    @Test func `names the drop whose statement stands, not the newest`() throws {
        let stands = try drop(30) { $0.twin("x", ["a": .integer(3)]) }
        let other = try drop(40) { $0.twin("y", ["a": .integer(4)]) }
        let late = try drop(20) { writer in
            writer.twin("x", ["a": .integer(2)])
            writer.twin("x", ["a": .integer(1)])
        }
        let message = late.reason?.message ?? ""
        #expect(message.hasPrefix("2 of its operations were not applied: drop \(stands.drop) ("), "\(message)")
        #expect(!message.contains(other.drop.description))
        #expect(!late.isNewest && other.isNewest)
    }

    @Test func `does not become what a repetition repeats`() throws {
        let newest = try drop(30) { $0.twin("x", ["a": .integer(3)]) }
        try drop(20) { $0.twin("x", ["a": .integer(2)]) }
        let source = try #require(SourceName("erp"))
        #expect(try fixture.store.register.newestApplied(of: source)?.id == newest.drop)
        try fixture.reopen()
        #expect(try fixture.store.register.newestApplied(of: source)?.id == newest.drop)
    }

    // MARK: Set aside

    /// A drop that waits for a person, and what lets it go on in its place, or as the newest.
    private func setAside(_ state: DropState) throws -> DropRecord {
        var (_, record) = fixture.job(policy: policy)
        record.state = state
        try fixture.store.register.update([record])
        return record
    }

    private func goOn(
        _ old: DropRecord, asNewest: Bool = false, _ write: (inout OperationWriter) -> Void
    ) throws -> CommitResult {
        guard old.state == .held else { return try fixture.drop(policy: policy, origin: asNewest ? nil : old.id, write) }
        let job = ApplyJob(
            drop: old.id, source: old.source, policy: policy, bytes: 1 << 40,
            transformDigest: ContentDigest(bytes: Array(repeating: 1, count: 32)), amends: nil, origin: asNewest ? nil : old.id,
            released: true, scratchFolder: fixture.folder)
        let builder = try fixture.store.graph.changeSet(for: job)
        try unsafe builder.absorb(fixture.stream("erp", write).span.bytes)
        return try fixture.store.graph.commit([(try builder.finish(), old)])[0].get()
    }

    @Test(arguments: [DropState.held, .quarantined])
    func `that a person lets go on overwrites nothing newer, also where that changed nothing`(state: DropState) throws {
        try fixture.drop { $0.twin("x", ["a": .integer(1)]) }
        let old = try setAside(state)
        try fixture.reopen()
        // What it says was so already: only its word tells that it was said again.
        try fixture.drop { $0.twin("x", ["a": .integer(1)]) }
        let result = try goOn(old) { writer in
            writer.twin("x", ["a": .integer(2), "b": .integer(2)])
            writer.twin("y", ["a": .integer(2)])
        }
        #expect(try values("x") == ["a": 1, "b": 2])
        #expect(try values("y") == ["a": 2])
        #expect(!result.isNewest)
    }

    @Test(arguments: [DropState.held, .quarantined])
    func `is the newest where a person says so, or nothing newer came`(state: DropState) throws {
        try fixture.drop { $0.twin("x", ["a": .integer(1)]) }
        let lone = try setAside(state)
        #expect(try goOn(lone) { $0.twin("x", ["a": .integer(2)]) }.isNewest)
        #expect(try values("x") == ["a": 2])
        let old = try setAside(state)
        try fixture.drop { $0.twin("x", ["a": .integer(3)]) }
        #expect(try goOn(old, asNewest: true) { $0.twin("x", ["a": .integer(4)]) }.isNewest)
        #expect(try values("x") == ["a": 4])
    }

    @Test func `leaves word where it was compared before another was set aside`() throws {
        try fixture.drop { $0.twin("x", ["a": .integer(1)]) }
        var (_, old) = fixture.job(policy: policy)
        try fixture.store.register.update([old])
        let newer = try fixture.changeSet { $0.twin("x", ["a": .integer(1)]) }
        old.state = .held
        try fixture.store.register.update([old])
        _ = try fixture.store.graph.commit([newer])[0].get()
        #expect(try goOn(old) { $0.twin("x", ["a": .integer(2)]) }.books.superseded == 1)
        #expect(try values("x") == ["a": 1])
    }

    // MARK: Corrections

    @Test func `corrected, does not overrule a later record of its own file`() throws {
        let first = try fixture.drop(policy: policy) { writer in
            writer.record(length: 10)
            writer.reject(code: "wrong", message: "wrong")
            writer.twin("x", ["a": .integer(5)])
        }
        let amendment = Amendment(drop: first.drop, rows: [1: [1]], refused: [:], open: [])
        let result = try fixture.drop(policy: policy, amends: first.drop, amendment: amendment) { writer in
            writer.twin("x", ["a": .integer(4), "b": .integer(4)])
            writer.twin("x", ["a": .integer(5)])
        }
        #expect(try values("x") == ["a": 5, "b": 4])
        #expect(result.books.operations == 1, "\(result.books)")
        let second = try fixture.drop(policy: policy) { writer in
            writer.record(length: 10)
            writer.reject(code: "wrong", message: "wrong")
            writer.twin("y", ["a": .integer(5)])
        }
        let other = Amendment(drop: second.drop, rows: [1: [1]], refused: [:], open: [])
        let told = try fixture.drop(policy: policy, amends: second.drop, amendment: other) { writer in
            writer.twin("y", ["a": .integer(4)])
            writer.twin("y", ["a": .integer(5)])
        }
        #expect(try values("y") == ["a": 5])
        #expect(told.books.superseded == 1 && told.books.operations == 1, "\(told.books)")
        #expect(told.reason?.message.contains("a later record of the same file") == true)
    }
}
