/// A number of at most eight bytes, such as `-17`, `2361.7` or `81509`, read all at once: its digits stay in one word from the
/// load to the value, so that the usual number costs neither a loop nor a branch that depends on its length.
@usableFromInline
struct ShortNumber {
    /// All digits, as if there were no point.
    @usableFromInline let digits: UInt64
    /// How many of them stand behind the point.
    @usableFromInline let decimals: Int
    @usableFromInline let isNegative: Bool

    /// Nil for what is longer or anything else than digits with an optional `-` before and an optional `point` (0: none) in them.
    @inlinable @inline(__always)
    init?(_ text: Bytes, point: UInt8 = 0) {
        guard text.count &- 1 < 8, text.count > 0 else { return nil }
        var word = text.shortWord
        var count = text.count
        isNegative = UInt8(truncatingIfNeeded: word) == 0x2D
        if isNegative {
            word &>>= 8
            count &-= 1
        }
        var decimals = 0
        if point != 0 {
            // The lowest byte that is zero, exactly; what lies behind the text is zero before, so never after.
            let other = word ^ (0x0101_0101_0101_0101 &* UInt64(point))
            let hit = (other &- 0x0101_0101_0101_0101) & ~other & 0x8080_8080_8080_8080
            if hit != 0 {
                let place = hit.trailingZeroBitCount & 0x38
                let before = word & ((1 &<< UInt64(place)) &- 1)
                word = before | ((word &>> UInt64(place)) &>> 8) &<< UInt64(place)
                count &-= 1
                decimals = count &- place >> 3
            }
        }
        guard count > 0 else { return nil }
        let unused = UInt64(truncatingIfNeeded: 64 &- count &* 8)
        var value = (word ^ 0x3030_3030_3030_3030) & (UInt64.max &>> unused)
        guard ((value &+ 0x7676_7676_7676_7676) | value) & 0x8080_8080_8080_8080 == 0 else { return nil }
        // Leading zeros, then pairs, fours and all eight (D. Lemire, "Quickly parsing eight digits", 2018).
        value &<<= unused
        value = value &* 10 &+ (value &>> 8)
        digits =
            (((value & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064)
                &+ (((value &>> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001)) &>> 32
        self.decimals = decimals
    }
}

extension Bytes {
    /// One to eight bytes as a word, the first one lowest, and zeros above the last.
    @inlinable @inline(__always)
    var shortWord: UInt64 {
        assert(count >= 1 && count <= 8, "a word has eight bytes")
        let rest = UInt64(truncatingIfNeeded: 64 &- count &* 8)
        // Bytes behind the last are loaded, too, and thrown away: where they lie in the same page, that cannot fail.
        if unsafe UInt(bitPattern: start) & 4095 <= 4088 {
            return unsafe UnsafeRawPointer(start).loadUnaligned(as: UInt64.self) & (UInt64.max &>> rest)
        }
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(self[index]) &<< UInt64(index &* 8) }
        return word
    }
}
