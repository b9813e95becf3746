/// Places in a change log by twin or relationship number, 0 for none.
///
/// A drop that names few of many twins would spend more on page faults of a table by number than on the twins, so the first few
/// hundred are kept by hash.
struct OffsetTable {
    private static let fewMax = 256
    /// A power of two, at most half full.
    private static let slots = 512

    /// Number and place of each slot; empty before the first write.
    private var few: [UInt64] = []
    private var count = 0
    private var many: SparseArray<UInt32>?

    @inline(__always)
    subscript(number: UInt32) -> UInt32 {
        get {
            if let many { return many[number] }
            return few.isEmpty ? 0 : UInt32(truncatingIfNeeded: few[slot(of: number)])
        }
        set {
            if let many { many[number] = newValue } else { keep(newValue, number) }
        }
    }

    /// The slot of `number`, or the one where it belongs.
    private func slot(of number: UInt32) -> Int {
        var slot = Int((number &* 0x9E37_79B1) >> 23)
        while few[slot] != 0, UInt32(few[slot] >> 32) != number { slot = (slot + 1) % Self.slots }
        return slot
    }

    private mutating func keep(_ place: UInt32, _ number: UInt32) {
        if few.isEmpty { few = [UInt64](repeating: 0, count: Self.slots) }
        let slot = slot(of: number)
        if few[slot] == 0 { count += 1 }
        few[slot] = UInt64(number) << 32 | UInt64(place)
        guard count > Self.fewMax else { return }
        let table = SparseArray<UInt32>()
        for entry in few where entry != 0 { table[UInt32(entry >> 32)] = UInt32(truncatingIfNeeded: entry) }
        (many, few) = (table, [])
    }
}
