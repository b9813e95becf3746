import DropCore
import TwinModel

/// Which property values stand where in a record.
struct RecordScan {
    /// The entry of a property; nil where the record has none. Nothing but lengths of others is looked at.
    @inline(__always)
    static func find(_ key: UInt32, in record: borrowing Span<UInt8>) throws(DropError) -> PropertyEntry? {
        var reader = OperationReader(
            at: try TwinRecord.propertiesStart(record, at: 0, end: record.count), end: record.count)
        while let property = try reader.property(record, validating: false) {
            if property.key == key { return property }
            if property.key > key { return nil }
        }
        return nil
    }

    /// The drop whose commit made the record.
    static func created(_ record: [UInt8]) throws(DropError) -> UInt64 {
        var reader = OperationReader(at: 1, end: record.count)
        return try reader.varint(record.span)
    }

    /// A value as JSON.
    static func json(_ entry: PropertyEntry, _ record: [UInt8]) throws(DropError) -> JSON {
        try PropertyValue(encoded: Array(record[(entry.value.lowerBound - 1)..<entry.value.upperBound])).json
    }
}
