/// One thing that is wrong with a model, and where.
package struct DTDLError: Error, Sendable, Equatable {
    /// What is wrong, by the name that the reference parser gives it.
    package let id: DTDLErrorID
    /// The element at fault, by its identifier, generated ones included; nil if it has none.
    package let element: String?
    /// The member at fault.
    package let property: String?
    /// The offending value, if it is short enough to show.
    package let value: String?
    /// The file, as the caller named it.
    package let file: String
    /// Where in the file.
    package let place: TextPlace
    /// One sentence that says what to do.
    package var message: String { id.sentence(property: property, value: value) }
}

/// A reference that no document defines: the model is incomplete, which is no parsing error (docs/dtdl-rules.md, "References").
package struct UnresolvedReference: Sendable, Equatable {
    /// The identifier that is not defined.
    package let id: String
    /// The element that refers to it.
    package let element: String
    /// The member with the reference.
    package let property: String
    /// The file, as the caller named it.
    package let file: String
    /// Where the reference is in the file.
    package let place: TextPlace
    /// One sentence that says what to do.
    package var message: String { "Give the file that defines \(id), or take the reference out." }
}

/// The names of errors (docs/dtdl-rules.md, "Names of errors"). The reference parser writes `dtmi:dtdl:parsingError:` before
/// them. Two are this parser's own: `invalidJSON` and those whose name begins with `azure`.
package enum DTDLErrorID: String, Sendable, CaseIterable {
    // Document and context
    case invalidJSON, notJsonObject, topLevelGraphDisallowed, topLevelKeywordDisallowed, missingTopLevelId, typeNotRootable
    case missingContext, emptyContext, invalidContext, missingDtdlContext, missingContextVersion, nonDtmiContextSpecifier
    case invalidContextSpecifier, invalidContextSpecifierForVersion, dtdlContextFollowsAffiliate, unrecognizedContextVersion
    case disallowedContextVersion, unresolvableContextSpecifier, unresolvableContextVersion, disallowedLocalContext
    case invalidContextFragment, disallowedContextFragment, misplacedLimitContext, missingLimitContext, disallowedLimitContext
    // Identity
    case invalidId, idTooLong, idTooLongForType, reservedId, undefinedReservedId, duplicateDefinition, idNotString, idReference
    case missingRequiredId, missingDictKeyPropertyValue, missingDtmiSegPropertyValue
    // Types
    case badType, typeUndefinedTerm, typeIrrelevantDtmiOrTerm, typeInvalidDtmi, typeNotDtmiNorTerm, multipleMaterialTypes
    case layerMissingMaterialType, invalidCotype, invalidCotypeVersion, abstractSupplementalType, missingCocotype
    case disallowedCocotype, conflictingSupplementalTypes
    // Members
    case keywordDisallowed, graphDisallowed, duplicatePropertyName, propertyUndefinedTerm, propertyIrrelevantDtmiOrTerm
    case propertyInvalidDtmi, propertyNotDtmiNorTerm, noTypeThatAllows, inferredTypeDoesNotAllow, missingLiteralProperty
    case missingObjectProperty, missingSupplementalLiteralProperty, missingSupplementalObjectProperty
    case missingSupplementalIdentifierProperty
    // Literals
    case stringNotString, stringMultipleValues, stringCountBelowMin, stringObjectNoValue, stringTypeNotString
    case stringValueNotString, stringInvalid, stringTooLong
    case booleanNotBoolean, booleanMultipleValues, booleanCountBelowMin, booleanObjectNoValue, booleanTypeNotBoolean
    case booleanValueNotBoolean
    case integerNotInteger, integerMultipleValues, integerCountBelowMin, integerObjectNoValue, integerTypeNotInteger
    case integerValueNotInteger
    case numericNotNumeric, numericMultipleValues, numericCountBelowMin, numericObjectNoValue, numericTypeNotNumeric
    case numericValueNotNumeric
    case durationNotString, durationMultipleValues, durationCountBelowMin, durationObjectNoValue, durationTypeNotDuration
    case durationValueNotString, durationInvalid
    case literalNotValid, literalMultipleValues, literalCountBelowMin, literalObjectNoValue, literalTypeNotSingular
    case valueObjectId, valueObjectContext, valueObjectGraph, valueObjectLanguage, valueObjectKeyword, valueObjectInvalidProp
    case identifierNotString, identifierNotDtmi, identifierTooLong, identifierMultipleValues, identifierCountBelowMin
    case langStringNotLangString, langStringInvalidCode, langStringValueNotString, langStringValueTooLong
    case langMapObjKeyword, langTagValueInLangMap, langStringElementNotStringOrObject, langStringElementNoValue
    case langStringElementValueNotString, langStringElementCodeNotString, langStringElementInvalidCode
    case langStringElementCodeNotUnique, langStringElementId, langStringElementContext, langStringElementGraph
    case langStringElementType, langStringElementKeyword, langStringElementInvalidProp
    // Values
    case valueBelowMin, valueAboveMax, valueAboveRange, valueBelowRange, valueNotExact, notRequiredValue, notRequiredType
    case nonConformantDatatype, nonConformantPropertyValue, nonUniquePropertyValue, nonUniqueImportedPropertyValue
    case badDtmiOrTerm, refNotStringOrObject, refObjectNotAllowed, objectMultipleValues, objectCountBelowMin, objectCountAboveMax
    // Structure
    case excessiveCount, excessiveDepthNarrow, excessiveDepthWide, recursiveStructureNarrow, recursiveStructureWide, excludedType
    case crossPartitionReference, partitionTooLarge, disallowedVersionDefinition, disallowedVersionReference
    // Extensions
    case parentMissingCotype, siblingDuplicatesCotype, siblingMissingCotype, notSiblingRequiredType, disallowedType
    case noMatchingSupplementalProperty, matchingPropertyNotSupplemental, siblingPropertyMismatch, multipleReference, wrongParent
    // The profile of Azure Digital Twins
    case azureVersionNotSupported, azureInlineInterface, azureCommand, azureContextNotSupported
}
