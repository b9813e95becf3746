import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// In whatever order deliveries come, the same relationships (docs/decisions/0026-order-and-lateness.md).
@Suite struct `Relationships of deliveries in any order` {
    private let fixture: StoreFixture
    private let policy: ApplyPolicy

    init() throws {
        fixture = try StoreFixture()
        var policy = ApplyPolicy()
        (policy.deletesShareMax, policy.rejectsShareMax) = (1, 1)
        self.policy = policy
        try fixture.drop("sites") { writer in for site in ["s1", "s4"] { writer.twin(site) } }
    }

    @discardableResult
    private func drop(_ place: Int?, _ write: (inout OperationWriter) -> Void) throws -> CommitResult {
        try fixture.drop(policy: policy, place: place.map { "\($0)" }, write)
    }

    private func targets(_ id: String = "x") throws -> [String] {
        guard try fixture.store.history.twin(id) != nil else { return [] }
        return try fixture.store.history.relationships(of: id).compactMap { $0["$targetId"]?.string }
    }

    private static func twin(_ writer: inout OperationWriter, _ value: Int64, at site: String? = nil) {
        writer.twin("x", ["a": .integer(value)])
        if let site { writer.relationship("x", "at", site, id: "loc") }
    }

    @Test(arguments: [[1, 2, 4], [1, 4, 2], [2, 1, 4], [2, 4, 1], [4, 1, 2], [4, 2, 1]])
    func `go with the twin a newer one deleted, and stay gone when it comes back`(order: [Int]) throws {
        for place in order {
            try drop(place) { writer in
                switch place {
                case 1: Self.twin(&writer, 1, at: "s1")
                case 2: writer.twin("x", .deleteTwin)
                default: Self.twin(&writer, 4)
                }
            }
        }
        #expect(try targets() == [])
        #expect(try fixture.store.history.twin("x")?["a"] == 4)
        #expect(try fixture.store.history.pending().isEmpty)
    }

    @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func `that waited are as old as what stated them, whoever made their twin`(order: [Int]) throws {
        for place in order {
            try drop(place) { writer in
                switch place {
                case 0: writer.relationship("x", "at", "s4", id: "loc")
                case 1: Self.twin(&writer, 1, at: "s1")
                default: Self.twin(&writer, 2)
                }
            }
        }
        #expect(try targets() == ["s1"], "\(order)")
        #expect(try fixture.store.history.pending().isEmpty)
    }

    @Test(arguments: [[1, 2, 4], [1, 4, 2], [2, 1, 4], [2, 4, 1], [4, 1, 2], [4, 2, 1]])
    func `wait for a twin that an older one deleted, as they would have`(order: [Int]) throws {
        for place in order {
            try drop(place) { writer in
                switch place {
                case 1: Self.twin(&writer, 1)
                case 2: writer.twin("x", .deleteTwin)
                default: writer.relationship("x", "at", "s1", id: "loc")
                }
            }
        }
        #expect(try fixture.store.history.twin("x") == nil)
        #expect(try fixture.store.history.pending().map(\.targetID) == ["s1"])
        try drop(5) { Self.twin(&$0, 5) }
        #expect(try targets() == ["s1"])
    }

    @Test(arguments: [true, false])
    func `that wait are over when a newer list does not have them`(isNamed: Bool) throws {
        var list = policy
        list.mode = .snapshot
        func give(_ place: Int, _ write: (inout OperationWriter) -> Void) throws {
            try fixture.drop(policy: list, place: isNamed ? "\(place)" : nil, write)
        }
        try give(1) { Self.twin(&$0, 1, at: "late") }
        #expect(try fixture.store.history.pending().count == 1)
        try give(2) { Self.twin(&$0, 2, at: "late") }
        #expect(try fixture.store.history.pending().count == 1)
        try fixture.reopen()
        try give(3) { Self.twin(&$0, 3) }
        #expect(try fixture.store.history.pending().isEmpty)
        try give(4) { writer in
            Self.twin(&writer, 4)
            writer.twin("late")
        }
        #expect(try targets() == [])
    }

    @Test func `that wait are kept by a list of which a record is not known`() throws {
        var list = policy
        list.mode = .snapshot
        try fixture.drop(policy: list) { Self.twin(&$0, 1, at: "late") }
        try fixture.drop(policy: list) { writer in
            Self.twin(&writer, 2)
            writer.record(length: 10)
            writer.reject(code: "wrong", message: "wrong")
        }
        #expect(try fixture.store.history.pending().count == 1)
    }

    @Test func `that wait are replaced by what is said of them later, and do not come back`() throws {
        try drop(nil) { Self.twin(&$0, 1, at: "late") }
        try drop(nil) { Self.twin(&$0, 2, at: "s1") }
        #expect(try fixture.store.history.pending().isEmpty)
        try drop(nil) { $0.relationship("x", "at", "s1", id: "loc", .deleteRelationship) }
        try drop(nil) { $0.twin("late") }
        #expect(try targets() == [])
    }

    @Test func `that wait go with their twin, and not with a twin of others`() throws {
        try drop(nil) { Self.twin(&$0, 1, at: "late") }
        try drop(nil) { $0.twin("x", .deleteTwin) }
        try drop(nil) { writer in
            Self.twin(&writer, 2)
            writer.twin("late")
        }
        #expect(try targets() == [])
        try drop(nil) { $0.twin("late", .deleteTwin) }
        try drop(nil) { Self.twin(&$0, 3, at: "late") }
        try fixture.drop("others", policy: policy) { $0.twin("late", .deleteTwin) }
        try fixture.drop("others", policy: policy) { $0.twin("late") }
        #expect(try targets() == ["late"])
    }
}
