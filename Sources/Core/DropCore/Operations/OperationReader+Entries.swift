import TwinModel
import ValueRules

/// One entry of the stream; ranges are of the span it was read from.
package enum StreamEntry {
    case record(gap: Int64, length: UInt64)
    case span(kind: FileSpan.Kind, gap: Int64, length: UInt64, name: Range<Int>)
    case reject(code: Range<Int>, message: Range<Int>)
    case key(name: Range<Int>)
    case scope(Range<Int>)
    /// `start` is the offset of the verb, `body` what follows the length.
    case operation(OperationVerb, start: Int, body: Range<Int>)
}

/// What an operation names, and where its properties are.
package struct OperationHead {
    /// The twin's id, or the id of the relationship's source twin.
    package var id: Range<Int>
    /// Wire key of the model (twins) or of the relationship's name; 0: none.
    package var key: UInt32
    package var target: Range<Int>
    package var relationship: Range<Int>
    package var properties: Range<Int>

    @inlinable init(id: Range<Int>, key: UInt32, target: Range<Int>, relationship: Range<Int>, properties: Range<Int>) {
        self.id = id
        self.key = key
        self.target = target
        self.relationship = relationship
        self.properties = properties
    }
}

/// One property of an operation or a stored record: `value` is the range after the type byte.
package struct PropertyEntry {
    package var key: UInt32
    package var type: PropertyType
    package var start: Int
    package var value: Range<Int>

    @inlinable init(key: UInt32, type: PropertyType, start: Int, value: Range<Int>) {
        self.key = key
        self.type = type
        self.start = start
        self.value = value
    }
}

extension OperationReader {
    /// The next entry; nil at the end. Does not read the body of an operation.
    @inlinable package mutating func entry(_ bytes: borrowing Span<UInt8>) throws(DropError) -> StreamEntry? {
        guard at < end else { return nil }
        let start = at
        let tag = bytes[at]
        at += 1
        if let verb = OperationVerb(rawValue: tag) {
            guard end - at >= 4 else { throw Self.failure("it ends in the length of an operation", base, at) }
            let length = Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
            at += 4
            guard length <= end - at else { throw Self.failure("an operation is longer than its frame", base, start) }
            let body = at..<at + length
            at += length
            return .operation(verb, start: start, body: body)
        }
        if tag == OperationEntry.record.rawValue {
            let gap = try zigzag(bytes)
            return .record(gap: gap, length: try varint(bytes))
        }
        return try rareEntry(tag, bytes)
    }

    @usableFromInline mutating func rareEntry(_ tag: UInt8, _ bytes: borrowing Span<UInt8>) throws(DropError) -> StreamEntry {
        switch OperationEntry(rawValue: tag) {
        case .span:
            guard let kind = FileSpan.Kind(rawValue: try byte(bytes)) else { throw failure("a span of an unknown kind") }
            let gap = try zigzag(bytes)
            let length = try varint(bytes)
            return .span(kind: kind, gap: gap, length: length, name: try text(bytes, validating: false))
        case .reject:
            // They may quote the record. Bytes that are not UTF-8 are replaced when they are shown.
            let code = try text(bytes, validating: false)
            return .reject(code: code, message: try text(bytes, validating: false))
        case .key:
            let name = try text(bytes)
            guard (1...2048).contains(name.count) else { throw failure("a key name is not of 1 to 2048 bytes") }
            return .key(name: name)
        case .scope:
            let scope = try text(bytes, validating: false)
            guard Self.firstInvalid(bytes, scope) == nil else {
                throw DropError(
                    .refused, "The part of the source that the file names as its scope is not UTF-8, or has a NUL.",
                    hint: "Correct the file and drop it again.", remedy: .quarantine)
            }
            guard scope.count <= 2048 else { throw failure("a scope is longer than 2048 bytes") }
            return .scope(scope)
        case .record, nil: throw Self.failure("an entry of the unknown kind \(tag)", base, at - 1)
        }
    }

    /// Reads the fixed part of an operation's body. Checks that texts lie inside the body. Checks UTF-8 only when `validating`:
    /// an operation with a known fingerprint was checked before.
    @inlinable package static func head(
        _ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>, base: UInt64, validating: Bool
    ) throws(DropError) -> OperationHead {
        var reader = OperationReader(at: body.lowerBound, end: body.upperBound, base: base)
        let id = try reader.text(bytes, validating: validating)
        var head = OperationHead(
            id: id, key: 0, target: 0..<0, relationship: 0..<0, properties: body.upperBound..<body.upperBound)
        switch verb {
        case .upsertTwin, .patchTwin, .replaceTwin:
            head.key = try reader.key(bytes)
            head.properties = reader.at..<body.upperBound
        case .deleteTwin:
            guard reader.isAtEnd else { throw reader.failure("bytes follow the id of a deleted twin") }
        case .upsertRelationship, .replaceRelationship, .deleteRelationship:
            head.key = try reader.key(bytes)
            head.target = try reader.text(bytes, validating: validating)
            head.relationship = try reader.text(bytes, validating: validating)
            head.properties = reader.at..<body.upperBound
            guard verb != .deleteRelationship || reader.isAtEnd else {
                throw reader.failure("bytes follow the id of a deleted relationship")
            }
        }
        return head
    }

    /// A key number: at most 65535.
    @inlinable mutating func key(_ bytes: borrowing Span<UInt8>) throws(DropError) -> UInt32 {
        let value = try varint(bytes)
        guard value <= 65535 else { throw Self.failure("a key number is over 65535", base, at) }
        return UInt32(value)
    }

    /// The next property; nil at the end.
    ///
    /// Errors: `protocol` when the form of the stream is broken; `bad-value`, when `validating`, for a value that does not fit
    /// its type: range, UTF-8, JSON. That is the content of a record, and not a fault of the plugin.
    @inlinable package mutating func property(
        _ bytes: borrowing Span<UInt8>, validating: Bool = true
    ) throws(DropError) -> PropertyEntry? {
        guard at < end else { return nil }
        let start = at
        let key = try varint(bytes)
        guard key > 0, key <= UInt64(UInt32.max) else { throw Self.failure("a property without key", base, start) }
        guard let type = PropertyType(rawValue: try byte(bytes)) else {
            throw Self.failure("a property of an unknown type", base, at - 1)
        }
        let from = at
        switch type {
        case .absent, .false, .true: break
        case .integer: _ = try varint(bytes)
        case .string: try checkedText(bytes, validating)
        default: try otherValue(type, bytes, validating)
        }
        return PropertyEntry(key: UInt32(key), type: type, start: start, value: from..<at)
    }

    @inlinable @inline(__always) mutating func checkedText(_ bytes: borrowing Span<UInt8>, _ validating: Bool) throws(DropError) {
        let range = try text(bytes, validating: false)
        if validating, Self.firstInvalid(bytes, range) != nil { throw Self.unfit("a text is not UTF-8, or has a NUL") }
    }

    @usableFromInline mutating func otherValue(
        _ type: PropertyType, _ bytes: borrowing Span<UInt8>, _ validating: Bool
    ) throws(DropError) {
        switch type {
        case .absent, .false, .true, .integer, .string: break
        case .double:
            guard end - at >= 8 else { throw failure("it ends in the middle of a number") }
            var bits: UInt64 = 0
            for index in 0..<8 { bits |= UInt64(bytes[at + index]) << UInt64(8 * index) }
            at += 8
            guard !validating || (Double(bitPattern: bits).isFinite && bits != 1 << 63) else {
                throw Self.unfit("a number is infinite, not a number, or -0")
            }
        case .dateTime:
            let time = try zigzag(bytes)
            let offset = try zigzag(bytes)
            guard !validating || ValueLimits.holds(microseconds: time, offsetMinutes: offset) else {
                throw Self.unfit("a date and time is outside of the years 1 to 9999, or its offset from UTC is over 23:59")
            }
        case .date:
            let days = try zigzag(bytes)
            guard !validating || ValueLimits.days.contains(days) else {
                throw Self.unfit("a date is outside of the years 1 to 9999")
            }
        case .time:
            let time = try varint(bytes)
            guard !validating || time < UInt64(ValueLimits.day) else { throw Self.unfit("a time of day is 24:00 or later") }
        case .duration:
            let months = try zigzag(bytes)
            let microseconds = try zigzag(bytes)
            guard !validating || Self.isDuration(months, microseconds) else {
                throw Self.unfit("the parts of a duration are of different signs, or too large")
            }
        case .json:
            let range = try text(bytes, validating: false)
            if validating { try Self.checkJSON(bytes, range) }
        }
    }

    private static func isDuration(_ months: Int64, _ microseconds: Int64) -> Bool {
        // -2^63 has no opposite. So months are compared with both limits, and never negated.
        (-Int64(Int32.max)...Int64(Int32.max)).contains(months)
            && (months == 0 || microseconds == 0 || (months < 0) == (microseconds < 0))
    }

    private static func checkJSON(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) throws(DropError) {
        guard firstInvalid(bytes, range) == nil else { throw unfit("a JSON value is not UTF-8, or has a NUL") }
        do throws(JSONTextFault) {
            try JSONText.check(bytes.extracting(range))
        } catch {
            throw unfit("a JSON value is invalid at its byte \(error.offset): \(error.message)")
        }
    }

    /// The error `bad-value`: what the value of one property is.
    @usableFromInline static func unfit(_ what: String) -> DropError {
        DropError(
            .badValue, "Of its values, \(what).", hint: "Correct the record and drop it again.", remedy: .quarantine)
    }
}
