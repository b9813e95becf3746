import DropCore
import TwinModel
import TwinService

/// What a value of one property may be, in a form that costs a comparison or two: which type bytes, and how long.
struct PropertyRule {
    enum Kind: UInt8 {
        /// Type and length decide.
        case plain
        /// One of a list of encoded values.
        case enumeration
        /// A double that fits the 32-bit form.
        case float
        /// The schema is asked for every value.
        case schema
        /// The model has no such property.
        case undeclared
    }

    /// Bit `n` set: values with the type byte `n` conform, as long as they are short enough. Others are decoded and looked at.
    var types: UInt16
    /// Bytes of the value after the type byte.
    var bytesMax: UInt16
    var kind: Kind
    /// Index among the table's lists.
    var list: UInt16 = 0

    /// A value of any schema may be taken away.
    static let absent = UInt16(1) << UInt16(PropertyType.absent.rawValue)

    static let unmet = PropertyRule(types: 0, bytesMax: 0, kind: .undeclared)

    static let undeclared = PropertyRule(types: absent, bytesMax: 0, kind: .undeclared)

    init(types: UInt16, bytesMax: UInt16, kind: Kind, list: UInt16 = 0) {
        (self.types, self.bytesMax, self.kind, self.list) = (types, bytesMax, kind, list)
    }

    /// True when type and length alone say that a value conforms.
    @inline(__always)
    func passes(_ property: PropertyEntry) -> Bool {
        types >> UInt16(truncatingIfNeeded: property.type.rawValue) & 1 == 1 && property.value.count <= Int(bytesMax)
    }

    /// The rule of a schema; what it leaves open, the schema itself decides.
    init(_ schema: DTDLSchema) {
        func bits(_ types: PropertyType...) -> UInt16 { types.reduce(Self.absent) { $0 | 1 << UInt16($1.rawValue) } }
        guard case .primitive(let primitive) = schema else {
            self.init(types: Self.absent, bytesMax: 0, kind: .schema)
            return
        }
        switch primitive {
        case .boolean: self.init(types: bits(.true, .false), bytesMax: 0, kind: .plain)
        // Four bytes of a zigzag varint hold 28 bits: whatever is longer is looked at.
        case .integer: self.init(types: bits(.integer), bytesMax: 4, kind: .plain)
        case .long: self.init(types: bits(.integer), bytesMax: 10, kind: .plain)
        case .double: self.init(types: bits(.integer, .double), bytesMax: 10, kind: .plain)
        case .float: self.init(types: bits(.integer), bytesMax: 10, kind: .float)
        case .string: self.init(types: bits(.string), bytesMax: UInt16(TwinDocument.stringBytesMax), kind: .plain)
        case .date: self.init(types: bits(.date), bytesMax: 10, kind: .plain)
        case .dateTime: self.init(types: bits(.dateTime), bytesMax: 20, kind: .plain)
        case .time: self.init(types: bits(.time), bytesMax: 10, kind: .plain)
        case .duration: self.init(types: bits(.duration), bytesMax: 20, kind: .plain)
        default: self.init(types: Self.absent, bytesMax: 0, kind: .schema)
        }
    }
}

/// The rules of one model (or relationship) by the key numbers of one stream. Filled in as properties come. Used by one thread.
final class RuleTable {
    let shape: TwinShape
    /// The relationship whose properties these are; nil: those of the twin.
    let relationship: (name: String, model: EffectiveRelationship)?
    /// By key number; those not met yet have no type at all.
    private(set) var rules: ContiguousArray<PropertyRule> = []
    private(set) var lists: [[[UInt8]]] = []

    init(_ shape: TwinShape, relationship: (name: String, model: EffectiveRelationship)? = nil) {
        self.shape = shape
        self.relationship = relationship
    }

    /// The rule of a property: its key number in the stream, and its name.
    @inline(__always)
    func rule(_ wire: UInt32, _ name: @autoclosure () -> String) -> PropertyRule {
        if Int(wire) < rules.count, rules[Int(wire)].types != 0 { return rules[Int(wire)] }
        return learn(wire, name())
    }

    private func learn(_ wire: UInt32, _ name: String) -> PropertyRule {
        while rules.count <= Int(wire) { rules.append(.unmet) }
        var rule = PropertyRule.undeclared
        if let schema = schema(name)?.schema {
            rule = PropertyRule(schema)
            if case .enumeration(let values) = schema {
                rule = PropertyRule(types: PropertyRule.absent, bytesMax: 0, kind: .enumeration, list: UInt16(lists.count))
                lists.append(values.map { PropertyValue($0, nil).encoded() })
            }
        }
        rules[Int(wire)] = rule
        return rule
    }

    /// The schema of a property, and where it stands: `Twin`, a component, a relationship.
    func schema(_ name: String) -> (schema: DTDLSchema, place: String, name: String)? {
        if let relationship { return relationship.model.properties[name].map { ($0, relationship.name, name) } }
        let path = PropertyPath(key: name)
        guard let component = path.component else { return shape.model.properties[name].map { ($0, "Twin", name) } }
        return shape.components[component]?.properties[path.name].map { ($0, component, path.name) }
    }

    /// What is wrong with a value that its rule did not let pass at once; nil where it conforms after all.
    ///
    /// - Parameter encoded: the type byte and the value.
    func problem(_ rule: PropertyRule, _ name: String, _ encoded: [UInt8]) throws(DropError) -> String? {
        guard encoded.first != PropertyType.absent.rawValue else { return nil }
        guard let (schema, place, own) = schema(name) else {
            let path = PropertyPath(key: name)
            let place = relationship?.name ?? path.component ?? "Twin"
            let found = try PropertyValue(encoded: encoded).json.kindInWords
            return "\(relationship == nil ? path.name : name) (\(found)) does not appear on the DTDL for \(place)."
        }
        switch rule.kind {
        case .enumeration where lists[Int(rule.list)].contains(encoded): return nil
        case .float:
            if case .double(let number) = try PropertyValue(encoded: encoded),
                abs(number) <= Double(Float.greatestFiniteMagnitude)
            {
                return nil
            }
        case .plain, .schema, .undeclared, .enumeration: break
        }
        return shape.problem(own, try PropertyValue(encoded: encoded).json, schema, place)
    }
}
