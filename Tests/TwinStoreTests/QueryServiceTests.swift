import DropCore
import Synchronization
import Testing
import TwinModel
import TwinService

@testable import TwinStore

@Suite struct `A query of the service` {
    let fixture: ServiceFixture
    var store: TwinStore { fixture.base.store }

    init() throws { fixture = try ServiceFixture() }

    private var sequence: UInt64 { store.engine.numbers.state.withLock { $0.sequence } }

    @Test func `sees at once what calls wrote, and what it replaced before`() throws {
        try fixture.room("r1", ["temperature": 20, "tags": ["red": "yes"]])
        try fixture.room("r2", ["temperature": 25.5])
        _ = try fixture.store.put(twin: "lab", ServiceFixture.payload("dtmi:test:Lab;1", ["level": 2]), .none, by: fixture.me)
        try fixture.floor("f")
        let relationship: JSON = ["$targetId": "r2", "$relationshipName": "has", "since": 7]
        _ = try fixture.store.put(relationship: "x", of: "f", relationship, .none, by: fixture.me)
        let before = sequence
        _ = try fixture.patch("r1", #"[{"op":"replace","path":"/temperature","value":30}]"#)
        try fixture.store.delete(twin: "lab", .none, by: fixture.me)

        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE temperature >= 25.5") == ["r1", "r2"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE temperature < 25", asOf: .sequence(before)) == ["r1"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE tags.red = 'yes'") == ["r1"])
        let join = "SELECT B, R.since FROM DIGITALTWINS A JOIN B RELATED A.has R WHERE A.$dtId = 'f'"
        #expect(try store.rows(join) == [["B": try fixture.store.twin("r2").document, "since": 7]])
        let page = try fixture.store.query("SELECT * FROM RELATIONSHIPS", continuation: nil, limit: 10)
        #expect(page.rows == [try fixture.store.relationship("x", of: "f").document])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'lab'", asOf: .sequence(before)) == ["lab"])
    }

    @Test func `knows the models as they are, and who has which`() throws {
        func counts() throws -> [Int64?] {
            try ["Room", "Lab", "Floor"].map {
                try store.count("SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:test:\($0);1')")
            } + [try store.count("SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:test:Room;1', exact)")]
        }
        try fixture.room("r1")
        try fixture.room("r2")
        _ = try fixture.store.put(twin: "lab", ServiceFixture.payload("dtmi:test:Lab;1"), .none, by: fixture.me)
        try fixture.floor("f")
        #expect(try counts() == [3, 1, 1, 2])
        _ = try fixture.patch("r1", #"[{"op":"replace","path":"/$metadata/$model","value":"dtmi:test:Lab;1"}]"#)
        try fixture.store.delete(twin: "r2", .none, by: fixture.me)
        try fixture.room("r3")
        #expect(try counts() == [3, 2, 1, 1])
        #expect(store.engine.versions.twinModels.isCurrent(sequence))
        try fixture.store.delete(model: "dtmi:test:Lab;1", by: fixture.me)
        #expect(try counts() == [1, 2, 1, 1])
        try fixture.base.reopen()
        #expect(try counts() == [1, 2, 1, 1])
    }

    @Test func `shows components, set or not, and metadata`() throws {
        try fixture.room("r1")
        try fixture.room("r2", ["thermostat": ["$metadata": [:], "setPoint": 21]])
        try fixture.floor("f")
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE IS_DEFINED(thermostat)") == ["r1", "r2"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE IS_OBJECT(thermostat) AND thermostat.setPoint = 21.0") == ["r2"])
        #expect(
            try store.ids("SELECT * FROM DIGITALTWINS WHERE IS_DEFINED(thermostat.$metadata.setPoint.lastUpdateTime)") == ["r2"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE $metadata.$lastUpdateTime > '2000-01-01'").count == 3)
        let row = try store.rows("SELECT T.thermostat, T.$etag FROM DIGITALTWINS T WHERE T.$dtId = 'r1'")[0]
        let document = try fixture.store.twin("r1")
        #expect(row == ["thermostat": try #require(document.document["thermostat"]), "$etag": .string(document.etag)])
    }
}
