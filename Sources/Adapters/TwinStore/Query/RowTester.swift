import DropCore
import TwinModel

/// Tests conditions on rows. Values that are one property of a record are compared as bytes, without being decoded.
struct RowTester {
    private let graph: QueryGraph
    private let values: RowValues

    init(_ graph: QueryGraph, _ values: RowValues) {
        self.graph = graph
        self.values = values
    }

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
            guard try graph.load(rows[variable]) else { return .no }
            return Truth(models.contains(rows[variable].key))
        case .truth(let path):
            guard let value = try values.value(path, rows) else { return .unknown }
            return Truth(value == .bool(true))
        }
    }

    private func value(_ operand: RowTest.Operand, _ rows: [QueryRow]) throws(DropError) -> JSON? {
        switch operand {
        case .path(let path): try values.value(path, rows)
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
            guard try graph.load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return .unknown }
            if let truth = try EncodedValue.compare(entry, row.record.span, comparison, literal) { return Truth(truth) }
        } else if case .twinID = path.head, case .text(let text) = literal {
            let row = rows[path.variable]
            guard try graph.load(row) else { return .unknown }
            return Truth(comparison.holds(EncodedValue.order(row.id.span, 0..<row.id.count, text)))
        }
        guard let value = try values.value(path, rows) else { return .unknown }
        return Truth(comparison.holds(value, literal.json))
    }

    private func among(
        _ path: RowPath, _ literals: [RowLiteral], _ isNegated: Bool, _ rows: [QueryRow]
    ) throws(DropError) -> Truth {
        if let key = plain(path) {
            let row = rows[path.variable]
            guard try graph.load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return .unknown }
            var isDecided = true
            for literal in literals {
                guard let equal = try EncodedValue.compare(entry, row.record.span, .equal, literal) else {
                    isDecided = false
                    break
                }
                if equal { return Truth(!isNegated) }
            }
            if isDecided { return Truth(isNegated) }
        }
        guard let value = try values.value(path, rows) else { return .unknown }
        let isMember = literals.contains { QueryCondition.Comparison.equal.holds(value, $0.json) }
        return Truth(isMember != isNegated)
    }

    // MARK: Types and texts

    private func isOf(_ type: QueryCondition.TypeTest, _ path: RowPath, _ rows: [QueryRow]) throws(DropError) -> Bool {
        if let key = plain(path) {
            let row = rows[path.variable]
            guard try graph.load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return false }
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
        guard let value = try values.value(path, rows) else { return false }
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
            guard try graph.load(row), let entry = try RecordScan.find(key, in: row.record.span) else { return .unknown }
            if entry.type == .string {
                return Truth(EncodedValue.holds(test, row.record.span, EncodedValue.textRange(entry, row.record.span), part))
            }
        } else if case .twinID = path.head {
            guard try graph.load(row) else { return .unknown }
            return Truth(EncodedValue.holds(test, row.id.span, 0..<row.id.count, part))
        }
        guard let value = try values.value(path, rows) else { return .unknown }
        guard let text = value.string else { return .no }
        return Truth(test.holds(Array(text.utf8), part))
    }
}
