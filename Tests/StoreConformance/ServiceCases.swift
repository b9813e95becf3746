import DropCore
import Testing
import TwinModel
import TwinService

@Suite struct `The twin service on any store` {
    @Test(arguments: StoreMaker.allCases)
    func `gives a new tag with every change, and guards by it`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        let first = try fixture.room("r").etag
        let second = try fixture.room("r").etag
        let third = try fixture.patch("r", #"[{"op":"replace","path":"/seats","value":1}]"#, .ifTagged(["no", second]))
        #expect(Set([first, second, third]).count == 3)
        #expect(try fixture.service.twin("r").etag == third)
        #expect(try code { try fixture.room("r", .ifAbsent) } == .preconditionFailed)
        #expect(try code { try fixture.room("new", .ifPresent) } == .preconditionFailed)
        #expect(try code { try fixture.patch("r", "[]", .ifTagged([first])) } == .preconditionFailed)
        #expect(try fixture.patch("r", "[]", .ifPresent) == third)
        #expect(try code { try fixture.service.delete(twin: "r", .ifTagged([second]), by: fixture.me) } == .preconditionFailed)
        try fixture.service.delete(twin: "r", .ifTagged([third]), by: fixture.me)
        #expect(try code { try fixture.service.twin("r") } == .twinNotFound)
    }

    @Test(arguments: StoreMaker.allCases)
    func `changes what a patch touches, and its time, and nothing else`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        let before = try fixture.room("r").document
        _ = try fixture.patch(
            "r", #"[{"op":"add","path":"/$metadata/seats/sourceTime","value":"2020-01-01T00:00:00Z"}]"#)
        _ = try fixture.service.patch(
            component: "thermostat", ofTwin: "r", [["op": "add", "path": "/setPoint", "value": 20.5]], .none, by: fixture.me)
        let after = try fixture.service.twin("r").document
        #expect(after["seats"] == 1)
        #expect(after["$metadata"]?["seats"]?["sourceTime"] == "2020-01-01T00:00:00Z")
        #expect(after["thermostat"]?["setPoint"] == 20.5)
        #expect(before["$metadata"]?["$lastUpdateTime"] != after["$metadata"]?["$lastUpdateTime"])
        #expect(after["thermostat"]?["$metadata"]?["$lastUpdateTime"] == after["$metadata"]?["$lastUpdateTime"])
        _ = try fixture.patch("r", #"[{"op":"remove","path":"/seats"}]"#)
        #expect(try fixture.service.twin("r").document["$metadata"]?["seats"] == nil)
        #expect(try code { try fixture.patch("r", #"[{"op":"add","path":"/seats","value":"many"}]"#) } == .validationFailed)
        #expect(try code { try fixture.service.component("oven", ofTwin: "r") } == .componentNotFound)
    }

    @Test(arguments: StoreMaker.allCases)
    func `shows values of files and of calls alike`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        try fixture.drop { writer in
            writer.twin(
                "r", model: "dtmi:test:Room;1",
                [
                    "since": .dateTime(microseconds: 1_760_000_000_250_000, offsetMinutes: 120),
                    "thermostat/setPoint": .double(21.5),
                ])
        }
        let shown = try #require(try fixture.twin("r"))
        #expect(shown["since"] == "2025-10-09T10:53:20.25+02:00")
        #expect(shown["thermostat"]?["setPoint"] == 21.5)
        _ = try fixture.patch("r", #"[{"op":"replace","path":"/since","value":"2025-10-09T10:53:20.25+02:00"}]"#)
        let again = try fixture.drop { writer in
            writer.twin("r", ["since": .dateTime(microseconds: 1_760_000_000_250_000, offsetMinutes: 120)])
        }
        #expect(again.books.unchanged == 1, "\(again.books)")
    }

    @Test(arguments: StoreMaker.allCases)
    func `is whole or not at all`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        let twins = [
            TwinPayload("f", ["$metadata": ["$model": "dtmi:test:Floor;1"]]), TwinPayload("bad", ["x": 1]),
            TwinPayload("free", ["x": 1], isChecked: false),
        ]
        #expect(try fixture.service.put(twins: twins, by: fixture.me).map { $0?.code } == [nil, .validationFailed, nil])
        #expect(try fixture.twin("bad") == nil)
        #expect(try fixture.twin("free") == ["$dtId": "free", "x": 1])
        var lines: [String] = []
        try fixture.service.export { part in
            switch part {
            case .model(let model): lines.append(model.id)
            case .twin(let twin, let conforms): lines.append("\(twin["$dtId"]?.string ?? "") \(conforms)")
            case .relationship(let link, _): lines.append(link["$relationshipId"]?.string ?? "")
            }
        }
        #expect(lines.suffix(2) == ["f true", "free false"])
        var left: [Int] = []
        while let count = try? fixture.service.deleteSome(1, by: fixture.me), count > 0 { left.append(count) }
        #expect(left == [1, 1, 4])
    }

    // MARK: Pages

    @Test(arguments: StoreMaker.allCases)
    func `gives relationships in pages, each once, while others come and go`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        for id in ["f", "g"] { try fixture.floor(id) }
        for number in 0..<5 {
            try fixture.room("r\(number)")
            try fixture.link("f", "has", "r\(number)", id: "has-\(number)")
        }
        try fixture.link("f", "above", "g", id: "above")
        func ids(_ named: String?, _ after: String?) throws -> (ids: [String], next: String?) {
            let page = try fixture.service.relationships(of: "f", named: named, after: after, limit: 2)
            return (page.elements.compactMap { $0["$relationshipId"]?.string }, page.next)
        }
        let first = try ids("has", nil)
        #expect(first.ids == ["has-0", "has-1"])
        try fixture.service.delete(relationship: "has-0", of: "f", .none, by: fixture.me)
        let second = try ids("has", first.next)
        #expect(second.ids == ["has-2", "has-3"])
        let third = try ids("has", second.next)
        #expect(third.ids == ["has-4"] && third.next == nil)
        #expect(try ids("none", nil).ids == [])
        #expect(try ids("above", nil).ids == ["above"])
        let incoming = try fixture.service.incomingRelationships(of: "g", after: nil, limit: 9)
        #expect(incoming.elements == [["$relationshipId": "above", "$sourceId": "f", "$relationshipName": "above"]])
        #expect(incoming.next == nil)
        for after in ["x", "-1"] { #expect(try code { try ids(nil, after) } == .invalidPage) }
        #expect(try code { try fixture.service.relationships(of: "nobody", named: nil, after: nil, limit: 1) } == .twinNotFound)
    }

    @Test(arguments: StoreMaker.allCases)
    func `gives models and event routes in pages, in the order of their ids`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        let first = try fixture.service.models(dependenciesFor: [], after: nil, limit: 3)
        let rest = try fixture.service.models(dependenciesFor: [], after: first.next, limit: 3)
        #expect(first.elements.count == 3 && rest.elements.map(\.id) == ["dtmi:test:Thermostat;1"] && rest.next == nil)
        for id in ["b", "a", "c", "d", "e", "f"] {
            try fixture.service.put(eventRoute: id, endpoint: "x", filter: "true", by: fixture.me)
        }
        #expect(
            try code { try fixture.service.put(eventRoute: "g", endpoint: "x", filter: "true", by: fixture.me) } == .limitExceeded
        )
        let page = try fixture.service.eventRoutes(after: nil, limit: 2)
        #expect(page.elements.map { $0["id"] } == ["a", "b"] && page.next == "b")
        try fixture.service.delete(eventRoute: "b", by: fixture.me)
        #expect(try fixture.service.eventRoutes(after: "b", limit: 9).elements.map { $0["id"] } == ["c", "d", "e", "f"])
        #expect(try code { try fixture.service.eventRoute("b") } == .eventRouteNotFound)
    }

    @Test(arguments: StoreMaker.allCases)
    func `keeps twins whose model goes, and judges them by the one that comes`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        try fixture.room("r")
        try fixture.service.delete(model: "dtmi:test:Lab;1", by: fixture.me)
        #expect(
            try code { try fixture.service.delete(model: "dtmi:test:Thermostat;1", by: fixture.me) } == .modelReferencesNotDeleted
        )
        try fixture.service.delete(model: "dtmi:test:Floor;1", by: fixture.me)
        try fixture.service.delete(model: "dtmi:test:Room;1", by: fixture.me)
        #expect(try fixture.service.twin("r").document["thermostat"]?["$metadata"] != nil, "its components are known still")
        #expect(try code { try fixture.patch("r", #"[{"op":"replace","path":"/seats","value":2}]"#) } == .validationFailed)
        try fixture.upload([Fixture.models[1]])
        #expect(try code { try fixture.patch("r", #"[{"op":"replace","path":"/seats","value":2}]"#) } == nil)
    }
}
