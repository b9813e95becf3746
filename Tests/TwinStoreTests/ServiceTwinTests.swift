import DropCore
import Testing
import TwinModel
import TwinService

@testable import TwinStore

@Suite struct `Twins of the service` {
    let fixture: ServiceFixture
    var store: GraphService<TwinStore> { fixture.store }

    init() throws { fixture = try ServiceFixture() }

    @Test func `are read back as they were put`() throws {
        let put = try fixture.room(
            "r1",
            [
                "temperature": 68, "since": "2026-11-21T08:54:00.5000000Z", "place": ["x": 1], "tags": ["a b": "c"],
                "readings": [1.5, 2], "name": "é",
            ])
        let read = try store.twin("r1")
        #expect(read == put)
        #expect(read.document["$dtId"] == "r1")
        #expect(read.document["$etag"]?.string == read.etag)
        #expect(read.document["temperature"] == 68)
        #expect(read.document["since"] == "2026-11-21T08:54:00.5000000Z")
        #expect(read.document["place"] == ["x": 1])
        #expect(read.document["readings"] == [1.5, 2])
        #expect(read.document[at: "$metadata", "$model"] == "dtmi:test:Room;1")
        #expect(read.document[at: "thermostat", "$metadata"] != nil)
        let time = read.document[at: "$metadata", "temperature", "lastUpdateTime"]?.string
        #expect(time?.utf8.count == "2026-11-21T08:54:00.5000000Z".utf8.count)
        #expect(read.document[at: "$metadata", "$lastUpdateTime"]?.string == time)
    }

    @Test func `keep a whole number apart from one with a fraction`() throws {
        let twin = try fixture.room("r1", ["temperature": .double(1)])
        #expect(twin.document["temperature"] == .double(1))
        #expect(twin.document.text(.wire).contains("\"temperature\":1.0,"))
    }

    @Test func `survive a restart`() throws {
        let put = try fixture.room("r1", ["temperature": 68, "since": "2026-11-21T08:54:00Z"])
        _ = try fixture.patch("r1", #"[{"op":"add","path":"/$metadata/since/sourceTime","value":"2026-01-01T00:00:00Z"}]"#)
        let before = try store.twin("r1")
        try fixture.base.reopen()
        #expect(try store.twin("r1") == before)
        #expect(put.etag != before.etag)
    }

    @Test func `ignore ids, tags and times of a payload`() throws {
        let payload = try JSON(
            parsing: """
                {"$dtId":"other","$etag":null,"$metadata":{"$model":"dtmi:test:Floor;1","$lastUpdateTime":"x",
                "number":{"lastUpdateTime":"2000-01-01T00:00:00Z","sourceTime":"2001-01-01T00:00:00Z"}},"number":3}
                """)
        let twin = try store.put(twin: "f", payload, .none, by: fixture.me).document
        #expect(twin["$dtId"] == "f")
        #expect(twin[at: "$metadata", "number", "sourceTime"] == "2001-01-01T00:00:00Z")
        #expect(twin[at: "$metadata", "number", "lastUpdateTime"]?.string?.hasPrefix("2000") == false)
    }

    @Test(
        arguments: [
            (#"{"number":1}"#, .validationFailed), ("[]", .invalidArgument), ("null", .invalidArgument),
            (#"{"$metadata":{"$model":"dtmi:no:Model;1"}}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Floor;1"},"numbers":1}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Floor;1"},"number":1.5}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Floor;1"},"number":null}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Floor;1"},"has":"x"}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Room;1"}}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Room;1"},"thermostat":{"mode":"maybe"}}"#, .validationFailed),
        ] as [(String, ServiceError.Code)])
    func `are refused where the model does not allow them`(payload: String, code expected: ServiceError.Code) throws {
        let payload = try JSON(parsing: payload)
        #expect(code { try store.put(twin: "x", payload, .none, by: fixture.me) } == expected)
        #expect(code { try store.twin("x") } == .twinNotFound)
    }

    @Test func `name every problem of a payload in its details`() throws {
        let payload = ServiceFixture.payload("dtmi:test:Room;1", ["a": 1, "temperature": "x"])
        let error = #expect(throws: ServiceError.self) { try store.put(twin: "x", payload, .none, by: fixture.me) }
        #expect(error?.message == "Invalid twin specified")
        #expect(error?.details.count == 2)
        #expect(error?.details.first?.message == "a does not appear on the DTDL for Twin.")
        #expect(error?.details.last?.message.hasPrefix("Expected value of type double for temperature on Twin.") == true)
    }

    @Test func `are created only where they are absent, when asked so`() throws {
        try fixture.floor("f")
        #expect(
            code { try store.put(twin: "f", ServiceFixture.payload("dtmi:test:Floor;1"), .ifAbsent, by: fixture.me) }
                == .preconditionFailed)
        #expect(code { try store.put(twin: "g", ServiceFixture.payload("dtmi:test:Floor;1"), .ifAbsent, by: fixture.me) } == nil)
    }

    @Test func `have another tag after every change, and are guarded by it`() throws {
        let first = try fixture.room("r", ["seats": 1]).etag
        let second = try fixture.room("r", ["seats": 1]).etag
        let third = try fixture.patch("r", #"[{"op":"replace","path":"/seats","value":1}]"#, .ifTagged(["no", second]))
        #expect(Set([first, second, third]).count == 3)
        #expect(try store.twin("r").etag == third)
        #expect(code { try fixture.patch("r", "[]", .ifTagged([first])) } == .preconditionFailed)
        #expect(try fixture.patch("r", "[]", .ifPresent) == third)
        #expect(code { try store.delete(twin: "r", .ifTagged([second]), by: fixture.me) } == .preconditionFailed)
        #expect(code { try store.delete(twin: "r", .ifTagged([third]), by: fixture.me) } == nil)
        #expect(code { try store.delete(twin: "r", .none, by: fixture.me) } == .twinNotFound)
    }

    @Test func `come anew after a delete, with a new tag and no old values`() throws {
        let first = try fixture.room("r", ["seats": 1])
        try store.delete(twin: "r", .none, by: fixture.me)
        let second = try fixture.room("r")
        #expect(first.etag != second.etag)
        #expect(second.document["seats"] == nil)
    }

    @Test func `change only in what a patch touches`() throws {
        let before = try fixture.room("r", ["seats": 1, "temperature": 20, "thermostat": ["setPoint": 21]]).document
        _ = try fixture.patch("r", #"[{"op":"replace","path":"/seats","value":2},{"op":"remove","path":"/temperature"}]"#)
        let after = try store.twin("r").document
        #expect(after["seats"] == 2)
        #expect(after["temperature"] == nil)
        #expect(after[at: "$metadata", "temperature"] == nil)
        #expect(after["thermostat"] == before["thermostat"])
        #expect(after[at: "$metadata", "seats"] != before[at: "$metadata", "seats"])
        #expect(after[at: "$metadata", "$lastUpdateTime"] == after[at: "$metadata", "seats", "lastUpdateTime"])
    }

    @Test(
        arguments: [
            (#"[{"op":"move","path":"/seats","from":"/x"}]"#, .invalidPatch), (#"[{}]"#, .invalidPatch),
            (#"[{"op":"replace","path":"/temperature","value":1}]"#, .invalidPatch),
            (#"[{"op":"remove","path":"/temperature"}]"#, .invalidPatch),
            (#"[{"op":"add","path":"/place/x","value":1}]"#, .invalidPatch),
            (#"[{"op":"add","path":"/nowhere","value":1}]"#, .validationFailed),
            (#"[{"op":"add","path":"/seats","value":"many"}]"#, .validationFailed),
            (#"[{"op":"add","path":"/seats"}]"#, .invalidPatch),
            (#"[{"op":"add","path":"/$dtId","value":"x"}]"#, .invalidPatch),
            (#"[{"op":"replace","path":"/$metadata/seats/lastUpdateTime","value":"x"}]"#, .invalidPatch),
            (#"[{"op":"add","path":"/$metadata/temperature/sourceTime","value":"2020-01-01T00:00:00Z"}]"#, .invalidPatch),
            (#"[{"op":"add","path":"/$metadata/seats/sourceTime","value":"soon"}]"#, .validationFailed),
            (#"[{"op":"remove","path":"/thermostat"}]"#, .validationFailed),
            (#"[{"op":"add","path":"/seats","value":5},{"op":"remove","path":"/name"}]"#, .invalidPatch),
        ] as [(String, ServiceError.Code)])
    func `keep out of a patch that is refused, as a whole`(patch: String, code expected: ServiceError.Code) throws {
        let before = try fixture.room("r", ["seats": 1])
        #expect(code { try fixture.patch("r", patch) } == expected)
        #expect(try store.twin("r") == before)
        #expect(code { try fixture.patch("nobody", patch) } == .twinNotFound)
    }

    @Test func `take operations of a patch in their order`() throws {
        try fixture.room("r", ["seats": 1])
        _ = try fixture.patch(
            "r",
            """
            [{"op":"replace","path":"/seats","value":2},{"op":"remove","path":"/seats"},{"op":"add","path":"/place","value":{"x":1}},
            {"op":"add","path":"/place/y","value":2},{"op":"add","path":"/tags","value":{}},{"op":"add","path":"/tags/a~1b~0","value":"c"}]
            """)
        let twin = try store.twin("r").document
        #expect(twin["seats"] == nil)
        #expect(twin["place"] == ["x": 1, "y": 2])
        #expect(twin["tags"] == ["a/b~": "c"])
    }

    @Test func `keep a source time while only the value changes`() throws {
        try fixture.room("r", ["seats": 1])
        _ = try fixture.patch("r", #"[{"op":"add","path":"/$metadata/seats/sourceTime","value":"2020-01-01T00:00:00.1Z"}]"#)
        _ = try fixture.patch("r", #"[{"op":"replace","path":"/seats","value":2}]"#)
        #expect(try store.twin("r").document[at: "$metadata", "seats", "sourceTime"] == "2020-01-01T00:00:00.1Z")
        _ = try fixture.patch("r", #"[{"op":"remove","path":"/seats"},{"op":"add","path":"/seats","value":3}]"#)
        #expect(try store.twin("r").document[at: "$metadata", "seats", "sourceTime"] == nil)
    }

    @Test func `move to another model when the result conforms to it`() throws {
        try fixture.room("r", ["seats": 1])
        #expect(code { try fixture.patch("r", #"[{"op":"add","path":"/level","value":1}]"#) } == .validationFailed)
        _ = try fixture.patch(
            "r",
            """
            [{"op":"replace","path":"/$metadata/$model","value":"dtmi:test:Lab;1"},{"op":"add","path":"/level","value":1}]
            """)
        #expect(try store.twin("r").document[at: "$metadata", "$model"] == "dtmi:test:Lab;1")
        #expect(
            code { try fixture.patch("r", #"[{"op":"replace","path":"/$metadata/$model","value":"dtmi:test:Floor;1"}]"#) }
                == .validationFailed)
    }

    @Test func `have their components read and patched below their names`() throws {
        let twin = try fixture.room("r", ["thermostat": ["$metadata": [:], "mode": "on"]])
        let component = try store.component("thermostat", ofTwin: "r")
        #expect(component.etag == twin.etag)
        #expect(component.document["mode"] == "on")
        #expect(component.document["$dtId"] == nil)
        let tag = try store.patch(
            component: "thermostat", ofTwin: "r", [["op": "replace", "path": "/mode", "value": "off"]], .ifTagged([twin.etag]),
            by: fixture.me)
        #expect(try store.twin("r").etag == tag)
        #expect(try store.component("thermostat", ofTwin: "r").document["mode"] == "off")
        #expect(code { try store.component("oven", ofTwin: "r") } == .componentNotFound)
        #expect(code { try store.component("oven", ofTwin: "x") } == .twinNotFound)
        let patch: JSON = [["op": "add", "path": "/mode", "value": "off"]]
        #expect(code { try store.patch(component: "oven", ofTwin: "r", patch, .none, by: fixture.me) } == .invalidPatch)
    }

    @Test func `show when a component lost a property`() throws {
        try fixture.room("r", ["thermostat": ["mode": "on"]])
        _ = try store.patch(component: "thermostat", ofTwin: "r", [["op": "remove", "path": "/mode"]], .none, by: fixture.me)
        let twin = try store.twin("r").document
        #expect(twin["thermostat"]?.members?.count == 1)
        #expect(twin[at: "thermostat", "$metadata", "$lastUpdateTime"] == twin[at: "$metadata", "$lastUpdateTime"])
    }

    @Test func `take telemetry of a twin that exists, and keep none`() throws {
        let before = try fixture.room("r")
        func send(_ twin: String, _ component: String?, _ payload: JSON = ["any": 1]) -> ServiceError.Code? {
            code {
                try store.telemetry(
                    twin: twin, component: component, messageID: "1", sourceTime: nil, payload: payload, by: fixture.me)
            }
        }
        #expect(send("r", nil) == nil)
        #expect(send("r", "thermostat") == nil)
        #expect(send("r", "oven") == .componentNotFound)
        #expect(send("x", nil) == .twinNotFound)
        #expect(send("r", nil, [1]) == .validationFailed)
        #expect(try store.twin("r") == before)
    }
}
