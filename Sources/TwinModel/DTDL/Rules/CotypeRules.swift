/// The rules that co-types bring: about the element's members, its parent, and the elements beside it (dtdl-rules §10).
struct CotypeRules {
    let graph: ElementGraph
    private(set) var findings: [ModelReader.Finding] = []
    private var reported: Set<String> = []

    init(graph: ElementGraph) { self.graph = graph }

    mutating func check(_ element: Element) {
        for iri in element.cotypes {
            guard let fact = Extension.adjunctsByIRI[iri] else { continue }
            for rule in fact.rules { check(rule, fact, element) }
            for member in fact.members where member.isUniqueAmongSiblings { checkUnique(member, element) }
            for member in fact.members where member.conformsToSchema { checkConformance(member, element) }
        }
        switch element.kind {
        case .interface: checkScope(element, graph.contents(of: element))
        case .relationship: checkScope(element, graph.children(element, "properties"))
        default: return
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
        case .annotatesSibling, .overridesSibling: return  // By scope.
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
        guard !others.isEmpty, let parent = element.parent.flatMap({ graph.elements[$0] }), let place = element.parentMember
        else {
            return
        }
        findings.append(
            .init(
                id: .nonUniquePropertyValue, element: parent.id, property: place, value: value.text(), file: element.file,
                offset: element.supplements[member.iri]?.offset ?? element.range.lowerBound))
    }

    // MARK: Annotations and overrides

    private static let annotationPrefix = "dtmi:dtdl:extension:annotation:"

    /// Annotations look at the elements beside them, and those differ from one heir of an Interface to the next: so each scope,
    /// an Interface with all it inherits or the properties of a Relationship, is looked at as a whole.
    private mutating func checkScope(_ owner: Element, _ contents: [Element]) {
        for element in contents {
            for iri in element.cotypes {
                for rule in Extension.adjunctsByIRI[iri]?.rules ?? [] {
                    switch rule {
                    case .annotatesSibling: checkAnnotation(element, contents, owner)
                    case .overridesSibling: checkOverride(element, iri, contents, owner)
                    default: continue
                    }
                }
            }
        }
    }

    /// Reports each thing once, at the element where it was read just now, else at the owner of the scope.
    private mutating func report(
        _ id: DTDLErrorID, _ element: Element, in owner: Element, _ property: String, value: String
    ) {
        guard reported.insert("\(id) \(element.id) \(property)").inserted else { return }
        guard element.partition == owner.partition else {
            let offset = owner.range.lowerBound
            findings.append(
                .init(id: id, element: element.id, property: property, value: value, file: owner.file, offset: offset))
            return
        }
        report(id, element, property, value: value)
    }

    /// The Property or Telemetry that an annotation names; it may be absent.
    private func annotated(by element: Element, _ contents: [Element]) -> (name: String, element: Element?)? {
        let supplement = element.supplements.values.first { $0.fact.term == "annotates" }
        guard case .string(let name)? = supplement?.value else { return nil }
        return (name, contents.first { $0.name?.isSame(as: name) == true })
    }

    private mutating func checkAnnotation(_ element: Element, _ contents: [Element], _ owner: Element) {
        guard let (name, annotated) = annotated(by: element, contents), let target = annotated else { return }
        guard target.kind == .property || target.kind == .telemetry else {
            return report(.notSiblingRequiredType, element, in: owner, "annotates", value: name)
        }
        if target.cotypes.contains(where: { $0.utf8.starts(with: Self.annotationPrefix.utf8) }) {
            report(.disallowedType, element, in: owner, "annotates", value: name)
        }
    }

    private mutating func checkOverride(_ element: Element, _ cotype: String, _ contents: [Element], _ owner: Element) {
        guard let member = Extension.adjunctsByIRI[cotype]?.members.first,
            case .string(let property)? = element.supplements[member.iri]?.value,
            let (name, annotated) = annotated(by: element, contents), let target = annotated
        else { return }
        let hasTwin = contents.contains { other in
            guard other.id != element.id, case .string(let second)? = other.supplements[member.iri]?.value else { return false }
            return second.isSame(as: property) && self.annotated(by: other, contents)?.name.isSame(as: name) == true
        }
        if hasTwin, reported.insert("twins \(owner.id) \(name) \(property)").inserted {
            let place = element.partition == owner.partition ? element.range.lowerBound : owner.range.lowerBound
            findings.append(
                .init(
                    id: .multipleReference, element: owner.id, property: element.parentMember, value: name, file: owner.file,
                    offset: place))
        }
        guard let supplement = supplement(property, of: target) else {
            let id: DTDLErrorID =
                isMember(property, of: target) ? .matchingPropertyNotSupplemental : .noMatchingSupplementalProperty
            return report(id, element, in: owner, "overrides", value: property)
        }
        guard case .unit(let unitType) = supplement.kind, let schema = element.target("schema") else { return }
        if !schema.isSame(as: unitType) { report(.siblingPropertyMismatch, element, in: owner, "schema", value: schema) }
    }

    /// A limit of a number is a value of the schema it limits.
    private mutating func checkConformance(_ member: AdjunctFact.Member, _ element: Element) {
        guard let value = element.supplements[member.iri]?.value,
            let kind = element.target("schema").flatMap({ graph[$0]?.kind })?.primitive, kind != .decimal,
            DTDLSchema.primitive(kind).violation(of: value) != nil
        else { return }
        report(.nonConformantPropertyValue, element, member.term, value: value.text())
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
