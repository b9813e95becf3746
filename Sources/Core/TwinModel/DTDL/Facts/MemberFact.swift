/// What the metamodel says about one member of a class, in one language version (docs/dtdl-rules.md, "Classes and members").
struct MemberFact: Sendable {
    enum Kind: Sendable, Equatable {
        case string
        case langString
        case boolean
        case integer
        /// A string or an integer, as the enclosing Enum says.
        case literal
        /// The DTMI of an Interface that need not be known.
        case target
        /// Elements of a class, inline or by reference.
        case elements(DTDLClass)
    }

    let name: String
    let kind: Kind
    var isRequired = false
    var isPlural = false
    /// Most values, nil: any number.
    var countMax: Int?
    /// Least and greatest value of an integer.
    var minimum: Int64?
    var maximum: Int64?
    /// Language versions that an element given here may be of.
    var versions: [Int] = []
    /// The only standard values, if the choice is limited.
    var onlyValues: [String] = []
    /// Whether elements given here need an `@id` of their own.
    var needsID = false

    /// The members that every element may have, then those of `kind`, by name.
    static func members(of kind: DTDLClass, in version: Int) -> [String: MemberFact] { tables[version - 2][kind] ?? [:] }

    private static let tables: [[DTDLClass: [String: MemberFact]]] = (2...4).map { version in
        var table: [DTDLClass: [String: MemberFact]] = [:]
        for kind in DTDLClass.allCases {
            let facts = common + special(kind, version)
            table[kind] = Dictionary(uniqueKeysWithValues: facts.map { ($0.name, $0) })
        }
        return table
    }

    private static let common = [
        MemberFact(name: "comment", kind: .string), MemberFact(name: "description", kind: .langString, isPlural: true),
        MemberFact(name: "displayName", kind: .langString, isPlural: true),
    ]
    private static let name = MemberFact(name: "name", kind: .string, isRequired: true)

    private static func elements(
        _ name: String, _ kind: DTDLClass, required: Bool = false, versions: [Int], only: [String] = []
    ) -> MemberFact {
        MemberFact(name: name, kind: .elements(kind), isRequired: required, versions: versions, onlyValues: only)
    }

    private static func special(_ kind: DTDLClass, _ version: Int) -> [MemberFact] {
        let own = [version]
        let older = Array((2...version).reversed())
        let isV2 = version == 2
        let schema = elements("schema", .schema, required: true, versions: older)
        let writable = MemberFact(name: "writable", kind: .boolean)
        switch kind {
        case .interface:
            return [
                MemberFact(
                    name: "contents", kind: .elements(.content), isPlural: true, countMax: isV2 ? 300 : nil, versions: older),
                MemberFact(
                    name: "extends", kind: .elements(.interface), isPlural: true, countMax: isV2 ? 2 : nil, versions: older,
                    needsID: true),
                MemberFact(name: "schemas", kind: .elements(.complexSchema), isPlural: true, versions: own, needsID: true),
            ]
        case .telemetry: return [name, schema]
        case .property: return [name, schema, writable]
        case .command:
            return [
                name, elements("request", isV2 ? .commandPayload : .commandRequest, versions: own),
                elements("response", isV2 ? .commandPayload : .commandResponse, versions: own),
                elements("commandType", .commandType, versions: own, only: ["synchronous", "asynchronous"]),
            ]
        case .commandPayload, .commandRequest, .commandResponse:
            return [name, schema] + (version >= 4 ? [MemberFact(name: "nullable", kind: .boolean)] : [])
        case .relationship:
            return [
                name, writable, MemberFact(name: "target", kind: .target),
                MemberFact(name: "minMultiplicity", kind: .integer, minimum: 0, maximum: 0),
                MemberFact(name: "maxMultiplicity", kind: .integer, minimum: 1, maximum: isV2 ? 500 : nil),
                MemberFact(
                    name: "properties", kind: .elements(.property), isPlural: true, countMax: isV2 ? 300 : nil, versions: older),
            ]
        case .component:
            return [
                name,
                MemberFact(name: "schema", kind: .elements(.interface), isRequired: true, versions: older, needsID: true),
            ]
        default: return schemaMembers(kind, version, schema)
        }
    }

    private static func schemaMembers(_ kind: DTDLClass, _ version: Int, _ schema: MemberFact) -> [MemberFact] {
        let own = [version]
        let older = Array((2...version).reversed())
        let isV2 = version == 2
        switch kind {
        case .array: return [elements("elementSchema", .schema, required: true, versions: older)]
        case .enumeration:
            return [
                MemberFact(
                    name: "enumValues", kind: .elements(.enumValue), isRequired: isV2, isPlural: true,
                    countMax: isV2 ? 100 : nil, versions: own),
                elements("valueSchema", .primitiveSchema, required: true, versions: older, only: ["integer", "string"]),
            ]
        case .enumValue: return [name, MemberFact(name: "enumValue", kind: .literal, isRequired: true)]
        case .map:
            return [
                elements("mapKey", .mapKey, required: true, versions: own),
                elements("mapValue", .mapValue, required: true, versions: own),
            ]
        case .mapKey: return [name, elements("schema", .string, required: true, versions: older, only: ["string"])]
        case .mapValue, .field: return [name, schema]
        case .object:
            return [
                MemberFact(
                    name: "fields", kind: .elements(.field), isRequired: isV2, isPlural: true, countMax: isV2 ? 30 : nil,
                    versions: own)
            ]
        default: return []
        }
    }
}
