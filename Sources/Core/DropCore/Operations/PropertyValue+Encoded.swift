package import TwinModel

extension PropertyValue {
    /// Reads a type byte and its value (`OperationStream.swift`).
    ///
    /// Errors: `protocol` if they are not valid.
    package init(encoded bytes: [UInt8]) throws(DropError) {
        let span = bytes.span
        var reader = OperationReader(end: bytes.count)
        guard let type = PropertyType(rawValue: try reader.byte(span)) else {
            throw reader.failure("a property has an unknown type")
        }
        switch type {
        case .absent: self = .absent
        case .false: self = .bool(false)
        case .true: self = .bool(true)
        case .integer: self = .integer(try reader.zigzag(span))
        case .double:
            guard bytes.count == 9 else { throw reader.failure("a double has not 8 bytes") }
            var bits: UInt64 = 0
            for index in 0..<8 { bits |= UInt64(bytes[index + 1]) << UInt64(8 * index) }
            self = .double(Double(bitPattern: bits))
        case .string: self = .string(String(decoding: bytes[try reader.text(span)], as: UTF8.self))
        case .dateTime:
            let microseconds = try reader.zigzag(span)
            self = .dateTime(
                microseconds: microseconds, offsetMinutes: Int32(truncatingIfNeeded: try reader.zigzag(span)))
        case .date: self = .date(days: Int32(truncatingIfNeeded: try reader.zigzag(span)))
        case .time: self = .time(microseconds: Int64(truncatingIfNeeded: try reader.varint(span)))
        case .duration:
            let months = Int32(truncatingIfNeeded: try reader.zigzag(span))
            self = .duration(months: months, microseconds: try reader.zigzag(span))
        case .json:
            let text = bytes[try reader.text(span)]
            do {
                self = .json(try JSON(parsing: Array(text)))
            } catch {
                throw reader.failure("a JSON value cannot be read: \(error.message)")
            }
        }
    }
}
