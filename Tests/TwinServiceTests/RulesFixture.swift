import DropCore
import TwinModel
import TwinService

/// Models that the rules are tried on: a room with a thermostat, on a floor; a lab is a room.
enum RulesFixture {
    static let texts = [
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Thermostat;1","@type":"Interface","contents":[
        {"@type":"Property","name":"setPoint","schema":"double"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Room;1","@type":"Interface","contents":[
        {"@type":"Property","name":"seats","schema":"integer"},{"@type":"Property","name":"since","schema":"dateTime"},
        {"@type":"Component","name":"thermostat","schema":"dtmi:test:Thermostat;1"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Lab;1","@type":"Interface","extends":"dtmi:test:Room;1",
        "contents":[{"@type":"Property","name":"level","schema":"integer"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Floor;1","@type":"Interface","contents":[
        {"@type":"Relationship","name":"has","target":"dtmi:test:Room;1","properties":[
        {"@type":"Property","name":"since","schema":"integer"}]},{"@type":"Relationship","name":"above"}]}
        """,
    ]

    static func model(_ text: String) throws -> ModelText {
        ModelText(text: Array(text.utf8), value: try JSON(parsing: text))
    }

    static func models() throws -> ModelCatalog {
        try ModelCatalog.empty.uploading(texts.map(model), at: 1).catalog
    }

    /// The patch of a text.
    static func patch(_ text: String) throws -> JSONPatch { try JSONPatch(JSON(parsing: text)) }
}

/// The code of the refusal that `body` throws; nil where it throws none.
func code(_ body: () throws -> some Any) throws -> ServiceError.Code? {
    do {
        _ = try body()
        return nil
    } catch let refusal as ServiceError {
        return refusal.code
    }
}
