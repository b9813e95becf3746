/// A model with everything it inherits, against which twins and relationships are checked. The parser makes it from DTDL text;
/// immutable.
package struct EffectiveModel: Sendable, Equatable {
    /// The DTMI of the interface.
    package let id: String
    /// The interface and everything it extends, directly or not; the interface itself first.
    package let ancestors: [String]
    /// By name, inherited ones included.
    package let properties: [String: DTDLSchema]
    /// By name; the value is the DTMI of the component's interface.
    package let components: [String: String]
    /// By name, inherited ones included.
    package let relationships: [String: EffectiveRelationship]
    /// Names only: the graph keeps no telemetry.
    package let telemetry: Set<String>

    package init(
        id: String, ancestors: [String], properties: [String: DTDLSchema], components: [String: String],
        relationships: [String: EffectiveRelationship], telemetry: Set<String>
    ) {
        self.id = id
        self.ancestors = ancestors
        self.properties = properties
        self.components = components
        self.relationships = relationships
        self.telemetry = telemetry
    }
}

/// One kind of relationship a model allows.
package struct EffectiveRelationship: Sendable, Equatable {
    /// The interface that a target's model must be or extend; nil: any. It need not be known.
    package let target: String?
    /// Of the relationship itself, by name.
    package let properties: [String: DTDLSchema]

    package init(target: String?, properties: [String: DTDLSchema]) {
        self.target = target
        self.properties = properties
    }
}

/// The schema of a value (DTDL v4 specification, "Schemas"; v2 and v3 have a part of it).
package indirect enum DTDLSchema: Sendable, Equatable {
    /// Schemas without parts, by their terms.
    package enum Primitive: String, Sendable, CaseIterable {
        case boolean, date, dateTime, double, duration, float, integer, long, string, time
        // v4
        case byte, bytes, decimal, short, unsignedByte, unsignedInteger, unsignedLong, unsignedShort, uuid
    }

    /// Schemas of GeoJSON shape, by their terms.
    package enum Geospatial: String, Sendable, CaseIterable {
        case point, multiPoint, lineString, multiLineString, polygon, multiPolygon
    }

    /// One field of an Object.
    package struct Field: Sendable, Equatable {
        /// The member of the value.
        package let name: String
        /// What its value conforms to.
        package let schema: DTDLSchema
        /// By the co-type `Required` (extension requirement).
        package let isRequired: Bool

        package init(name: String, schema: DTDLSchema, isRequired: Bool = false) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
        }
    }

    case primitive(Primitive)
    case geospatial(Geospatial)
    /// Values are all `.int` or all `.string`.
    case enumeration([JSON])
    case array(DTDLSchema)
    case map(DTDLSchema)
    case object([Field])
    /// A schema that contains itself (v4): the DTMI of the schema, which is in `ModelSet`.
    case recursive(String)
}
