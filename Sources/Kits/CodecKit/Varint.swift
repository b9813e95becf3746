/// Numbers of 7 bits a byte, the lowest first, each byte but the last with its high bit set (LEB128).
package enum Varint {
    /// What is wrong with a number that is read.
    package enum Fault: Error {
        /// The bytes end within it.
        case torn
        /// It has more than 64 bits.
        case tooLarge
        /// It could be written in fewer bytes.
        case notShortest
    }

    /// Gives the bytes of `number` to `put`, one after the other.
    @inlinable @inline(__always)
    package static func write(_ number: UInt64, _ put: (UInt8) -> Void) {
        var rest = number
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    /// The number at `at`, in its shortest form, which ends before `end`; moves `at` behind it, or to the byte that is wrong.
    package static func read(_ bytes: borrowing Span<UInt8>, at: inout Int, end: Int) throws(Fault) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end {
            let byte = bytes[at]
            guard shift < 63 || byte <= 1 else { throw .tooLarge }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                guard byte != 0 || shift == 0 else { throw .notShortest }
                at += 1
                return value
            }
            at += 1
            shift += 7
        }
        throw .torn
    }
}

extension [UInt8] {
    /// Appends `number` as `Varint` has it.
    @inlinable @inline(__always)
    package mutating func append(varint number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
