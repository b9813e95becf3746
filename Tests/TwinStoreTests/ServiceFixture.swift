import DropCore
import Synchronization
import Testing
import TwinModel
import TwinService

@testable import TwinStore

/// A store with a clock that tests move, and some models.
final class ServiceFixture {
    let base: StoreFixture
    let me = Caller(name: "tester")

    var store: GraphService<TwinStore> { GraphService(base.store) }

    init(models: Bool = true) throws {
        base = try StoreFixture()
        if models { _ = try store.upload(models: Self.models.map(Self.model), by: me) }
    }

    static func model(_ text: String) throws -> ModelText {
        ModelText(text: Array(text.utf8), value: try JSON(parsing: text))
    }

    /// A room with a thermostat, on a floor; a lab is a room.
    static let models = [
        """
        {"@context":"dtmi:dtdl:context;2","@id":"dtmi:test:Thermostat;1","@type":"Interface","displayName":"Thermostat",
        "contents":[{"@type":"Property","name":"setPoint","schema":"double"},{"@type":"Property","name":"mode","schema":
        {"@type":"Enum","valueSchema":"string","enumValues":[{"name":"on","enumValue":"on"},{"name":"off","enumValue":"off"}]}}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Room;1","@type":"Interface","description":{"de":"Raum"},"contents":[
        {"@type":"Property","name":"temperature","schema":"double"},{"@type":"Property","name":"seats","schema":"integer"},
        {"@type":"Property","name":"name","schema":"string"},{"@type":"Property","name":"since","schema":"dateTime"},
        {"@type":"Property","name":"place","schema":{"@type":"Object","fields":[{"name":"x","schema":"integer"},
        {"name":"y","schema":"integer"}]}},{"@type":"Property","name":"tags","schema":{"@type":"Map",
        "mapKey":{"name":"key","schema":"string"},"mapValue":{"name":"value","schema":"string"}}},
        {"@type":"Property","name":"readings","schema":{"@type":"Array","elementSchema":"double"}},
        {"@type":"Component","name":"thermostat","schema":"dtmi:test:Thermostat;1"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Lab;1","@type":"Interface","extends":"dtmi:test:Room;1",
        "contents":[{"@type":"Property","name":"level","schema":"integer"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;2","@id":"dtmi:test:Floor;1","@type":"Interface","contents":[
        {"@type":"Property","name":"number","schema":"integer"},{"@type":"Relationship","name":"has","target":"dtmi:test:Room;1",
        "properties":[{"@type":"Property","name":"since","schema":"integer"}]},{"@type":"Relationship","name":"above"}]}
        """,
    ]

    /// A payload of a model.
    static func payload(_ model: String = "dtmi:test:Room;1", _ members: KeyValuePairs<String, JSON> = [:]) -> JSON {
        var all: [JSON.Member] = [.init("$metadata", ["$model": .string(model)])]
        all += members.map { .init($0.key, $0.value) }
        if model.contains("Room") || model.contains("Lab"), !members.contains(where: { $0.key == "thermostat" }) {
            all.append(.init("thermostat", ["$metadata": [:]]))
        }
        return .object(all)
    }

    @discardableResult
    func room(_ id: String, _ members: KeyValuePairs<String, JSON> = [:]) throws -> ServiceEntity {
        try store.put(twin: id, Self.payload("dtmi:test:Room;1", members), .none, by: me)
    }

    @discardableResult
    func floor(_ id: String) throws -> ServiceEntity {
        try store.put(twin: id, Self.payload("dtmi:test:Floor;1"), .none, by: me)
    }

    func patch(_ id: String, _ text: String, _ condition: Precondition = .none) throws -> String {
        try store.patch(twin: id, JSON(parsing: text), condition, by: me)
    }
}

extension JSON {
    /// A value by a path of names.
    subscript(at path: String...) -> JSON? {
        var value: JSON? = self
        for name in path { value = value?[name] }
        return value
    }
}

/// The code of the service error that `body` throws; nil where it throws none.
func code(_ body: () throws -> some Any) -> ServiceError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        guard let error = error as? ServiceError else {
            Issue.record("\(error) is no error of the service.")
            return nil
        }
        return error.code
    }
}
