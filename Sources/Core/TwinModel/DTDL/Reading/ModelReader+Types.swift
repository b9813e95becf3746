extension ModelReader {
    /// What `@type` says.
    struct ReadTypes {
        /// Material classes, each once.
        var kinds: [DTDLClass] = []
        var cotypes: [AdjunctFact] = []
        /// Where each co-type is in the text.
        var cotypePlaces: [Int] = []
        /// Whether an unknown co-type was accepted: then unknown members are, too.
        var isInformal = false
        /// Whether a co-type was refused: then the members that it would have added get no errors of their own.
        var hasRefusedType = false
    }

    /// Reads `@type`; nil if it is so wrong that the element cannot be read.
    mutating func readTypes(_ node: JSONNode, _ context: ActiveContext, _ spot: Spot?, isTop: Bool) -> ReadTypes? {
        var types = ReadTypes()
        let id = node["@id"]?.string ?? spot.flatMap { generatedID(node, context, $0) } ?? spot?.parent.id
        guard let typeNode = node["@type"] else {
            if isTop { report(.typeNotRootable, id, "@type", at: node.range.lowerBound) }
            return isTop ? nil : types
        }
        let nodes = typeNode.elements ?? [typeNode]
        for one in nodes {
            guard let text = one.string else {
                report(.badType, spot?.parent.id, spot?.member.name ?? "@type", at: one.range.lowerBound)
                return nil
            }
            readType(text, at: one.range.lowerBound, &types, context, spot, id)
        }
        return types
    }

    private mutating func readType(
        _ text: String, at offset: Int, _ types: inout ReadTypes, _ context: ActiveContext, _ spot: Spot?, _ id: String?
    ) {
        if let fact = context.adjunctNamed(text) {
            if fact.isAbstract {
                report(.abstractSupplementalType, id, "@type", value: text, at: offset)
            } else if !types.cotypes.contains(where: { $0.iri == fact.iri }) {
                types.cotypes.append(fact)
                types.cotypePlaces.append(offset)
            }
            return
        }
        if let kind = context.classNamed(text) {
            if !kind.isWritable(in: context.version) {
                types.hasRefusedType = true
                report(.badType, spot?.parent.id ?? id, spot?.member.name ?? "@type", value: text, at: offset)
            } else if !types.kinds.contains(kind) {
                types.kinds.append(kind)
            }
            return
        }
        if context.version == 2, context.iri(of: text)?.utf8.starts(with: "dtmi:standard:class:".utf8) == true {
            types.hasRefusedType = true  // A unit type: a class, but none for documents.
            return report(.badType, spot?.parent.id ?? id, spot?.member.name ?? "@type", value: text, at: offset)
        }
        readUnknownType(text, at: offset, &types, context, id)
    }

    /// The table of docs/dtdl-rules.md, "Types and unknown members", columns for co-types.
    private mutating func readUnknownType(
        _ text: String, at offset: Int, _ types: inout ReadTypes, _ context: ActiveContext, _ id: String?
    ) {
        let isV2 = context.version == 2
        let problem: DTDLErrorID
        switch context.unknownName(text) {
        case .undefinedTerm:
            types.isInformal = types.isInformal || isV2 || context.isIncomplete
            if isV2 || context.isIncomplete { return }
            problem = .typeUndefinedTerm
        case .irrelevant:
            types.isInformal = types.isInformal || context.isIncomplete
            if context.isIncomplete { return }
            problem = .typeIrrelevantDtmiOrTerm
        case .invalidDTMI: problem = .typeInvalidDtmi
        case .notDTMINorTerm:
            types.isInformal = types.isInformal || isV2
            if isV2 { return }
            problem = .typeNotDtmiNorTerm
        }
        types.hasRefusedType = true
        report(problem, id, "@type", value: text, at: offset)
    }

    private func isAllowedBeside(_ fact: AdjunctFact, _ types: ReadTypes, _ element: Element) -> Bool {
        guard let beside = fact.classesBeside, beside.classes.contains(element.kind) else { return false }
        return types.cotypes.contains { $0.iri == beside.cotype }
    }

    /// Whether the co-types may be on this element, with one another.
    mutating func checkCotypes(_ types: ReadTypes, of element: Element) {
        for (fact, offset) in zip(types.cotypes, types.cotypePlaces) {
            if let classes = fact.classes, !classes.contains(element.kind), !isAllowedBeside(fact, types, element) {
                report(.invalidCotype, element.id, "@type", value: fact.term, at: offset)
            } else if !fact.versions.contains(element.version) {
                report(.invalidCotypeVersion, element.id, "@type", value: fact.term, at: offset)
            }
            for other in fact.requires where !types.cotypes.contains(where: { $0.iri == other }) {
                report(.missingCocotype, element.id, "@type", value: other, at: offset)
            }
            for other in fact.forbids where types.cotypes.contains(where: { $0.iri == other }) {
                report(.disallowedCocotype, element.id, "@type", value: other, at: offset)
            }
        }
        let quantities = zip(types.cotypes, types.cotypePlaces).filter(\.0.isQuantity)
        if quantities.count > 1 {
            let names = quantities.map(\.0.term).joined(separator: ", ")
            report(.conflictingSupplementalTypes, element.id, "@type", value: names, at: quantities[1].1)
        }
    }
}
