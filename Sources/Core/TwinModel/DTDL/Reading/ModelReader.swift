/// Reads documents into elements. It finds mistakes that the text alone shows; the rules find those that need other elements.
///
/// 1. The root is an object or an array of objects; each is a top-level element.
/// 2. An element: its `@context`, then `@type`, then `@id`, then its members, elements in it the same way.
/// 3. A reference is kept as a link, to be looked up when everything is read.
struct ModelReader {
    let options: ModelOptions
    /// Elements that are known already.
    let known: [String: Element]
    var elements: [String: Element] = [:]
    /// Ids in the order they were read.
    var order: [String] = []
    var findings: [Finding] = []
    /// Index of the document that is read.
    var file = 0

    /// An error before its place is known in lines.
    struct Finding {
        let id: DTDLErrorID
        let element: String?
        let property: String?
        let value: String?
        let file: Int
        let offset: Int
    }

    /// The place an element is in.
    struct Spot {
        let member: MemberFact
        let parent: Element
        let parentClass: DTDLClass
        /// The kind of a co-type's member that takes any element.
        var isSupplement = false
    }

    init(options: ModelOptions, known: [String: Element]) {
        self.options = options
        self.known = known
    }

    mutating func report(
        _ id: DTDLErrorID, _ element: String?, _ property: String? = nil, value: String? = nil, at offset: Int
    ) {
        let shown = value.map { $0.utf8.count > 200 ? String($0.prefix(60)) + "…" : $0 }
        findings.append(
            Finding(id: id, element: element, property: property, value: shown, file: file, offset: offset))
    }

    /// Reads one document.
    mutating func read(_ root: JSONNode, file: Int) {
        self.file = file
        switch root.value {
        case .object: readTop(root)
        case .array(let roots):
            for node in roots {
                if case .object = node.value {
                    readTop(node)
                } else {
                    report(.notJsonObject, nil, at: node.range.lowerBound)
                }
            }
        default: report(.notJsonObject, nil, at: root.range.lowerBound)
        }
    }

    // MARK: Top level

    private mutating func readTop(_ node: JSONNode) {
        let start = node.range.lowerBound
        guard let contextNode = node["@context"] else { return report(.missingContext, nil, at: start) }
        if node["@graph"] != nil { return report(.topLevelGraphDisallowed, nil, value: "@graph", at: start) }
        var reader = ContextReader(options: options, outer: nil)
        let context = reader.read(contextNode)
        for problem in reader.problems { report(problem.id, nil, "@context", value: problem.value, at: problem.offset) }
        guard let context else { return }
        guard let idNode = node["@id"] else { return report(.missingTopLevelId, nil, at: start) }
        checkKeywords(node, context, nil, isTop: true)
        guard let id = readID(idNode, context, kind: .interface, element: nil),
            let types = readTypes(node, context, nil, isTop: true)
        else { return }
        guard types.kinds.count <= 1 else {
            return report(.multipleMaterialTypes, id, value: types.kinds.map(\.rawValue).joined(separator: ", "), at: start)
        }
        guard types.kinds.first == .interface else {
            return report(.typeNotRootable, nil, "@type", value: types.kinds.first?.rawValue, at: start)
        }
        _ = finish(node, id: id, kind: .interface, types: types, context: context, spot: nil)
    }

    /// Keywords other than `@context`, `@id` and `@type`.
    private mutating func checkKeywords(_ node: JSONNode, _ context: ActiveContext, _ element: String?, isTop: Bool) {
        for member in node.members ?? [] where member.name.utf8.first == UInt8(ascii: "@") {
            switch member.name {
            case "@context", "@id", "@type": continue
            case "@graph":
                report(isTop ? .topLevelGraphDisallowed : .graphDisallowed, element, value: "@graph", at: member.nameStart)
            default:
                guard context.version >= 3 else { continue }
                let id = isTop ? DTDLErrorID.topLevelKeywordDisallowed : .keywordDisallowed
                report(id, element, value: member.name, at: member.nameStart)
            }
        }
    }

    // MARK: Elements in members

    /// Reads the element at `node`, which is in `spot`; gives its id.
    mutating func readElement(_ node: JSONNode, in spot: Spot, outer: ActiveContext) -> String? {
        let start = node.range.lowerBound
        let parent = spot.parent
        if let id = referenceID(node) {
            guard options.toleratesSolecisms, outer.version == 2, spot.member.name == "extends", let id = id.string else {
                report(.idReference, parent.id, spot.member.name, value: id.string, at: start)
                return nil
            }
            return DTMI.isUsable(id, in: 2) ? id : nil
        }
        var context = outer
        if let contextNode = node["@context"] {
            var reader = ContextReader(options: options, outer: outer)
            let read = reader.read(contextNode)
            for problem in reader.problems { report(problem.id, nil, "@context", value: problem.value, at: problem.offset) }
            guard let read else { return nil }
            context = read
        }
        guard spot.isSupplement || spot.member.versions.contains(context.version) else {
            report(.disallowedVersionDefinition, parent.id, spot.member.name, value: String(context.version), at: start)
            return nil
        }
        guard let kind = expectedClass(of: spot) else { return nil }
        let types = readTypes(node, context, spot, isTop: false)
        guard let types, let chosen = choose(types, kind, node, context, spot) else { return nil }
        guard let id = elementID(node, chosen, context, spot) else { return nil }
        checkKeywords(node, context, parent.id, isTop: false)
        return finish(node, id: id, kind: chosen, types: types, context: context, spot: spot) ? id : nil
    }

    private func expectedClass(of spot: Spot) -> DTDLClass? {
        if case .elements(let kind) = spot.member.kind { kind } else { nil }
    }

    /// An object with only `@id` is not an element.
    private func referenceID(_ node: JSONNode) -> JSONNode? {
        guard let members = node.members, members.count == 1, members[0].name == "@id" else { return nil }
        return members[0].value
    }

    /// The class of an element, from its types and its place.
    private mutating func choose(
        _ types: ReadTypes, _ expected: DTDLClass, _ node: JSONNode, _ context: ActiveContext, _ spot: Spot
    ) -> DTDLClass? {
        let start = node.range.lowerBound
        guard types.kinds.count <= 1 else {
            report(.multipleMaterialTypes, spot.parent.id, spot.member.name, at: start)
            return nil
        }
        if let kind = types.kinds.first {
            guard kind.isKind(of: expected), kind.isWritable(in: context.version) else {
                report(.badType, spot.parent.id, spot.member.name, value: kind.rawValue, at: start)
                return nil
            }
            return kind
        }
        let isInferred = expected.mayOmitType && node["@type"] == nil
        if isInferred { return expected }
        report(.badType, spot.parent.id, spot.member.name, at: start)
        return nil
    }

    private mutating func elementID(
        _ node: JSONNode, _ kind: DTDLClass, _ context: ActiveContext, _ spot: Spot
    ) -> String? {
        let start = node.range.lowerBound
        if let idNode = node["@id"] { return readID(idNode, context, kind: kind, element: spot.parent.id) }
        if spot.member.needsID || kind == .interface {
            report(.missingRequiredId, spot.parent.id, spot.member.name, at: start)
            return nil
        }
        guard let id = generatedID(node, context, spot) else {
            if let name = nameText(node, context) {
                report(.stringInvalid, spot.parent.id, "name", value: name, at: start)
            } else if hasName(node, context) {
                _ = literal(memberNode(node, "name", context) ?? node, .string, "name", spot.parent.id, context)
                if findings.isEmpty { report(.missingDtmiSegPropertyValue, spot.parent.id, "name", at: start) }
            } else {
                report(.missingLiteralProperty, spot.parent.id, "name", at: start)
            }
            return nil
        }
        return id
    }

    /// The id that an element without one gets; nil if its name does not give one.
    func generatedID(_ node: JSONNode, _ context: ActiveContext, _ spot: Spot) -> String? {
        guard spot.member.isPlural else { return DTMI.appending("_\(spot.member.name)", to: spot.parent.id) }
        guard let name = nameText(node, context), name.isDTDLName else { return nil }
        return DTMI.appending("_\(spot.member.name):__\(name)", to: spot.parent.id)
    }

    private func memberNode(_ node: JSONNode, _ name: String, _ context: ActiveContext) -> JSONNode? {
        node[name] ?? node["dtmi:dtdl:property:\(name);\(context.version)"]
    }

    private func hasName(_ node: JSONNode, _ context: ActiveContext) -> Bool { memberNode(node, "name", context) != nil }

    /// The text of `name`, whatever its form.
    private func nameText(_ node: JSONNode, _ context: ActiveContext) -> String? {
        guard var value = memberNode(node, "name", context) else { return nil }
        if let elements = value.elements, elements.count == 1 { value = elements[0] }
        return value.string ?? value["@value"]?.string
    }

    // MARK: Identifiers

    private mutating func readID(
        _ node: JSONNode, _ context: ActiveContext, kind: DTDLClass, element: String?
    ) -> String? {
        let start = node.range.lowerBound
        guard let text = node.string, !text.isEmpty else {
            report(.idNotString, element, "@id", at: start)
            return nil
        }
        guard DTMI.isUsable(text, in: context.version) else {
            report(.invalidId, nil, "@id", value: text, at: start)
            return nil
        }
        guard text.unicodeScalars.count <= context.limits.idLength else {
            report(.idTooLong, nil, "@id", value: text, at: start)
            return nil
        }
        if kind == .interface, text.unicodeScalars.count > context.limits.interfaceIDLength {
            report(.idTooLongForType, text, "@id", value: text, at: start)
            return nil
        }
        if context.isReserved(text), !(options.toleratesSolecisms && context.version == 2) {
            report(.reservedId, nil, "@id", value: text, at: start)
            return nil
        }
        return text
    }

    /// An id that is defined already; a name twice gives the same generated id twice.
    private mutating func refuseRepeated(_ node: JSONNode, _ id: String, _ context: ActiveContext, _ spot: Spot?) {
        let start = node.range.lowerBound
        guard let spot, spot.member.isPlural, node["@id"] == nil else {
            return report(.duplicateDefinition, id, "@id", value: id, at: node["@id"]?.range.lowerBound ?? start)
        }
        guard !(options.toleratesSolecisms && context.version == 2) else { return }
        report(.nonUniquePropertyValue, spot.parent.id, spot.member.name, value: nameText(node, context), at: start)
    }

    /// Makes the element, reads its members, and keeps it; false if its id is defined already.
    private mutating func finish(
        _ node: JSONNode, id: String, kind: DTDLClass, types: ReadTypes, context: ActiveContext, spot: Spot?
    ) -> Bool {
        if elements[id] != nil || known[id] != nil {
            refuseRepeated(node, id, context, spot)
            return false
        }
        let isPartition = spot == nil || kind == .interface
        var element = Element(
            id: id, kind: kind, version: context.version, limits: context.limits,
            partition: isPartition ? id : spot?.parent.partition ?? id, parent: spot?.parent.id,
            parentMember: spot?.member.name, file: file, range: node.range, extensions: context.extensions)
        element.cotypes = types.cotypes.map(\.iri)
        elements[id] = element  // Known while its members are read: they may not define it again.
        order.append(id)
        if options.profile == .azure { checkAzure(element, spot) }
        checkCotypes(types, of: element)
        let isInferred = types.kinds.isEmpty
        readMembers(node, of: &element, types: types, context: context, isInferred: isInferred)
        elements[id] = element
        if kind == .interface, let parent = spot?.parent.id { addNestedBytes(node.range.count, above: parent) }
        return true
    }

    /// An Interface's own size leaves nested Interfaces out.
    private mutating func addNestedBytes(_ count: Int, above parent: String) {
        guard let partition = elements[parent]?.partition else { return }
        elements[partition]?.nestedBytes += count
    }
}
