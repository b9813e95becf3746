import TwinDropPluginSDK

/// Words and their meanings, found by their bytes without making a `String`. Made once, never freed.
struct WordTable: Sendable {
    private struct Slot {
        var word = Bytes.empty
        var value = Bytes.empty
        var isTaken = false
    }

    private let slots: Fixed<Slot>
    private let mask: Int
    private let ignoresCase: Bool

    /// Of two equal words the first counts.
    init(_ pairs: [(word: String, value: String)], ignoringCase: Bool = false) {
        var capacity = 8
        while capacity < pairs.count * 2 { capacity *= 2 }
        var table = [Slot](repeating: Slot(), count: capacity)
        for pair in pairs {
            let word = Bytes(kept: pair.word)
            var index = Int(truncatingIfNeeded: Self.hash(word, ignoringCase)) & (capacity - 1)
            while table[index].isTaken, !Self.same(table[index].word, word, ignoringCase) { index = (index + 1) & (capacity - 1) }
            if !table[index].isTaken { table[index] = Slot(word: word, value: Bytes(kept: pair.value), isTaken: true) }
        }
        slots = Fixed(table)
        mask = capacity - 1
        ignoresCase = ignoringCase
    }

    /// The meaning of `word`; nil when it is not in the table.
    func value(of word: Bytes) -> Bytes? {
        var index = Int(truncatingIfNeeded: Self.hash(word, ignoresCase)) & mask
        while slots[index].isTaken {
            if Self.same(slots[index].word, word, ignoresCase) { return slots[index].value }
            index = (index + 1) & mask
        }
        return nil
    }

    private static func same(_ left: Bytes, _ right: Bytes, _ ignoringCase: Bool) -> Bool {
        ignoringCase ? left.equalsIgnoringCase(right) : left == right
    }

    /// FNV-1a, of the text in one case where case does not count.
    private static func hash(_ word: Bytes, _ ignoringCase: Bool) -> UInt64 {
        if ignoringCase {
            let hash = word.hashIgnoringCase
            return hash ^ hash >> 32
        }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<word.count { hash = (hash ^ UInt64(word[index])) &* 0x100_0000_01B3 }
        return hash ^ hash >> 32
    }
}
