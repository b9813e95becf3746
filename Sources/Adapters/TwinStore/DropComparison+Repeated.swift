import DropCore

extension DropComparison {
    /// Takes the records from the reader's position on that say what the source said before, in the order in which it said it
    /// (`DeliveryOrder`): one look at neighbouring numbers for each, no identity hashed, no index asked. Ends, without a trace of
    /// it, before the first record that is not so in every part; that one goes the long way.
    ///
    /// A fingerprint covers the id with the rest of the operation, in 128 keyed bits: it tells who is meant and what is said.
    func takeRepeated(_ reader: inout OperationReader, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        guard writer == nil, trustsMemory, surprises < Self.surprisesMax || books.recordsRead & 31 == 0 else { return }
        let order = memory.order
        var last = order.last
        var records: UInt64 = 0
        var unchanged: UInt64 = 0
        var accounted: UInt64 = 0
        var position = filePosition
        while let record = Self.nextRecord(reader, bytes) {
            let (end, isBeyond) = position.addingReportingOverflow(record.gap + record.length)
            guard !isBeyond, end <= job.bytes else { break }
            let (count, at) = repeatedOperations(from: record.body, reader.end, after: last, bytes)
            // Several operations of one record may have to be put off together (`deferRecord`).
            guard count == 1 || (count > 1 && job.policy.dangling != .reject) else { break }
            for _ in 0..<count {
                last = order.next(last)
                if last.isTwin { seenTwins.insert(last.number) } else { seenRelationships.insert(last.number) }
            }
            records += 1
            unchanged += UInt64(count)
            accounted += record.length
            position = end
            reader.at = at
        }
        guard records > 0 else {
            surprises += 1
            return
        }
        surprises = 0
        hasOperations = true
        try budget.spend(records, on: .records)
        try budget.spend(unchanged, on: .operations)
        order.last = last
        filePosition = position
        books.recordsRead += records
        books.recordsUsed += records
        books.unchanged += unchanged
        books.bytesAccounted += accounted
    }

    /// After this many records in a row that were not the expected ones, the order is another: only now and then is it tried
    /// again.
    private static var surprisesMax: Int { 32 }

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
    private func repeatedOperations(
        from start: Int, _ end: Int, after last: DeliveryOrder.Place, _ bytes: borrowing Span<UInt8>
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
            place = memory.order.next(place)
            guard place.isTwin == (verb.rawValue <= OperationVerb.deleteTwin.rawValue),
                isRepeated(place, store.hash.fingerprint(bytes, verb: verb.rawValue, at..<at + length, seed: seed))
            else { return (0, start) }
            at += length
            count += 1
        }
        return (count, at)
    }

    /// True when `fingerprint` is what the source said of `place` before, nobody changed it since, and this drop has not spoken
    /// of it.
    @inline(__always)
    private func isRepeated(_ place: DeliveryOrder.Place, _ fingerprint: Fingerprint) -> Bool {
        let number = place.number
        if place.isTwin {
            return memory.twinFingerprints[number] == fingerprint && store.twinVersions[number] != 0 && twinPlaces[number] == 0
        }
        return memory.relationshipFingerprints[number] == fingerprint && store.relationshipVersions[number] != 0
            && relationshipPlaces[number] == 0
    }
}
