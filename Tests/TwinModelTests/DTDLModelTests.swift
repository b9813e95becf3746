import Testing

@testable import TwinModel

/// One Interface in a version of the language, with members and contents of its own.
func interface(
    _ version: Int, _ name: String = "room", extensions: [String] = [], contents: String = "", members: String = ""
) -> String {
    let context = (["dtmi:dtdl:context;\(version)"] + extensions).map { "\"\($0)\"" }.joined(separator: ", ")
    let rest = (contents.isEmpty ? "" : ", \"contents\": [\(contents)]") + (members.isEmpty ? "" : ", \(members)")
    return "{\"@context\": [\(context)], \"@id\": \"dtmi:test:\(name);1\", \"@type\": \"Interface\"\(rest)}"
}

func property(_ name: String, _ schema: String, type: String = "\"Property\"", more: String = "") -> String {
    "{\"@type\": \(type), \"name\": \"\(name)\", \"schema\": \(schema)\(more.isEmpty ? "" : ", \(more)")}"
}

func reading(
    _ texts: [String], _ options: ModelOptions = ModelOptions(), on base: ModelSet = ModelSet()
) -> ModelReading {
    base.reading(
        texts.enumerated().map { ModelDocument(name: "\($0.offset).json", bytes: Array($0.element.utf8)) }, options: options)
}

@Suite struct `A model` {
    @Test(arguments: 2...4)
    func `becomes an effective model with all it inherits`(version: Int) throws {
        let base = interface(version, "base", contents: property("temperature", "\"double\""))
        let room = interface(
            version, "room",
            contents: """
                {"@type": "Relationship", "name": "contains", "target": "dtmi:test:elsewhere;1",
                 "properties": [{"@type": "Property", "name": "since", "schema": "date"}]},
                {"@type": "Telemetry", "name": "pulse", "schema": "integer"},
                {"@type": "Component", "name": "door", "schema": "dtmi:test:base;1"}
                """,
            members: "\"extends\": \"dtmi:test:base;1\", \"displayName\": {\"de\": \"Raum\"}, \"description\": \"A room\"")
        let read = reading([room, base])
        #expect(read.errors == [] && read.unresolved == [])
        let model = try #require(read.models.interfaces["dtmi:test:room;1"])
        #expect(model.effective.ancestors == ["dtmi:test:room;1", "dtmi:test:base;1"])
        #expect(model.effective.properties == ["temperature": .primitive(.double)])
        #expect(model.effective.components == ["door": "dtmi:test:base;1"])
        #expect(model.effective.telemetry == ["pulse"])
        #expect(
            model.effective.relationships == [
                "contains": EffectiveRelationship(target: "dtmi:test:elsewhere;1", properties: ["since": .primitive(.date)])
            ])
        #expect(model.displayName == [JSON.Member("de", "Raum")] && model.description == [JSON.Member("en", "A room")])
        #expect(model.dependencies == ["dtmi:test:base;1"] && model.relationshipTargets == ["dtmi:test:elsewhere;1"])
        #expect(String(decoding: model.definition, as: UTF8.self) == room)
    }

    @Test func `is read on top of models that are known, and those stay as they are`() throws {
        let base = reading([interface(3, "base", contents: property("height", "\"double\""))]).models
        let read = reading([interface(3, "room", members: "\"extends\": \"dtmi:test:base;1\"")], on: base)
        #expect(read.isValid && read.read == ["dtmi:test:room;1"])
        #expect(read.models.interfaces["dtmi:test:room;1"]?.effective.properties.keys.sorted() == ["height"])
        let clash = reading(
            [interface(3, "hall", contents: property("height", "\"double\""), members: "\"extends\": \"dtmi:test:base;1\"")],
            on: base)
        #expect(clash.errors.map(\.id) == [.nonUniqueImportedPropertyValue])
        #expect(clash.models.interfaces.count == 1)
        #expect(reading([interface(3, "base")], on: base).errors.map(\.id) == [.duplicateDefinition])
        #expect(read.models.removing("dtmi:test:room;1").interfaces.keys.sorted() == ["dtmi:test:base;1"])
    }

    @Test func `that refers to what nobody defines is incomplete, with the place of the reference`() {
        let text =
            "{\n\"@context\": \"dtmi:dtdl:context;3\", \"@id\": \"dtmi:a;1\", \"@type\": \"Interface\",\n  \"extends\": \"dtmi:b;1\"\n}"
        let read = reading([text])
        #expect(read.errors == [])
        #expect(
            read.unresolved == [
                UnresolvedReference(
                    id: "dtmi:b;1", element: "dtmi:a;1", property: "extends", file: "0.json",
                    place: TextPlace(line: 3, column: 14))
            ])
    }

    @Test func `knows the text of each of its interfaces, nested ones too`() throws {
        let inner = "{\"@id\": \"dtmi:test:inner;1\", \"@type\": \"Interface\"}"
        let outer = interface(3, contents: "{\"@type\": \"Component\", \"name\": \"part\", \"schema\": \(inner)}")
        let read = reading(["[\(outer)]"])
        #expect(read.isValid)
        #expect(read.models.interfaces["dtmi:test:inner;1"].map { String(decoding: $0.definition, as: UTF8.self) } == inner)
    }

    @Test func `that contains itself is built one round at a time (version 4)`() throws {
        let text = interface(
            4, contents: property("tree", "\"dtmi:test:tree;1\""),
            members: """
                "schemas": [{"@id": "dtmi:test:tree;1", "@type": "Object", "fields":
                [{"name": "children", "schema": {"@type": "Array", "elementSchema": "dtmi:test:tree;1"}}]}]
                """)
        let models = reading([text]).models
        let schema = try #require(models.interfaces["dtmi:test:room;1"]?.effective.properties["tree"])
        let good = try JSON(parsing: #"{"children": [{"children": []}]}"#)
        let bad = try JSON(parsing: #"{"children": [{"children": [1]}]}"#)
        #expect(schema.violation(of: good) { models.schema($0) } == nil)
        #expect(schema.violation(of: bad) { models.schema($0) }?.pointer == "/children/0/children/0")
    }
}

@Suite struct `A wrong model` {
    typealias Case = (version: Int, text: String, expected: DTDLErrorID)

    static let cases: [Case] = [
        // Document, context, identity
        (3, "[1]", .notJsonObject), (3, "{\"@id\": \"dtmi:a;1\"}", .missingContext),
        (3, "{\"@context\": \"dtmi:foo:bar;1\", \"@id\": \"dtmi:a;1\", \"@type\": \"Interface\"}", .missingDtdlContext),
        (3, interface(5), .unrecognizedContextVersion),
        (3, interface(3, extensions: ["dtmi:foo:bar;1"]), .unresolvableContextSpecifier),
        (3, interface(3, extensions: ["dtmi:dtdl:extension:mqtt;9"]), .unresolvableContextVersion),
        (4, interface(4, extensions: ["dtmi:dtdl:limits:onvif;1"]), .misplacedLimitContext),
        (3, interface(3, "a b"), .invalidId), (2, interface(2, members: "\"@graph\": []"), .topLevelGraphDisallowed),
        (3, interface(3, contents: property("p", "\"double\"", more: "\"@id\": \"dtmi:dtdl:x;1\"")), .reservedId),
        (3, "{\"a\": }", .invalidJSON), (3, "{\"@context\": 1, \"@context\": 2}", .duplicatePropertyName),
        // Types and members
        (3, interface(3, contents: "{\"name\": \"p\", \"schema\": \"double\"}"), .badType),
        (3, interface(3, contents: property("p", "\"double\"", type: "[\"Property\", \"Odd\"]")), .typeUndefinedTerm),
        (3, interface(3, contents: property("p", "\"double\"", type: "[\"Property\", \"dtmi:x y\"]")), .typeInvalidDtmi),
        (3, interface(3, contents: property("p", "\"double\"", more: "\"odd\": 1")), .propertyUndefinedTerm),
        (3, interface(3, contents: property("p", "\"double\"", more: "\"target\": 1")), .propertyIrrelevantDtmiOrTerm),
        (3, interface(3, contents: "{\"@type\": \"Property\", \"name\": \"p\"}"), .missingObjectProperty),
        (3, interface(3, contents: property("p", "\"double\"", more: "\"@index\": 1")), .keywordDisallowed),
        // Literals
        (3, interface(3, contents: property("p_", "\"double\"", more: "\"@id\": \"dtmi:x;1\"")), .stringInvalid),
        (3, interface(3, contents: property("p", "\"double\"", more: "\"writable\": 1")), .booleanNotBoolean),
        (3, interface(3, members: "\"comment\": [\"a\", \"b\"]"), .stringMultipleValues),
        (3, interface(3, members: "\"comment\": {\"@value\": 1}"), .stringValueNotString),
        (3, interface(3, members: "\"displayName\": {\"english\": \"x\"}"), .langStringInvalidCode),
        (2, interface(2, members: "\"displayName\": \"\(String(repeating: "x", count: 65))\""), .langStringValueTooLong),
        (3, interface(3, contents: "{\"@type\": \"Relationship\", \"name\": \"r\", \"minMultiplicity\": 1}"), .valueNotExact),
        (2, interface(2, contents: "{\"@type\": \"Relationship\", \"name\": \"r\", \"maxMultiplicity\": 501}"), .valueAboveRange),
        (
            3, interface(3, contents: "{\"@type\": \"Relationship\", \"name\": \"r\", \"target\": \"http://x\"}"),
            .identifierNotDtmi
        ),
        // References and values
        (3, interface(3, contents: property("p", "\"isochronous\"")), .badDtmiOrTerm),
        (3, interface(3, contents: property("p", "{\"@id\": \"dtmi:x;1\"}")), .idReference),
        (3, interface(3, contents: property("p", "[\"double\", \"string\"]")), .objectMultipleValues),
        (3, interface(3, contents: property("p", "\"double\"") + "," + property("p", "\"string\"")), .nonUniquePropertyValue),
        (
            3,
            interface(
                3,
                contents: property(
                    "p",
                    "{\"@type\": \"Enum\", \"valueSchema\": \"integer\", \"enumValues\": [{\"name\": \"a\", \"enumValue\": \"x\"}]}"
                )),
            .nonConformantDatatype
        ),
        // Structure
        (2, interface(2, contents: property("p", "{\"@type\": \"Array\", \"elementSchema\": \"double\"}")), .excludedType),
        (3, interface(3, contents: property("p", nested("Array", 6))), .excessiveDepthWide),
        (3, interface(3, members: "\"extends\": \"dtmi:test:room;1\""), .recursiveStructureNarrow),
        (
            3, interface(3, contents: "{\"@type\": \"Component\", \"name\": \"c\", \"schema\": \"dtmi:test:room;1\"}"),
            .excludedType
        ),
        (
            3,
            interface(
                3,
                members: "\"schemas\": [{\"@id\": \"dtmi:x;1\", \"@type\": \"Array\", \"elementSchema\": \"dtmi:x;1\"}]"),
            .recursiveStructureWide
        ),
        (3, interface(3, members: "\"comment\": \"\(String(repeating: "x", count: 1_048_577))\""), .stringTooLong),
        // Extensions
        (
            2, interface(2, contents: property("p", "\"double\"", type: "[\"Property\", \"Length\"]")),
            .missingSupplementalObjectProperty
        ),
        (
            2,
            interface(2, contents: property("p", "\"double\"", type: "[\"Property\", \"Length\"]", more: "\"unit\": \"hertz\"")),
            .notRequiredType
        ),
        (
            3,
            interface(
                3, extensions: ["dtmi:dtdl:extension:quantitativeTypes;1"],
                contents: property("p", "\"double\"", type: "[\"Property\", \"Length\"]", more: "\"unit\": \"hertz\"")),
            .wrongParent
        ),
        (
            3,
            interface(
                3, extensions: ["dtmi:dtdl:extension:historization;1"],
                contents: "{\"@type\": [\"Command\", \"Historized\"], \"name\": \"c\"}"), .invalidCotype
        ),
        (
            3,
            interface(
                3, extensions: ["dtmi:dtdl:extension:annotation;1"],
                contents: "{\"@type\": \"Command\", \"name\": \"c\"},"
                    + property("p", "\"double\"", type: "[\"Property\", \"ValueAnnotation\"]", more: "\"annotates\": \"c\"")),
            .notSiblingRequiredType
        ),
    ]

    static func nested(_ type: String, _ depth: Int) -> String {
        depth == 0 ? "\"double\"" : "{\"@type\": \"\(type)\", \"elementSchema\": \(nested(type, depth - 1))}"
    }

    @Test(arguments: cases.indices)
    func `is refused by the reference parser's name of the error`(index: Int) {
        let (_, text, expected) = Self.cases[index]
        let errors = reading([text]).errors
        #expect(errors.contains { $0.id == expected }, "\(text.prefix(400)) gives \(errors.map(\.id))")
    }

    @Test func `may be as large as the language allows, nested interfaces not counted`() {
        func contents(_ count: Int) -> String {
            let comment = "\"comment\": \"\(String(repeating: "x", count: 500))\""
            return (0..<count).map { property("p\($0)", "\"double\"", more: comment) }.joined(separator: ",")
        }
        let inner = "{\"@id\": \"dtmi:test:inner;1\", \"@type\": \"Interface\", \"contents\": [\(contents(1200))]}"
        let component = "{\"@type\": \"Component\", \"name\": \"part\", \"schema\": \(inner)}"
        #expect(reading([interface(3, contents: contents(1200) + "," + component)]).isValid)
        #expect(reading([interface(3, contents: contents(2000))]).errors.map(\.id) == [.partitionTooLarge])
    }

    @Test func `names file, line, column, element and member, and says what to do`() {
        let text = """
            {
              "@context": "dtmi:dtdl:context;3",
              "@id": "dtmi:test:room;1",
              "@type": "Interface",
              "contents": [
                {"@type": "Property", "name": "width", "schema": "doubel"}
              ]
            }
            """
        let errors = reading([text]).errors
        #expect(errors.count == 1)
        #expect(errors.first?.file == "0.json" && errors.first?.place == TextPlace(line: 6, column: 54))
        #expect(errors.first?.element == "dtmi:test:room:_contents:__width;1" && errors.first?.property == "schema")
        #expect(errors.first?.message == "Correct \"doubel\" in \"schema\": it is neither a known term nor an identifier.")
    }

    @Test func `has a sentence for every error`() {
        for id in DTDLErrorID.allCases { #expect(DTDLErrorID.sentences[id] != nil, "\(id)") }
    }

    @Test func `may be right by itself and still be wrong for Azure`() {
        let azure = ModelOptions(profile: .azure)
        let command = interface(3, contents: "{\"@type\": \"Command\", \"name\": \"open\"}")
        #expect(reading([command]).isValid)
        #expect(reading([command], azure).errors.map(\.id) == [.azureCommand])
        #expect(reading([interface(4)], azure).errors.map(\.id) == [.azureVersionNotSupported])
        let inline = interface(3, members: "\"extends\": {\"@id\": \"dtmi:test:base;1\", \"@type\": \"Interface\"}")
        #expect(reading([inline]).isValid)
        #expect(reading([inline], azure).errors.map(\.id) == [.azureInlineInterface])
        let mqtt = interface(3, extensions: ["dtmi:dtdl:extension:mqtt;1"])
        #expect(reading([mqtt], azure).errors.map(\.id) == [.azureContextNotSupported])
    }

    @Test func `of an older version may stand in a newer one, never the other way round`() {
        let old = interface(2, "old")
        let new = interface(3, "new")
        #expect(reading([old, interface(3, members: "\"extends\": \"dtmi:test:old;1\"")]).isValid)
        #expect(
            reading([new, interface(2, members: "\"extends\": \"dtmi:test:new;1\"")]).errors.map(\.id) == [
                .disallowedVersionReference
            ])
    }

    @Test func `does not hide what is wrong with the others, nor accuse those that refer to it`() {
        let wrong = interface(3, "wrong", contents: "{}")
        let heir = interface(3, "heir", members: "\"extends\": \"dtmi:test:wrong;1\"")
        let lost = interface(3, "lost", members: "\"extends\": \"dtmi:test:nowhere;1\"")
        let documents = [wrong, heir, lost].enumerated().map {
            ModelDocument(name: "\($0.offset)", bytes: Array($0.element.utf8))
        }
        let together = ModelVerdict.judge(documents, options: ModelOptions())
        #expect(together.map(\.isValid) == [false, true, false])
        #expect(together[2].findings.map(\.id) == ["unresolvedReference"])
        #expect(ModelVerdict.judgeEach(documents, options: ModelOptions()).map(\.isValid) == [false, false, false])
    }

    @Test(arguments: ["[", "{", "{\"@context\": ["])
    func `is refused when it is nested deeper than a stack would bear`(opening: String) {
        let text = String(repeating: opening, count: 100_000)
        #expect(reading([text]).errors.map(\.id) == [.invalidJSON])
    }

    @Test func `is judged in a time that grows with its size, whatever leads where`() {
        let ids = (0..<40).map { "dtmi:test:o\($0);1" }
        let schemas = ids.map { id in
            let fields = ids.enumerated().map { "{\"name\": \"f\($0.offset)\", \"schema\": \"\($0.element)\"}" }
            return "{\"@id\": \"\(id)\", \"@type\": \"Object\", \"fields\": [\(fields.joined(separator: ","))]}"
        }
        let text = interface(
            4, contents: property("p", "\"\(ids[0])\""), members: "\"schemas\": [\(schemas.joined(separator: ","))]")
        let clock = ContinuousClock()
        let spent = clock.measure { _ = reading([text]) }
        #expect(spent < .seconds(20))
    }
}

@Suite struct `An identifier` {
    @Test(arguments: [
        ("dtmi:foo;1", true), ("dtmi:foo:bar", true), ("dtmi:foo:bar;1.34#part", true), ("dtmi:foo:bar;1#", true),
        ("dtmi:;1", false),
        ("dtmi:foo;0", false), ("dtmi:foo;01", false), ("dtmi:foo;1.0", false), ("dtmi:foo_;1", false), ("dtmi:1foo;1", false),
        ("dtmi:foo:bar;999999999", true), ("dtmi:foo;1000000000", false), ("urn:foo;1", false), ("dtmi:foo;", false),
    ])
    func `follows the grammar`(text: String, isValid: Bool) { #expect((DTMI(text) != nil) == isValid) }

    @Test func `made for an element stands before the version`() {
        #expect(DTMI.appending("_contents:__door", to: "dtmi:a:b;1") == "dtmi:a:b:_contents:__door;1")
        #expect(DTMI.appending("_schema", to: "dtmi:a:b") == "dtmi:a:b:_schema")
        #expect(DTMI("dtmi:a:_contents:__door;1")?.isReserved == true)
    }
}
