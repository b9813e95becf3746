import DropCore
import Testing
import TwinModel

/// What a list deletes, withholds and holds (docs/decisions/0027-snapshots.md).
@Suite struct `Any store, given a list of all that a source has,` {
    private func policy(_ change: (inout ApplyPolicy) -> Void = { _ in }) -> ApplyPolicy {
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        change(&policy)
        return policy
    }

    private func list(_ fixture: Fixture, _ ids: [String], released: Bool = false) throws -> CommitResult {
        try fixture.drop(policy: policy(), released: released) { writer in for id in ids { writer.twin(id) } }
    }

    @Test(arguments: StoreMaker.allCases)
    func `deletes what that source made and the list leaves out`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop("other") { $0.twin("foreign", ["x": .integer(1)]) }
        try fixture.drop(policy: policy()) { writer in
            writer.twin("a")
            writer.twin("b")
            writer.twin("foreign", ["y": .integer(1)])
            writer.link("a", "feeds", "foreign")
        }
        try fixture.reopen()
        let result = try fixture.drop(policy: policy()) { $0.twin("a") }
        #expect(result.books.deletedByAbsence == 2, "\(result.books)")
        #expect(try fixture.twin("b") == nil)
        #expect(try fixture.links("a") == [])
        #expect(try fixture.twin("foreign") == ["$dtId": "foreign", "x": 1, "y": 1])
        #expect(try fixture.history.history("b", limit: 5).map(\.kind) == [.deleted, .created])
        #expect(try fixture.history.history("b", limit: 1)[0].provenance.record?.record == 0)
    }

    @Test(arguments: StoreMaker.allCases)
    func `looks at the scope that the list names, and at no other`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        for scope in ["north", "south"] {
            try fixture.drop(policy: policy()) { writer in
                writer.scope(scope)
                for id in ["1", "2"] { writer.twin("\(scope)-\(id)") }
            }
        }
        let result = try fixture.drop(policy: policy()) { writer in
            writer.scope("south")
            writer.twin("south-1")
        }
        #expect(result.books.deletedByAbsence == 1)
        #expect(try fixture.twin("south-2") == nil)
        #expect(try fixture.twin("north-2") != nil)
    }

    @Test(arguments: StoreMaker.allCases)
    func `withholds what is missing while a refused record may list it`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        _ = try list(fixture, ["a", "b", "c", "d"])
        let result = try fixture.drop(policy: policy()) { writer in
            for id in ["a", "b", "c"] { writer.twin(id) }
            writer.refusal()
        }
        #expect(result.books.deletedByAbsence == 0 && result.books.withheldTwins == 1, "\(result.books)")
        #expect(result.books.firstRejected == 4)
        #expect(try fixture.twin("d") != nil)
    }

    @Test(arguments: StoreMaker.allCases)
    func `takes what a refused record names for listed, where all of it is there`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        _ = try list(fixture, ["a", "b", "c", "d"])
        let result = try fixture.drop(policy: policy()) { writer in
            writer.twin("a")
            writer.twin("b")
            writer.twin("c", ["$odd": .integer(1)])
        }
        #expect(result.books.recordsRejected == 1)
        #expect(result.books.deletedByAbsence == 1, "\(result.books)")
        #expect(try fixture.twin("c") != nil)
        #expect(try fixture.twin("d") == nil)
    }

    @Test(
        arguments: StoreMaker.allCases,
        [
            (["a", "b", "c", "d", "e"], ["a"]), (["a", "b", "c"], ["a", "x", "y"]), (["a"], []), (["a", "b"], ["A", "B"]),
        ] as [([String], [String])])
    func `is held where it leaves out more than half, or all`(maker: StoreMaker, lists: ([String], [String])) throws {
        let fixture = try Fixture(maker)
        _ = try list(fixture, lists.0)
        let error = #expect(throws: DropError.self) { try list(fixture, lists.1) }
        #expect(error?.code == .guardDeletes)
        #expect(error?.remedy == .hold)
        for id in lists.0 { #expect(try fixture.twin(id) != nil) }
        #expect(try list(fixture, lists.1, released: true).books.deletedByAbsence > 0)
    }

    @Test(arguments: StoreMaker.allCases)
    func `may leave out half of few, and what a share allows of many`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        _ = try list(fixture, ["a", "b", "c", "d"])
        #expect(try list(fixture, ["a", "b"]).books.deletedByAbsence == 2)
        let many = (0..<100).map { "t\($0)" }
        let other = { (ids: [String], policy: ApplyPolicy) in
            try fixture.drop("big", policy: policy) { writer in for id in ids { writer.twin(id) } }
        }
        _ = try other(many, policy())
        #expect(throws: DropError.self) { try other(Array(many.prefix(80)), policy()) }
        #expect(try other(Array(many.prefix(80)), policy { $0.deletesShareMax = 0.2 }).books.deletedByAbsence == 20)
    }

    @Test(arguments: StoreMaker.allCases)
    func `is held where nothing of it could be used`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let error = #expect(throws: DropError.self) { try fixture.changeSet { $0.twin("none", .patchTwin) } }
        #expect(error?.code == .nothingUsable)
        let released = try fixture.drop(released: true) { $0.twin("none", .patchTwin) }
        #expect(released.books.recordsRejected == 1 && released.books.operations == 0)
    }
}
