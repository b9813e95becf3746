import DropCore

/// How far a drop's file is read. Pure.
struct FileCursor {
    /// Bytes of the file.
    let bytes: UInt64
    /// End of the last record or span.
    private(set) var position: UInt64 = 0
    /// Records in a row that were not what the order of the source made expect; see `RepeatedRecords`.
    var misses = 0

    init(bytes: UInt64) { self.bytes = bytes }

    /// Goes on to the next record or span, which begins `gap` bytes behind the end of the last.
    ///
    /// - Returns: where it begins, and its bytes that no part before it has; nil where it lies outside the file.
    mutating func advance(_ gap: Int64, _ length: UInt64) -> (offset: UInt64, fresh: UInt64)? {
        let (offset, before) = position.addingReportingOverflow(UInt64(bitPattern: gap))
        let wrapped = gap < 0 ? !before : before
        let (end, beyond) = offset.addingReportingOverflow(length)
        guard !wrapped, !beyond, end <= bytes else { return nil }
        let fresh = end > position ? end - max(offset, position) : 0
        position = max(end, position)
        return (offset, fresh)
    }

    /// Where a record ends that begins `gap` bytes behind `position`; nil where that is outside the file.
    @inline(__always)
    func end(after position: UInt64, _ gap: UInt64, _ length: UInt64) -> UInt64? {
        let (end, isBeyond) = position.addingReportingOverflow(gap + length)
        return isBeyond || end > bytes ? nil : end
    }

    /// Goes on to `position`, behind records that follow one another.
    @inline(__always)
    mutating func skip(to position: UInt64) { self.position = position }
}
