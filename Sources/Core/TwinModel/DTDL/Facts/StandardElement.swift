/// An element that the language or an extension defines, for documents to refer to: `double`, `point`, `kilometre`.
struct StandardElement: Sendable {
    let id: String
    let kind: DTDLClass
    /// The language version of documents that may refer to it, and newer ones if a member says so.
    let version: Int
    /// Of a unit: its unit type.
    var unitType: String?
    /// Steps through `schema` and `elementSchema` below it.
    var depth = 0
    /// Whether there is an Array in it.
    var hasArray = false
    /// As values are checked against it; nil if it has no values.
    var schema: DTDLSchema?

    /// Primitive schemas, geospatial ones, command types and those of extensions, by id.
    static let all: [String: StandardElement] = {
        var all: [String: StandardElement] = [:]
        for element in core + central + Extension.all.values.flatMap(\.elements) { all[element.id] = element }
        return all
    }()

    private static let core: [StandardElement] = (2...4).flatMap { version in
        let primitives = DTDLClass.allCases.compactMap { kind -> StandardElement? in
            guard let primitive = kind.primitive, kind.exists(in: version) else { return nil }
            return StandardElement(
                id: "dtmi:dtdl:instance:Schema:\(primitive.rawValue);\(version)", kind: kind, version: version,
                schema: .primitive(primitive))
        }
        let commandTypes = ["synchronous", "asynchronous"].map {
            StandardElement(id: "dtmi:dtdl:instance:CommandType:\($0);\(version)", kind: .commandType, version: version)
        }
        return primitives + commandTypes + geospatial(version) + (version == 4 ? [scaledDecimal] : [])
    }

    private static func geospatial(_ version: Int) -> [StandardElement] {
        DTDLSchema.Geospatial.allCases.map { kind in
            StandardElement(
                id: "dtmi:standard:schema:geospatial:\(kind.rawValue);\(version)", kind: .object, version: version,
                depth: kind.schemaDepth, hasArray: true, schema: .geospatial(kind))
        }
    }

    private static let scaledDecimal = StandardElement(
        id: "dtmi:standard:schema:scaledDecimal;4", kind: .object, version: 4, depth: 1,
        schema: .object([
            .init(name: "value", schema: .primitive(.decimal)), .init(name: "scale", schema: .primitive(.short)),
        ]))

    private static let central: [StandardElement] = [
        StandardElement(
            id: "dtmi:iotcentral:schema:geopoint;2", kind: .object, version: 2, depth: 1,
            schema: .object(["lat", "lon", "alt"].map { .init(name: $0, schema: .primitive(.double)) })),
        StandardElement(
            id: "dtmi:iotcentral:schema:vector;2", kind: .object, version: 2, depth: 1,
            schema: .object(["x", "y", "z"].map { .init(name: $0, schema: .primitive(.double)) })),
    ]
}

extension DTDLSchema.Geospatial {
    /// Steps through `schema` and `elementSchema` from the Object to a number.
    var schemaDepth: Int {
        switch self {
        case .point: 2
        case .multiPoint, .lineString: 3
        case .multiLineString, .polygon: 4
        case .multiPolygon: 5
        }
    }
}
