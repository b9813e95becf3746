extension Extension {
    /// historization, annotation, overriding, requirement and mqtt, in every version.
    static var features: [Extension] {
        [historization(1), historization(2), annotation(1), annotation(2), overriding(1), overriding(2), requirement(1)]
            + [requirement(2), mqtt(1), mqtt(2), mqtt(3), mqtt(4)]
    }

    private static func base(_ name: String, _ level: Int) -> String { "dtmi:dtdl:extension:\(name):v\(level)" }

    private static func one(_ name: String, _ level: Int, _ facts: [AdjunctFact]) -> Extension {
        var made = Extension(context: "dtmi:dtdl:extension:\(name);\(level)")
        for fact in facts { made.add(fact) }
        return made
    }

    private static func historization(_ level: Int) -> Extension {
        one(
            "historization", level,
            [
                AdjunctFact(
                    iri: "\(base("historization", level)):Historized", term: "Historized", classes: [.property, .telemetry],
                    versions: level == 1 ? [3] : [3, 4])
            ])
    }

    private static func annotation(_ level: Int) -> Extension {
        let iri = "\(base("annotation", level)):ValueAnnotation"
        return one(
            "annotation", level,
            [
                AdjunctFact(
                    iri: iri, term: "ValueAnnotation", classes: [.property, .telemetry], versions: level == 1 ? [3] : [3, 4],
                    rules: [.annotatesSibling],
                    members: [.init(term: "annotates", iri: "\(iri):annotates", kind: .string(nil, lengthMax: nil))])
            ])
    }

    private static func overriding(_ level: Int) -> Extension {
        let iri = "\(base("overriding", level)):Override"
        return one(
            "overriding", level,
            [
                AdjunctFact(
                    iri: iri, term: "Override", classes: [.property], versions: level == 1 ? [3] : [3, 4],
                    requires: ["\(base("annotation", level)):ValueAnnotation"], rules: [.overridesSibling],
                    members: [.init(term: "overrides", iri: "\(iri):overrides", kind: .property)])
            ])
    }

    private static func requirement(_ level: Int) -> Extension {
        one(
            "requirement", level,
            [
                AdjunctFact(
                    iri: "\(base("requirement", level)):Required", term: "Required",
                    classes: level == 1 ? [.field] : [.field, .property], versions: [3, 4])
            ])
    }

    // MARK: mqtt

    private static func mqtt(_ level: Int) -> Extension {
        one("mqtt", level, mqttMessages(level) + (level >= 3 ? mqttResults(level) : []) + (level >= 4 ? mqttProperties : []))
    }

    private static func mqttFact(
        _ term: String, _ level: Int, _ classes: Set<DTDLClass>, requires: [String] = [], forbids: [String] = [],
        rules: [AdjunctFact.Rule] = [], members: [AdjunctFact.Member] = []
    ) -> AdjunctFact {
        AdjunctFact(
            iri: mqttIRI(term, level), term: term, classes: classes, versions: level == 1 ? [3] : [3, 4], requires: requires,
            forbids: forbids, rules: rules, members: members)
    }

    private static func mqttIRI(_ term: String, _ level: Int) -> String { "\(base("mqtt", level)):\(term)" }

    private static func mqttMessages(_ level: Int) -> [AdjunctFact] {
        func member(
            _ owner: String, _ term: String, _ kind: AdjunctFact.Member.Kind, required: Bool = false
        )
            -> AdjunctFact.Member
        {
            .init(term: term, iri: "\(mqttIRI(owner, level)):\(term)", kind: kind, isRequired: required)
        }
        var mqtt = [
            member("Mqtt", "payloadFormat", .string(nil, lengthMax: nil), required: true),
            member("Mqtt", "telemetryTopic", .string(.topic, lengthMax: nil)),
            member("Mqtt", "commandTopic", .string(.topic, lengthMax: nil)),
        ]
        if level >= 2 {
            mqtt.append(member("Mqtt", "telemServiceGroupId", .string(.groupID, lengthMax: nil)))
            mqtt.append(member("Mqtt", "cmdServiceGroupId", .string(.groupID, lengthMax: nil)))
        }
        if level >= 4 { mqtt.append(member("Mqtt", "propertyTopic", .string(.topic, lengthMax: nil))) }
        var index = member("Indexed", "index", .integer(minimum: 1), required: true)
        index.isUniqueAmongSiblings = true
        let indexed: Set<DTDLClass> =
            level >= 4 ? [.enumValue, .field, .property, .telemetry] : [.enumValue, .field, .telemetry]
        let messages = [
            mqttFact("Mqtt", level, [.interface], members: mqtt), mqttFact("Idempotent", level, [.command]),
            mqttFact(
                "Cacheable", level, [.command], requires: [mqttIRI("Idempotent", level)],
                members: [member("Cacheable", "ttl", .duration, required: true)]),
            mqttFact("Indexed", level, indexed, members: [index]),
        ]
        guard level >= 2 else { return messages }
        return messages + [
            mqttFact(
                "Transparent", level, [.commandRequest, .commandResponse],
                rules: [.memberHasType(member: "schema", classes: [.object], cotypes: [])])
        ]
    }

    private static func mqttResults(_ level: Int) -> [AdjunctFact] {
        let required = "\(base("requirement", 1)):Required"
        let result = mqttIRI("Result", level)
        let error = mqttIRI("Error", level)
        let isError = AdjunctFact.Rule.memberHasType(member: "schema", classes: [], cotypes: [error])
        let parts = ["NormalResult", "ErrorResult"] + (level >= 4 ? ["ErrorCode", "ErrorInfo"] : [])
        return [
            mqttFact("Error", level, [.object]),
            mqttFact(
                "Result", level, [.object],
                rules: [.memberHasType(member: "fields", classes: [], cotypes: parts.map { mqttIRI($0, level) })]),
            mqttFact(
                "ErrorMessage", level, [.field],
                rules: [
                    .parentHasCotype([error]), .aloneAmongSiblings,
                    .memberHasType(member: "schema", classes: [.string], cotypes: []),
                ]),
            mqttFact(
                "ErrorResult", level, [.field], forbids: [required],
                rules: [.parentHasCotype([result]), .aloneAmongSiblings, isError]),
            mqttFact(
                "NormalResult", level, [.field], forbids: [required], rules: [.parentHasCotype([result]), .aloneAmongSiblings]),
        ]
    }

    private static var mqttProperties: [AdjunctFact] {
        let level = 4
        let required = "\(base("requirement", 1)):Required"
        let property = mqttIRI("PropertyResult", level)
        let error = mqttIRI("Error", level)
        let either = [mqttIRI("Result", level), error]
        let isError = AdjunctFact.Rule.memberHasType(member: "schema", classes: [], cotypes: [error])
        var fragmented = mqttFact(
            "Fragmented", level, [.property], rules: [.memberHasType(member: "schema", classes: [.map], cotypes: [])])
        fragmented.classesBeside = (mqttIRI("PropertyValue", level), [.field])
        return [
            fragmented,
            mqttFact(
                "ErrorCode", level, [.field],
                rules: [
                    .parentHasCotype(either), .aloneAmongSiblings,
                    .memberHasType(member: "schema", classes: [.enumeration], cotypes: []),
                ]),
            mqttFact(
                "ErrorInfo", level, [.field],
                rules: [
                    .parentHasCotype(either), .aloneAmongSiblings, .siblingHasCotype(mqttIRI("ErrorCode", level)),
                    .memberHasType(member: "schema", classes: [.object], cotypes: []),
                ]),
            mqttFact("Indirect", level, [.field], forbids: [required]),
            mqttFact(
                "PropertyResult", level, [.object],
                rules: [
                    .memberHasType(
                        member: "fields", classes: [],
                        cotypes: ["PropertyValue", "ReadError", "WriteError"].map { mqttIRI($0, level) })
                ]),
            mqttFact(
                "PropertyValue", level, [.field], forbids: [required], rules: [.parentHasCotype([property]), .aloneAmongSiblings]),
            mqttFact(
                "ReadError", level, [.field], forbids: [required],
                rules: [.parentHasCotype([property]), .aloneAmongSiblings, isError]),
            mqttFact(
                "WriteError", level, [.field], forbids: [required],
                rules: [.parentHasCotype([property]), .aloneAmongSiblings, isError]),
        ]
    }

    // MARK: Azure's own

    /// `dtmi:iotcentral:context;2`.
    static var central: Extension {
        func fact(
            _ term: String, _ rule: AdjunctFact.Rule, unit: String? = nil
        ) -> AdjunctFact {
            AdjunctFact(
                iri: "dtmi:iotcentral:class:\(term);2", term: term, classes: [.property, .telemetry], versions: [2],
                rules: [rule],
                members: unit.map {
                    [
                        .init(
                            term: "unit", iri: "dtmi:dtdl:property:unit;2", kind: .unit("dtmi:standard:class:\($0);2"),
                            isRequired: false)
                    ]
                } ?? [], isQuantity: unit != nil)
        }
        let vector = AdjunctFact.Rule.memberHasValue(member: "schema", values: ["dtmi:iotcentral:schema:vector;2"])
        let places =
            DTDLSchema.Geospatial.allCases.map { "dtmi:standard:schema:geospatial:\($0.rawValue);2" }
            + ["dtmi:iotcentral:schema:geopoint;2"]
        var central = Extension(context: "dtmi:iotcentral:context;2")
        central.add(fact("AccelerationVector", vector, unit: "AccelerationUnit"))
        central.add(fact("VelocityVector", vector, unit: "VelocityUnit"))
        central.add(fact("Location", .memberHasValue(member: "schema", values: places)))
        central.add(fact("Event", .memberHasType(member: "schema", classes: [.numericSchema, .string], cotypes: [])))
        central.add(fact("State", .memberHasType(member: "schema", classes: [.enumeration], cotypes: [])))
        central.terms["geopoint"] = "dtmi:iotcentral:schema:geopoint;2"
        central.terms["vector"] = "dtmi:iotcentral:schema:vector;2"
        central.terms["unit"] = nil  // The language's own.
        return central
    }

    /// `dtmi:iotoperations:context;4`.
    static var operations: Extension {
        let numbered: Set<DTDLClass> = [.commandRequest, .commandResponse, .field, .mapValue, .property, .telemetry]
        let numeric = AdjunctFact.Rule.memberHasType(member: "schema", classes: [.numericSchema], cotypes: [])
        func member(_ term: String, _ kind: AdjunctFact.Member.Kind, required: Bool = true) -> AdjunctFact.Member {
            .init(term: term, iri: "dtmi:iotoperations:property:\(term);4", kind: kind, isRequired: required)
        }
        func iri(_ term: String) -> String { "dtmi:iotoperations:class:\(term);4" }
        func fact(
            _ term: String, _ classes: Set<DTDLClass>, forbids: [String] = [], rules: [AdjunctFact.Rule] = [],
            _ members: [AdjunctFact.Member] = []
        ) -> AdjunctFact {
            AdjunctFact(
                iri: iri(term), term: term, classes: classes, versions: [4], forbids: forbids, rules: rules, members: members)
        }
        let named = AdjunctFact.Member.Kind.string(nil, lengthMax: 128)
        var operations = Extension(context: "dtmi:iotoperations:context;4")
        for fact in [
            fact("Composite", [.interface], forbids: [iri("Event")], [member("ontology", named)]),
            fact("Congruence", [.array, .enumeration, .interface, .map, .object], [member("typeRef", named)]),
            fact("Detail", [.object]), fact("Event", [.interface]),
            fact("GroupMember", [.command], [member("group", .string(.name, lengthMax: 128))]),
            fact("HasCapability", [.relationship], forbids: [iri("HasComponent")]), fact("HasComponent", [.relationship]),
            fact(
                "Limited", numbered, rules: [numeric],
                ["maximum", "minimum"].map {
                    var limit = member($0, .decimal, required: false)
                    limit.conformsToSchema = true
                    return limit
                }),
            fact("Precise", numbered, rules: [numeric], [member("decimalPlaces", .integer(minimum: nil))]),
            fact(
                "Qualified", [.command, .component, .field, .property, .relationship, .telemetry], [member("namespace", named)]),
            fact("ScaledStatically", numbered, rules: [numeric], [member("scaleFactor", .decimal)]),
            fact("Subject", [.field], rules: [.parentHasCotype([iri("Detail")]), .aloneAmongSiblings]),
        ] { operations.add(fact) }
        return operations
    }
}
