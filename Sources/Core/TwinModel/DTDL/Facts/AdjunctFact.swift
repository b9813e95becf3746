/// The facts about one co-type: an adjunct or semantic type that an extension, or version 2 of the language, defines
/// (docs/dtdl-rules.md, "Extensions").
struct AdjunctFact: Sendable {
    /// Its identifier, such as `dtmi:dtdl:extension:mqtt:v4:Result`.
    let iri: String
    let term: String
    var isAbstract = false
    /// Classes it may be added to; nil: any.
    var classes: Set<DTDLClass>?
    /// Further classes, for elements that have another co-type too.
    var classesBeside: (cotype: String, classes: Set<DTDLClass>)?
    /// Language versions of the elements it may be added to.
    let versions: Set<Int>
    /// The element must also have one of these co-types, by identifier.
    var requires: [String] = []
    /// Co-types the element may not have.
    var forbids: [String] = []
    var rules: [Rule] = []
    var members: [Member] = []
    /// Of a semantic type: it adds `unit`, and only one such type may be on an element.
    var isQuantity = false

    /// A rule about the element's own members or about its parent.
    enum Rule: Sendable {
        /// The elements in a member are of one of the classes, or have one of the co-types.
        case memberHasType(member: String, classes: [DTDLClass], cotypes: [String])
        /// The value of a member is one of the standard elements.
        case memberHasValue(member: String, values: [String])
        /// The parent holds the element in its `fields` and has one of the co-types.
        case parentHasCotype([String])
        /// No other element beside this one has this co-type.
        case aloneAmongSiblings
        /// Some element beside this one has the co-type.
        case siblingHasCotype(String)
        /// `annotates` names a Property or Telemetry beside this one, which is not an annotation itself.
        case annotatesSibling
        /// `overrides` names a member that a co-type of the annotated sibling adds, and `schema` is the type of that member.
        case overridesSibling
    }

    /// A member the co-type adds.
    struct Member: Sendable {
        enum Kind: Sendable {
            case string(Pattern?, lengthMax: Int?)
            case integer(minimum: Int64?)
            case decimal
            case duration
            /// A term or identifier of a property.
            case property
            /// A unit of the unit type.
            case unit(String)
            /// Any element.
            case element
        }

        enum Pattern: Sendable { case topic, groupID, name }

        let term: String
        let iri: String
        let kind: Kind
        var isRequired = true
        var isUniqueAmongSiblings = false
        /// Whether its value must be a value of the element's `schema`.
        var conformsToSchema = false
    }
}

extension AdjunctFact.Member.Pattern {
    func matches(_ text: String) -> Bool {
        switch self {
        case .name: text.isDTDLName
        case .groupID: !text.isEmpty && text.utf8.allSatisfy(Self.isTopicByte)
        case .topic: Self.isTopic(text)
        }
    }

    /// Segments between slashes: printable ASCII, or `{token}`, or `{name:token}`. The first does not begin with `$`.
    private static func isTopic(_ text: String) -> Bool {
        let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard segments.first?.first != UInt8(ascii: "$") else { return false }
        return segments.allSatisfy { segment in
            if segment.first == UInt8(ascii: "{"), segment.last == UInt8(ascii: "}") {
                let words = segment.dropFirst().dropLast().split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                return (1...2).contains(words.count) && words.allSatisfy { !$0.isEmpty && $0.allSatisfy(ValueText.isLetter) }
            }
            return !segment.isEmpty && segment.allSatisfy(isTopicByte)
        }
    }

    private static func isTopicByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "$")...UInt8(ascii: "*"), UInt8(ascii: ",")...UInt8(ascii: "."), UInt8(ascii: "|"),
            UInt8(ascii: "~"), UInt8(ascii: "0")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
