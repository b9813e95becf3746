extension ModelReader {
    /// The kinds of literal (docs/dtdl-rules.md, "Literals").
    enum LiteralKind {
        case string, boolean, integer, numeric, duration
        /// `enumValue`: a string or an integer.
        case any

        var types: [String] {
            switch self {
            case .string: ["string"]
            case .boolean: ["boolean"]
            case .integer: ["integer"]
            case .numeric: ["decimal", "integer", "double", "float"]
            case .duration: ["duration"]
            case .any: ["string", "integer", "boolean"]
            }
        }

        var notOfKind: DTDLErrorID {
            switch self {
            case .string: .stringNotString
            case .boolean: .booleanNotBoolean
            case .integer: .integerNotInteger
            case .numeric: .numericNotNumeric
            case .duration: .durationNotString
            case .any: .literalNotValid
            }
        }

        var multiple: DTDLErrorID {
            switch self {
            case .string: .stringMultipleValues
            case .boolean: .booleanMultipleValues
            case .integer: .integerMultipleValues
            case .numeric: .numericMultipleValues
            case .duration: .durationMultipleValues
            case .any: .literalMultipleValues
            }
        }

        var none: DTDLErrorID {
            switch self {
            case .string: .stringCountBelowMin
            case .boolean: .booleanCountBelowMin
            case .integer: .integerCountBelowMin
            case .numeric: .numericCountBelowMin
            case .duration: .durationCountBelowMin
            case .any: .literalCountBelowMin
            }
        }

        var noValue: DTDLErrorID {
            switch self {
            case .string: .stringObjectNoValue
            case .boolean: .booleanObjectNoValue
            case .integer: .integerObjectNoValue
            case .numeric: .numericObjectNoValue
            case .duration: .durationObjectNoValue
            case .any: .literalObjectNoValue
            }
        }

        var wrongType: DTDLErrorID {
            switch self {
            case .string: .stringTypeNotString
            case .boolean: .booleanTypeNotBoolean
            case .integer: .integerTypeNotInteger
            case .numeric: .numericTypeNotNumeric
            case .duration: .durationTypeNotDuration
            case .any: .literalNotValid
            }
        }

        var wrongValue: DTDLErrorID {
            switch self {
            case .string: .stringValueNotString
            case .boolean: .booleanValueNotBoolean
            case .integer: .integerValueNotInteger
            case .numeric: .numericValueNotNumeric
            case .duration: .durationValueNotString
            case .any: .literalNotValid
            }
        }
    }

    /// Reads one literal, bare, in an array, or as a value object; nil if it is wrong or absent.
    mutating func literal(
        _ node: JSONNode, _ kind: LiteralKind, _ property: String, _ element: String, _ context: ActiveContext,
        isRequired: Bool = false
    ) -> JSON? {
        let nodes = node.elements ?? [node]
        let start = node.range.lowerBound
        guard let first = nodes.first else {
            if isRequired { report(kind.none, element, property, at: start) }
            return nil
        }
        guard nodes.count == 1 else {
            report(kind.multiple, element, property, at: start)
            return nil
        }
        if let members = first.members { return valueObject(first, members, kind, property, element, context) }
        guard let value = plain(first, kind) else {
            report(kind.notOfKind, element, property, at: start)
            return nil
        }
        return checkedDuration(value, kind, property, element, at: start)
    }

    private mutating func checkedDuration(
        _ value: JSON, _ kind: LiteralKind, _ property: String, _ element: String, at offset: Int
    ) -> JSON? {
        guard case .duration = kind, case .string(let text) = value, !ValueText.isDuration(text.utf8) else { return value }
        report(.durationInvalid, element, property, value: text, at: offset)
        return nil
    }

    private func plain(_ node: JSONNode, _ kind: LiteralKind) -> JSON? {
        switch (kind, node.value) {
        case (.string, .string(let text)), (.duration, .string(let text)), (.any, .string(let text)): return .string(text)
        case (.boolean, .bool(let value)), (.any, .bool(let value)): return .bool(value)
        case (.integer, .number(let text)), (.any, .number(let text)): return Self.wholeNumber(text)
        case (.numeric, .number): return node.json
        default: return nil
        }
    }

    /// An integral number of 32 bits, signed; it may be written as `3.0`.
    private static func wholeNumber(_ text: String) -> JSON? {
        guard let number = Double(text), number == number.rounded(), let whole = Int32(exactly: number) else { return nil }
        return .int(Int64(whole))
    }

    private mutating func valueObject(
        _ node: JSONNode, _ members: [JSONNode.Member], _ kind: LiteralKind, _ property: String, _ element: String,
        _ context: ActiveContext
    ) -> JSON? {
        let before = findings.count
        var type: String?
        for member in members {
            switch member.name {
            case "@value": continue
            case "@type":
                let types = member.value.elements ?? [member.value]
                guard types.count == 1 else {
                    report(.literalTypeNotSingular, element, property, at: member.nameStart)
                    continue
                }
                guard let text = types[0].string else {
                    report(kind.wrongType, element, property, at: member.nameStart)
                    continue
                }
                type = text
            case "@id": report(.valueObjectId, element, property, at: member.nameStart)
            case "@context": report(.valueObjectContext, element, property, at: member.nameStart)
            case "@graph": report(.valueObjectGraph, element, property, at: member.nameStart)
            case "@language":
                if context.version >= 3 { report(.valueObjectLanguage, element, property, at: member.nameStart) }
            case _ where member.name.utf8.first == UInt8(ascii: "@"):
                if context.version >= 3 {
                    report(.valueObjectKeyword, element, property, value: member.name, at: member.nameStart)
                }
            default: report(.valueObjectInvalidProp, element, property, value: member.name, at: member.nameStart)
            }
        }
        guard let valueNode = node["@value"] else {
            report(kind.noValue, element, property, at: node.range.lowerBound)
            return nil
        }
        var typed = kind
        if let type {
            guard let name = Self.schemaType(type), kind.types.contains(name) else {
                report(kind.wrongType, element, property, value: type, at: node.range.lowerBound)
                return nil
            }
            if case .any = kind { typed = name == "string" ? .string : name == "integer" ? .integer : .boolean }
        }
        guard let value = plain(valueNode, typed) else {
            report(typed.wrongValue, element, property, at: valueNode.range.lowerBound)
            return nil
        }
        guard findings.count == before else { return nil }
        return checkedDuration(value, kind, property, element, at: node.range.lowerBound)
    }

    /// `string` of `xsd:string` or `http://www.w3.org/2001/XMLSchema#string`.
    private static func schemaType(_ text: String) -> String? {
        for prefix in ["xsd:", "http://www.w3.org/2001/XMLSchema#"] where text.utf8.starts(with: prefix.utf8) {
            return String(text.dropFirst(prefix.count))
        }
        return nil
    }

    // MARK: Texts in languages

    /// `displayName` and `description` (docs/dtdl-rules.md, "Texts by language"): texts by language, a plain string under `en`.
    mutating func languageTexts(
        _ node: JSONNode, _ property: String, _ element: String, lengthMax: Int, version: Int
    ) -> [JSON.Member]? {
        let before = findings.count
        var texts: [JSON.Member] = []
        switch node.value {
        case .string(let text):
            checkLength(text, node, property, element, lengthMax)
            texts = [JSON.Member("en", .string(text))]
        case .object(let members): texts = languageMap(members, property, element, lengthMax)
        case .array(let nodes): texts = languageArray(nodes, property, element, lengthMax, version)
        default: report(.langStringNotLangString, element, property, at: node.range.lowerBound)
        }
        return findings.count == before ? texts : nil
    }

    private mutating func checkLength(_ text: String, _ node: JSONNode, _ property: String, _ element: String, _ max: Int) {
        guard text.unicodeScalars.count > max else { return }
        report(.langStringValueTooLong, element, property, value: text, at: node.range.lowerBound)
    }

    private mutating func languageMap(
        _ members: [JSONNode.Member], _ property: String, _ element: String, _ lengthMax: Int
    ) -> [JSON.Member] {
        var texts: [JSON.Member] = []
        if members.count == 2, Set(members.map(\.name)) == ["@value", "@language"] {
            report(.langTagValueInLangMap, element, property, at: members[0].nameStart)
            return []
        }
        for member in members {
            if member.name.utf8.first == UInt8(ascii: "@") {
                report(.langMapObjKeyword, element, property, value: member.name, at: member.nameStart)
            } else if !Self.isLanguage(member.name) {
                report(.langStringInvalidCode, element, property, value: member.name, at: member.nameStart)
            } else if let text = member.value.string {
                checkLength(text, member.value, property, element, lengthMax)
                texts.append(JSON.Member(member.name, .string(text)))
            } else {
                report(.langStringValueNotString, element, property, value: member.name, at: member.nameStart)
            }
        }
        return texts
    }

    private mutating func languageArray(
        _ nodes: [JSONNode], _ property: String, _ element: String, _ lengthMax: Int, _ version: Int
    ) -> [JSON.Member] {
        var texts: [JSON.Member] = []
        for node in nodes {
            let start = node.range.lowerBound
            var code = "en"
            var text = node.string
            if let members = node.members {
                guard let read = languageElement(node, members, property, element, version) else { continue }
                (code, text) = read
            }
            guard let text else {
                report(.langStringElementNotStringOrObject, element, property, at: start)
                continue
            }
            checkLength(text, node, property, element, lengthMax)
            if texts.contains(where: { $0.name.isSame(as: code) }) {
                report(.langStringElementCodeNotUnique, element, property, value: code, at: start)
            } else {
                texts.append(JSON.Member(code, .string(text)))
            }
        }
        return texts
    }

    private mutating func languageElement(
        _ node: JSONNode, _ members: [JSONNode.Member], _ property: String, _ element: String, _ version: Int
    ) -> (code: String, text: String?)? {
        let before = findings.count
        for member in members {
            let offset = member.nameStart
            switch member.name {
            case "@value", "@language": continue
            case "@id": report(.langStringElementId, element, property, at: offset)
            case "@context": report(.langStringElementContext, element, property, at: offset)
            case "@graph": report(.langStringElementGraph, element, property, at: offset)
            case "@type": if version >= 3 { report(.langStringElementType, element, property, at: offset) }
            case _ where member.name.utf8.first == UInt8(ascii: "@"):
                if version >= 3 { report(.langStringElementKeyword, element, property, value: member.name, at: offset) }
            default: report(.langStringElementInvalidProp, element, property, value: member.name, at: offset)
            }
        }
        var code = "en"
        if let language = node["@language"] {
            guard let text = language.string else {
                report(.langStringElementCodeNotString, element, property, at: language.range.lowerBound)
                return nil
            }
            if !Self.isLanguage(text) {
                report(.langStringElementInvalidCode, element, property, value: text, at: language.range.lowerBound)
            }
            code = text
        }
        guard let value = node["@value"] else {
            report(.langStringElementNoValue, element, property, at: node.range.lowerBound)
            return nil
        }
        guard let text = value.string else {
            report(.langStringElementValueNotString, element, property, at: value.range.lowerBound)
            return nil
        }
        return findings.count == before ? (code, text) : nil
    }

    /// `en`, `en-US`, `zh-Hans-CN`, `es-419`.
    static func isLanguage(_ code: String) -> Bool {
        var parts = code.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)[...]
        func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
        func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
        guard let first = parts.popFirst(), (2...4).contains(first.count), first.allSatisfy(isLower) else { return false }
        if let script = parts.first, script.count == 4, let head = script.first, isUpper(head),
            script.dropFirst().allSatisfy(isLower)
        {
            parts.removeFirst()
        }
        if let region = parts.first {
            guard region.count == 2 && region.allSatisfy(isUpper) || region.count == 3 && region.allSatisfy(ValueText.isDigit)
            else { return false }
            parts.removeFirst()
        }
        return parts.isEmpty
    }
}
