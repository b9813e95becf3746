import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `Models of a home` {
    private static let mapping = """
        twins:
          - id: "room-{id}"
            model: dtmi:com:example:Room;1
            properties: {name: name, seats: {column: seats, type: int}}

        """

    private static func room(_ seats: String = "integer", version: Int = 1) -> String {
        """
        {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:com:example:Room;\(version)", "@type": "Interface", "displayName": "Room",
         "contents": [{"@type": "Property", "name": "name", "schema": "string"},
                      {"@type": "Property", "name": "seats", "schema": "\(seats)"}]}
        """
    }

    private static func home(_ keys: String = "") throws -> Home {
        let home = try Home(
            "sources:\n  rooms:\n    plugin: mapping\n    ready: {rule: rename}\n    mapping: rooms.yaml\n" + keys,
            mappings: ["rooms.yaml": mapping])
        try FileManager.default.createDirectory(atPath: home.path + "/models", withIntermediateDirectories: true)
        return home
    }

    @Test func `hold for dropped files, and are told in the refusal`() throws {
        let home = try Self.home("    guard: {rejects: 100%}\n")
        try home.write("models/room.json", Self.room("boolean"))
        let plan = try home.ask("plan", home.file("a.csv", "id,name,seats\n1,One,4\n"), "--source", "rooms")
        #expect(plan[path: "books/records/rejected"] == 1)
        let receipt = try home.drop("day.csv", "id,name,seats\n1,One,4\n", to: "rooms", code: 1)
        #expect(receipt[path: "books/records/rejected"] == 1)
        let reasons = try home.text(of: "receipts/rooms/" + (receipt[path: "rejects/reasons"]?.string ?? ""))
        let reason = try JSON(parsing: reasons.split(separator: "\n").first.map(String.init) ?? "")
        #expect(reason["code"] == "model-refused")
        for word in ["seats", "boolean", "number", "room-1", "dtmi:com:example:Room;1"] {
            #expect(reason["message"]?.string?.contains(word) == true)
        }
        try home.configure(try home.text(of: "twindrop.yaml") + "    validation: off\n")
        #expect(try home.drop("next.csv", "id,name,seats\n1,One,5\n", to: "rooms")[path: "books/operations/created"] == 1)
    }

    @Test func `stay as they are, and another content of one is refused`() throws {
        let home = try Self.home()
        try home.write("models/room.json", Self.room())
        #expect(try home.run("run", "--once").code == 0)
        try home.write("models/room.json", Self.room().replacingOccurrences(of: " ", with: "\n"))
        #expect(try home.run("run", "--once").code == 0)
        try home.write("models/room.json", Self.room("string"))
        let refused = try home.run("run", "--once")
        #expect(refused.code == 64)
        #expect(refused.err.contains("models/room.json") && refused.err.contains("in the graph since"))
        try home.write("models/room.json", Self.room())
        try home.write("models/second.json", "[" + Self.room("double") + "]")
        let double = try home.run("run", "--once")
        #expect(double.code == 64)
        #expect(double.err.contains("models/second.json") && double.err.contains("models/room.json"))
    }

    @Test func `are uploaded, listed and shown by commands, beside a daemon or without one`() throws {
        let home = try Self.home()
        let first = try home.file("room.json", Self.room())
        #expect(try home.ask("models", "upload", first)["uploaded"] == ["dtmi:com:example:Room;1"])
        let daemon = try Daemon(home)
        let second = try home.file("rooms.json", "[" + Self.room() + "," + Self.room(version: 2) + "]")
        #expect(try home.ask("models", "upload", second)["uploaded"] == ["dtmi:com:example:Room;2"])
        #expect(try home.run("models", "upload", home.file("bad.json", "{}")).code == 64)
        #expect(try home.list("models", "list").map { $0["id"] } == ["dtmi:com:example:Room;1", "dtmi:com:example:Room;2"])
        #expect(try home.shown("models", "show", "dtmi:com:example:Room;1") == Self.room() + "\n")
        #expect(try home.run("models", "show", "dtmi:com:example:Hall;1").code == 1)
        #expect(try daemon.end() == 0)
    }
}
