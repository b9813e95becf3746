/// Checks that each reference leads to something that is allowed there (docs/dtdl-rules.md, "References" and "Partitions").
struct ReferenceRules {
    let graph: ElementGraph
    private(set) var findings: [ModelReader.Finding] = []
    private(set) var unresolved: [Unresolved] = []

    struct Unresolved {
        let id: String
        let element: String
        let property: String
        let file: Int
        let offset: Int
    }

    /// Only the language or an extension may define identifiers with these beginnings.
    private static let reservedPrefixes = ["dtmi:dtdl:", "dtmi:standard:", "dtmi:iotcentral:", "dtmi:iotoperations:"]

    init(graph: ElementGraph) { self.graph = graph }

    mutating func check(_ element: Element) {
        let facts = MemberFact.members(of: element.kind, in: element.version)
        for (name, links) in element.links.sorted(by: { $0.key < $1.key }) {
            guard let fact = facts[name] else { continue }
            for link in links { check(link, fact, element) }
        }
        for supplement in element.supplements.values {
            for link in supplement.targets { check(link, supplement.fact, element) }
        }
    }

    private mutating func report(
        _ id: DTDLErrorID, _ element: Element, _ property: String, value: String, at offset: Int
    ) {
        findings.append(
            .init(id: id, element: element.id, property: property, value: value, file: element.file, offset: offset))
    }

    private mutating func check(_ link: Element.Link, _ fact: MemberFact, _ element: Element) {
        guard case .elements(let expected) = fact.kind else { return }
        guard let node = graph[link.target] else { return missing(link, fact.name, element) }
        guard node.kind.isKind(of: expected) else {
            return report(.badType, element, fact.name, value: node.kind.rawValue, at: link.offset)
        }
        if !fact.onlyValues.isEmpty, case .standard(let standard) = node {
            let term = standard.id.split(separator: ":").last?.split(separator: ";").first.map(String.init) ?? ""
            if !fact.onlyValues.contains(term) {
                return report(.notRequiredValue, element, fact.name, value: link.target, at: link.offset)
            }
        }
        guard fact.versions.contains(node.version) else {
            return report(.disallowedVersionReference, element, fact.name, value: link.target, at: link.offset)
        }
        guard !link.isInline, case .element(let target) = node, target.kind != .interface, !target.isTopLevel,
            target.partition != element.partition
        else { return }
        report(.crossPartitionReference, element, fact.name, value: link.target, at: link.offset)
    }

    private mutating func missing(_ link: Element.Link, _ property: String, _ element: Element) {
        if Extension.knownIRIs.contains(link.target) {
            return report(.badType, element, property, value: link.target, at: link.offset)
        }
        if Self.reservedPrefixes.contains(where: { link.target.utf8.starts(with: $0.utf8) }) {
            return report(.undefinedReservedId, element, property, value: link.target, at: link.offset)
        }
        unresolved.append(
            .init(id: link.target, element: element.id, property: property, file: element.file, offset: link.offset))
    }

    private mutating func check(_ link: Element.Link, _ fact: AdjunctFact.Member, _ element: Element) {
        guard case .unit(let unitType) = fact.kind else { return }
        guard let node = graph[link.target] else { return missing(link, fact.term, element) }
        guard case .standard(let unit) = node, let type = unit.unitType else {
            let id: DTDLErrorID = element.version == 2 ? .notRequiredType : node.kind == .enumValue ? .wrongParent : .badType
            return report(id, element, fact.term, value: link.target, at: link.offset)
        }
        guard !type.isSame(as: unitType), !isGeneral(unitType) else { return }
        report(element.version == 2 ? .notRequiredType : .wrongParent, element, fact.term, value: link.target, at: link.offset)
    }

    /// The abstract QuantitativeType takes any unit.
    private func isGeneral(_ unitType: String) -> Bool { unitType.hasSuffix(":") || unitType.hasSuffix(":;2") }
}
