import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `The life of a relationship` {
    @Test func `names who made, moved, changed and deleted it, also of an earlier one with its id`() throws {
        let fixture = try StoreFixture()
        let made = try fixture.drop { writer in
            writer.twin("h")
            writer.twin("a")
            writer.twin("b")
            writer.relationship("h", "has", "a", id: "r", .upsertRelationship, ["since": .integer(1)])
        }
        let moved = try fixture.drop { $0.relationship("h", "has", "b", id: "r", .upsertRelationship, ["since": .integer(1)]) }
        let changed = try fixture.drop { $0.relationship("h", "has", "b", id: "r", .upsertRelationship, ["since": .integer(2)]) }
        let target = try #require(try fixture.store.history.explain(relationship: "r", of: "h", "/$targetId").first)
        #expect(target.value == "b")
        #expect(target.before == "a")
        #expect(target.setBy.record?.drop == moved.drop)
        let since = try #require(try fixture.store.history.explain(relationship: "r", of: "h", "/since").first)
        #expect(since.setBy.record?.drop == changed.drop)
        #expect(since.before == 1)
        let name = try #require(try fixture.store.history.explain(relationship: "r", of: "h", "/$relationshipName").first)
        #expect(name.setBy.record?.drop == made.drop)
        let gone = try fixture.drop { $0.twin("b", .deleteTwin) }
        try fixture.drop { $0.relationship("h", "has", "a", id: "r", .upsertRelationship, ["since": .integer(3)]) }
        let life = try fixture.store.history.history(ofRelationship: "r", of: "h")
        #expect(life.map(\.kind) == [.created, .deleted, .updated, .updated, .created])
        #expect(life[1].provenance.record?.drop == gone.drop)
        #expect(life[1].changes.first { $0.pointer == "/$targetId" } == .init(pointer: "/$targetId", before: "b", after: nil))
        #expect(life[3].changes == [.init(pointer: "/$targetId", before: "a", after: "b")])
        #expect(life[4].provenance.record?.drop == made.drop)
        #expect(try fixture.store.history.history(ofRelationship: "r", of: "h", limit: 2).count == 2)
        #expect(try fixture.store.history.history(ofRelationship: "s", of: "h").isEmpty)
    }

    @Test func `of a deleted one and of a deleted twin says what it was last, and who ended it`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin("h", ["x": .integer(7)])
            writer.twin("a")
            writer.relationship("h", "has", "a", id: "r", .upsertRelationship, ["since": .integer(1)])
        }
        let end = try fixture.drop { $0.twin("h", .deleteTwin) }
        try fixture.reopen()
        let twin = try #require(try fixture.store.history.explain("h", "/x").first)
        #expect(twin.value == 7)
        #expect(twin.deletedBy?.record?.drop == end.drop)
        let relationship = try fixture.store.history.explain(relationship: "r", of: "h")
        #expect(relationship.map(\.pointer) == ["/$relationshipName", "/$targetId", "/since"])
        #expect(relationship.allSatisfy { $0.deletedBy?.record?.drop == end.drop })
        #expect(try fixture.store.history.known(["h", "a", "b"]) == ["h", "a"])
    }
}

@Suite struct `Relationships that wait` {
    @Test func `are listed with the ends that are missing, by source and drop`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop("erp") { writer in
            writer.twin("f")
            writer.relationship("f", "has", "late", .upsertRelationship)
        }
        let second = try fixture.drop("wms") { $0.relationship("later", "has", "late", .upsertRelationship) }
        let all = try fixture.store.waiting.list(limit: 10)
        #expect(all.map(\.missing) == [["late"], ["later", "late"]])
        #expect(all.map(\.relationship.drop) == [first.drop, second.drop])
        #expect(all.allSatisfy { $0.since > 0 && $0.relationship.expires > $0.since })
        #expect(try fixture.store.waiting.list(source: SourceName("wms"), limit: 10).count == 1)
        #expect(try fixture.store.waiting.list(drop: first.drop, limit: 10).count == 1)
        #expect(try fixture.store.waiting.counts().values.sorted() == [1, 1])
        try fixture.drop("erp") { $0.twin("late") }
        #expect(try fixture.store.waiting.list(limit: 10).map(\.missing) == [["later"]])
    }
}

@Suite struct `A planned change` {
    @Test func `goes with a twin that is deleted, once, and has its target`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            for id in ["a", "b", "c"] { writer.twin(id) }
            writer.relationship("a", "has", "b", id: "r", .upsertRelationship)
            writer.relationship("b", "has", "a", id: "s", .upsertRelationship)
        }
        let set = try fixture.changeSet { writer in
            writer.twin("a", .deleteTwin)
            writer.relationship("a", "has", "b", id: "r", .deleteRelationship)
            writer.relationship("c", "has", "d", id: "t", .upsertRelationship)
        }
        var planned: [PlannedChange] = []
        try (set.changes as! DropChanges).forEachChange { planned.append($0) }
        set.changes.abandon()
        let byID = Dictionary(uniqueKeysWithValues: planned.map { ($0.id, $0) })
        #expect(planned.count == byID.count)
        #expect(byID["a"]?.outcome == .deleted)
        #expect(byID["a/r"]?.cause == .record)
        #expect(byID["b/s"]?.cause == .end && byID["b/s"]?.target == "a")
        #expect(byID["c/t"]?.waitsFor == ["d"] && byID["c/t"]?.target == "d")
    }
}
