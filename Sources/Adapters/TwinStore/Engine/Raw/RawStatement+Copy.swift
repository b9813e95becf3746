extension RawStatement {
    /// Copies the bytes of a blob or text into an array that keeps its memory from row to row.
    @inline(__always)
    func copy(_ column: Int32, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        unsafe bytes.append(contentsOf: rawBytes(column))
    }
}
