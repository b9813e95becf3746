import DropCore

/// What a drop, or the list of those that wait, says about one relationship.
struct RelationshipClaim {
    var number: UInt32
    var isNew: Bool
    var source: [UInt8]
    var target: [UInt8]
    var id: [UInt8]
    var statement: DropStatement
    var fingerprint: Fingerprint
    /// The drop that stated it.
    var origin: UInt64
    /// True where an end was not there when it was compared, so that nothing was asked of that end's model.
    var isUnchecked = false

    init(_ entry: ChangeEntry, _ view: borrowing ChangeLog.View, origin: UInt64) throws(DropError) {
        let targetEnd = entry.idLength + entry.targetLength
        let idEnd = targetEnd + entry.relationshipLength
        number = entry.number
        isNew = entry.isNew
        source = view.bytes(0..<entry.idLength)
        target = view.bytes(entry.idLength..<targetEnd)
        id = view.bytes(targetEnd..<idEnd)
        statement = try DropStatement(entry, view.bytes(idEnd..<view.length - ChangeLog.headLength))
        fingerprint = entry.fingerprint
        self.origin = origin
    }

    init(number: UInt32, source: [UInt8], target: [UInt8], id: [UInt8], statement: DropStatement, origin: UInt64) {
        (self.number, isNew, self.source, self.target, self.id) = (number, true, source, target, id)
        (self.statement, fingerprint, self.origin) = (statement, 0, origin)
    }
}
