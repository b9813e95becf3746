/// The elements of a model with what the language defines, as one graph: what the rules walk on.
struct ElementGraph {
    let elements: [String: Element]

    /// What a link leads to.
    enum Node {
        case element(Element)
        case standard(StandardElement)

        var kind: DTDLClass {
            switch self {
            case .element(let element): element.kind
            case .standard(let element): element.kind
            }
        }

        var version: Int {
            switch self {
            case .element(let element): element.version
            case .standard(let element): element.version
            }
        }
    }

    subscript(id: String) -> Node? {
        if let element = elements[id] { return .element(element) }
        return StandardElement.all[id].map(Node.standard)
    }

    /// The elements that `member` of `element` holds, inherited contents not included.
    func children(_ element: Element, _ member: String) -> [Element] { element.targets(member).compactMap { elements[$0] } }

    /// More steps from an Interface to ancestors than this are not walked: every limit is far below.
    private static let stepsMax = 5000

    /// An Interface's ancestors, nearest first, each once; safe on cycles, and cut if there are far too many.
    func ancestors(of id: String) -> [Element] {
        var found: [Element] = []
        var seen: Set<String> = [id]
        var queue = elements[id]?.targets("extends") ?? []
        var at = 0
        while at < min(queue.count, Self.stepsMax) {
            let next = queue[at]
            at += 1
            guard seen.insert(next).inserted, let element = elements[next] else { continue }
            found.append(element)
            queue += element.targets("extends")
        }
        return found
    }

    /// The contents of an Interface, own ones first, then inherited ones; each element once.
    func contents(of interface: Element) -> [Element] {
        var seen: Set<String> = []
        return ([interface] + ancestors(of: interface.id)).flatMap { children($0, "contents") }.filter {
            seen.insert($0.id).inserted
        }
    }

    /// The elements beside `element` in its parent, itself included; inherited contents count.
    func siblings(of element: Element) -> [Element] {
        guard let parent = element.parent.flatMap({ elements[$0] }), let member = element.parentMember else { return [element] }
        return member == "contents" ? contents(of: parent) : children(parent, member)
    }

    /// Members through which values are made of values.
    static let schemaMembers = ["elementSchema", "fields", "mapKey", "mapValue", "schema"]
}
