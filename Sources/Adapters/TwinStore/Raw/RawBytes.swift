/// Bytes in bulk.
enum RawBytes {
    @inline(__always)
    static func copy(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        precondition(range.upperBound <= bytes.count)
        return unsafe bytes.withUnsafeBufferPointer { buffer in unsafe Array(UnsafeBufferPointer(rebasing: buffer[range])) }
    }
}
