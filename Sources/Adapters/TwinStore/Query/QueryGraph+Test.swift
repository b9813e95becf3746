import DropCore
import TwinModel

/// Conditions on rows. Values that are one property of a record are compared as bytes, without being decoded.
extension QueryGraph {
    func holds(_ test: RowTest, _ rows: [QueryRow]) throws(DropError) -> Truth {
        switch test {
        case .and(let parts):
            var result = Truth.yes
            for part in parts {
                let truth = try holds(part, rows)
                if truth == .no { return .no }
                if truth == .unknown { result = .unknown }
            }
            return result
        case .or(let parts):
            var result = Truth.no
            for part in parts {
                let truth = try holds(part, rows)
                if truth == .yes { return .yes }
                if truth == .unknown { result = .unknown }
            }
            return result
        case .not(let part): return !(try holds(part, rows))
        case .compare(let path, let comparison, let literal): return try compare(path, comparison, literal, rows)
        case .compareOperands(let left, let comparison, let right):
            guard let left = try value(left, rows), let right = try value(right, rows) else { return .unknown }
            return Truth(comparison.holds(left, right))
        case .among(let path, let literals, let isNegated): return try among(path, literals, isNegated, rows)
        case .type(let type, let path): return Truth(try isOf(type, path, rows))
        case .text(let test, let path, let part): return try matches(test, path, part, rows)
        case .textOperands(let test, let text, let part):
            guard let text = try value(text, rows), let part = try value(part, rows) else { return .unknown }
            guard let text = text.string, let part = part.string else { return .no }
            return Truth(test.holds(Array(text.utf8), Array(part.utf8)))
        case .arrayContains(let array, let element):
            guard let array = try value(array, rows), let element = try value(element, rows) else { return .unknown }
            guard let elements = array.elements else { return .no }
            return Truth(elements.contains { Self.isScalar($0) && QueryCondition.Comparison.equal.holds($0, element) })
        case .ofModel(let variable, let models):
            guard try load(rows[variable]) else { return .no }
            return Truth(models.contains(rows[variable].key))
        case .truth(let path):
            guard let value = try value(path, rows) else { return .unknown }
            return Truth(value == .bool(true))
        }
    }

    private func value(_ operand: RowTest.Operand, _ rows: [QueryRow]) throws(DropError) -> JSON? {
        switch operand {
        case .path(let path): try value(path, rows)
        case .literal(let literal): literal.json
        }
    }

    private static func isScalar(_ value: JSON) -> Bool {
        switch value {
        case .array, .object: false
        default: true
        }
    }

    /// Whether the path is nothing but one property, whose entry `body` gets; nil where it leads elsewhere, and has to be read as
    /// JSON. The row must be loaded.
    @inline(__always)
    private func plain(_ path: RowPath) -> UInt32? {
        guard case .properties(let candidates) = path.head, candidates.count == 1, candidates[0].rest.isEmpty,
            path.fallback == nil
        else { return nil }
        return candidates[0].key
    }

    // MARK: Comparisons

    @inline(__always)
    private func compare(
        _ path: RowPath, _ comparison: QueryCondition.Comparison, _ literal: RowLiteral, _ rows: [QueryRow]
    ) throws(DropError) -> Truth {
        if let key = plain(path) {
            let row = rows[path.variable]
            guard try load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return .unknown }
            if let truth = try Self.compare(entry, row.record.span, comparison, literal) { return Truth(truth) }
        } else if case .twinID = path.head, case .text(let text) = literal {
            let row = rows[path.variable]
            guard try load(row) else { return .unknown }
            return Truth(comparison.holds(Self.order(row.id.span, 0..<row.id.count, text)))
        }
        guard let value = try value(path, rows) else { return .unknown }
        return Truth(comparison.holds(value, literal.json))
    }

    /// Compares an encoded value; nil where it has to be decoded first.
    @inline(__always)
    static func compare(
        _ entry: PropertyEntry, _ record: borrowing Span<UInt8>, _ comparison: QueryCondition.Comparison, _ literal: RowLiteral
    ) throws(DropError) -> Bool? {
        switch (entry.type, literal) {
        case (.string, .text(let text)):
            return comparison.holds(order(record, textRange(entry, record), text))
        case (.integer, .integer(let number)):
            let stored = try integer(entry, record)
            return comparison.holds(stored < number ? -1 : stored > number ? 1 : 0)
        case (.integer, .double(let number)):
            return comparison.holds(QueryCondition.Comparison.order(try integer(entry, record), number))
        case (.double, .double(let number)):
            let stored = double(entry, record)
            return comparison.holds(stored < number ? -1 : stored > number ? 1 : 0)
        case (.double, .integer(let number)):
            return comparison.holds(-QueryCondition.Comparison.order(number, double(entry, record)))
        case (.true, .bool(let value)): return comparison.holdsOfEquals(value)
        case (.false, .bool(let value)): return comparison.holdsOfEquals(!value)
        case (.string, _), (.integer, _), (.double, _), (.true, _), (.false, _): return comparison.holdsOfEquals(false)
        default: return nil
        }
    }

    /// Where the text of a string entry is; its length stands before it.
    @inline(__always)
    private static func textRange(_ entry: PropertyEntry, _ record: borrowing Span<UInt8>) -> Range<Int> {
        var start = entry.value.lowerBound
        while record[start] >= 0x80 { start += 1 }
        return start + 1..<entry.value.upperBound
    }

    @inline(__always)
    private static func integer(_ entry: PropertyEntry, _ record: borrowing Span<UInt8>) throws(DropError) -> Int64 {
        var reader = OperationReader(at: entry.value.lowerBound, end: entry.value.upperBound)
        return try reader.zigzag(record)
    }

    @inline(__always)
    private static func double(_ entry: PropertyEntry, _ record: borrowing Span<UInt8>) -> Double {
        var bits: UInt64 = 0
        for index in 0..<8 { bits |= UInt64(record[entry.value.lowerBound + index]) << UInt64(8 * index) }
        return Double(bitPattern: bits)
    }

    @inline(__always)
    private static func order(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>, _ text: [UInt8]) -> Int {
        let common = min(range.count, text.count)
        var index = 0
        while index < common {
            let (left, right) = (bytes[range.lowerBound + index], text[index])
            if left != right { return left < right ? -1 : 1 }
            index += 1
        }
        return range.count - text.count
    }

    private func among(
        _ path: RowPath, _ literals: [RowLiteral], _ isNegated: Bool, _ rows: [QueryRow]
    ) throws(DropError) -> Truth {
        if let key = plain(path) {
            let row = rows[path.variable]
            guard try load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return .unknown }
            var isDecided = true
            for literal in literals {
                guard let equal = try Self.compare(entry, row.record.span, .equal, literal) else {
                    isDecided = false
                    break
                }
                if equal { return Truth(!isNegated) }
            }
            if isDecided { return Truth(isNegated) }
        }
        guard let value = try value(path, rows) else { return .unknown }
        let isMember = literals.contains { QueryCondition.Comparison.equal.holds(value, $0.json) }
        return Truth(isMember != isNegated)
    }

    // MARK: Types and texts

    private func isOf(_ type: QueryCondition.TypeTest, _ path: RowPath, _ rows: [QueryRow]) throws(DropError) -> Bool {
        if let key = plain(path) {
            let row = rows[path.variable]
            guard try load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return false }
            switch (type, entry.type) {
            case (.isDefined, _): return true
            case (_, .json): break
            case (.isNull, _), (.isObject, _): return false
            case (.isBool, _): return entry.type == .true || entry.type == .false
            case (.isNumber, _): return entry.type == .integer || entry.type == .double
            case (.isString, _): return ![.true, .false, .integer, .double].contains(entry.type)
            case (.isPrimitive, _): return true
            }
        }
        guard let value = try value(path, rows) else { return false }
        switch (type, value) {
        case (.isDefined, _), (.isNull, .null), (.isBool, .bool), (.isNumber, .int), (.isNumber, .double), (.isString, .string),
            (.isObject, .object):
            return true
        case (.isPrimitive, _): return Self.isScalar(value)
        default: return false
        }
    }

    private func matches(
        _ test: QueryCondition.TextTest, _ path: RowPath, _ part: [UInt8], _ rows: [QueryRow]
    ) throws(DropError) -> Truth {
        let row = rows[path.variable]
        if let key = plain(path) {
            guard try load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return .unknown }
            if entry.type == .string {
                return Truth(Self.holds(test, row.record.span, Self.textRange(entry, row.record.span), part))
            }
        } else if case .twinID = path.head {
            guard try load(row) else { return .unknown }
            return Truth(Self.holds(test, row.id.span, 0..<row.id.count, part))
        }
        guard let value = try value(path, rows) else { return .unknown }
        guard let text = value.string else { return .no }
        return Truth(test.holds(Array(text.utf8), part))
    }

    @inline(__always)
    private static func holds(
        _ test: QueryCondition.TextTest, _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, _ part: [UInt8]
    ) -> Bool {
        guard part.count <= range.count else { return false }
        switch test {
        case .startsWith: return order(bytes, range.lowerBound..<range.lowerBound + part.count, part) == 0
        case .endsWith: return order(bytes, range.upperBound - part.count..<range.upperBound, part) == 0
        case .contains:
            for start in range.lowerBound...range.upperBound - part.count
            where order(bytes, start..<start + part.count, part) == 0 { return true }
            return false
        }
    }
}
