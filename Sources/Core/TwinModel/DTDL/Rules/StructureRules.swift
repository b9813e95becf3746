/// The rules about the shape of a model: names, counts, depths, cycles (docs/dtdl-rules.md, "Classes and members" and
/// "Hierarchy").
struct StructureRules {
    let graph: ElementGraph
    private(set) var findings: [ModelReader.Finding] = []
    private var schemaDepths: [String: Int] = [:]
    private var elementCounts: [String: Int] = [:]
    private var extendsDepths: [String: Int] = [:]
    private var onPath: Set<String> = []
    private var foundCycle = false

    /// The longest path that is walked: far beyond every limit, and small enough for any stack.
    private static let pathMax = 256

    init(graph: ElementGraph) { self.graph = graph }

    mutating func check(_ element: Element) {
        switch element.kind {
        case .interface: checkInterface(element)
        case .component: checkComponent(element)
        case .property:
            if element.version == 2, reachesArray(element) { report(.excludedType, element, "schema") }
        case .relationship: checkNames(graph.children(element, "properties"), element, "properties")
        case .object: checkNames(graph.children(element, "fields"), element, "fields")
        case .enumeration: checkEnum(element)
        default: break
        }
        if element.kind.isKind(of: .complexSchema) { checkDepth(element) }
    }

    private mutating func report(
        _ id: DTDLErrorID, _ element: Element, _ property: String?, value: String? = nil, at offset: Int? = nil
    ) {
        let place = offset ?? property.flatMap { element.memberPlaces[$0] } ?? element.range.lowerBound
        findings.append(
            .init(id: id, element: element.id, property: property, value: value, file: element.file, offset: place))
    }

    // MARK: Names

    private mutating func checkNames(_ elements: [Element], _ owner: Element, _ member: String) {
        var names: Set<[UInt8]> = []
        for element in elements {
            guard let name = element.name, !names.insert(Array(name.utf8)).inserted else { continue }
            report(
                .nonUniquePropertyValue, owner, member, value: name,
                at: element.file == owner.file ? element.range.lowerBound : nil)
        }
    }

    // MARK: Interfaces

    private mutating func checkInterface(_ interface: Element) {
        checkNames(graph.children(interface, "contents"), interface, "contents")
        if let max = interface.limits.interfaceBytes, interface.range.count - interface.nestedBytes > max {
            report(.partitionTooLarge, interface, nil, value: String(interface.range.count - interface.nestedBytes))
        }
        let ancestors = graph.ancestors(of: interface.id)
        let parents = ([interface] + ancestors).map { $0.targets("extends") }
        guard !parents.contains(where: { $0.contains(interface.id) }) else {
            return report(.recursiveStructureNarrow, interface, "extends")
        }
        let depth = extendsDepth(of: interface)
        if depth > interface.limits.extendsDepth {
            return report(.excessiveDepthNarrow, interface, "extends", value: String(depth))
        }
        let total = parents.reduce(0) { $0 + $1.count }
        if let max = interface.limits.extendsTotal, total > max {
            return report(.excessiveCount, interface, "extends", value: String(total))
        }
        let contents = graph.contents(of: interface)
        checkInherited(interface, contents, hasAncestors: !ancestors.isEmpty)
        if let max = interface.limits.contentsTotal, contents.count > max {
            report(.objectCountAboveMax, interface, "contents", value: String(contents.count))
        }
        if let max = interface.limits.elementTotal {
            let count = elementCount(of: interface)
            if count > max { report(.excessiveCount, interface, "contents", value: String(count)) }
        }
    }

    private mutating func checkInherited(_ interface: Element, _ contents: [Element], hasAncestors: Bool) {
        guard hasAncestors else { return }
        var names: [[UInt8]: String] = [:]
        let own = Set(interface.targets("contents"))
        for element in contents {
            guard let name = element.name else { continue }
            if let other = names.updateValue(element.id, forKey: Array(name.utf8)),
                !(own.contains(other) && own.contains(element.id))
            {
                report(.nonUniqueImportedPropertyValue, interface, "contents", value: name)
            }
        }
    }

    /// Steps to the farthest ancestor. A cycle is not followed, it is reported at the Interfaces on it.
    private mutating func extendsDepth(of interface: Element) -> Int {
        if let known = extendsDepths[interface.id] { return known }
        guard onPath.count < Self.pathMax else { return Self.pathMax }
        guard onPath.insert(interface.id).inserted else { return 0 }
        defer { onPath.remove(interface.id) }
        var depth = 0
        for parent in interface.targets("extends") {
            if let element = graph.elements[parent] { depth = max(depth, 1 + extendsDepth(of: element)) }
        }
        extendsDepths[interface.id] = depth
        return depth
    }

    /// Elements below `element` on all paths (docs/dtdl-rules.md, "Hierarchy").
    private mutating func elementCount(of element: Element) -> Int {
        if let known = elementCounts[element.id] { return known }
        guard onPath.count < Self.pathMax else { return 0 }  // Another rule refuses what is that deep.
        guard onPath.insert(element.id).inserted else { return 0 }
        defer { onPath.remove(element.id) }
        var count = 0
        let members = ["fields", "enumValues", "request", "response", "properties", "schema", "elementSchema", "mapValue"]
        let children =
            (element.kind == .interface ? graph.contents(of: element).map(\.id) : []) + members.flatMap { element.targets($0) }
        for child in children {
            count += 1
            if let next = graph.elements[child] { count += elementCount(of: next) }
            if count > 10_000_000 { break }
        }
        elementCounts[element.id] = count
        return count
    }

    /// A component's Interface has no components, own or inherited.
    private mutating func checkComponent(_ component: Element) {
        guard let interface = component.target("schema").flatMap({ graph.elements[$0] }) else { return }
        guard let nested = graph.contents(of: interface).first(where: { $0.kind == .component }) else { return }
        report(.excludedType, component, "schema", value: nested.id)
    }

    // MARK: Schemas

    /// Whether there is an Array anywhere under a version 2 Property.
    private func reachesArray(_ property: Element) -> Bool {
        var seen: Set<String> = []
        var queue = property.targets("schema")
        while let id = queue.popLast() {
            guard seen.insert(id).inserted else { continue }
            switch graph[id] {
            case .standard(let standard): if standard.hasArray { return true }
            case .element(let element):
                if element.kind == .array { return true }
                queue += ElementGraph.schemaMembers.flatMap { element.targets($0) }
            case nil: continue
            }
        }
        return false
    }

    private mutating func checkDepth(_ schema: Element) {
        foundCycle = false
        let depth = schemaDepth(schema)
        if foundCycle, schema.version < 4 {
            return report(.recursiveStructureWide, schema, ElementGraph.schemaMembers.first { !schema.targets($0).isEmpty })
        }
        if depth > schema.limits.schemaDepth {
            report(
                .excessiveDepthWide, schema, ElementGraph.schemaMembers.first { !schema.targets($0).isEmpty },
                value: String(depth))
        }
    }

    /// Steps through `schema` and `elementSchema` to the farthest primitive. A cycle is not followed, and noted.
    private mutating func schemaDepth(_ element: Element) -> Int {
        if let known = schemaDepths[element.id] { return known }
        guard onPath.count < Self.pathMax else { return Self.pathMax }
        guard onPath.insert(element.id).inserted else {
            foundCycle = true
            return 0
        }
        defer { onPath.remove(element.id) }
        var depth = 0
        for member in ElementGraph.schemaMembers {
            let step = member == "schema" || member == "elementSchema" ? 1 : 0
            for target in element.targets(member) {
                switch graph[target] {
                case .standard(let standard): depth = max(depth, step + standard.depth)
                case .element(let next): depth = max(depth, step + schemaDepth(next))
                case nil: continue
                }
            }
        }
        schemaDepths[element.id] = depth  // On a cycle, too: walking every path of a dense one would never end.
        return depth
    }

    // MARK: Enums

    private mutating func checkEnum(_ element: Element) {
        let values = graph.children(element, "enumValues")
        checkNames(values, element, "enumValues")
        let kind = element.target("valueSchema").flatMap { graph[$0]?.kind }
        var seen: Set<[UInt8]> = []
        for value in values {
            guard let literal = value.literals["enumValue"] else { continue }
            let conforms =
                switch (literal, kind) {
                case (.string, .string), (.int, .integer): true
                default: kind == nil
                }
            if !conforms { report(.nonConformantDatatype, value, "enumValue", value: literal.text()) }
            if !seen.insert(literal.utf8()).inserted {
                report(.nonUniquePropertyValue, element, "enumValues", value: literal.text(), at: value.range.lowerBound)
            }
        }
    }
}
