/// Bytes in bulk.
enum RawBytes {
    @inline(__always)
    static func copy(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        precondition(range.upperBound <= bytes.count)
        return unsafe bytes.withUnsafeBufferPointer { buffer in unsafe Array(UnsafeBufferPointer(rebasing: buffer[range])) }
    }

    /// As text; bytes that are no UTF-8 are replaced.
    static func text(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> String {
        String(decoding: copy(bytes, range), as: UTF8.self)
    }
}
