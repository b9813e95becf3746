import DropCore

/// The operation stream (DropCore/Operations/OperationStream.swift).
///
/// - Entries follow one another without a gap, and lie inside of the stream.
/// - A form has one spelling: what was read, encoded anew, has the bytes that were read.
/// - What is valid reads the same without validation.
enum OperationsCheck {
    static func check(_ bytes: [UInt8]) throws(Unheld) {
        var reader = OperationReader(end: bytes.count)
        var start = 0
        while true {
            let read: StreamEntry?
            do throws(DropError) { read = try reader.entry(bytes.span) } catch {
                return try hold(!error.message.isEmpty && !error.hint.isEmpty, "an error says nothing")
            }
            guard let entry = read else {
                return try hold(start == bytes.count, "the stream ended at byte \(start) of \(bytes.count)")
            }
            try hold(reader.at > start && reader.at <= bytes.count, "an entry from \(start) ends at \(reader.at)")
            if case .operation(let verb, let first, let body) = entry {
                try hold(first == start && body == (start + 5)..<reader.at, "an operation has its body elsewhere")
                try operation(verb, body, bytes)
            } else {
                try hold(encoded(entry, bytes)[...] == bytes[start..<reader.at], "an entry has two spellings: byte \(start)")
            }
            start = reader.at
        }
    }

    private static func operation(_ verb: OperationVerb, _ body: Range<Int>, _ bytes: [UInt8]) throws(Unheld) {
        let head: OperationHead
        do throws(DropError) {
            head = try OperationReader.head(verb, body, bytes.span, base: 0, validating: true)
        } catch {
            // Without validation it may be read; then no texts are taken for valid.
            _ = try? OperationReader.head(verb, body, bytes.span, base: 0, validating: false)
            return
        }
        guard let lax = try? OperationReader.head(verb, body, bytes.span, base: 0, validating: false) else {
            throw Unheld("an operation is read only with validation")
        }
        try hold(
            lax.id == head.id && lax.key == head.key && lax.properties == head.properties, "an operation reads in two ways")
        try hold(
            body.lowerBound <= head.id.lowerBound && head.properties.upperBound == body.upperBound,
            "an operation names what is outside of its body")
        var out: [UInt8] = []
        text(head.id, bytes, &out)
        switch verb {
        case .deleteTwin: break
        case .upsertTwin, .patchTwin, .replaceTwin: varint(UInt64(head.key), &out)
        case .upsertRelationship, .replaceRelationship, .deleteRelationship:
            varint(UInt64(head.key), &out)
            text(head.target, bytes, &out)
            text(head.relationship, bytes, &out)
        }
        try hold(out[...] == bytes[body.lowerBound..<head.properties.lowerBound], "the head of an operation has two spellings")
        try properties(head.properties, bytes)
    }

    private static func properties(_ range: Range<Int>, _ bytes: [UInt8]) throws(Unheld) {
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound)
        while true {
            let start = reader.at
            var lax = reader
            let read: PropertyEntry?
            do throws(DropError) { read = try reader.property(bytes.span) } catch {
                _ = try? lax.property(bytes.span, validating: false)
                return
            }
            guard let property = read else { return try hold(start == range.upperBound, "properties end early") }
            guard let same = try? lax.property(bytes.span, validating: false), lax.at == reader.at else {
                throw Unheld("a property reads in two ways")
            }
            try hold(same.key == property.key && same.type == property.type, "a property reads in two ways")
            var out: [UInt8] = []
            varint(UInt64(property.key), &out)
            out.append(property.type.rawValue)
            try hold(
                out[...] == bytes[start..<property.value.lowerBound] && property.value.upperBound == reader.at
                    && reader.at <= range.upperBound, "a property has two spellings: byte \(start)")
        }
    }

    private static func encoded(_ entry: StreamEntry, _ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        switch entry {
        case .record(let gap, let length):
            out.append(OperationEntry.record.rawValue)
            zigzag(gap, &out)
            varint(length, &out)
        case .span(let kind, let gap, let length, let name):
            out += [OperationEntry.span.rawValue, kind.rawValue]
            zigzag(gap, &out)
            varint(length, &out)
            text(name, bytes, &out)
        case .reject(let code, let message):
            out.append(OperationEntry.reject.rawValue)
            text(code, bytes, &out)
            text(message, bytes, &out)
        case .key(let name):
            out.append(OperationEntry.key.rawValue)
            text(name, bytes, &out)
        case .scope(let scope):
            out.append(OperationEntry.scope.rawValue)
            text(scope, bytes, &out)
        case .operation: break
        }
        return out
    }

    private static func varint(_ number: UInt64, _ out: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }

    private static func zigzag(_ number: Int64, _ out: inout [UInt8]) {
        varint(UInt64(bitPattern: number << 1 ^ number >> 63), &out)
    }

    private static func text(_ range: Range<Int>, _ bytes: [UInt8], _ out: inout [UInt8]) {
        varint(UInt64(range.count), &out)
        out += bytes[range]
    }
}
