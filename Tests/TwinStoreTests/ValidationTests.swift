import DropCore
import Testing
import TwinModel
import TwinService

@testable import TwinStore

@Suite struct `Drops checked against models` {
    let fixture: ServiceFixture
    var base: StoreFixture { fixture.base }
    let room = "dtmi:test:Room;1"
    let floor = "dtmi:test:Floor;1"

    init() throws { fixture = try ServiceFixture() }

    /// The refusals of a drop, committed.
    private func refusals(
        _ validation: ApplyPolicy.Validation = .known, dangling: ApplyPolicy.Dangling = .wait(.seconds(60)),
        models: [String] = [], _ write: (inout OperationWriter) -> Void
    ) throws -> [String] {
        var policy = ApplyPolicy()
        policy.validation = validation
        policy.dangling = dangling
        policy.models = models
        policy.rejectsShareMax = 1
        let set = try base.changeSet("erp", policy: policy, write)
        _ = try base.store.graph.commit([set])[0].get()
        return set.changes.rejections.map { "\($0.code): \($0.message)" }
    }

    @Test(arguments: [
        ("temperature", PropertyValue.string("warm"), "a string"), ("temperature", .bool(true), "boolean"),
        ("seats", .double(1.5), "1.5"), ("seats", .integer(1 << 40), "1099511627776"), ("name", .integer(1), "number"),
        ("since", .string("yesterday"), "string"), ("colour", .string("red"), "does not appear"),
        ("thermostat/mode", .string("maybe"), "string"), ("thermostat/speed", .integer(1), "does not appear"),
        ("oven/mode", .integer(1), "does not appear"), ("place", .json(["z": 1]), "absent"),
        ("name", .string(String(repeating: "x", count: 5000)), "5000 bytes"),
    ]) func `lose a record with a value its model refuses`(property: String, value: PropertyValue, word: String) throws {
        let refused = try refusals { writer in
            writer.twin("r", model: room, [property: value])
            writer.twin("s", model: room, ["seats": .integer(2)])
        }
        #expect(refused.count == 1)
        #expect(refused.first?.hasPrefix("model-refused: The model dtmi:test:Room;1 refuses the twin r: ") == true)
        #expect(refused.first?.contains(word) == true)
        #expect(try base.store.history.twin("r", asOf: .now) == nil)
        #expect(try base.store.history.twin("s", asOf: .now) != nil)
    }

    @Test func `keep every value that conforms`() throws {
        let refused = try refusals { writer in
            writer.twin(
                "r", model: "dtmi:test:Lab;1",
                [
                    "temperature": .integer(20), "seats": .integer(Int64(Int32.min)), "name": .string(""),
                    "since": .dateTime(microseconds: 0, offsetMinutes: 0), "place": .json(["x": 1]), "tags": .json(["a": "b"]),
                    "readings": .json([1, 2.5]), "thermostat/mode": .string("on"), "thermostat/setPoint": .double(21.5),
                    "level": .integer(3),
                ])
            writer.twin(
                "r", model: "dtmi:test:Lab;1", ["temperature": .double(-0.5), "since": .string("2026-01-01T00:00:00+01:00")])
            writer.twin("r", ["colour": .absent, "seats": .integer(Int64(Int32.max))])
        }
        #expect(refused == [])
        #expect(try fixture.store.twin("r").document["seats"] == 2_147_483_647)
    }

    @Test func `let pass what no model is known of, unless the source is strict`() throws {
        func write(_ writer: inout OperationWriter) {
            writer.twin("a", model: "dtmi:no:Model;1", ["x": .integer(1)])
            writer.twin("b", ["x": .integer(1)])
        }
        #expect(try refusals { write(&$0) }.isEmpty)
        #expect(try refusals(.strict) { write(&$0) }.count == 2)
        #expect(try refusals(.off) { $0.twin("c", model: floor, ["number": .string("x")]) }.isEmpty)
    }

    @Test func `use the model a twin has where the operation names none`() throws {
        _ = try refusals { $0.twin("f", model: floor, ["number": .integer(1)]) }
        #expect(try refusals { $0.twin("f", ["number": .string("x")]) }.count == 1)
        #expect(try refusals { $0.twin("f", .patchTwin, ["number": .string("x")]) }.count == 1)
        try base.reopen()
        #expect(try refusals { $0.twin("f", .patchTwin, ["number": .string("x")]) }.count == 1)
        let refused = try refusals { writer in
            writer.twin("new", model: floor, [:])
            writer.twin("new", ["number": .string("x")])
        }
        #expect(refused.count == 1)
    }

    @Test func `refuse another model that a twin's other values do not fit`() throws {
        _ = try refusals { $0.twin("f", model: floor, ["number": .integer(1)]) }
        #expect(try refusals { $0.twin("f", model: room, ["seats": .integer(1)]) }.count == 1)
        let inOneFile = try refusals { writer in
            writer.twin("g", model: floor, ["number": .integer(1)])
            writer.twin("g", model: room, ["seats": .integer(1)])
            writer.twin("f", ["number": .integer(2)])
            writer.twin("f", model: room, ["seats": .integer(1)])
        }
        #expect(inOneFile.count == 2)
        #expect(try refusals { $0.twin("f", .replaceTwin, model: room, ["seats": .integer(1)]) }.isEmpty)
        #expect(try fixture.store.twin("f").document["number"] == nil)
    }

    @Test func `judge every record again when a model changed, and call no file a repetition`() throws {
        func write(_ writer: inout OperationWriter) { writer.twin("f", model: floor, ["number": .integer(1)]) }
        _ = try refusals { write(&$0) }
        let last = try base.drop("erp", write)
        #expect(last.books.unchanged == 1)
        #expect(try base.store.graph.isUntouched(since: last.drop, source: SourceName("erp")!))
        try fixture.store.delete(model: floor, by: fixture.me)
        let other = ServiceFixture.models[3].replacing(
            #""schema":"integer"},{"@type":"Rel"#, with: #""schema":"string"},{"@type":"Rel"#)
        _ = try fixture.store.upload(models: [ServiceFixture.model(other)], by: fixture.me)
        #expect(try !base.store.graph.isUntouched(since: last.drop, source: SourceName("erp")!))
        #expect(try refusals { write(&$0) }.count == 1)
    }

    @Test func `are compared again when a model changes before their commit`() throws {
        try fixture.store.delete(model: floor, by: fixture.me)
        var policy = ApplyPolicy()
        policy.rejectsShareMax = 1
        let set = try base.changeSet("erp", policy: policy) { $0.twin("f", model: floor, ["number": .string("x")]) }
        #expect(set.changes.rejections.isEmpty)
        _ = try fixture.store.upload(models: [ServiceFixture.model(ServiceFixture.models[3])], by: fixture.me)
        _ = try base.store.graph.commit([set])[0].get()
        #expect(set.changes.rejections.count == 1)
        #expect(try base.store.history.twin("f", asOf: .now) == nil)
    }

    @Test func `take no new twin of a decommissioned model`() throws {
        _ = try refusals { $0.twin("old", model: floor, [:]) }
        try fixture.store.decommission(model: floor, true, by: fixture.me)
        let refused = try refusals { writer in
            writer.twin("old", model: floor, ["number": .integer(1)])
            writer.twin("new", model: floor, [:])
        }
        #expect(refused.count == 1)
        #expect(refused.first?.contains("decommissioned") == true)
    }

    @Test(arguments: [ApplyPolicy.Dangling.wait(.seconds(60)), .reject])
    func `lose relationships that the model refuses, wherever the twins stand in the file`(dangling: ApplyPolicy.Dangling) throws
    {
        let refused = try refusals(dangling: dangling) { writer in
            writer.relationship("f", "owns", "r", id: "1")
            writer.relationship("f", "has", "g", id: "2")
            writer.relationship("f", "has", "r", id: "3", .upsertRelationship, ["since": .string("x")])
            writer.relationship("f", "has", "r", id: "4", .upsertRelationship, ["since": .integer(1)])
            writer.twin("f", model: floor, [:])
            writer.twin("g", model: floor, [:])
            writer.twin("r", model: "dtmi:test:Lab;1", [:])
            writer.relationship("f", "above", "g", id: "5")
            writer.relationship("r", "has", "f", id: "6")
        }
        #expect(refused.count == 4)
        #expect(refused.first?.contains("declares no relationship owns") == true)
        let edges = try fixture.store.relationships(of: "f", named: nil, after: nil, limit: 10).elements
        #expect(Set(edges.compactMap { $0["$relationshipId"]?.string }) == ["4", "5"])
    }

    @Test func `still wait for twins that are not there`() throws {
        #expect(try refusals { $0.relationship("f", "has", "r", id: "1") }.isEmpty)
        #expect(try base.store.history.counts().pending == 1)
        _ = try refusals { writer in
            writer.twin("f", model: floor, [:])
            writer.twin("r", model: room, [:])
        }
        #expect(try base.store.history.counts().pending == 0)
        #expect(try fixture.store.relationship("1", of: "f").document["$targetId"] == "r")
    }

    @Test func `stay within the models of their source`() throws {
        _ = try refusals { writer in
            writer.twin("f", model: floor, [:])
            writer.twin("r", model: room, [:])
        }
        func within(_ models: [String], _ write: (inout OperationWriter) -> Void) throws -> [String] {
            try refusals(models: models, write).map { String($0.prefix { $0 != ":" }) }
        }
        #expect(try within([floor]) { $0.twin("x", model: room, [:]) } == ["model"])
        #expect(try within([floor]) { $0.twin("r", ["seats": .integer(1)]) } == ["model"])
        #expect(try within([floor]) { $0.twin("r", .deleteTwin) } == ["model"])
        #expect(try within([room]) { $0.relationship("f", "has", "r", id: "1") } == ["model"])
        #expect(try within([floor]) { $0.relationship("f", "has", "r", id: "1") } == [])
        #expect(try within(["dtmi:test:*"]) { $0.twin("r", ["seats": .integer(1)]) } == [])
        #expect(try within(["dtmi:tes:*"]) { $0.twin("r", ["seats": .integer(2)]) } == ["model"])
    }
}
