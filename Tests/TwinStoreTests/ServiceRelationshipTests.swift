import DropCore
import Testing
import TwinModel
import TwinService

@testable import TwinStore

@Suite struct `Relationships of the service` {
    let fixture: ServiceFixture
    var store: GraphService<TwinStore> { fixture.store }
    let me: Caller

    init() throws {
        fixture = try ServiceFixture()
        me = fixture.me
        try fixture.floor("f")
        for room in ["r1", "r2"] { try fixture.room(room) }
        _ = try store.put(twin: "lab", ServiceFixture.payload("dtmi:test:Lab;1"), .none, by: me)
    }

    @discardableResult
    private func has(_ id: String, _ target: String, _ more: KeyValuePairs<String, JSON> = [:]) throws -> ServiceEntity {
        let members: [JSON.Member] = [.init("$relationshipName", "has"), .init("$targetId", .string(target))]
        return try store.put(
            relationship: id, of: "f", .object(members + more.map { .init($0.key, $0.value) }), .none, by: me)
    }

    @Test func `are read back as they were put`() throws {
        let put = try has("1", "r1", ["since": 2020, "$etag": nil, "$sourceId": "other", "$relationshipId": nil])
        #expect(try store.relationship("1", of: "f") == put)
        let expected: JSON = [
            "$relationshipId": "1", "$etag": .string(put.etag), "$sourceId": "f", "$relationshipName": "has", "$targetId": "r1",
            "since": 2020,
        ]
        #expect(put.document == expected)
        try fixture.base.reopen()
        #expect(try store.relationship("1", of: "f") == put)
    }

    @Test func `lead to twins of a model that extends the target`() throws {
        #expect(code { try has("1", "lab") } == nil)
    }

    @Test(
        arguments: [
            (#"{}"#, .invalidArgument), (#"{"$relationshipName":"has"}"#, .invalidArgument),
            (#"{"$relationshipName":"has","$targetId":"x"}"#, .targetNotFound),
            (#"{"$relationshipName":"has","$targetId":"f"}"#, .operationNotAllowed),
            (#"{"$relationshipName":"owns","$targetId":"r1"}"#, .invalidRelationship),
            (#"{"$relationshipName":"has","$targetId":"f2"}"#, .invalidRelationship),
            (#"{"$relationshipName":"has","$targetId":"r1","since":"x"}"#, .validationFailed),
            (#"{"$relationshipName":"has","$targetId":"r1","until":1}"#, .validationFailed),
        ] as [(String, ServiceError.Code)])
    func `are refused where the model does not allow them`(payload: String, code expected: ServiceError.Code) throws {
        try fixture.floor("f2")
        let payload = try JSON(parsing: payload)
        #expect(code { try store.put(relationship: "1", of: "f", payload, .none, by: me) } == expected)
        #expect(code { try store.put(relationship: "1", of: "x", payload, .none, by: me) } == .twinNotFound)
        #expect(code { try store.relationship("1", of: "f") } == .relationshipNotFound)
    }

    @Test func `change their properties by patches, and nothing else`() throws {
        let first = try has("1", "r1", ["since": 2020]).etag
        func patch(_ text: String, _ condition: Precondition = .none) throws -> String {
            try store.patch(relationship: "1", of: "f", JSON(parsing: text), condition, by: me)
        }
        #expect(try patch("[]") == first)
        let second = try patch(#"[{"op":"replace","path":"/since","value":2021}]"#, .ifTagged([first]))
        #expect(second != first)
        #expect(code { try patch(#"[{"op":"remove","path":"/since"}]"#, .ifTagged([first])) } == .preconditionFailed)
        #expect(code { try patch(#"[{"op":"replace","path":"/$targetId","value":"r2"}]"#) } == .invalidPatch)
        #expect(code { try patch(#"[{"op":"remove","path":"/until"}]"#) } == .invalidPatch)
        #expect(code { try patch(#"[{"op":"add","path":"/until","value":1}]"#) } == .validationFailed)
        #expect(try store.relationship("1", of: "f").document["since"] == 2021)
        _ = try patch(#"[{"op":"remove","path":"/since"}]"#)
        #expect(try store.relationship("1", of: "f").document["since"] == nil)
    }

    @Test func `are listed by name, page by page, from both ends`() throws {
        for number in 1...5 { try has("\(number)", "r1") }
        _ = try store.put(relationship: "6", of: "f", ["$relationshipName": "above", "$targetId": "r2"], .none, by: me)
        var ids: [String] = []
        var next: String?
        repeat {
            let page = try store.relationships(of: "f", named: "has", after: next, limit: 2)
            ids += page.elements.compactMap { $0["$relationshipId"]?.string }
            next = page.next
        } while next != nil
        #expect(ids == ["1", "2", "3", "4", "5"])
        #expect(try store.relationships(of: "f", named: nil, after: nil, limit: 10).elements.count == 6)
        #expect(try store.relationships(of: "f", named: "1", after: nil, limit: 10).elements.isEmpty)
        let incoming = try store.incomingRelationships(of: "r2", after: nil, limit: 10).elements
        #expect(incoming == [["$relationshipId": "6", "$sourceId": "f", "$relationshipName": "above"]])
        #expect(code { try store.relationships(of: "x", named: nil, after: nil, limit: 1) } == .twinNotFound)
    }

    @Test func `keep their twins from being deleted, at both ends`() throws {
        try has("1", "r1")
        #expect(code { try store.delete(twin: "f", .none, by: me) } == .relationshipsNotDeleted)
        #expect(code { try store.delete(twin: "r1", .none, by: me) } == .relationshipsNotDeleted)
        try store.delete(relationship: "1", of: "f", .none, by: me)
        #expect(code { try store.delete(relationship: "1", of: "f", .none, by: me) } == .relationshipNotFound)
        #expect(code { try store.delete(twin: "f", .none, by: me) } == nil)
    }

    @Test func `are replaced by another put, and only made where asked so`() throws {
        let first = try has("1", "r1", ["since": 1])
        let second = try has("1", "r2")
        #expect(first.etag != second.etag)
        #expect(second.document["since"] == nil)
        #expect(try store.incomingRelationships(of: "r1", after: nil, limit: 9).elements.isEmpty)
        let payload: JSON = ["$relationshipName": "has", "$targetId": "r1"]
        #expect(code { try store.put(relationship: "1", of: "f", payload, .ifAbsent, by: me) } == .preconditionFailed)
    }

    @Test func `go with everything else, history kept`() throws {
        try has("1", "r1")
        var steps = 0
        while try store.deleteSome(2, by: me) > 0 { steps += 1 }
        #expect(steps >= 4)
        #expect(try store.models(dependenciesFor: [], after: nil, limit: 9).elements.isEmpty)
        #expect(code { try store.twin("f") } == .twinNotFound)
        #expect(try fixture.base.store.history.history("f").map(\.kind) == [.deleted, .created])
    }

    @Test func `and twins are written many at once, each whole or refused by itself`() throws {
        let refusals = try store.put(
            twins: [
                TwinPayload("a", ServiceFixture.payload("dtmi:test:Floor;1")), TwinPayload("b", []),
                TwinPayload("c", ServiceFixture.payload("dtmi:test:Lab;1")),
            ],
            by: me)
        #expect(refusals.map { $0?.code } == [nil, .invalidArgument, nil])
        let edges = try store.put(
            relationships: [
                RelationshipPayload(source: "a", "1", ["$relationshipName": "has", "$targetId": "c"]),
                RelationshipPayload(source: "b", "1", ["$relationshipName": "has", "$targetId": "c"]),
            ], by: me)
        #expect(edges.map { $0?.code } == [nil, .twinNotFound])
        var lines: [String] = []
        try store.export { part in
            switch part {
            case .model(let model): lines.append(model.id)
            case .twin(let twin, _): lines.append(twin["$dtId"]?.string ?? "")
            case .relationship(let relationship, _): lines.append(relationship["$relationshipId"]?.string ?? "")
            }
        }
        #expect(lines.suffix(7) == ["f", "r1", "r2", "lab", "a", "c", "1"])
        #expect(lines.count == 4 + 6 + 1)
    }

    @Test func `and event routes are stored, six at most`() throws {
        func put(_ id: String) throws { try store.put(eventRoute: id, endpoint: "hub", filter: "true", by: me) }
        for number in 1...6 { try put("\(number)") }
        #expect(code { try put("7") } == .limitExceeded)
        #expect(code { try put("6") } == nil)
        #expect(try store.eventRoute("2") == ["id": "2", "endpointName": "hub", "filter": "true"])
        let first = try store.eventRoutes(after: nil, limit: 4)
        #expect(first.elements.count == 4 && first.next == "4")
        #expect(try store.eventRoutes(after: first.next, limit: 4).elements.count == 2)
        try store.delete(eventRoute: "2", by: me)
        #expect(code { try store.delete(eventRoute: "2", by: me) } == .eventRouteNotFound)
        #expect(code { try store.eventRoute("2") } == .eventRouteNotFound)
    }
}
