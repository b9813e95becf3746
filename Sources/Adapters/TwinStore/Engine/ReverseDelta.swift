import CodecKit
import DropCore
import TwinModel

/// What a revision keeps: whatever is needed to go back to the state before it.
///
/// Byte form: flags (1 key, 2 ends, 4 delete), then the key (model or relationship name), source and target number as the flags
/// say,
/// then a `TwinRecord`: head of the old record, and the old values with their stamps of the properties that changed (all of them
/// for a delete); those that were added stand there as absent.
struct ReverseDelta {
    var isDelete = false
    /// The old model (0: none) or relationship name, where it changed.
    var key: UInt32?
    /// The old ends of a relationship, where they changed.
    var ends: (source: UInt32, target: UInt32)?
    var record: TwinRecord

    init(record: TwinRecord) { self.record = record }

    func encoded() -> [UInt8] {
        var out: [UInt8] = [(key != nil ? 1 : 0) | (ends != nil ? 2 : 0) | (isDelete ? 4 : 0)]
        if let key { out.append(varint: UInt64(key)) }
        if let ends {
            out.append(varint: UInt64(ends.source))
            out.append(varint: UInt64(ends.target))
        }
        return out + record.encoded()
    }

    init(_ bytes: [UInt8]) throws(DropError) {
        do {
            let span = bytes.span
            var reader = OperationReader(end: bytes.count)
            let flags = try reader.byte(span)
            if flags & 1 != 0 { key = UInt32(truncatingIfNeeded: try reader.varint(span)) }
            if flags & 2 != 0 {
                let source = UInt32(truncatingIfNeeded: try reader.varint(span))
                ends = (source, UInt32(truncatingIfNeeded: try reader.varint(span)))
            }
            isDelete = flags & 4 != 0
            record = try TwinRecord(parsing: bytes, at: reader.at)
        } catch {
            throw StorageFailure.damaged("a revision cannot be read: \(error.message)")
        }
    }

    /// The record as it was before.
    func undone(from newer: TwinRecord) -> TwinRecord {
        var older = record
        let properties = isDelete ? record.properties : DropStatement.merged(newer.properties, record.properties)
        older.properties = properties.filter { !$0.isAbsent }
        return older
    }
}
