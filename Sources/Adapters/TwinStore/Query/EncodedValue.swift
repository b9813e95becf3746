import DropCore
import TwinModel

/// Comparisons of values as they stand in records, with those of a query. Pure.
enum EncodedValue {
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
    static func textRange(_ entry: PropertyEntry, _ record: borrowing Span<UInt8>) -> Range<Int> {
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
    static func order(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>, _ text: [UInt8]) -> Int {
        let common = min(range.count, text.count)
        var index = 0
        while index < common {
            let (left, right) = (bytes[range.lowerBound + index], text[index])
            if left != right { return left < right ? -1 : 1 }
            index += 1
        }
        return range.count - text.count
    }

    @inline(__always)
    static func holds(
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
