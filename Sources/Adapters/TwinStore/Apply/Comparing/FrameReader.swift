import DropCore

/// Reads the frames of a drop's operation stream: its keys and scope, its spans, and its records.
struct FrameReader {
    private let context: ComparisonContext
    private let records: RecordTaker
    private let repeated: RepeatedRecords

    init(_ context: ComparisonContext) {
        self.context = context
        records = RecordTaker(context)
        repeated = RepeatedRecords(context)
    }

    /// Takes what one frame says, up to comparing it. A record ends at its frame's end at the latest.
    func read(_ bytes: borrowing Span<UInt8>, _ drop: inout ComparisonProgress) throws(DropError) {
        var reader = OperationReader(end: bytes.count, base: drop.keys.position)
        while !reader.isAtEnd {
            if bytes[reader.at] == OperationEntry.record.rawValue {
                try records.end(&drop, bytes)
                try repeated.take(&reader, bytes, &drop)
            }
            guard let entry = try reader.entry(bytes) else { break }
            switch entry {
            case .record(let gap, let length):
                try records.begin(gap, length, reader, &drop)
            case .operation(let verb, _, let body):
                guard drop.record.isOpen else { throw reader.failure("an operation stands outside a record") }
                try records.take(verb, body, bytes, &drop)
            case .span(let kind, let gap, let length, let name):
                try records.end(&drop, bytes)
                let offset = try records.advance(gap, length, reader, &drop)
                try drop.account.spend(onSpan: kind, length, nameBytes: name.count)
                drop.account.add(FileSpan(kind: kind, offset: offset, length: length, name: RawBytes.text(bytes, name)))
            case .reject(let code, let message):
                guard drop.record.isOpen else { throw reader.failure("a reject stands outside a record") }
                guard drop.record.rejection == nil else { continue }  // Its first word counts.
                drop.record.refuse(
                    RawBytes.text(bytes, code.prefix(CurrentRecord.codeBytesMax)),
                    RawBytes.text(bytes, message.prefix(CurrentRecord.reasonBytesMax)))
            case .key(let name):
                try drop.keys.define(
                    RawBytes.text(bytes, name), persisted: context.cache.persistedKeys, in: context.store.keys, reader)
            case .scope(let name):
                guard !drop.account.hasOperations else {
                    throw reader.failure("a scope stands after the first operation")
                }
                drop.list.scope = RawBytes.text(bytes, name)
            }
        }
        try records.end(&drop, bytes)
        try RecordComparer(context).compareWaiting(&drop, bytes)
        try drop.account.spendScratch(drop.said.log)
        drop.keys.position += UInt64(bytes.count)
    }
}
