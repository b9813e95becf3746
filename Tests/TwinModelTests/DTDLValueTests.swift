import Testing

@testable import TwinModel

@Suite struct `A value checked against its schema` {
    typealias Case = (schema: DTDLSchema, text: String, conforms: Bool)

    static let primitives: [(DTDLSchema.Primitive, good: [String], bad: [String])] = [
        (.boolean, ["true", "false"], ["1", "\"true\"", "null", "[true]"]),
        (.integer, ["3", "-0", "2147483647", "-2147483648"], ["2147483648", "2.0", "-0.0", "1e3", "\"3\"", "true"]),
        (.long, ["9223372036854775807"], ["9223372036854775808", "1.5"]),
        (.byte, ["-128", "127"], ["128", "-129"]),
        (.short, ["-32768"], ["32768"]),
        (.unsignedByte, ["0", "255"], ["256", "-1", "-0"]),
        (.unsignedShort, ["65535"], ["65536"]),
        (.unsignedInteger, ["4294967295"], ["4294967296"]),
        (.unsignedLong, ["18446744073709551615"], ["18446744073709551616", "-0"]),
        (.double, ["3", "-0.0", "1.79769313486231E+308"], ["1.79769313486233E+308", "\"1\""]),
        (.float, ["3.402823E+38"], ["3.402824E+38", "1e999"]),
        (.string, ["\"\"", "\"é\""], ["1", "null"]),
        (.date, ["\"1964-02-29\"", "\"9999-12-31\""], ["\"1965-02-29\"", "\"0000-01-01\"", "\"65-01-01\"", "\"1965-13-01\""]),
        (.time, ["\"06:00:00Z\"", "\"23:59:59.5-01:15\""], ["\"24:00:00Z\"", "\"06:00:60Z\"", "\"06:00:00\"", "\"06:00Z\""]),
        (.dateTime, ["\"1980-01-01T06:00:00.1+11:45\""], ["\"1980-01-01T06:00:00\"", "\"1980-01-01\"", "\"1980-01-01Z\""]),
        (
            .duration, ["\"P3Y6M4DT8H9M5S\"", "\"P2W4DT8H\"", "\"PT0.001S\"", "\"P3.00134Y\""],
            ["\"P\"", "\"PT\"", "\"P1Y3W\"", "\"P6M3Y\"", "\"PT.1S\"", "\"P3.0Y6M\"", "\"P3.4W5D\"", "\"P8H\"", "\"P3Y6M4DT\""]
        ),
        (.decimal, ["\"12.50\"", "\"-0.\"", "\"+7\""], ["\"01\"", "\".5\"", "\"1e3\"", "12.5"]),
        (.bytes, ["\"\"", "\"AQI=\"", "\"AQ==\""], ["\"AQI\"", "\"A===\"", "\"AQ?=\""]),
        (.uuid, ["\"F1C43C38-AEAE-4B7B-9FDC-E36F8B015B99\""], ["\"{c2475401-c02f-4ff6-a865-37585110001f}\"", "\"\""]),
    ]

    @Test(arguments: primitives.indices)
    func `conforms exactly where the language says so`(index: Int) throws {
        let (kind, good, bad) = Self.primitives[index]
        for text in good {
            #expect(DTDLSchema.primitive(kind).violation(of: try node(text)) == nil, "\(kind) \(text)")
        }
        for text in bad { #expect(DTDLSchema.primitive(kind).violation(of: try node(text)) != nil, "\(kind) \(text)") }
    }

    @Test func `names the part at fault by a JSON pointer, the kind found and the rule`() throws {
        let schema = DTDLSchema.object([
            .init(name: "rooms", schema: .map(.array(.primitive(.integer)))), .init(name: "unit", schema: .primitive(.string)),
        ])
        let violation = schema.violation(of: try JSON(parsing: #"{"rooms": {"a/b": [1, "two"]}}"#))
        #expect(violation?.pointer == "/rooms/a~1b/1")
        #expect(violation?.found == "a string")
        #expect(violation?.rule.hasPrefix("an integer") == true)
        #expect(schema.violation(of: .object([])) == nil)
        #expect(schema.violation(of: try JSON(parsing: #"{"other": 1}"#))?.pointer == "/other")
    }

    @Test func `misses a required field`() throws {
        let schema = DTDLSchema.object([.init(name: "id", schema: .primitive(.string), isRequired: true)])
        #expect(schema.violation(of: .object([]))?.found == "nothing")
    }

    @Test func `is one of an enumeration, by kind and by bytes`() throws {
        let schema = DTDLSchema.enumeration([.int(1), .int(2)])
        #expect(schema.violation(of: JSON.int(2)) == nil)
        #expect(schema.violation(of: JSON.string("2")) != nil)
        let words = DTDLSchema.enumeration([.string("\u{E9}")])
        #expect(words.violation(of: JSON.string("\u{E9}")) == nil)
        #expect(words.violation(of: JSON.string("e\u{301}")) != nil)
    }

    @Test func `is GeoJSON of the right depth`() throws {
        let polygon = DTDLSchema.geospatial(.polygon)
        #expect(polygon.violation(of: try JSON(parsing: #"{"type": "Polygon", "coordinates": [[[1, 2.5]]]}"#)) == nil)
        #expect(
            polygon.violation(of: try JSON(parsing: #"{"type": "Polygon", "coordinates": [[1]]}"#))?.pointer == "/coordinates/0/0"
        )
        #expect(polygon.violation(of: try JSON(parsing: #"{"type": "Point"}"#))?.pointer == "/type")
    }

    @Test func `follows a schema that contains itself as deep as the value goes`() throws {
        let tree = DTDLSchema.object([.init(name: "children", schema: .array(.recursive("dtmi:a:tree;1")))])
        let value = try JSON(parsing: #"{"children": [{"children": [{"children": 3}]}]}"#)
        #expect(tree.violation(of: value) { _ in tree }?.pointer == "/children/0/children/0/children")
    }

    private func node(_ text: String) throws -> JSONNode { try JSONNode(reading: Array(text.utf8)) }
}
