import CodecKit
import DropCore
import TwinModel

extension PropertyValue {
    /// A JSON value as the store keeps it: typed as its schema is where the typed form prints just the same, so that what a file
    /// and what a caller says of one thing are equal.
    init(_ json: JSON, _ schema: DTDLSchema?) {
        switch (json, schema) {
        case (.null, _): self = .json(.null)
        case (.bool(let value), _): self = .bool(value)
        case (.int(let number), _): self = .integer(number)
        case (.double(let number), _): self = .double(number)
        case (.array, _), (.object, _): self = .json(json)
        case (.string(let text), .primitive(.dateTime)?):
            self = CalendarText.exactDateTime(text).map { .dateTime(microseconds: $0, offsetMinutes: $1) } ?? .text(text)
        case (.string(let text), .primitive(.date)?):
            self = CalendarText.exactDate(text).map { .date(days: $0) } ?? .text(text)
        case (.string(let text), _): self = .text(text)
        }
    }

    /// A text may hold no NUL; inside JSON it is escaped.
    private static func text(_ text: String) -> PropertyValue {
        text.utf8.contains(0) ? .json(.string(text)) : .string(text)
    }

    /// The type byte and the value (`OperationStream.swift`).
    func encoded() -> [UInt8] {
        var out = [PropertyType(of: self).rawValue]
        func zigzag(_ number: Int64) { out.append(varint: UInt64(bitPattern: number << 1 ^ number >> 63)) }
        func append(_ text: [UInt8]) {
            out.append(varint: UInt64(text.count))
            out += text
        }
        switch self {
        case .absent, .bool: break
        case .integer(let number): zigzag(number)
        case .double(let number):
            let bits = (number == 0 ? 0 : number).bitPattern
            for index in 0..<8 { out.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * index))) }
        case .string(let text): append(Array(text.utf8))
        case .dateTime(let microseconds, let offsetMinutes):
            zigzag(microseconds)
            zigzag(Int64(offsetMinutes))
        case .date(let days): zigzag(Int64(days))
        case .time(let microseconds): out.append(varint: UInt64(microseconds))
        case .duration(let months, let microseconds):
            zigzag(Int64(months))
            zigzag(microseconds)
        case .json(let json): append(json.utf8(.wire))
        }
        return out
    }
}
