/// The rules that co-types bring: about the element's members, its parent, and the elements beside it (dtdl-rules §10).
struct CotypeRules {
    let graph: ElementGraph
    private(set) var findings: [ModelReader.Finding] = []

    init(graph: ElementGraph) { self.graph = graph }

    mutating func check(_ element: Element) {
        for iri in element.cotypes {
            guard let fact = Extension.adjunctsByIRI[iri] else { continue }
            for rule in fact.rules { check(rule, fact, element) }
            for member in fact.members where member.isUniqueAmongSiblings { checkUnique(member, element) }
        }
    }

    private mutating func report(_ id: DTDLErrorID, _ element: Element, _ property: String?, value: String? = nil) {
        let place =
            property.flatMap { name in
                element.memberPlaces[name] ?? element.supplements.values.first { $0.fact.term == name }?.offset
            } ?? element.range.lowerBound
        findings.append(
            .init(id: id, element: element.id, property: property, value: value, file: element.file, offset: place))
    }

    private mutating func check(_ rule: AdjunctFact.Rule, _ fact: AdjunctFact, _ element: Element) {
        switch rule {
        case .memberHasType(let member, let classes, let cotypes):
            for target in element.targets(member) where !isOneOf(target, classes, cotypes) {
                report(.notRequiredType, element, member, value: target)
            }
        case .memberHasValue(let member, let values):
            for target in element.targets(member) where !values.contains(where: { $0.isSame(as: target) }) {
                report(.notRequiredValue, element, member, value: target)
            }
        case .parentHasCotype(let cotypes):
            let parent = element.parent.flatMap { graph.elements[$0] }
            if parent?.cotypes.contains(where: { cotypes.contains($0) }) != true {
                report(.parentMissingCotype, element, "@type", value: fact.term)
            }
        case .aloneAmongSiblings:
            let others = graph.siblings(of: element).filter { $0.id != element.id && $0.cotypes.contains(fact.iri) }
            if !others.isEmpty { report(.siblingDuplicatesCotype, element, "@type", value: fact.term) }
        case .siblingHasCotype(let cotype):
            if !graph.siblings(of: element).contains(where: { $0.id != element.id && $0.cotypes.contains(cotype) }) {
                report(.siblingMissingCotype, element, "@type", value: fact.term)
            }
        case .annotatesSibling: checkAnnotation(element, fact)
        case .overridesSibling: checkOverride(element, fact)
        }
    }

    private func isOneOf(_ target: String, _ classes: [DTDLClass], _ cotypes: [String]) -> Bool {
        guard let node = graph[target] else { return true }
        if classes.contains(where: { node.kind.isKind(of: $0) }) { return true }
        guard case .element(let element) = node else { return false }
        return element.cotypes.contains { cotypes.contains($0) }
    }

    private mutating func checkUnique(_ member: AdjunctFact.Member, _ element: Element) {
        guard let value = element.supplements[member.iri]?.value else { return }
        let others = graph.siblings(of: element).filter { $0.id != element.id && $0.supplements[member.iri]?.value == value }
        if !others.isEmpty { report(.nonUniquePropertyValue, element, member.term, value: value.text()) }
    }

    // MARK: Annotations and overrides

    private static let annotationPrefix = "dtmi:dtdl:extension:annotation:"

    /// The Property or Telemetry that an annotation names.
    private func annotated(by element: Element) -> (name: String, element: Element?)? {
        let supplement = element.supplements.values.first { $0.fact.term == "annotates" }
        guard case .string(let name)? = supplement?.value else { return nil }
        return (name, graph.siblings(of: element).first { $0.name?.isSame(as: name) == true })
    }

    private mutating func checkAnnotation(_ element: Element, _ fact: AdjunctFact) {
        guard let (name, target) = annotated(by: element) else { return }
        guard let target, target.kind == .property || target.kind == .telemetry else {
            return report(.notSiblingRequiredType, element, "annotates", value: name)
        }
        if target.cotypes.contains(where: { $0.utf8.starts(with: Self.annotationPrefix.utf8) }) {
            report(.disallowedType, element, "annotates", value: name)
        }
    }

    private mutating func checkOverride(_ element: Element, _ fact: AdjunctFact) {
        guard let member = fact.members.first, case .string(let property)? = element.supplements[member.iri]?.value,
            let (name, annotated) = annotated(by: element), let target = annotated
        else { return }
        let twins = graph.siblings(of: element).filter { other in
            guard other.id != element.id, case .string(let second)? = other.supplements[member.iri]?.value else { return false }
            return second.isSame(as: property) && self.annotated(by: other)?.name.isSame(as: name) == true
        }
        if !twins.isEmpty { report(.multipleReference, element, "overrides", value: name) }
        guard let supplement = supplement(property, of: target) else {
            let isOwn = isMember(property, of: target)
            return report(
                isOwn ? .matchingPropertyNotSupplemental : .noMatchingSupplementalProperty, element, "overrides", value: property)
        }
        guard case .unit(let unitType) = supplement.kind, let schema = element.target("schema") else { return }
        if !schema.isSame(as: unitType) { report(.siblingPropertyMismatch, element, "schema", value: schema) }
    }

    /// The member that a co-type of `element` adds under that identifier.
    private func supplement(_ iri: String, of element: Element) -> AdjunctFact.Member? {
        for cotype in element.cotypes {
            guard let fact = Extension.adjunctsByIRI[cotype] else { continue }
            if let member = fact.members.first(where: { $0.iri.isSame(as: iri) }) { return member }
        }
        return nil
    }

    /// Whether `iri` is a member that the class of `element` has itself.
    private func isMember(_ iri: String, of element: Element) -> Bool {
        let facts = MemberFact.members(of: element.kind, in: element.version)
        return facts.keys.contains { iri.isSame(as: "dtmi:dtdl:property:\($0);\(element.version)") }
    }
}
