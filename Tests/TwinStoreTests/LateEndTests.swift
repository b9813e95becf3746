import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// All orders of some places.
func everyOrder(of places: [Int]) -> [[Int]] {
    guard places.count > 1 else { return [places] }
    return places.flatMap { first in everyOrder(of: places.filter { $0 != first }).map { [first] + $0 } }
}

/// What goes with a twin that is deleted, in whatever order deliveries come (docs/decisions/0026-order-and-lateness.md).
@Suite struct `Relationships whose ends are deleted, in any order` {
    private let fixture: StoreFixture
    private let policy: ApplyPolicy

    init() throws {
        fixture = try StoreFixture()
        var policy = ApplyPolicy()
        (policy.deletesShareMax, policy.rejectsShareMax) = (1, 1)
        self.policy = policy
    }

    @discardableResult
    private func drop(_ place: Int?, _ write: (inout OperationWriter) -> Void) throws -> CommitResult {
        try fixture.drop(policy: policy, place: place.map { "\($0)" }, write)
    }

    private func targets(_ id: String = "x") throws -> [String] {
        guard try fixture.store.history.twin(id) != nil else { return [] }
        return try fixture.store.history.relationships(of: id).compactMap { $0["$targetId"]?.string }
    }

    private static func twins(_ writer: inout OperationWriter, _ ids: String..., value: Int64) {
        for id in ids { writer.twin(id, ["a": .integer(value)]) }
    }

    private static func lead(_ writer: inout OperationWriter, to site: String) {
        writer.relationship("x", "at", site, id: "loc")
    }

    // MARK: What went with the twin it led to

    @Test(arguments: everyOrder(of: [1, 3, 4]))
    func `stand where they lead elsewhere than what went with a twin`(order: [Int]) throws {
        for place in order {
            try drop(place) { writer in
                switch place {
                case 1:
                    Self.twins(&writer, "x", "b", "d", value: 1)
                    Self.lead(&writer, to: "b")
                case 3: Self.lead(&writer, to: "d")
                default: writer.twin("b", .deleteTwin)
                }
            }
        }
        #expect(try targets() == ["d"], "\(order)")
        #expect(try fixture.store.history.twin("b") == nil)
        #expect(try fixture.store.history.pending().isEmpty)
    }

    @Test func `stand where a corrected record leads elsewhere than what went with a twin`() throws {
        try drop(nil) { writer in
            Self.twins(&writer, "x", "b", "d", value: 1)
            Self.lead(&writer, to: "b")
        }
        let dirty = try drop(nil) { writer in
            writer.record(length: 10)
            writer.reject(code: "wrong", message: "wrong")
            Self.twins(&writer, "z", value: 1)
        }
        try drop(nil) { $0.twin("b", .deleteTwin) }
        let amendment = Amendment(drop: dirty.drop, rows: [1: [1]], refused: [:], open: [])
        try fixture.drop(policy: policy, amends: dirty.drop, amendment: amendment) { writer in
            Self.lead(&writer, to: "d")
            Self.twins(&writer, "z", value: 1)
        }
        #expect(try targets() == ["d"])
    }

    // MARK: What took the place of others, and went

    @Test(arguments: everyOrder(of: [1, 2, 4, 5]), [true, false])
    func `are over where a newer one led to a twin that was deleted`(order: [Int], isLoop: Bool) throws {
        for place in order {
            try drop(place) { writer in
                switch place {
                case 1: Self.twins(&writer, "x", "b", "d", value: 1)
                case 2:
                    Self.twins(&writer, "x", value: 2)
                    Self.lead(&writer, to: isLoop ? "x" : "b")
                case 4:
                    Self.twins(&writer, "x", value: 4)
                    Self.lead(&writer, to: "d")
                default: writer.twin("d", .deleteTwin)
                }
            }
            if place == 2 { try fixture.reopen() }
        }
        #expect(try targets() == [], "\(order)")
        #expect(try fixture.store.history.twin("x")?["a"] == 4)
        #expect(try fixture.store.history.twin("d") == nil)
        #expect(try fixture.store.history.pending().isEmpty)
    }

    @Test func `are over, which the books count and a later record of the file may undo`() throws {
        @discardableResult func give(_ places: Int..., orElse: Bool = false) throws -> CommitResult? {
            var last: CommitResult?
            for place in places {
                last = try drop(place) { writer in
                    switch place {
                    case 1: Self.twins(&writer, "x", "b", "d", "e", value: 1)
                    case 2: Self.lead(&writer, to: "b")
                    case 4:
                        Self.lead(&writer, to: "d")
                        if orElse { Self.lead(&writer, to: "e") }
                    default: writer.twin("d", .deleteTwin)
                    }
                }
            }
            return last
        }
        let late = try give(1, 2, 5, 4)
        #expect(try targets() == [])
        #expect(late?.books.deletedWithTwins == 1 && late?.books.superseded == 1 && late?.books.operations == 1)
        // A file of the same place that comes later is newer.
        try give(4, orElse: true)
        #expect(try targets() == ["e"])
        try give(2)
        #expect(try targets() == ["e"])
    }

    @Test func `are over where a newer one waited for a twin that was deleted in vain, and the older one was held`() throws {
        try drop(nil) { Self.twins(&$0, "x", value: 1) }
        let (job, record) = fixture.job(policy: policy)
        var aside = record
        aside.state = .held
        try fixture.store.register.update([aside])
        try drop(nil) { Self.lead(&$0, to: "d") }
        #expect(try fixture.store.history.pending().count == 1)
        try drop(nil) { $0.twin("d", .deleteTwin) }
        let again = ApplyJob(
            drop: job.drop, source: job.source, policy: policy, bytes: job.bytes, transformDigest: job.transformDigest,
            amends: nil, origin: job.drop,
            released: true, scratchFolder: fixture.folder)
        let builder = try fixture.store.graph.changeSet(for: again)
        let stream = fixture.stream("erp") { writer in
            Self.lead(&writer, to: "x")
            Self.twins(&writer, "d", value: 1)
        }
        try unsafe builder.absorb(stream.span.bytes)
        let changes = try builder.finish()
        _ = try fixture.store.graph.commit([(changes, record)])[0].get()
        #expect(try targets() == [])
        #expect(try fixture.store.history.twin("d") == nil)
        #expect(try fixture.store.history.pending().isEmpty)
    }

    // MARK: What outlives a late delete

    /// Lists of two scopes; a relationship of one leads to a twin of the other. With a refused record in the newer list of its
    /// own scope, or without.
    @Test(
        arguments: [
            [1, 2, 3, 4, 5], [1, 2, 4, 3, 5], [1, 4, 2, 3, 5], [2, 1, 4, 3, 5], [2, 4, 1, 3, 5], [1, 2, 4, 5, 3],
            [1, 3, 5, 2, 4],
            [1, 2, -4, 3, 5],
        ])
    func `wait when a late list of another scope lacks its twin and a newer list of their own has them`(order: [Int]) throws {
        var list = policy
        list.mode = .snapshot
        for place in order {
            try fixture.drop(policy: list, place: "\(abs(place))") { writer in
                let isOfM = [2, 4, -4].contains(place)
                writer.scope(isOfM ? "M" : "H")
                Self.twins(&writer, isOfM ? "x" : "h", value: 1)
                if isOfM { Self.lead(&writer, to: "b") }
                if place == 1 || place == 5 { Self.twins(&writer, "b", value: 1) }
                guard place == -4 else { return }
                writer.record(length: 10)
                writer.reject(code: "wrong", message: "wrong")
            }
            if abs(place) == 4 { try fixture.reopen() }
        }
        #expect(try targets() == ["b"], "\(order)")
        #expect(try fixture.store.history.pending().isEmpty)
    }

    @Test(arguments: everyOrder(of: [1, 2, 3]), ["b", "x"])
    func `keep a stub of a twin that an older one deleted`(order: [Int], deleted: String) throws {
        var stubs = policy
        stubs.dangling = .stub
        for place in order {
            try fixture.drop(policy: stubs, place: "\(place)") { writer in
                switch place {
                case 1: Self.twins(&writer, "x", "b", value: 1)
                case 2: writer.twin(deleted, .deleteTwin)
                default: Self.lead(&writer, to: "b")
                }
            }
        }
        #expect(try targets() == ["b"], "\(order)")
        let stub = try fixture.store.history.twin(deleted)
        #expect(stub != nil && stub?["a"] == nil)
    }
}
