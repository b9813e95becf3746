import CodecKit
import DropCore

/// Rows of refused records, and of what was accepted for them since. Used inside one access.
struct RefusalRows {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    func insert(_ rejections: [Rejection], headers: [FileSpan], of drop: UInt64, _ source: SourceName) throws(DropError) {
        let row = try RawStatement.cached(
            "INSERT OR REPLACE INTO refusal(drop_no, source, records, headers) VALUES(?, ?, ?, ?)", database)
        row.bind(1, Int64(drop))
        row.bind(text: 2, source.text)
        row.bind(blob: 3, Self.encoded(rejections.flatMap { [$0.record, $0.offset, $0.length] }))
        row.bind(blob: 4, Self.encoded(headers.flatMap { [$0.offset, $0.length] }))
        try row.run()
    }

    private static func encoded(_ numbers: [UInt64]) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in numbers { bytes.append(varint: number) }
        return bytes
    }

    /// Keeps the accepted rows of an amendment, by record.
    func insertCorrections(_ accepted: [UInt64: [UInt8]], of drop: UInt64, by amendment: UInt64) throws(DropError) {
        let row = try RawStatement.cached(
            "INSERT OR REPLACE INTO correction(drop_no, record, by_drop, row) VALUES(?, ?, ?, ?)", database)
        for (record, bytes) in accepted.sorted(by: { $0.key < $1.key }) {
            row.bind(1, Int64(drop))
            row.bind(2, Int64(record))
            row.bind(3, Int64(amendment))
            row.bind(blob: 4, bytes)
            try row.run()
        }
    }

    /// The refused records of a drop, and what was accepted for them since; nil where it has none.
    func refusals(of drop: DropID) throws(DropError) -> Refusals? {
        let query = try RawStatement.cached(
            "SELECT r.drop_no, r.records, r.headers FROM refusal r JOIN drops d ON d.no = r.drop_no WHERE d.id = ?", database)
        query.bind(text: 1, drop.description)
        defer { query.reset() }
        guard try query.step() else { return nil }
        let number = query.integer(0)
        let records = try Self.varints(query.bytes(1))
        let headers = try Self.varints(query.bytes(2))
        var refusals = Refusals(
            drop: drop,
            records: stride(from: 0, to: records.count - 2, by: 3).map {
                RefusedRecord(record: records[$0], offset: records[$0 + 1], length: records[$0 + 2])
            },
            headers: stride(from: 0, to: headers.count - 1, by: 2).map {
                FileSpan(kind: .header, offset: headers[$0], length: headers[$0 + 1], name: "")
            })
        let rows = try RawStatement.cached("SELECT record, row FROM correction WHERE drop_no = ?", database)
        rows.bind(1, number)
        defer { rows.reset() }
        while try rows.step() { refusals.corrections[UInt64(rows.integer(0))] = rows.bytes(1) }
        return refusals
    }

    private static func varints(_ bytes: [UInt8]) throws(DropError) -> [UInt64] {
        let span = bytes.span
        var reader = OperationReader(end: bytes.count)
        var numbers: [UInt64] = []
        while !reader.isAtEnd { numbers.append(try reader.varint(span)) }
        return numbers
    }
}
