import DropCore
import Synchronization

/// What one drop says of twins, or of relationships: of each by its number, and what is known of it.
struct Mentions {
    let kind: NumberReservation.Kind
    private let index: IdentityIndex
    private let versions: SparseArray<UInt32>
    private let fingerprints: SparseArray<Fingerprint>
    /// By number: the place of the live entry in the log, `evaluating` for one in this frame, 0 for none.
    var places = OffsetTable()
    /// Committed ones that the drop spoke about without a change.
    let seen = NumberSet()
    /// Of those, the ones that only records without effect name: refused ones, and those behind somebody newer.
    private var onlyNamed: Set<UInt32> = []
    private var reserved: NumberReservation
    /// Identities whose absence decided something.
    var absent: [IdentityHash] = []
    /// How many committed ones it deletes by name.
    var deleted = 0

    /// In `places`: it waits to be compared with the committed record.
    static let evaluating = UInt32.max

    init(_ kind: NumberReservation.Kind, _ context: ComparisonContext) {
        let store = context.store
        self.kind = kind
        reserved = NumberReservation(kind, store.numbers)
        switch kind {
        case .twins:
            (index, versions, fingerprints) = (store.identities.twins, store.versions.twins, context.cache.twinFingerprints)
        case .relationships:
            index = store.identities.relationships
            (versions, fingerprints) = (store.versions.relationships, context.cache.relationshipFingerprints)
        }
    }

    /// The number of an identity, whoever gave it one; 0: it has none.
    @inline(__always)
    func number(of hash: IdentityHash) -> UInt32 { index.number(of: hash) }

    /// True when `fingerprint` is what the source said of it before, nobody changed it since, and this drop has not spoken of it.
    @inline(__always)
    func isRepeated(_ number: UInt32, _ fingerprint: Fingerprint) -> Bool {
        fingerprints[number] == fingerprint && versions[number] != 0 && places[number] == 0
    }

    @inline(__always)
    func isCommitted(_ number: UInt32) -> Bool { versions[number] != 0 }

    /// True when the drop has said what is in the log, or waits to be compared.
    @inline(__always)
    func isStated(_ number: UInt32) -> Bool { places[number] != 0 }

    /// True when another drop introduces it, which is not committed yet.
    @inline(__always)
    func isForeign(_ number: UInt32) -> Bool { versions[number] == 0 && places[number] == 0 }

    /// The source said something of it before, and that is known to change nothing now.
    @inline(__always)
    func hasFingerprint(_ number: UInt32) -> Bool { fingerprints[number] != 0 }

    /// Where its entry in the log is; nil: it has none, or waits to be compared.
    @inline(__always)
    func logged(_ number: UInt32) -> UInt32? {
        let place = places[number]
        return place == 0 || place == Self.evaluating ? nil : place
    }

    /// Notes that a record says what is so already.
    @inline(__always)
    mutating func markSeen(_ number: UInt32) {
        seen.insert(number)
        if !onlyNamed.isEmpty { onlyNamed.remove(number) }
    }

    /// Notes that a record without effect names it.
    mutating func markNamed(_ number: UInt32) {
        if seen.insert(number) { onlyNamed.insert(number) }
    }

    /// True when a record of the drop said of it what is so already, and was counted as unchanged.
    func isConfirmed(_ number: UInt32) -> Bool { seen.contains(number) && !onlyNamed.contains(number) }

    /// Gives an identity a number of this drop.
    ///
    /// - Returns: that number; or, not as `isNew`, the one that another drop has given it this moment.
    @inline(__always)
    mutating func introduce(_ hash: IdentityHash) -> (number: UInt32, isNew: Bool) {
        let number = reserved.take()
        let other = index.enter(hash, number)
        guard other != 0 else { return (number, true) }
        reserved.putBack(number)
        return (other, false)
    }

    /// The operation was compared, and says what is so. That it is so is remembered where it holds whatever becomes of the drop:
    /// it is about what is committed.
    mutating func noteUnchanged(_ operation: RecordOperation, _ keys: borrowing StreamKeys, _ context: ComparisonContext) {
        let number = operation.number
        places[number] = 0
        markSeen(number)
        if !keys.areNew, context.writer == nil, versions[number] <= context.startSequence {
            fingerprints[number] = operation.fingerprint
        }
    }

    /// Returns the numbers that were reserved and not used.
    mutating func giveBack() { reserved.giveBack() }
}
