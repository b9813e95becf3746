import DropCore

/// What one member of a commit did to the graph, by number.
struct GraphChanges {
    typealias Kind = NumberReservation.Kind

    let createdTwins = NumberSet()
    let createdRelationships = NumberSet()
    /// Twins that were there and got another model (a global key; 0: none).
    var remodelled: [(number: UInt32, model: UInt32)] = []
    var revised: [(kind: Kind, number: UInt32, fingerprint: Fingerprint)] = []
    var deleted: [(kind: Kind, number: UInt32, hash: IdentityHash)] = []
    /// Relationships that waited, and the drops that stated them.
    var activated: [(number: UInt32, owner: SourceName, origin: UInt64)] = []

    func hasDeleted(relationship number: UInt32) -> Bool {
        deleted.contains { $0.kind == .relationships && $0.number == number }
    }

    /// What the member itself spoke of: what waited was said by another drop.
    func stated(_ kind: Kind) -> [UInt32] {
        var numbers: [UInt32] = []
        (kind == .twins ? createdTwins : createdRelationships).forEach { numbers.append($0) }
        let activated = kind == .relationships ? Set(activated.map(\.number)) : []
        for item in revised where item.kind == kind && !activated.contains(item.number) { numbers.append(item.number) }
        return numbers
    }
}
