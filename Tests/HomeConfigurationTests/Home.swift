import Foundation

@testable import HomeConfiguration

/// A home in a temporary folder, with a plugin `reader` that has a schema and a plugin `mapping` that has one too; removed at the
/// end of the test.
final class Home {
    let path: String

    init(_ yaml: String = "", readerSchema: String = Home.readerSchema) throws {
        path = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path + "/twindrop-\(UUID().uuidString)"
        try write("plugins/reader.plugin.json", #"{"id": "reader", "version": "1.0.0", "settings": \#(readerSchema)}"#)
        try write("plugins/mapping.plugin.json", #"{"id": "mapping", "version": "1.0.0", "settings": \#(Self.readerSchema)}"#)
        try write("plugins/free.plugin.json", #"{"id": "free", "version": "1.0.0"}"#)
        try write("twindrop.yaml", yaml)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    }

    func load() throws -> Configuration { try Configuration.load(home: path) }

    /// The errors of a load that must fail, as people see them; empty when it does not.
    var errors: [ConfigurationError] {
        do throws(ConfigurationErrors) {
            _ = try Configuration.load(home: path)
            return []
        } catch {
            return error.errors
        }
    }

    static let readerSchema = """
        {"type": "object", "required": ["table"], "additionalProperties": false, "properties": {
          "table": {"type": "string", "maxLength": 8, "description": "the table to fill"},
          "columns": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/column"}},
          "skip": {"type": "integer", "minimum": 0, "maximum": 100},
          "header": {"oneOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]},
          "quoting": {"enum": ["none", "standard", "backslash"]},
          "names": {"type": "object", "additionalProperties": {"type": "string"}}},
         "$defs": {"column": {"type": "object", "required": ["name"], "additionalProperties": false,
          "properties": {"name": {"type": "string"}, "width": {"type": "number"}}}}}
        """
}
