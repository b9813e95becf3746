import DropCore
import Testing
import TwinModel

@testable import TwinService

@Suite struct `The models of a graph` {
    private let models: ModelCatalog

    init() throws { models = try RulesFixture.models() }

    private func upload(_ texts: String...) throws -> ModelChange {
        try models.uploading(texts.map(RulesFixture.model), at: 5)
    }

    private static let fresh = #"{"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:New;1","@type":"Interface"}"#

    @Test func `are taken all or none`() throws {
        let change = try upload(Self.fresh)
        #expect(change.added.map(\.id) == ["dtmi:test:New;1"] && change.changed == ["dtmi:test:New;1"])
        #expect(change.catalog.entries["dtmi:test:New;1"]?.data.uploadTime == 5)
        #expect(try code { try upload(Self.fresh, RulesFixture.texts[0]) } == .modelExists)
        #expect(try code { try upload(Self.fresh, Self.fresh) } == .invalidModel)
        #expect(try code { try upload(#"{"@id":"dtmi:test:New;1"}"#) } == .invalidModel)
    }

    @Test func `are kept while others stand on them`() throws {
        #expect(try code { try models.deleting("dtmi:test:Room;1") } == .modelReferencesNotDeleted)
        #expect(try code { try models.deleting("dtmi:test:Thermostat;1") } == .modelReferencesNotDeleted)
        let change = try models.deleting("dtmi:test:Lab;1")
        #expect(change.removed == ["dtmi:test:Lab;1"] && change.catalog.shape("dtmi:test:Lab;1") == nil)
        #expect(try code { try change.catalog.deleting("dtmi:test:Room;1") } == nil)
        #expect(try code { try models.deleting("dtmi:no:Model;1") } == .modelNotFound)
        #expect(try code { try models.deleting("no model") } == .invalidArgument)
    }

    @Test func `are decommissioned when no active model stands on them`() throws {
        let room = "dtmi:test:Room;1"
        #expect(try code { try models.decommissioning(room, true) as Any } == .modelReferencesNotDecommissioned)
        let change = try #require(try models.decommissioning("dtmi:test:Lab;1", true))
        #expect(change.changed.isEmpty && change.catalog.entries["dtmi:test:Lab;1"]?.data.isDecommissioned == true)
        #expect(try change.catalog.decommissioning("dtmi:test:Lab;1", true) == nil, "nothing changes")
        #expect(try #require(try change.catalog.decommissioning(room, true)).decommissioned?.id == room)
    }

    @Test func `come in pages, with what they stand on where that is asked for`() throws {
        let first = try models.page(dependenciesFor: [], after: nil, limit: 3)
        #expect(first.elements.map(\.id) == ["dtmi:test:Floor;1", "dtmi:test:Lab;1", "dtmi:test:Room;1"])
        let rest = try models.page(dependenciesFor: [], after: first.next, limit: 3)
        #expect(rest.elements.map(\.id) == ["dtmi:test:Thermostat;1"] && rest.next == nil)
        let lab = try models.page(dependenciesFor: ["dtmi:test:Lab;1"], after: nil, limit: 9)
        #expect(lab.elements.map(\.id) == ["dtmi:test:Lab;1", "dtmi:test:Room;1", "dtmi:test:Thermostat;1"])
        #expect(try code { try models.page(dependenciesFor: ["dtmi:no:Model;1"], after: nil, limit: 1) } == .modelNotFound)
    }

    @Test func `go all at once`() throws {
        let change = try #require(models.deletingAll())
        #expect(change.removed == models.ids && change.catalog.ids.isEmpty && change.removesAll)
        #expect(change.catalog.deletingAll() == nil)
    }
}

@Suite struct `The view of a twin` {
    @Test func `has properties and components, and when each was said`() {
        var (view, texts) = (TwinView(id: "t", tag: "W/\"1\"", model: "dtmi:m;1"), TickTexts())
        view.add(PropertyPath(nil, "a"), 1, at: 10, sourceTime: "2020-01-01T00:00:00Z", &texts)
        view.add(PropertyPath("part", "b"), 2, at: 30, sourceTime: nil, &texts)
        view.add(component: "other")
        view.note(component: "part", at: 20)
        view.lastUpdate = view.newest
        let zero = "1970-01-01T00:00:00."
        #expect(
            view.document(&texts).text()
                == #"{"$dtId":"t","$etag":"W/\"1\"","a":1,"part":{"b":2,"$metadata":{"$lastUpdateTime":"\#(zero)0000030Z","#
                + #""b":{"lastUpdateTime":"\#(zero)0000030Z"}}},"other":{"$metadata":{}},"$metadata":{"$model":"dtmi:m;1","#
                + #""$lastUpdateTime":"\#(zero)0000030Z","a":{"lastUpdateTime":"\#(zero)0000010Z","#
                + #""sourceTime":"2020-01-01T00:00:00Z"}}}"#)
        #expect(view.component("other", &texts)?.text() == #"{"$metadata":{}}"#)
        #expect(view.component("none", &texts) == nil)
    }
}
