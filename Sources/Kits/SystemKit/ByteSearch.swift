import CLinuxFiles

/// Looks for a few bytes in many, at the speed of the C library's memmem(3).
package enum ByteSearch {
    /// Where `needle` begins in the first `count` bytes of `block`, at `start` or later; nil if it does not.
    package static func first(_ needle: [UInt8], in block: [UInt8], count: Int, from start: Int) -> Int? {
        precondition(start >= 0 && count <= block.count, "a range of the block")
        guard start < count else { return nil }
        return unsafe block.withUnsafeBytes { bytes in
            let base = bytes.baseAddress!
            let found = unsafe needle.withUnsafeBytes { needle in
                unsafe linux_find_bytes(base + start, count - start, needle.baseAddress, needle.count)
            }
            return unsafe found.map { unsafe $0 - base }
        }
    }
}
