extension ModelReader {
    /// Reads the members of an element, and reports those that are missing.
    mutating func readMembers(
        _ node: JSONNode, of element: inout Element, types: ReadTypes, context: ActiveContext, isInferred: Bool
    ) {
        let facts = MemberFact.members(of: element.kind, in: context.version)
        var seen: Set<String> = []
        for member in node.members ?? [] where member.name.utf8.first != UInt8(ascii: "@") {
            if let fact = facts[term(member.name, context)] {
                guard seen.insert(fact.name).inserted else {
                    report(.duplicatePropertyName, element.id, fact.name, at: member.nameStart)
                    continue
                }
                element.memberPlaces[fact.name] = member.nameStart
                readMember(fact, member, of: &element, context)
            } else if let fact = supplement(member.name, types, context) {
                guard seen.insert(fact.iri).inserted else {
                    report(.duplicatePropertyName, element.id, fact.term, at: member.nameStart)
                    continue
                }
                readSupplement(fact, member, of: &element, context)
            } else {
                refuseUnknown(member, of: element, types, context, isInferred)
            }
        }
        reportMissing(facts, seen, element, types, node)
    }

    /// The term of a member that may be written as its identifier.
    private func term(_ name: String, _ context: ActiveContext) -> String {
        let prefix = "dtmi:dtdl:property:"
        guard name.utf8.starts(with: prefix.utf8), name.hasSuffix(";\(context.version)") else { return name }
        return String(name.dropFirst(prefix.count).dropLast(2))
    }

    private func supplement(_ name: String, _ types: ReadTypes, _ context: ActiveContext) -> AdjunctFact.Member? {
        for fact in types.cotypes {
            for member in fact.members where member.term.isSame(as: name) || member.iri.isSame(as: name) { return member }
        }
        return nil
    }

    /// The table of docs/dtdl-rules.md, "Types and unknown members", columns for members.
    private mutating func refuseUnknown(
        _ member: JSONNode.Member, of element: Element, _ types: ReadTypes, _ context: ActiveContext, _ isInferred: Bool
    ) {
        let isV2 = context.version == 2
        if types.hasRefusedType { return }
        let kind = context.unknownName(member.name)
        switch kind {
        case .undefinedTerm, .irrelevant:
            if types.isInformal, isV2 || context.isIncomplete { return }
        case .invalidDTMI, .notDTMINorTerm:
            if types.isInformal, isV2 { return }
        }
        let id: DTDLErrorID =
            switch kind {
            case .undefinedTerm: .propertyUndefinedTerm
            case .irrelevant: .propertyIrrelevantDtmiOrTerm
            case .invalidDTMI: .propertyInvalidDtmi
            case .notDTMINorTerm: .propertyNotDtmiNorTerm
            }
        report(id, element.id, member.name, at: member.nameStart)
    }

    private mutating func reportMissing(
        _ facts: [String: MemberFact], _ seen: Set<String>, _ element: Element, _ types: ReadTypes, _ node: JSONNode
    ) {
        let start = node.range.lowerBound
        for fact in facts.values.sorted(by: { $0.name < $1.name }) where fact.isRequired && !seen.contains(fact.name) {
            if case .elements = fact.kind {
                report(.missingObjectProperty, element.id, fact.name, at: start)
            } else {
                report(.missingLiteralProperty, element.id, fact.name, at: start)
            }
        }
        for cotype in types.cotypes {
            for fact in cotype.members where fact.isRequired && !seen.contains(fact.iri) {
                switch fact.kind {
                case .unit, .element: report(.missingSupplementalObjectProperty, element.id, fact.term, at: start)
                case .property: report(.missingSupplementalIdentifierProperty, element.id, fact.term, at: start)
                default: report(.missingSupplementalLiteralProperty, element.id, fact.term, at: start)
                }
            }
        }
    }

    // MARK: One member

    private mutating func readMember(
        _ fact: MemberFact, _ member: JSONNode.Member, of element: inout Element, _ context: ActiveContext
    ) {
        let node = member.value
        switch fact.kind {
        case .string:
            guard case .string(let text)? = literal(node, .string, fact.name, element.id, context, isRequired: fact.isRequired)
            else { return }
            checkText(text, fact, node, of: &element)
        case .boolean:
            element.literals[fact.name] = literal(node, .boolean, fact.name, element.id, context)
        case .integer:
            guard case .int(let number)? = literal(node, .integer, fact.name, element.id, context) else { return }
            checkNumber(number, fact, node, element)
            element.literals[fact.name] = .int(number)
        case .literal:
            element.literals[fact.name] = literal(node, .any, fact.name, element.id, context, isRequired: fact.isRequired)
        case .langString:
            let max = fact.name == "displayName" ? element.limits.displayNameLength : element.limits.descriptionLength
            if let texts = languageTexts(node, fact.name, element.id, lengthMax: max, version: context.version) {
                element.literals[fact.name] = .object(texts)
            }
        case .target: readTarget(node, fact, of: &element)
        case .elements: readElements(node, fact, of: &element, context)
        }
    }

    private mutating func checkText(_ text: String, _ fact: MemberFact, _ node: JSONNode, of element: inout Element) {
        let start = node.range.lowerBound
        let max = fact.name == "name" ? element.limits.nameLength : element.limits.commentLength
        if fact.name == "name" {
            if !text.isDTDLName { report(.stringInvalid, element.id, fact.name, value: text, at: start) }
            element.name = text
        }
        if text.unicodeScalars.count > max { report(.stringTooLong, element.id, fact.name, value: text, at: start) }
        element.literals[fact.name] = .string(text)
    }

    private mutating func checkNumber(_ number: Int64, _ fact: MemberFact, _ node: JSONNode, _ element: Element) {
        let start = node.range.lowerBound
        if let least = fact.minimum, let most = fact.maximum, least == most {
            if number != least { report(.valueNotExact, element.id, fact.name, value: String(number), at: start) }
            return
        }
        if let least = fact.minimum, number < least {
            report(
                fact.maximum == nil ? .valueBelowMin : .valueBelowRange, element.id, fact.name, value: String(number), at: start)
        }
        if let most = fact.maximum, number > most {
            report(.valueAboveRange, element.id, fact.name, value: String(number), at: start)
        }
    }

    private mutating func readTarget(_ node: JSONNode, _ fact: MemberFact, of element: inout Element) {
        let start = node.range.lowerBound
        let nodes = node.elements ?? [node]
        guard let first = nodes.first else { return }
        guard nodes.count == 1 else { return report(.identifierMultipleValues, element.id, fact.name, at: start) }
        guard let text = first.string else { return report(.identifierNotString, element.id, fact.name, at: start) }
        guard DTMI.isUsable(text, in: element.version) else {
            return report(.identifierNotDtmi, element.id, fact.name, value: text, at: start)
        }
        guard text.unicodeScalars.count <= element.limits.idLength else {
            return report(.identifierTooLong, element.id, fact.name, value: text, at: start)
        }
        element.literals[fact.name] = .string(text)
    }

    // MARK: Elements

    private mutating func readElements(
        _ node: JSONNode, _ fact: MemberFact, of element: inout Element, _ context: ActiveContext
    ) {
        let nodes = node.elements ?? [node]
        let start = node.range.lowerBound
        if nodes.isEmpty, fact.isRequired { report(.objectCountBelowMin, element.id, fact.name, at: start) }
        if nodes.count > 1, !fact.isPlural { return report(.objectMultipleValues, element.id, fact.name, at: start) }
        if let max = fact.countMax, nodes.count > max {
            report(.objectCountAboveMax, element.id, fact.name, value: String(nodes.count), at: start)
        }
        let spot = Spot(member: fact, parent: element, parentClass: element.kind)
        for one in nodes {
            let offset = one.range.lowerBound
            switch one.value {
            case .string(let text):
                if let id = reference(text, fact, element, context, at: offset) {
                    element.links[fact.name, default: []].append(.init(target: id, offset: offset, isInline: false))
                }
            case .object:
                if let id = readElement(one, in: spot, outer: context) {
                    let isInline = elements[id] != nil
                    element.links[fact.name, default: []].append(.init(target: id, offset: offset, isInline: isInline))
                    if let nested = elements[element.id]?.nestedBytes { element.nestedBytes = nested }  // Counted meanwhile.
                }
            default: report(.refNotStringOrObject, element.id, fact.name, at: offset)
            }
        }
    }

    /// The identifier that a reference means: a term, or an identifier.
    private mutating func reference(
        _ text: String, _ fact: MemberFact, _ element: Element, _ context: ActiveContext, at offset: Int
    ) -> String? {
        if !text.utf8.starts(with: "dtmi:".utf8), let iri = context.iri(of: text) { return iri }
        guard DTMI.isUsable(text, in: context.version) else {
            report(.badDtmiOrTerm, element.id, fact.name, value: text, at: offset)
            return nil
        }
        guard text.unicodeScalars.count <= context.limits.idLength else {
            report(.idTooLong, element.id, fact.name, value: text, at: offset)
            return nil
        }
        return text
    }

    // MARK: Members of co-types

    private mutating func readSupplement(
        _ fact: AdjunctFact.Member, _ member: JSONNode.Member, of element: inout Element, _ context: ActiveContext
    ) {
        let node = member.value
        let start = node.range.lowerBound
        var value: JSON?
        var links: [Element.Link] = []
        switch fact.kind {
        case .string(let pattern, let lengthMax):
            value = literal(node, .string, fact.term, element.id, context, isRequired: fact.isRequired)
            if case .string(let text)? = value {
                if let lengthMax, text.unicodeScalars.count > lengthMax {
                    report(.stringTooLong, element.id, fact.term, value: text, at: start)
                }
                if let pattern, !pattern.matches(text) { report(.stringInvalid, element.id, fact.term, value: text, at: start) }
            }
        case .integer(let minimum):
            value = literal(node, .integer, fact.term, element.id, context, isRequired: fact.isRequired)
            if let minimum, case .int(let number)? = value, number < minimum {
                report(.valueBelowMin, element.id, fact.term, value: String(number), at: start)
            }
        case .decimal: value = literal(node, .numeric, fact.term, element.id, context, isRequired: fact.isRequired)
        case .duration: value = literal(node, .duration, fact.term, element.id, context, isRequired: fact.isRequired)
        case .property:
            value = propertyIdentifier(node, fact, element, context)
        case .unit: links = unit(node, fact, element, context)
        case .element: links = anyElement(node, fact, element, context)
        }
        element.supplements[fact.iri] = .init(fact: fact, value: value, targets: links, offset: start)
    }

    /// `overrides`: a term or identifier of a member.
    private mutating func propertyIdentifier(
        _ node: JSONNode, _ fact: AdjunctFact.Member, _ element: Element, _ context: ActiveContext
    ) -> JSON? {
        let start = node.range.lowerBound
        let nodes = node.elements ?? [node]
        guard nodes.count == 1 else {
            report(nodes.isEmpty ? .identifierCountBelowMin : .identifierMultipleValues, element.id, fact.term, at: start)
            return nil
        }
        guard let text = nodes[0].string else {
            report(.identifierNotString, element.id, fact.term, at: start)
            return nil
        }
        if text.utf8.starts(with: "dtmi:".utf8) {
            guard DTMI(text) != nil else {
                report(.identifierNotDtmi, element.id, fact.term, value: text, at: start)
                return nil
            }
            return .string(text)
        }
        guard let iri = context.unitIRI(of: text) else {
            report(.badDtmiOrTerm, element.id, fact.term, value: text, at: start)
            return nil
        }
        return .string(iri)
    }

    private mutating func unit(
        _ node: JSONNode, _ fact: AdjunctFact.Member, _ element: Element, _ context: ActiveContext
    ) -> [Element.Link] {
        let start = node.range.lowerBound
        let nodes = node.elements ?? [node]
        guard nodes.count == 1 else {
            report(nodes.isEmpty ? .objectCountBelowMin : .objectMultipleValues, element.id, fact.term, at: start)
            return []
        }
        switch nodes[0].value {
        case .string(let text):
            let iri = text.utf8.starts(with: "dtmi:".utf8) ? text : context.unitIRI(of: text)
            guard let iri, DTMI(iri) != nil else {
                report(.badDtmiOrTerm, element.id, fact.term, value: text, at: start)
                return []
            }
            return [.init(target: iri, offset: start, isInline: false)]
        case .object: report(.refObjectNotAllowed, element.id, fact.term, at: start)
        default: report(.refNotStringOrObject, element.id, fact.term, at: start)
        }
        return []
    }

    private mutating func anyElement(
        _ node: JSONNode, _ fact: AdjunctFact.Member, _ element: Element, _ context: ActiveContext
    ) -> [Element.Link] {
        let nodes = node.elements ?? [node]
        return nodes.compactMap { one in
            guard let text = one.string else {
                report(.refObjectNotAllowed, element.id, fact.term, at: one.range.lowerBound)
                return nil
            }
            guard let iri = context.unitIRI(of: text) ?? (DTMI(text) == nil ? nil : text) else {
                report(.badDtmiOrTerm, element.id, fact.term, value: text, at: one.range.lowerBound)
                return nil
            }
            return .init(target: iri, offset: one.range.lowerBound, isInline: false)
        }
    }
}
