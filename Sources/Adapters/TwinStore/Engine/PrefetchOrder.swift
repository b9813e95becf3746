import Synchronization

/// In which order a source spoke of its twins and relationships last time: most exports keep it, and then the next one is found
/// without its identity being hashed and looked for. Only hints: whoever follows one compares the fingerprint.
///
/// Safe from any thread: every number is read and written as a whole. Two comparisons at once spoil each other's hints, which
/// costs a look into the index and nothing else.
final class PrefetchOrder: Sendable {
    /// A twin or relationship by its number; none is 0.
    struct Place: Equatable {
        let code: UInt32

        private static let relationship: UInt32 = 1 << 31

        @inline(__always) init(code: UInt32) { self.code = code }
        @inline(__always) init(twin number: UInt32) { code = number }
        @inline(__always) init(relationship number: UInt32) { code = number | Self.relationship }

        static let none = Place(code: 0)

        @inline(__always) var isTwin: Bool { code & Self.relationship == 0 }
        @inline(__always) var number: UInt32 { code & ~Self.relationship }
    }

    /// By number: the code of what followed; 0: what has the next number. So an order that is the numbers' own takes no memory.
    private let afterTwins = SparseArray<UInt32>()
    private let afterRelationships = SparseArray<UInt32>()
    private let lastCode = Atomic<UInt32>(0)

    /// What the source spoke of last, in whichever drop.
    @inline(__always)
    var last: Place {
        get { Place(code: lastCode.load(ordering: .relaxed)) }
        set { lastCode.store(newValue.code, ordering: .relaxed) }
    }

    /// What followed `place` the last time.
    @inline(__always)
    func next(_ place: Place) -> Place {
        let code = place.isTwin ? afterTwins[shared: place.number] : afterRelationships[shared: place.number]
        // Beyond the last number there is nothing; its arrays hold zeros.
        return code != 0 ? Place(code: code) : place.number + 1 < 1 << 30 ? Place(code: place.code + 1) : .none
    }

    /// Notes that `place` follows `last`, and makes it the last.
    @inline(__always)
    func follow(_ place: Place) {
        let last = last
        if next(last) != place {
            let after = last.isTwin ? afterTwins : afterRelationships
            after[shared: last.number] = place.code
        }
        self.last = place
    }
}
