import DropCore

extension OperationVerb {
    /// True when it is about a twin, false when it is about a relationship.
    @inline(__always)
    var isOfTwin: Bool { rawValue <= OperationVerb.deleteTwin.rawValue }
}

/// An operation of the record that is read.
struct RecordOperation {
    let verb: OperationVerb
    let head: OperationHead
    let hash: IdentityHash
    let fingerprint: Fingerprint
    /// 0 when the identity has no number.
    var number: UInt32
    /// The source said the same before, and nobody changed it since.
    var isKnown: Bool
    /// Global keys of the properties ascend.
    var isAscending = false
    var hasAbsent = false

    /// The bytes of the properties are a stored record's.
    var isCanonical: Bool { isAscending && !hasAbsent }
    @inline(__always) var isOfTwin: Bool { verb.isOfTwin }
}

/// Which record of a drop it is, and where it stands in the file.
struct RecordPlace {
    var number: UInt64 = 0
    var offset: UInt64 = 0
    var length: UInt64 = 0
}

/// The record that is read.
struct CurrentRecord {
    private(set) var place = RecordPlace()
    private(set) var isOpen = false
    /// Why its plugin refuses it.
    private(set) var rejection: (code: String, message: String)?
    /// Emptied when the record has ended.
    var operations: [RecordOperation] = []

    /// Of a reason for refusing a record, as it comes; what is longer is cut, and what is shown is shorter still.
    static let reasonBytesMax = 4096
    static let codeBytesMax = 64

    @inline(__always) var number: UInt64 { place.number }

    @inline(__always)
    mutating func begin(_ place: RecordPlace) {
        self.place = place
        isOpen = true
        if rejection != nil { rejection = nil }
    }

    /// No operation is added to it any more.
    @inline(__always)
    mutating func end() { isOpen = false }

    /// Notes why the plugin refuses it.
    mutating func refuse(_ code: String, _ message: String) { rejection = (code, message) }

    /// True when everything it names has a number.
    var isKnownThroughout: Bool { operations.allSatisfy { $0.number != 0 } }
}
