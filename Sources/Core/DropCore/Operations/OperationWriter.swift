import CodecKit
package import TwinModel

/// Writes the operation stream in Swift, as a worker sends it. For tests, benchmarks and sources inside the process.
///
/// Key numbers are given out in the order of first use and kept for the life of the writer; a new name puts its `key` entry
/// before
/// the record that uses it.
package struct OperationWriter {
    /// The stream so far; take it with `takeBytes()`.
    package private(set) var bytes: [UInt8] = []
    /// The key table; index + 1 is the number.
    package private(set) var keys: [String]
    private var numbers: [[UInt8]: UInt32] = [:]
    private var operationStart: Int?

    /// - Parameter keys: names the reader knows already, from number 1.
    package init(keys: [String] = []) {
        self.keys = keys
        for (index, key) in keys.enumerated() { numbers[Array(key.utf8)] = UInt32(index + 1) }
    }

    /// The stream since the last call.
    package mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// The number of `name`, defined in the stream when it is new. Not between `begin…` and `end`.
    package mutating func key(_ name: String) -> UInt32 {
        if let known = numbers[Array(name.utf8)] { return known }
        precondition(operationStart == nil, "keys are interned before an operation begins")
        keys.append(name)
        numbers[Array(name.utf8)] = UInt32(keys.count)
        bytes.append(OperationEntry.key.rawValue)
        text(name)
        return UInt32(keys.count)
    }

    package mutating func record(gap: Int64 = 0, length: UInt64) {
        bytes.append(OperationEntry.record.rawValue)
        zigzag(gap)
        varint(length)
    }

    package mutating func span(_ kind: FileSpan.Kind, gap: Int64 = 0, length: UInt64, name: String = "") {
        bytes += [OperationEntry.span.rawValue, kind.rawValue]
        zigzag(gap)
        varint(length)
        text(name)
    }

    package mutating func reject(code: String, message: String) {
        bytes.append(OperationEntry.reject.rawValue)
        text(code)
        text(message)
    }

    package mutating func scope(_ name: String) {
        bytes.append(OperationEntry.scope.rawValue)
        text(name)
    }

    package mutating func beginTwin(_ verb: OperationVerb, _ id: String, model: UInt32 = 0) {
        begin(verb)
        text(id)
        if verb != .deleteTwin { varint(UInt64(model)) }
    }

    package mutating func beginRelationship(
        _ verb: OperationVerb, source: String, name: UInt32, target: String, id: String = ""
    ) {
        begin(verb)
        text(source)
        varint(UInt64(name))
        text(target)
        text(id)
    }

    package mutating func set(_ key: UInt32, _ value: PropertyValue) {
        varint(UInt64(key))
        bytes.append(PropertyType(of: value).rawValue)
        switch value {
        case .absent, .bool: break
        case .integer(let number): zigzag(number)
        case .double(let number):
            let bits = (number == 0 ? 0 : number).bitPattern
            for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * index))) }
        case .string(let value): text(value)
        case .dateTime(let microseconds, let offsetMinutes):
            zigzag(microseconds)
            zigzag(Int64(offsetMinutes))
        case .date(let days): zigzag(Int64(days))
        case .time(let microseconds): varint(UInt64(microseconds))
        case .duration(let months, let microseconds):
            zigzag(Int64(months))
            zigzag(microseconds)
        case .json(let json): text(json.text(.compact))
        }
    }

    package mutating func end() {
        guard let start = operationStart else { preconditionFailure("end without begin") }
        let length = bytes.count - start - 5
        for index in 0..<4 { bytes[start + 1 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        operationStart = nil
    }

    private mutating func begin(_ verb: OperationVerb) {
        precondition(operationStart == nil, "one operation at a time")
        operationStart = bytes.count
        bytes += [verb.rawValue, 0, 0, 0, 0]
    }

    package mutating func varint(_ number: UInt64) { bytes.append(varint: number) }

    package mutating func zigzag(_ number: Int64) { varint(UInt64(bitPattern: number << 1 ^ number >> 63)) }

    package mutating func text(_ text: String) {
        varint(UInt64(text.utf8.count))
        bytes += text.utf8
    }
}

extension PropertyType {
    /// The type byte that `value` travels with.
    package init(of value: PropertyValue) {
        self =
            switch value {
            case .absent: .absent
            case .bool(let value): value ? .true : .false
            case .integer: .integer
            case .double: .double
            case .string: .string
            case .dateTime: .dateTime
            case .date: .date
            case .time: .time
            case .duration: .duration
            case .json: .json
            }
    }
}
