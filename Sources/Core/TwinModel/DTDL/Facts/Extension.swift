/// A language extension, or the vocabulary of a language version: what its terms mean (docs/dtdl-rules.md, "Extensions").
struct Extension: Sendable {
    /// The context specifier, such as `dtmi:dtdl:extension:mqtt;4`.
    let context: String
    var terms: [String: String] = [:]
    var adjuncts: [AdjunctFact] = []
    var elements: [StandardElement] = []

    mutating func add(_ fact: AdjunctFact) {
        adjuncts.append(fact)
        terms[fact.term] = fact.iri
        for member in fact.members { terms[member.term] = member.iri }
    }

    /// By context specifier. Limit extensions bring no terms and are in `DTDLLimits.extensions`.
    static let all: [String: Extension] = {
        var all: [String: Extension] = [:]
        for one in [2, 3, 4].map(language) + [1, 2, 3].map(quantities) + features + [central, operations] {
            all[one.context] = one
        }
        return all
    }()

    /// The known versions of each extension, by specifier without its version.
    static let versions: [String: Set<Int>] = {
        var versions: [String: Set<Int>] = [:]
        for context in all.keys {
            guard let id = DTMI(context) else { continue }
            versions[id.versionless, default: []].insert(id.major)
        }
        for context in DTDLLimits.extensions.keys { versions[context] = [1] }
        return versions
    }()

    /// Every co-type, by identifier.
    static let adjunctsByIRI: [String: AdjunctFact] = {
        var byIRI: [String: AdjunctFact] = [:]
        for one in all.values { for fact in one.adjuncts { byIRI[fact.iri] = fact } }
        return byIRI
    }()

    /// Every identifier that has a term.
    static let knownIRIs: Set<String> = Set(all.values.flatMap { $0.terms.values })

    // MARK: The language itself

    private static func language(_ version: Int) -> Extension {
        var one = Extension(context: "dtmi:dtdl:context;\(version)")
        for kind in DTDLClass.allCases where kind.exists(in: version) {
            one.terms[kind.rawValue] = "dtmi:dtdl:class:\(kind.rawValue);\(version)"
            if let term = kind.instanceTerm { one.terms[term] = "dtmi:dtdl:instance:Schema:\(term);\(version)" }
            for name in MemberFact.members(of: kind, in: version).keys {
                one.terms[name] = "dtmi:dtdl:property:\(name);\(version)"
            }
        }
        for name in ["languageMajorVersion", "exponent", "symbol"] { one.terms[name] = "dtmi:dtdl:property:\(name);\(version)" }
        for kind in DTDLSchema.Geospatial.allCases {
            one.terms[kind.rawValue] = "dtmi:standard:schema:geospatial:\(kind.rawValue);\(version)"
        }
        for name in ["synchronous", "asynchronous"] { one.terms[name] = "dtmi:dtdl:instance:CommandType:\(name);\(version)" }
        if version == 4 { one.terms["scaledDecimal"] = "dtmi:standard:schema:scaledDecimal;4" }
        for name in ["SemanticType", "SemanticUnit"] + (version > 2 ? ["AdjunctType"] : []) {
            one.add(
                AdjunctFact(
                    iri: "dtmi:dtdl:class:\(name);\(version)", term: name, isAbstract: true, versions: [version]))
        }
        if version == 2 { one.addQuantities(.language2) } else { one.addAlias(version) }
        return one
    }

    private mutating func addAlias(_ version: Int) {
        add(
            AdjunctFact(
                iri: "dtmi:dtdl:class:Alias;\(version)", term: "Alias", versions: [version],
                members: [.init(term: "aliasFor", iri: "dtmi:dtdl:property:aliasFor;\(version)", kind: .element)]))
        for name in ["model", "metamodel", "DtdlExtension"] { terms[name] = "dtmi:dtdl:meta:\(name);\(version)" }
    }

    // MARK: Quantities

    /// Where a version of the quantities puts its identifiers.
    private struct QuantityNames: Sendable {
        let level: Int
        let version: Int
        let classes: @Sendable (String) -> String
        let unitTypes: @Sendable (String) -> String
        let units: @Sendable (String) -> String
        let prefixes: @Sendable (String) -> String
        let members: @Sendable (String) -> String

        static let language2 = QuantityNames(
            level: 0, version: 2, classes: { "dtmi:standard:class:\($0);2" }, unitTypes: { "dtmi:standard:class:\($0);2" },
            units: { "dtmi:standard:unit:\($0);2" }, prefixes: { "dtmi:standard:unitprefix:\($0);2" },
            members: { "dtmi:dtdl:property:\($0);2" })

        static func quantitativeTypes(_ level: Int) -> QuantityNames {
            let base = "dtmi:dtdl:extension:quantitativeTypes:v\(level)"
            return QuantityNames(
                level: level, version: level == 1 ? 3 : 4, classes: { "\(base):class:\($0)" },
                unitTypes: { "\(base):enum:\($0)" }, units: { "\(base):unit:\($0)" },
                prefixes: { "\(base):unitprefix:\($0)" }, members: { "\(base):property:\($0)" })
        }
    }

    private static func quantities(_ level: Int) -> Extension {
        var one = Extension(context: "dtmi:dtdl:extension:quantitativeTypes;\(level)")
        one.addQuantities(.quantitativeTypes(level))
        return one
    }

    private mutating func addQuantities(_ names: QuantityNames) {
        addUnits(names)
        let classes: Set<DTDLClass> =
            names.version == 2
            ? [.property, .telemetry] : [.property, .telemetry, .field, .mapValue, .commandRequest, .commandResponse]
        var level = 0
        for word in QuantityTables.semanticTypes.split(whereSeparator: { $0.isWhitespace }) {
            if word.hasPrefix("+") {
                level = Int(word.dropFirst()) ?? 0
                continue
            }
            guard level <= names.level else { continue }
            let parts = word.split(separator: "=")
            let unitType = names.unitTypes(parts.count > 1 ? String(parts[1]) : "\(word)Unit")
            add(quantity(String(parts[0]), names, classes, unitType))
        }
        var general = quantity("QuantitativeType", names, classes, names.unitTypes(""))
        general.isAbstract = true
        add(general)
        addUnitForms(names)
    }

    /// Co-types of units themselves.
    private mutating func addUnitForms(_ names: QuantityNames) {
        func element(_ term: String, required: Bool = true) -> AdjunctFact.Member {
            .init(term: term, iri: names.members(term), kind: .element, isRequired: required)
        }
        func form(_ term: String, _ members: [AdjunctFact.Member]) -> AdjunctFact {
            AdjunctFact(
                iri: names.classes(term), term: term, classes: names.version == 2 ? [.unit] : [.enumValue],
                versions: [names.version], members: members)
        }
        let prefixed = [element("baseUnit"), element("prefix", required: false)]
        add(form("DecimalUnit", prefixed))
        add(form("RatioUnit", [element("topUnit"), element("bottomUnit")]))
        guard names.version > 2 else { return add(form("BinaryUnit", prefixed)) }
        add(  // The one that the reference leaves open to every class.
            AdjunctFact(
                iri: names.classes("BinaryUnit"), term: "BinaryUnit", versions: Set(2...names.version), members: prefixed))
        let symbol = AdjunctFact.Member(
            term: "symbol", iri: "dtmi:dtdl:property:symbol;\(names.version)", kind: .string(nil, lengthMax: nil))
        let exponent = AdjunctFact.Member(
            term: "exponent", iri: "dtmi:dtdl:property:exponent;\(names.version)", kind: .integer(minimum: nil))
        let terms = self.terms
        add(form("SymbolicUnit", [symbol]))
        add(form("UnitPrefix", [symbol, exponent]))
        for term in ["symbol", "exponent"] { self.terms[term] = terms[term] }  // They are the language's own.
    }

    private func quantity(_ term: String, _ names: QuantityNames, _ classes: Set<DTDLClass>, _ unitType: String) -> AdjunctFact {
        AdjunctFact(
            iri: names.classes(term), term: term, classes: classes, versions: [names.version],
            rules: [.memberHasType(member: "schema", classes: [.numericSchema], cotypes: [])],
            members: [.init(term: "unit", iri: names.members("unit"), kind: .unit(unitType))], isQuantity: true)
    }

    private mutating func addUnits(_ names: QuantityNames) {
        let kind: DTDLClass = names.version == 2 ? .unit : .enumValue
        var types = QuantityTables.units.split(separator: "\n").map(String.init)
        types.append("DecimalPrefix " + QuantityTables.decimalPrefixes)
        types.append("BinaryPrefix " + QuantityTables.binaryPrefixes)
        for line in types {
            let words = line.split(separator: " ")
            let isPrefix = words[0].hasSuffix("Prefix")
            let type = names.unitTypes(String(words[0]))
            var level = 0
            var values: [JSON] = []
            for word in words.dropFirst() {
                if word.hasPrefix("+") {
                    level = Int(word.dropFirst()) ?? 0
                } else if level <= names.level {
                    let term = isPrefix && names.version == 2 && word == "deca" ? "deka" : String(word)
                    let id = isPrefix ? names.prefixes(term) : names.units(term)
                    terms[term] = id
                    elements.append(StandardElement(id: id, kind: kind, version: names.version, unitType: type))
                    values.append(.string(term))
                }
            }
            guard !values.isEmpty else { continue }
            terms[String(words[0])] = type
            if names.version > 2 {
                elements.append(
                    StandardElement(id: type, kind: .enumeration, version: names.version, schema: .enumeration(values)))
            }
        }
        if names.version > 2 { terms["EnergyRateUnit"] = names.unitTypes("PowerUnit") }
    }
}
