import DropCore

/// Takes records that say what the source said before, in the order in which it said it (`PrefetchOrder`): one look at
/// neighbouring numbers for each, no identity hashed, no index asked.
///
/// A fingerprint covers the id with the rest of the operation, in 128 keyed bits: it tells who is meant and what is said.
struct RepeatedRecords {
    private let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// After this many records in a row that were not the expected ones, the order is another: only now and then is it tried
    /// again.
    private static let missesMax = 32

    /// Takes such records from the reader's position on. Ends, without a trace of it, before the first record that is not so in
    /// every part; that one goes the long way.
    func take(
        _ reader: inout OperationReader, _ bytes: borrowing Span<UInt8>, _ drop: inout ComparisonProgress
    ) throws(DropError) {
        guard context.writer == nil, context.trustsMemory, drop.deferred.endsGone.isEmpty,
            drop.account.file.misses < Self.missesMax || drop.account.books.recordsRead & 31 == 0
        else { return }
        let order = context.cache.order
        var last = order.last
        var records: UInt64 = 0
        var unchanged: UInt64 = 0
        var accounted: UInt64 = 0
        var position = drop.account.file.position
        while let record = Self.nextRecord(reader, bytes) {
            guard let end = drop.account.file.end(after: position, record.gap, record.length) else { break }
            let (count, at) = operations(from: record.body, reader.end, after: last, order, drop.said, bytes)
            // Several operations of one record may have to be put off together (`DeferredReplay`).
            guard count == 1 || (count > 1 && context.job.policy.dangling != .reject) else { break }
            for _ in 0..<count {
                last = order.next(last)
                if last.isTwin {
                    drop.said.twins.markSeen(last.number)
                } else {
                    drop.said.relationships.markSeen(last.number)
                }
            }
            records += 1
            unchanged += UInt64(count)
            accounted += record.length
            position = end
            reader.at = at
        }
        guard records > 0 else {
            drop.account.file.misses += 1
            return
        }
        drop.account.file.misses = 0
        drop.account.hasOperations = true
        try drop.account.budget.spend(records, on: .records)
        try drop.account.budget.spend(unchanged, on: .operations)
        order.last = last
        drop.account.file.skip(to: position)
        drop.account.books.recordsRead += records
        drop.account.books.recordsUsed += records
        drop.account.books.unchanged += unchanged
        drop.account.books.bytesAccounted += accounted
    }

    private struct RecordEntry {
        let gap: UInt64
        let length: UInt64
        /// Where its operations begin.
        let body: Int
    }

    /// The record entry at the reader's position, if it is one of the usual kind: not before the end of the last, and short.
    @inline(__always)
    private static func nextRecord(_ reader: OperationReader, _ bytes: borrowing Span<UInt8>) -> RecordEntry? {
        guard reader.end - reader.at > 4, bytes[reader.at] == OperationEntry.record.rawValue else { return nil }
        var at = reader.at + 2
        let gap = UInt64(bytes[reader.at + 1])
        guard gap < 0x80, gap & 1 == 0 else { return nil }  // Zigzag: an even number is no step back.
        var length = UInt64(bytes[at])
        at += 1
        if length >= 0x80 {
            let high = UInt64(bytes[at])
            at += 1
            guard high < 0x80, high != 0 else { return nil }
            length = length & 0x7F | high << 7
        }
        return RecordEntry(gap: gap >> 1, length: length, body: at)
    }

    /// The operations from `start` to the end of their record: how many, and where they end. Count 0 where one of them is not
    /// what the source said then, or there is none.
    @inline(__always)
    private func operations(
        from start: Int, _ end: Int, after last: PrefetchOrder.Place, _ order: PrefetchOrder, _ said: borrowing Said,
        _ bytes: borrowing Span<UInt8>
    ) -> (count: Int, end: Int) {
        var at = start
        var count = 0
        var place = last
        while at < end, bytes[at] != OperationEntry.record.rawValue {
            guard end - at >= 5, let verb = OperationVerb(rawValue: bytes[at]) else { return (0, start) }
            let length =
                Int(bytes[at + 1]) | Int(bytes[at + 2]) << 8 | Int(bytes[at + 3]) << 16 | Int(bytes[at + 4]) << 24
            at += 5
            guard length <= end - at else { return (0, start) }
            place = order.next(place)
            guard place.isTwin == verb.isOfTwin else { return (0, start) }
            let fingerprint = context.store.identities.hash.fingerprint(
                bytes, verb: verb.rawValue, at..<at + length, seed: context.seed)
            let isRepeated =
                place.isTwin
                ? said.twins.isRepeated(place.number, fingerprint)
                : said.relationships.isRepeated(place.number, fingerprint)
            guard isRepeated else { return (0, start) }
            at += length
            count += 1
        }
        return (count, at)
    }
}
