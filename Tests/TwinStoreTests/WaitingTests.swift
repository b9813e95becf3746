import DropCore
import Testing
import TwinModel
import TwinService

@testable import TwinStore

@Suite struct `A relationship whose twin comes with another file` {
    let fixture: ServiceFixture
    var base: StoreFixture { fixture.base }
    let room = "dtmi:test:Room;1"
    let floor = "dtmi:test:Floor;1"

    init() throws { fixture = try ServiceFixture() }

    private func policy(_ validation: ApplyPolicy.Validation) -> ApplyPolicy {
        var policy = ApplyPolicy()
        policy.validation = validation
        (policy.deletesShareMax, policy.rejectsShareMax) = (1, 1)
        return policy
    }

    /// A floor that has the room `late`, which is not there yet.
    private func waiting(_ validation: ApplyPolicy.Validation = .known, since: PropertyValue = .integer(1)) throws {
        let result = try base.drop("erp", policy: policy(validation)) { writer in
            writer.twin("f", model: floor)
            writer.relationship("f", "has", "late", .upsertRelationship, ["since": since])
        }
        #expect(result.books.waiting == 1)
    }

    @Test func `comes in with it, where their models allow it`() throws {
        try waiting()
        try base.reopen()
        try base.drop("wms") { $0.twin("late", model: "dtmi:test:Lab;1") }
        #expect(try base.store.history.relationships(of: "f").count == 1)
        #expect(try base.store.history.pending().isEmpty)
    }

    @Test func `goes on waiting where the model of its target is another`() throws {
        try waiting()
        try base.drop("wms") { $0.twin("late", model: floor) }
        #expect(try base.store.history.relationships(of: "f").isEmpty)
        #expect(try base.store.history.pending().map(\.targetID) == ["late"])
        // Stated again, it is refused as any other.
        let refused = try base.drop("erp", policy: policy(.known)) {
            $0.relationship("f", "has", "late", .upsertRelationship, ["since": .integer(1)])
        }
        #expect(refused.books.recordsRejected == 1)
        // Another twin in its place is what it waits for.
        try base.drop("wms", policy: policy(.known)) { $0.twin("late", .deleteTwin) }
        try base.drop("wms") { $0.twin("late", model: room) }
        #expect(try base.store.history.relationships(of: "f").count == 1)
    }

    @Test func `goes on waiting where the model of its source, which came last, refuses it`() throws {
        try base.drop("erp", policy: policy(.known)) { writer in
            writer.twin("r", model: room)
            writer.relationship("late", "has", "r", .upsertRelationship, ["since": .string("long ago")])
        }
        try base.drop("wms") { $0.twin("late", model: floor) }
        #expect(try base.store.history.relationships(of: "late").isEmpty)
        #expect(try base.store.history.pending().count == 1)
    }

    @Test func `comes in unchecked where its source asked for that`() throws {
        try waiting(.off, since: .string("long ago"))
        try base.drop("wms", policy: policy(.off)) { $0.twin("late", model: floor) }
        #expect(try base.store.history.relationships(of: "f").count == 1)
    }

    @Test func `comes in with a call that makes its twin, and not with one whose model does not fit`() throws {
        try waiting()
        _ = try fixture.store.put(twin: "late", ServiceFixture.payload(floor), .none, by: fixture.me)
        #expect(try base.store.history.relationships(of: "f").isEmpty)
        try fixture.store.delete(twin: "late", .none, by: fixture.me)
        _ = try fixture.store.put(twin: "late", ServiceFixture.payload(room), .none, by: fixture.me)
        #expect(try base.store.history.relationships(of: "f").count == 1)
    }

    @Test func `is checked where the twin was on its way with the other file while its own was compared`() throws {
        try base.drop("erp") { $0.twin("f", model: floor) }
        let other = try base.changeSet("wms") { $0.twin("late", model: floor) }
        let own = try base.changeSet("erp", policy: policy(.known)) { $0.relationship("f", "has", "late") }
        _ = try base.store.graph.commit([other])[0].get()
        let result = try base.store.graph.commit([own])[0].get()
        #expect(try base.store.history.relationships(of: "f").isEmpty)
        #expect(result.books.waiting + result.books.recordsRejected == 1)
    }

    @Test func `is checked where the twin came while the file was compared`() throws {
        let set = try base.changeSet("erp", policy: policy(.known)) { writer in
            writer.twin("f", model: floor)
            writer.relationship("f", "has", "late")
        }
        try base.drop("wms") { $0.twin("late", model: floor) }
        let result = try base.store.graph.commit([set])[0].get()
        #expect(try base.store.history.relationships(of: "f").isEmpty)
        #expect(result.books.waiting + result.books.recordsRejected == 1)
    }
}

@Suite struct `A twin whose model is gone` {
    let fixture: ServiceFixture
    var store: GraphService<TwinStore> { fixture.store }
    let me = Caller(name: "tester")

    init() throws {
        fixture = try ServiceFixture()
        _ = try store.put(twin: "lab", ServiceFixture.payload("dtmi:test:Lab;1", ["seats": 1]), .none, by: me)
        _ = try store.put(twin: "f", ServiceFixture.payload("dtmi:test:Floor;1"), .none, by: me)
        try store.delete(model: "dtmi:test:Lab;1", by: me)
    }

    @Test func `keeps its components, those without a value too`() throws {
        #expect(try store.twin("lab").document["thermostat"]?["$metadata"] != nil)
        #expect(try store.component("thermostat", ofTwin: "lab").document["$metadata"] != nil)
        let patch: JSON = [["op": "add", "path": "/setPoint", "value": 1]]
        #expect(code { try store.patch(component: "thermostat", ofTwin: "lab", patch, .none, by: me) } == .validationFailed)
    }

    @Test func `can be moved to another model, without what that one does not have`() throws {
        let model: JSON = ["op": "replace", "path": "/$metadata/$model", "value": "dtmi:test:Floor;1"]
        let seats: JSON = ["op": "remove", "path": "/seats"]
        let part: JSON = ["op": "remove", "path": "/thermostat"]
        #expect(code { try store.patch(twin: "lab", [model, seats], .none, by: me) } == .validationFailed)
        _ = try store.patch(twin: "lab", [model, seats, part], .none, by: me)
        #expect(try store.twin("lab").document["thermostat"] == nil)
    }

    @Test func `can be the target of relationships, even of those to what its model extended`() throws {
        _ = try store.put(
            relationship: "r", of: "f", ["$relationshipName": "has", "$targetId": "lab"], .none, by: me)
        #expect(try store.relationship("r", of: "f").document["$targetId"] == "lab")
    }
}
