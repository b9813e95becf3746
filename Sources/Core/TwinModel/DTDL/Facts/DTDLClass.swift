/// The classes of the metamodel (docs/dtdl-rules.md, "Classes and members"). The raw value is the term.
enum DTDLClass: String, CaseIterable, Sendable {
    case interface = "Interface"
    case telemetry = "Telemetry"
    case property = "Property"
    case command = "Command"
    case relationship = "Relationship"
    case component = "Component"
    case commandPayload = "CommandPayload"
    case commandRequest = "CommandRequest"
    case commandResponse = "CommandResponse"
    case array = "Array"
    case enumeration = "Enum"
    case enumValue = "EnumValue"
    case map = "Map"
    case mapKey = "MapKey"
    case mapValue = "MapValue"
    case object = "Object"
    case field = "Field"
    // Used by extensions only.
    case unit = "Unit"
    case unitAttribute = "UnitAttribute"
    case commandType = "CommandType"
    case latentType = "LatentType"
    case namedLatentType = "NamedLatentType"
    // Primitive schemas
    case boolean = "Boolean"
    case date = "Date"
    case dateTime = "DateTime"
    case double = "Double"
    case duration = "Duration"
    case float = "Float"
    case integer = "Integer"
    case long = "Long"
    case string = "String"
    case time = "Time"
    case byte = "Byte"
    case bytes = "Bytes"
    case decimal = "Decimal"
    case short = "Short"
    case unsignedByte = "UnsignedByte"
    case unsignedInteger = "UnsignedInteger"
    case unsignedLong = "UnsignedLong"
    case unsignedShort = "UnsignedShort"
    case uuid = "Uuid"
    // Abstract
    case entity = "Entity"
    case content = "Content"
    case schema = "Schema"
    case complexSchema = "ComplexSchema"
    case primitiveSchema = "PrimitiveSchema"
    case numericSchema = "NumericSchema"
    case temporalSchema = "TemporalSchema"
    case namedEntity = "NamedEntity"
    case schemaField = "SchemaField"

    var parent: DTDLClass? {
        switch self {
        case .entity: nil
        case .interface, .unit, .commandType, .latentType, .schema, .namedEntity: .entity
        case .content, .enumValue, .mapKey, .schemaField, .unitAttribute, .namedLatentType: .namedEntity
        case .telemetry, .property, .command, .relationship, .component: .content
        case .commandPayload, .mapValue, .field: .schemaField
        case .commandRequest, .commandResponse: .commandPayload
        case .complexSchema, .primitiveSchema: .schema
        case .array, .enumeration, .map, .object: .complexSchema
        case .boolean, .string, .bytes, .uuid, .numericSchema, .temporalSchema: .primitiveSchema
        case .date, .dateTime, .duration, .time: .temporalSchema
        case .double, .float, .integer, .long, .byte, .decimal, .short: .numericSchema
        case .unsignedByte, .unsignedInteger, .unsignedLong, .unsignedShort: .numericSchema
        }
    }

    /// Whether this is `other` or one of its subclasses.
    func isKind(of other: DTDLClass) -> Bool {
        var next: DTDLClass? = self
        while let kind = next {
            if kind == other { return true }
            next = kind.parent
        }
        return false
    }

    /// Whether the language version has the class at all.
    func exists(in version: Int) -> Bool {
        switch self {
        case .byte, .bytes, .decimal, .short, .unsignedByte, .unsignedInteger, .unsignedLong, .unsignedShort, .uuid: version >= 4
        case .commandRequest, .commandResponse, .latentType, .namedLatentType: version >= 3
        default: true
        }
    }

    /// Whether an element of a document may be of this class itself.
    func isWritable(in version: Int) -> Bool {
        switch self {
        case .interface, .telemetry, .property, .command, .relationship, .component, .array, .enumeration, .enumValue, .map,
            .mapKey, .mapValue, .object, .field, .commandRequest, .commandResponse:
            exists(in: version)
        case .commandPayload: version == 2
        default: false
        }
    }

    /// Whether `@type` may be left out of an element of this class (where the place tells).
    var mayOmitType: Bool {
        switch self {
        case .commandPayload, .commandRequest, .commandResponse, .enumValue, .field, .mapKey, .mapValue: true
        default: false
        }
    }

    /// The primitive schema of this class, if it is one.
    var primitive: DTDLSchema.Primitive? {
        guard isKind(of: .primitiveSchema) else { return nil }
        let first = rawValue.prefix(1).lowercased()
        return DTDLSchema.Primitive(rawValue: first + rawValue.dropFirst())
    }

    /// The term of an instance of this class: `double` of `Double`.
    var instanceTerm: String? { primitive?.rawValue }
}
