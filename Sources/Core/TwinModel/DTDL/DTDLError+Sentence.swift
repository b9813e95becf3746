extension DTDLErrorID {
    /// What is wrong and what to do, with the member and the value put in.
    func sentence(property: String?, value: String?) -> String {
        let template = Self.sentences[self] ?? rawValue
        return Self.filled(template, "{property}", property.map { "\"\($0)\"" } ?? "the member").filledWith(value)
    }

    fileprivate static func filled(_ template: String, _ mark: String, _ text: String) -> String {
        var out = ""
        var rest = template[...]
        while let range = rest.firstRange(of: mark) {
            out += rest[..<range.lowerBound] + text
            rest = rest[range.upperBound...]
        }
        return out + rest
    }

    /// Every id has one; a test says so.
    static let sentences: [DTDLErrorID: String] =
        documents.merging(contexts, uniquingKeysWith: keep).merging(identities, uniquingKeysWith: keep)
        .merging(types, uniquingKeysWith: keep).merging(members, uniquingKeysWith: keep)
        .merging(literals, uniquingKeysWith: keep).merging(objects, uniquingKeysWith: keep)
        .merging(languages, uniquingKeysWith: keep).merging(values, uniquingKeysWith: keep)
        .merging(structure, uniquingKeysWith: keep).merging(extensions, uniquingKeysWith: keep)
        .merging(azure, uniquingKeysWith: keep)

    private static func keep(_ one: String, _: String) -> String { one }

    private static let documents: [DTDLErrorID: String] = [
        .invalidJSON: "This is no JSON: {value}. Correct the text here.",
        .notJsonObject: "A model is a JSON object, or an array of objects: put an object here.",
        .topLevelGraphDisallowed: "Take @graph away and put the Interfaces in an array.",
        .topLevelKeywordDisallowed: "Take the keyword {value} away: an Interface has @context, @id and @type only.",
        .missingTopLevelId: "Give the Interface an @id, such as \"dtmi:example:Room;1\".",
        .typeNotRootable: "Make this an Interface: nothing else stands at the top of a document.",
        .keywordDisallowed: "Take the keyword {value} away: an element has @context, @id and @type only.",
        .graphDisallowed: "Take @graph away: DTDL has no graphs in elements.",
    ]

    private static let contexts: [DTDLErrorID: String] = [
        .missingContext: "Add \"@context\": \"dtmi:dtdl:context;3\" (or the version you write).",
        .emptyContext: "Put \"dtmi:dtdl:context;3\" (or the version you write) into @context.",
        .invalidContext: "Make @context a string or an array of strings.",
        .missingDtdlContext: "Name the language version first in @context: \"dtmi:dtdl:context;2\", 3 or 4.",
        .missingContextVersion: "Add a version to {value}, such as \";1\".",
        .nonDtmiContextSpecifier: "Replace {value} in @context by an identifier that begins with \"dtmi:\".",
        .invalidContextSpecifier: "Correct {value} in @context: it is no valid identifier.",
        .invalidContextSpecifierForVersion: "Give {value} a version of one whole number, as this language version wants.",
        .dtdlContextFollowsAffiliate: "Put {value} before the extensions in @context.",
        .unrecognizedContextVersion: "Use language version 2, 3 or 4 instead of {value}.",
        .disallowedContextVersion: "Use an older language version than {value}: this one is not accepted here.",
        .unresolvableContextSpecifier: "Take {value} out of @context, or correct it: the extension is not known.",
        .unresolvableContextVersion: "Use another version of {value}: this one is not known.",
        .disallowedLocalContext: "Take the object out of @context: terms cannot be defined in a model.",
        .invalidContextFragment:
            "Take the part after # away from {value}; only #limitless and #limits exist, on \"dtmi:dtdl:context;4\".",
        .disallowedContextFragment: "Take the part after # away from {value}: before version 4 there are none.",
        .misplacedLimitContext: "Put {value} right after \"dtmi:dtdl:context;4#limitless\".",
        .missingLimitContext: "Follow \"dtmi:dtdl:context;4#limitless\" by a limit extension at once.",
        .disallowedLimitContext: "Use a limit extension that is accepted here instead of {value}.",
    ]

    private static let identities: [DTDLErrorID: String] = [
        .invalidId: "Correct the @id {value}: \"dtmi:\", words of letters, digits and _ joined by colons, \";\" and a version.",
        .idTooLong: "Shorten the identifier {value}.",
        .idTooLongForType: "Shorten the @id of the Interface: 128 characters are the most (256 with limit extensions).",
        .reservedId: "Choose another @id than {value}: its beginning belongs to the language.",
        .undefinedReservedId: "Correct the reference to {value}: neither the language nor a named extension defines it.",
        .duplicateDefinition: "Define {value} once; it is defined elsewhere already.",
        .idNotString: "Make @id a string.",
        .idReference: "Write the identifier {value} as a plain string instead of an object that holds only @id.",
        .missingRequiredId: "Give the element in {property} an @id.",
        .missingDictKeyPropertyValue: "Give each element of {property} a name.",
        .missingDtmiSegPropertyValue: "Give the element an @id, or a name that one can be made of.",
    ]

    private static let types: [DTDLErrorID: String] = [
        .badType: "Put an element of the right type into {property}, and write its @type; {value} does not belong there.",
        .typeUndefinedTerm: "Correct the type {value}, or name the extension that defines it in @context.",
        .typeIrrelevantDtmiOrTerm: "Take {value} out of @type: it is no type for this element.",
        .typeInvalidDtmi: "Correct {value} in @type: it is no valid identifier.",
        .typeNotDtmiNorTerm: "Replace {value} in @type by a term of the language.",
        .multipleMaterialTypes: "Leave one of the types: an element is one thing.",
        .layerMissingMaterialType: "Add the type of the language, such as Telemetry, to @type.",
        .invalidCotype: "Take {value} out of @type: it cannot be added to this type.",
        .invalidCotypeVersion: "Take {value} out of @type, or change the language version: the two do not go together.",
        .abstractSupplementalType: "Replace {value} in @type by one of its concrete types.",
        .missingCocotype: "Add {value} to @type too.",
        .disallowedCocotype: "Take one of the types away: this one and {value} exclude each other.",
        .conflictingSupplementalTypes: "Leave one semantic type: {value} each want a unit of their own.",
    ]

    private static let members: [DTDLErrorID: String] = [
        .duplicatePropertyName: "Write {property} once ({value}); its term and its identifier count as the same.",
        .propertyUndefinedTerm: "Take {property} away, correct it, or add the type or extension that defines it.",
        .propertyIrrelevantDtmiOrTerm: "Take {property} away, or add the type that it belongs to: this element does not have it.",
        .propertyInvalidDtmi: "Correct {property}: it is no valid identifier.",
        .propertyNotDtmiNorTerm: "Replace {property} by a term of the language.",
        .noTypeThatAllows: "Take {property} away, or add a type that has it.",
        .inferredTypeDoesNotAllow: "Take {property} away, or write the @type that has it.",
        .missingLiteralProperty: "Add {property}: it is required.",
        .missingObjectProperty: "Add {property}: it is required.",
        .missingSupplementalLiteralProperty: "Add {property}: a co-type of the element requires it.",
        .missingSupplementalObjectProperty: "Add {property}: a co-type of the element requires it.",
        .missingSupplementalIdentifierProperty: "Add {property}: a co-type of the element requires it.",
    ]

    private static let literals: [DTDLErrorID: String] = {
        var sentences: [DTDLErrorID: String] = [
            .stringInvalid: "Correct {property}: {value} does not have the form that it must have (a name: letters, digits, _).",
            .stringTooLong: "Shorten {property}.",
            .durationInvalid: "Write {property} as an ISO 8601 duration, such as \"PT1H30M\", instead of {value}.",
            .literalNotValid: "Make {property} a string or a whole number, as the Enum says.",
            .literalTypeNotSingular: "Leave one @type in the value of {property}.",
            .identifierNotString: "Make {property} a string.",
            .identifierNotDtmi: "Make {property} an identifier such as \"dtmi:example:Room;1\" instead of {value}.",
            .identifierTooLong: "Shorten the identifier in {property}.",
            .identifierMultipleValues: "Leave one value in {property}.",
            .identifierCountBelowMin: "Put a value into {property}.",
        ]
        let kinds: [(String, [DTDLErrorID])] = [
            ("a string", [.stringNotString, .stringValueNotString, .stringTypeNotString]),
            ("true or false", [.booleanNotBoolean, .booleanValueNotBoolean, .booleanTypeNotBoolean]),
            ("a whole number of 32 bits", [.integerNotInteger, .integerValueNotInteger, .integerTypeNotInteger]),
            ("a number", [.numericNotNumeric, .numericValueNotNumeric, .numericTypeNotNumeric]),
            ("a duration in quotes", [.durationNotString, .durationValueNotString, .durationTypeNotDuration]),
        ]
        for (kind, ids) in kinds { for id in ids { sentences[id] = "Make {property} \(kind)." } }
        for id: DTDLErrorID in [
            .stringMultipleValues, .booleanMultipleValues, .integerMultipleValues, .numericMultipleValues,
            .durationMultipleValues,
            .literalMultipleValues,
        ] { sentences[id] = "Leave one value in {property}." }
        for id: DTDLErrorID in [
            .stringCountBelowMin, .booleanCountBelowMin, .integerCountBelowMin, .numericCountBelowMin, .durationCountBelowMin,
            .literalCountBelowMin,
        ] { sentences[id] = "Put a value into {property}." }
        for id: DTDLErrorID in [
            .stringObjectNoValue, .booleanObjectNoValue, .integerObjectNoValue, .numericObjectNoValue, .durationObjectNoValue,
            .literalObjectNoValue,
        ] { sentences[id] = "Put @value into the object of {property}, or write the bare value." }
        return sentences
    }()

    private static let objects: [DTDLErrorID: String] = [
        .valueObjectId: "Take @id out of the value of {property}.",
        .valueObjectContext: "Take @context out of the value of {property}.",
        .valueObjectGraph: "Take @graph out of the value of {property}.",
        .valueObjectLanguage: "Take @language out of the value of {property}.",
        .valueObjectKeyword: "Take {value} out of the value of {property}.",
        .valueObjectInvalidProp: "Take {value} out of the value of {property}: only @value and @type belong there.",
    ]

    private static let languages: [DTDLErrorID: String] = [
        .langStringNotLangString: "Make {property} a string, or an object of texts by language.",
        .langStringInvalidCode: "Correct the language {value} of {property}: such as \"en\" or \"en-US\".",
        .langStringValueNotString: "Make the text of {property} in {value} a string.",
        .langStringValueTooLong: "Shorten the text of {property}.",
        .langMapObjKeyword: "Take the keyword {value} out of {property}: its members are languages.",
        .langTagValueInLangMap: "Write {property} as {\"en\": \"…\"}, or put the object with @value into an array.",
        .langStringElementNotStringOrObject: "Make each element of {property} a string or an object with @value and @language.",
        .langStringElementNoValue: "Put @value into the element of {property}.",
        .langStringElementValueNotString: "Make @value in {property} a string.",
        .langStringElementCodeNotString: "Make @language in {property} a string.",
        .langStringElementInvalidCode: "Correct @language {value} in {property}: such as \"en\" or \"en-US\".",
        .langStringElementCodeNotUnique: "Leave one text per language in {property}; {value} is there twice.",
        .langStringElementId: "Take @id out of the element of {property}.",
        .langStringElementContext: "Take @context out of the element of {property}.",
        .langStringElementGraph: "Take @graph out of the element of {property}.",
        .langStringElementType: "Take @type out of the element of {property}.",
        .langStringElementKeyword: "Take {value} out of the element of {property}.",
        .langStringElementInvalidProp: "Take {value} out of the element of {property}: only @value and @language belong there.",
    ]

    private static let values: [DTDLErrorID: String] = [
        .valueBelowMin: "Raise {property}: {value} is too small.",
        .valueAboveMax: "Lower {property}: {value} is too large.",
        .valueAboveRange: "Lower {property}: {value} is too large.",
        .valueBelowRange: "Raise {property}: {value} is too small.",
        .valueNotExact: "Make {property} 0: no other value is allowed.",
        .notRequiredValue: "Choose one of the values that {property} may have; {value} is none.",
        .notRequiredType: "Choose a value of the type that {property} must have; {value} is of another.",
        .nonConformantDatatype: "Make {value} a value of the Enum's valueSchema.",
        .nonConformantPropertyValue: "Make {property} a value of the element's schema; {value} is none.",
        .nonUniquePropertyValue: "Change {value}: in {property} it may stand only once.",
        .nonUniqueImportedPropertyValue: "Rename {value}: an Interface that is extended has a content of that name.",
        .badDtmiOrTerm: "Correct {value} in {property}: it is neither a known term nor an identifier.",
        .refNotStringOrObject: "Put an element or the identifier of one into {property}.",
        .refObjectNotAllowed: "Write the value of {property} as a term or identifier, not as an object.",
        .objectMultipleValues: "Leave one value in {property}.",
        .objectCountBelowMin: "Put an element into {property}.",
        .objectCountAboveMax: "Take elements out of {property}: there are {value}, more than allowed.",
    ]

    private static let structure: [DTDLErrorID: String] = [
        .excessiveCount: "Divide the Interface: {property} comes to {value}, more than allowed.",
        .excessiveDepthNarrow: "Shorten the chain of extends: it has {value} steps, more than allowed.",
        .excessiveDepthWide: "Flatten the schema: it is nested {value} deep, more than allowed.",
        .recursiveStructureNarrow: "Break the circle: the element leads back to itself through {property}.",
        .recursiveStructureWide: "Break the circle: before version 4 a schema may not contain itself.",
        .excludedType: "Change {property}: below it stands what this language version does not allow there ({value}).",
        .crossPartitionReference: "Define {value} in this Interface: parts of another one cannot be referred to.",
        .partitionTooLarge: "Divide the Interface: its text has {value} bytes, more than 1 MiB.",
        .disallowedVersionDefinition: "Write the element in {property} in a language version that may stand there, not {value}.",
        .disallowedVersionReference:
            "Refer in {property} to an element of a language version that may stand there, not to {value}.",
    ]

    private static let extensions: [DTDLErrorID: String] = [
        .parentMissingCotype: "Give the element around this one the co-type that {value} needs there.",
        .siblingDuplicatesCotype: "Leave {value} on one of the elements beside each other.",
        .siblingMissingCotype: "Add an element beside this one that has the co-type {value} asks for.",
        .notSiblingRequiredType: "Name a Property or Telemetry of the same Interface in {property}; {value} is something else.",
        .disallowedType: "Name another element in {property}: {value} is an annotation itself.",
        .noMatchingSupplementalProperty: "Name in {property} a member that the annotated element has; it has no {value}.",
        .matchingPropertyNotSupplemental: "Name in {property} a member that an extension adds; {value} is the language's own.",
        .siblingPropertyMismatch: "Make {property} the type of the member that is overridden; {value} is another.",
        .multipleReference: "Leave one override of that member of {value}.",
        .wrongParent: "Choose a unit that belongs to the semantic type; {value} is of another.",
    ]

    private static let azure: [DTDLErrorID: String] = [
        .azureVersionNotSupported: "Write the model in version 2 or 3: Azure Digital Twins does not take version {value}.",
        .azureInlineInterface:
            "Put the Interface into a definition of its own, and its id into {property}: the service wants it so.",
        .azureCommand: "Take the Command away: Azure Digital Twins does not support commands.",
        .azureContextNotSupported: "Take {value} out of @context: Azure Digital Twins does not support this extension.",
    ]
}

extension String {
    /// This sentence with a value in quotes if it has a place for one, otherwise with "this".
    fileprivate func filledWith(_ value: String?) -> String {
        DTDLErrorID.filled(self, "{value}", value.map { "\"\($0)\"" } ?? "this")
    }
}
