import TwinDropPluginSDK

/// Counts how often each key has come so far in a file: 24 bytes for each distinct key, found by a 128-bit hash of it.
struct Occurrences {
    /// More distinct keys refuse the file: 400 MB would be in use.
    static let keysMax = 12_000_000

    private struct Slot {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var count: UInt64 = 0
    }

    private var slots = [Slot](repeating: Slot(), count: 1024)
    private var taken = 0

    /// Starts again, for the next file.
    mutating func removeAll() {
        slots = [Slot](repeating: Slot(), count: 1024)
        taken = 0
    }

    /// The number of this occurrence of `key`, from 1.
    ///
    /// Errors: kind `limit`.
    mutating func next(_ key: OccurrenceKey) throws(PluginError) -> UInt64 {
        var index = Int(truncatingIfNeeded: key.low) & (slots.count - 1)
        while slots[index].count > 0 {
            if slots[index].low == key.low, slots[index].high == key.high {
                slots[index].count += 1
                return slots[index].count
            }
            index = (index + 1) & (slots.count - 1)
        }
        slots[index] = Slot(low: key.low, high: key.high, count: 1)
        taken += 1
        if taken > Self.keysMax {
            throw PluginError(.limit, "occurrence: the file has more than \(Self.keysMax) different keys. Choose fewer columns.")
        }
        if taken * 2 > slots.count { grow() }
        return 1
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        for slot in old where slot.count > 0 {
            var index = Int(truncatingIfNeeded: slot.low) & (slots.count - 1)
            while slots[index].count > 0 { index = (index + 1) & (slots.count - 1) }
            slots[index] = slot
        }
    }
}

/// A hash of cells, each with its length: the same on every machine and in every run.
struct OccurrenceKey {
    private(set) var low: UInt64 = 0x9E37_79B9_7F4A_7C15
    private(set) var high: UInt64 = 0xC2B2_AE3D_27D4_EB4F

    mutating func add(_ cell: Bytes) {
        // The length keeps "ab", "c" and "a", "bc" apart.
        mix(UInt64(cell.count) | 1 << 63)
        var index = 0
        while index < cell.count {
            var word: UInt64 = 0
            for offset in 0..<min(8, cell.count - index) { word |= UInt64(cell[index + offset]) << UInt64(offset * 8) }
            mix(word)
            index += 8
        }
    }

    private mutating func mix(_ word: UInt64) {
        let first = (low ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        let second = (high &+ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        low = first.low ^ first.high ^ second.high
        high = second.low ^ second.high &+ first.low
    }
}

/// The hashes of the cells of each id. They show when other cells give the same id. 24 bytes for each distinct id.
struct IDOrigins {
    /// More distinct ids are not kept. Later ids are compared only with the kept ones.
    static let idsMax = 8_000_000

    private struct Slot {
        var low: UInt64 = 0
        var high: UInt64 = 0
        /// Never 0 if a slot is taken.
        var cells: UInt64 = 0
    }

    private var slots: [Slot] = []
    private var taken = 0
    /// No more are kept.
    private(set) var isFull = false

    /// Whether `id` was made of no other cells than these before.
    mutating func isOwn(_ id: OccurrenceKey, _ cells: OccurrenceKey) -> Bool {
        let mark = (cells.low ^ cells.high &* 31) | 1
        if slots.isEmpty { slots = [Slot](repeating: Slot(), count: 256) }
        var index = Int(truncatingIfNeeded: id.low) & (slots.count - 1)
        while slots[index].cells != 0 {
            if slots[index].low == id.low, slots[index].high == id.high { return slots[index].cells == mark }
            index = (index + 1) & (slots.count - 1)
        }
        guard taken < Self.idsMax else {
            isFull = true
            return true
        }
        slots[index] = Slot(low: id.low, high: id.high, cells: mark)
        taken += 1
        if taken * 2 > slots.count { grow() }
        return true
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        for slot in old where slot.cells != 0 {
            var index = Int(truncatingIfNeeded: slot.low) & (slots.count - 1)
            while slots[index].cells != 0 { index = (index + 1) & (slots.count - 1) }
            slots[index] = slot
        }
    }
}
