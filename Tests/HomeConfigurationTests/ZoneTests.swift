import Foundation
import Testing
import TwinModel

@testable import HomeConfiguration

@Suite struct `A time zone in settings` {
    private static let schema = """
        {"type": "object", "properties": {
          "zone": {"type": "string", "format": "time-zone"},
          "tables": {"type": "array", "items": {"$ref": "#/$defs/table"}},
          "other": {"type": "string"}},
         "$defs": {"table": {"type": "object", "properties": {"zone": {"type": "string", "format": "time-zone"}}}}}
        """

    private func home(_ settings: String) throws -> Home {
        try Home("sources:\n  s:\n    plugin: reader\n    settings: \(settings)\n", readerSchema: Self.schema)
    }

    @Test func `is handed to the plugin with its rules, each once`() throws {
        let home = try home("{zone: Europe/Berlin, tables: [{zone: Asia/Kolkata}, {zone: Europe/Berlin}], other: Europe/Paris}")
        let source = try #require(try home.load().sources.first)
        #expect(source.zones.map(\.key) == ["Europe/Berlin", "Asia/Kolkata"])
        #expect(source.zones.allSatisfy { $0.value.hasPrefix("twindrop-zone 1\n") })
        #expect(source.files.contains { $0.hasSuffix("zoneinfo/Europe/Berlin") }, "a newer tzdata makes the source read again")
    }

    @Test(arguments: ["Z", "\"+01:00\"", "\"-05:30\"", "UTC"])
    func `may be an offset`(zone: String) throws {
        #expect(try home("{zone: \(zone)}").load().sources.first?.zones.isEmpty == true)
    }

    @Test(arguments: [
        "Europe/Berln", "Europe", "../../etc/passwd", "/etc/passwd", "\"+1\"", "posixrules/", "zone.tab", "Mars/Phobos", "right",
    ])
    func `that is none is an error with its place`(zone: String) throws {
        let errors = try home("{zone: \(zone)}").errors
        #expect(errors.count == 1)
        #expect(errors.first?.description.contains("twindrop.yaml:4") == true, "\(errors)")
        #expect(errors.first?.description.contains("Europe/Berlin") == true)
    }
}
