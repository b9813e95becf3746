import CodecKit
import DropCore
import TwinModel

extension PropertyValue {
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
