import Testing
import TwinModel

@testable import HomeConfiguration

@Suite struct `A number in settings that is compared with text` {
    private static let schema = """
        {"type": "object", "properties": {
          "nulls": {"type": ["array", "string", "number"], "format": "word",
            "items": {"type": ["string", "number"], "format": "word"}},
          "factor": {"type": "number"}}}
        """

    private func home(_ settings: String) throws -> Home {
        try Home("sources:\n  s:\n    plugin: reader\n    settings: \(settings)\n", readerSchema: Self.schema)
    }

    @Test(arguments: ["1.10", "[a, 1.10]", "[1.50, 2]", "-0", "1e3"])
    func `is refused where a plugin would read another text`(nulls: String) throws {
        let errors = try home("{nulls: \(nulls)}").errors
        #expect(errors.count == 1)
        #expect(errors.first?.description.contains("Put it in quotes.") == true, "\(errors)")
        #expect(errors.first?.description.contains("twindrop.yaml:4") == true, "\(errors)")
    }

    @Test(arguments: ["[0, -999, 9.5, 0123]", "'1.10'", "[\"1.50\"]"])
    func `is taken where it stays as it is written`(nulls: String) throws {
        #expect(try home("{nulls: \(nulls), factor: 1.10}").errors == [])
    }
}
