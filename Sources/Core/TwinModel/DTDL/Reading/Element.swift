/// One element of a model as it was read: an Interface, a Property, a schema.
struct Element: Sendable {
    let id: String
    let kind: DTDLClass
    /// The language version it is written in.
    let version: Int
    let limits: DTDLLimits
    /// The Interface or top-level element whose text it is part of, by id.
    let partition: String
    /// The element that contains it, and the member; nil at the top.
    let parent: String?
    let parentMember: String?
    let file: Int
    let range: Range<Int>
    /// The extensions in force, by specifier without version.
    let extensions: [String: String]
    var name: String?
    /// Literal members, by term.
    var literals: [String: JSON] = [:]
    /// Members that hold elements, by term.
    var links: [String: [Link]] = [:]
    /// Where members stand that rules look at, by term.
    var memberPlaces: [String: Int] = [:]
    /// Known co-types, by identifier.
    var cotypes: [String] = []
    /// Members that co-types add, by identifier of the member.
    var supplements: [String: Supplement] = [:]
    /// Bytes of nested Interfaces, which count for themselves.
    var nestedBytes = 0

    /// An element in a member.
    struct Link: Sendable {
        let target: String
        /// Where it is in the text.
        let offset: Int
        /// Whether it is defined there.
        let isInline: Bool
    }

    struct Supplement: Sendable {
        let fact: AdjunctFact.Member
        let value: JSON?
        let targets: [Link]
        let offset: Int
    }

    var isTopLevel: Bool { parent == nil }
    func targets(_ member: String) -> [String] { links[member]?.map(\.target) ?? [] }
    func target(_ member: String) -> String? { links[member]?.first?.target }
}
