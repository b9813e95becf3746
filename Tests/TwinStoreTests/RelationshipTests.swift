import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `A relationship` {
    @Test func `is made, changed, moved and deleted, and remembers`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            for id in ["a", "b", "c"] { writer.twin(id) }
            writer.relationship("a", "feeds", "b", id: "r", .upsertRelationship, ["w": .integer(1)])
        }
        let same = try fixture.drop { $0.relationship("a", "feeds", "b", id: "r", .upsertRelationship, ["w": .integer(1)]) }
        let moved = try fixture.drop { $0.relationship("a", "feeds", "c", id: "r", .upsertRelationship, ["w": .integer(2)]) }
        let deleted = try fixture.drop { $0.relationship("a", "feeds", "", id: "r", .deleteRelationship) }
        #expect([same.books.unchanged, moved.books.updated, deleted.books.deleted] == [1, 1, 1])
        #expect(try fixture.store.history.relationships(of: "a") == [])
        let past = try fixture.store.history.relationships(of: "a", asOf: .sequence(same.sequence))
        #expect(
            past.map(\.plain) == [
                [
                    "$relationshipId": "r", "$relationshipName": "feeds", "$sourceId": "a", "$targetId": "b", "w": 1,
                ] as JSON
            ])
        let later = try fixture.store.history.relationships(of: "a", asOf: .sequence(moved.sequence))
        #expect(later.first?["$targetId"] == "c")
    }

    @Test func `may name twins that come later in the file`() throws {
        let fixture = try StoreFixture()
        for dangling in [ApplyPolicy.Dangling.wait(.seconds(60)), .reject, .stub] {
            var policy = ApplyPolicy()
            policy.dangling = dangling
            let name = "\(dangling)".prefix(4)
            let result = try fixture.drop(policy: policy) { writer in
                writer.relationship("\(name)-a", "feeds", "\(name)-b")
                writer.twin("\(name)-a")
                writer.twin("\(name)-b")
            }
            #expect(result.books.created == 3, "\(dangling)")
            #expect(result.books.recordsRejected == 0, "\(dangling)")
        }
    }

    @Test func `waits for its target, is listed, and comes with the commit that makes it`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop("erp") { writer in
            writer.twin("a")
            writer.relationship("a", "feeds", "late")
        }
        #expect(first.books.waiting == 1)
        #expect(first.books.created == 1)
        #expect(try fixture.store.history.pending().map(\.targetID) == ["late"])
        try fixture.reopen()
        try fixture.drop("wms") { $0.twin("late") }
        #expect(try fixture.store.history.pending() == [])
        #expect(try fixture.store.history.relationships(of: "a").first?["$targetId"] == "late")
        #expect(try fixture.drop("erp") { $0.relationship("a", "feeds", "late") }.books.unchanged == 1)
    }

    @Test func `expires when its target never comes`() throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.dangling = .wait(.seconds(5))
        try fixture.drop(policy: policy) { writer in
            writer.twin("a")
            writer.relationship("a", "feeds", "never")
        }
        #expect(try fixture.store.history.expirePending(now: fixture.time + 4999) == 0)
        #expect(try fixture.store.history.expirePending(now: fixture.time + 5000) == 1)
        #expect(try fixture.store.history.pending() == [])
    }

    @Test func `without target rejects its record where the policy says so`() throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.dangling = .reject
        let set = try fixture.changeSet(policy: policy) { writer in
            let feeds = writer.key("feeds")
            writer.record(length: 10)
            writer.beginTwin(.upsertTwin, "with-it")
            writer.end()
            writer.beginRelationship(.upsertRelationship, source: "with-it", name: feeds, target: "nowhere")
            writer.end()
            writer.twin("kept")
        }
        #expect(set.changes.rejections.map(\.code) == ["dangling"])
        #expect(
            set.changes.rejections.map(\.message) == [
                "Relationship feeds of with-it: its target nowhere does not exist."
            ])
        _ = try fixture.store.graph.commit([set])[0].get()
        #expect(try fixture.store.history.twin("with-it") == nil)
        #expect(try fixture.store.history.twin("kept") != nil)
    }

    @Test func `names the ends it lacks, of a record with several the first three`() throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.dangling = .reject
        let set = try fixture.changeSet(policy: policy) { writer in
            let feeds = writer.key("feeds")
            writer.twin("here")
            writer.record(length: 10)
            for (source, target) in [("here", "b"), ("c", "here"), ("d", "e\u{202E}"), ("f", "g"), ("here", "here"), ("h", "i")] {
                writer.beginRelationship(.upsertRelationship, source: source, name: feeds, target: target)
                writer.end()
            }
            writer.record(length: 10)
            writer.beginTwin(.upsertTwin, "only-refused")
            writer.end()
            writer.beginRelationship(.upsertRelationship, source: "only-refused", name: feeds, target: "nowhere")
            writer.end()
            writer.relationship("here", "feeds", "only-refused")
        }
        #expect(
            set.changes.rejections.map(\.message) == [
                "Relationship feeds of here: its target b does not exist. "
                    + "Relationship feeds of c: its source c does not exist. "
                    + "Relationship feeds of d: its source d and its target e\\u{202e} do not exist. "
                    + "2 more relationships of this record lack an end.",
                "Relationship feeds of only-refused: its target nowhere does not exist.",
                "Relationship feeds of here: its target only-refused does not exist.",
            ])
    }

    @Test func `without target makes a stub where the policy says so`() throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.dangling = .stub
        try fixture.drop(policy: policy) { $0.relationship("a", "feeds", "b") }
        #expect(try fixture.store.history.counts().twins == 2)
        #expect(try fixture.store.history.relationships(of: "a").count == 1)
        #expect(try fixture.drop { $0.twin("b", ["x": .integer(1)]) }.books.updated == 1)
    }

    @Test func `goes with its twin, and comes back in the past`() throws {
        let fixture = try StoreFixture()
        let made = try fixture.drop { writer in
            writer.twin("a")
            writer.twin("b")
            writer.relationship("a", "feeds", "b")
            writer.relationship("b", "feeds", "a")
        }
        try fixture.drop { $0.twin("b", .deleteTwin) }
        #expect(try fixture.store.history.relationships(of: "a") == [])
        #expect(try fixture.store.history.counts().relationships == 0)
        #expect(try fixture.store.history.relationships(of: "a", asOf: .sequence(made.sequence)).count == 1)
        #expect(try fixture.store.history.relationships(of: "b", asOf: .sequence(made.sequence)).count == 1)
        let again = try fixture.drop { writer in
            writer.twin("b")
            writer.relationship("a", "feeds", "b")
        }
        #expect(again.books.created == 2)
        #expect(try fixture.store.maintenance.quickCheck() == [])
    }
}
