import DropCore
import Testing
import TwinModel
import TwinService

@testable import TwinStore

@Suite struct `Models of the service` {
    let fixture: ServiceFixture
    var store: GraphService<TwinStore> { fixture.store }
    let me: Caller

    init() throws {
        fixture = try ServiceFixture()
        me = fixture.me
    }

    private func upload(_ texts: String...) throws -> [ModelData] {
        try store.upload(models: texts.map(ServiceFixture.model), by: me)
    }

    @Test func `come back in the order and with the text of their upload`() throws {
        let text = #"{"@context":["dtmi:dtdl:context;3"], "@id":"dtmi:test:B;1","@type":"Interface","displayName":"B"}"#
        let other = #"{"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:A;1","@type":"Interface"}"#
        let answer = try upload(text, other)
        #expect(answer.map(\.id) == ["dtmi:test:B;1", "dtmi:test:A;1"])
        #expect(try store.model("dtmi:test:B;1").definition == Array(text.utf8))
        #expect(try store.model("dtmi:test:B;1").displayName == [.init("en", "B")])
        #expect(try store.model("dtmi:test:Room;1").description == [.init("de", "Raum")])
        #expect(answer[0].uploadTime > 0)
        try fixture.base.reopen()
        #expect(try store.model("dtmi:test:B;1") == answer[0])
        #expect(code { try fixture.room("r", ["seats": 1]) } == nil)
    }

    @Test func `are stored all or none`() throws {
        let fresh = #"{"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:New;1","@type":"Interface"}"#
        #expect(code { try upload(fresh, ServiceFixture.models[0]) } == .modelExists)
        #expect(code { try store.model("dtmi:test:New;1") } == .modelNotFound)
        let lost =
            #"{"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Lost;1","@type":"Interface","extends":"dtmi:no:Parent;1"}"#
        #expect(code { try upload(fresh, lost) } == .invalidModel)
        #expect(code { try upload(fresh, fresh) } == .invalidModel)
        #expect(code { try upload() } == .invalidArgument)
        #expect(code { try store.model("dtmi:test:New;1") } == .modelNotFound)
        #expect(code { try store.model("no model") } == .invalidArgument)
    }

    @Test func `are listed with what they depend on, page by page`() throws {
        let all = try store.models(dependenciesFor: [], after: nil, limit: 100)
        #expect(all.elements.map(\.id) == ["Floor", "Lab", "Room", "Thermostat"].map { "dtmi:test:\($0);1" })
        #expect(all.next == nil)
        let lab = try store.models(dependenciesFor: ["dtmi:test:Lab;1"], after: nil, limit: 100)
        #expect(lab.elements.map(\.id) == ["Lab", "Room", "Thermostat"].map { "dtmi:test:\($0);1" })
        let first = try store.models(dependenciesFor: ["dtmi:test:Lab;1"], after: nil, limit: 2)
        let second = try store.models(dependenciesFor: ["dtmi:test:Lab;1"], after: first.next, limit: 2)
        #expect(first.elements.count == 2 && second.elements.map(\.id) == ["dtmi:test:Thermostat;1"] && second.next == nil)
        #expect(code { try store.models(dependenciesFor: ["dtmi:no:Model;1"], after: nil, limit: 2) } == .modelNotFound)
    }

    @Test func `take no new twins once they are decommissioned, and keep the old ones`() throws {
        try fixture.floor("old")
        try store.decommission(model: "dtmi:test:Floor;1", true, by: me)
        try store.decommission(model: "dtmi:test:Floor;1", true, by: me)
        #expect(try store.model("dtmi:test:Floor;1").isDecommissioned)
        #expect(code { try fixture.floor("new") } == .modelDecommissioned)
        #expect(code { try fixture.patch("old", #"[{"op":"add","path":"/number","value":1}]"#) } == nil)
        #expect(code { try fixture.floor("old") } == nil)
        try store.decommission(model: "dtmi:test:Floor;1", false, by: me)
        #expect(code { try fixture.floor("new") } == nil)
        #expect(
            code { try store.decommission(model: "dtmi:test:Room;1", true, by: me) } == .modelReferencesNotDecommissioned)
        #expect(code { try store.decommission(model: "dtmi:no:Model;1", true, by: me) } == .modelNotFound)
    }

    @Test func `cannot be deleted while others need them`() throws {
        #expect(code { try store.delete(model: "dtmi:test:Room;1", by: me) } == .modelReferencesNotDeleted)
        #expect(code { try store.delete(model: "dtmi:test:Thermostat;1", by: me) } == .modelReferencesNotDeleted)
        try store.delete(model: "dtmi:test:Lab;1", by: me)
        try store.delete(model: "dtmi:test:Room;1", by: me)
        #expect(code { try store.delete(model: "dtmi:test:Room;1", by: me) } == .modelNotFound)
    }

    @Test func `leave orphans that can be read and deleted, and not written`() throws {
        let floor = try fixture.floor("f")
        try fixture.room("r")
        let has: JSON = ["$relationshipName": "above", "$targetId": "r"]
        _ = try store.put(relationship: "1", of: "f", has, .none, by: me)
        try store.delete(model: "dtmi:test:Floor;1", by: me)
        #expect(try store.twin("f").document[at: "$metadata", "$model"] == floor.document[at: "$metadata", "$model"])
        #expect(code { try fixture.patch("f", #"[{"op":"add","path":"/number","value":1}]"#) } == .validationFailed)
        #expect(code { try store.put(relationship: "2", of: "f", has, .none, by: me) } == .validationFailed)
        #expect(try store.relationships(of: "f", named: nil, after: nil, limit: 10).elements.count == 1)
        try store.delete(relationship: "1", of: "f", .none, by: me)
        _ = try upload(ServiceFixture.models[3])
        #expect(code { try fixture.patch("f", #"[{"op":"add","path":"/number","value":1}]"#) } == nil)
        try store.delete(model: "dtmi:test:Floor;1", by: me)
        #expect(code { try store.delete(twin: "f", .none, by: me) } == nil)
    }

    @Test func `can be uploaded again with other content, which then holds`() throws {
        try fixture.floor("f")
        _ = try fixture.patch("f", #"[{"op":"add","path":"/number","value":1}]"#)
        try store.delete(model: "dtmi:test:Floor;1", by: me)
        _ = try upload(
            #"{"@context":"dtmi:dtdl:context;2","@id":"dtmi:test:Floor;1","@type":"Interface","contents":[{"@type":"Property","name":"number","schema":"string"}]}"#
        )
        #expect(try store.twin("f").document["number"] == 1)
        #expect(code { try fixture.patch("f", #"[{"op":"add","path":"/number","value":2}]"#) } == .validationFailed)
        #expect(code { try fixture.patch("f", #"[{"op":"replace","path":"/number","value":"2"}]"#) } == nil)
    }

    @Test func `of files are left out where they are stored already`() throws {
        let spaced = ServiceFixture.models[3].replacing(",", with: " , ")
        #expect(try store.uploadNew(models: [ServiceFixture.model(spaced)], by: me).isEmpty)
        let other = spaced.replacing("\"number\"", with: "\"count\"")
        #expect(code { try store.uploadNew(models: [ServiceFixture.model(other)], by: me) } == .modelExists)
    }
}
