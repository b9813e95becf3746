/// The rules that co-types bring: about the element's members, its parent, and the elements beside it (docs/dtdl-rules.md,
/// "Extensions").
struct CotypeRules {
    let graph: ElementGraph
    private let fresh: [String: Element]
    private(set) var findings: [ModelReader.Finding] = []
    private var reported: Set<String> = []
    private var censuses: [String: Census] = [:]

    /// How often co-types, and values of members that must be unique, occur among elements beside each other.
    private struct Census {
        var cotypes: [String: Int] = [:]
        var values: [String: Int] = [:]

        init(_ elements: [Element]) {
            for element in elements {
                for cotype in element.cotypes { cotypes[cotype, default: 0] += 1 }
                for (iri, supplement) in element.supplements where supplement.fact.isUniqueAmongSiblings {
                    if let value = supplement.value { values["\(iri) \(value.text())", default: 0] += 1 }
                }
            }
        }
    }

    /// `fresh`: the elements that were read just now, whose places are known.
    init(graph: ElementGraph, fresh: [String: Element]) {
        self.graph = graph
        self.fresh = fresh
    }

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

    /// The census among the elements beside this one, itself included; taken once per parent.
    private mutating func census(beside element: Element) -> Census {
        let key = "\(element.parent ?? "") \(element.parentMember ?? "")"
        if let known = censuses[key] { return known }
        let census = Census(graph.siblings(of: element))
        censuses[key] = census
        return census
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
            if census(beside: element).cotypes[fact.iri, default: 0] > 1 {
                report(.siblingDuplicatesCotype, element, "@type", value: fact.term)
            }
        case .siblingHasCotype(let cotype):
            let own = element.cotypes.contains(cotype) ? 1 : 0
            if census(beside: element).cotypes[cotype, default: 0] <= own {
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
        guard census(beside: element).values["\(member.iri) \(value.text())", default: 0] > 1,
            let parent = element.parent.flatMap({ graph.elements[$0] }), let place = element.parentMember
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

    /// Annotations depend on the elements beside them, and these differ between the heirs of an Interface. So each scope is
    /// checked as a whole: an Interface with everything it inherits, or the properties of a Relationship.
    private mutating func checkScope(_ owner: Element, _ contents: [Element]) {
        guard contents.contains(where: { annotatedName($0) != nil }) else { return }
        var names: [[UInt8]: Element] = [:]
        for element in contents {
            if let name = element.name, names[Array(name.utf8)] == nil { names[Array(name.utf8)] = element }
        }
        var overridden: Set<String> = []
        for element in contents {
            guard let name = annotatedName(element), let target = names[Array(name.utf8)] else { continue }  // It may be absent.
            for iri in element.cotypes {
                for rule in Extension.adjunctsByIRI[iri]?.rules ?? [] {
                    switch rule {
                    case .annotatesSibling: checkAnnotation(element, of: target, name, owner)
                    case .overridesSibling: checkOverride(element, iri, of: target, name, owner, &overridden)
                    default: continue
                    }
                }
            }
        }
    }

    /// What an annotation says it annotates.
    private func annotatedName(_ element: Element) -> String? {
        element.supplements.values.first { $0.fact.term == "annotates" }?.value?.string
    }

    /// Reports each thing once, at the element where it was read just now, else at the owner of the scope.
    private mutating func report(
        _ id: DTDLErrorID, _ element: Element, in owner: Element, _ property: String, value: String
    ) {
        guard reported.insert("\(id) \(element.id) \(property)").inserted else { return }
        guard fresh[element.id] != nil else {
            let offset = owner.range.lowerBound
            findings.append(
                .init(id: id, element: element.id, property: property, value: value, file: owner.file, offset: offset))
            return
        }
        report(id, element, property, value: value)
    }

    private mutating func checkAnnotation(_ element: Element, of target: Element, _ name: String, _ owner: Element) {
        guard target.kind == .property || target.kind == .telemetry else {
            return report(.notSiblingRequiredType, element, in: owner, "annotates", value: name)
        }
        if target.cotypes.contains(where: { $0.utf8.starts(with: Self.annotationPrefix.utf8) }) {
            report(.disallowedType, element, in: owner, "annotates", value: name)
        }
    }

    private mutating func checkOverride(
        _ element: Element, _ cotype: String, of target: Element, _ name: String, _ owner: Element,
        _ overridden: inout Set<String>
    ) {
        guard let member = Extension.adjunctsByIRI[cotype]?.members.first,
            let property = element.supplements[member.iri]?.value?.string
        else { return }
        if !overridden.insert("\(name) \(property)").inserted {
            let place = fresh[element.id] ?? owner
            findings.append(
                .init(
                    id: .multipleReference, element: owner.id, property: element.parentMember, value: name, file: place.file,
                    offset: place.range.lowerBound))
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
