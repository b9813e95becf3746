import CodecKit
import DropCore

/// Operations that say otherwise what an earlier one of the same drop said: how many, and the first few by name.
///
/// Of an earlier one that changed nothing neither its record nor its properties are kept: a later one that changes the twin or
/// relationship counts, whatever it changes.
struct SecondStatements {
    private struct Named {
        let id: String
        let records: (earlier: UInt64?, later: UInt64)
    }

    private(set) var count = 0
    private var named: [Named] = []

    private static let namedMax = 3

    /// - Parameters:
    ///   - id: of a relationship, its twin's id before it.
    ///   - earlier: the record of the earlier one; nil where that changed nothing.
    mutating func note(_ id: [[UInt8]], _ earlier: UInt64?, _ later: UInt64) {
        count += 1
        guard named.count < Self.namedMax else { return }
        let id = id.map { Escaping.visible($0, scalarsMax: 128) }.joined(separator: "/")
        named.append(Named(id: id, records: (earlier, later)))
    }

    /// Nil where there is none.
    var sentence: String? {
        guard count > 0 else { return nil }
        let names = named.map { one in
            guard let earlier = one.records.earlier else {
                return "\(one.id) (record \(one.records.later) after one that changed nothing)"
            }
            return earlier == one.records.later
                ? "\(one.id) (twice in record \(earlier))" : "\(one.id) (record \(one.records.later) after record \(earlier))"
        }
        let rest = count - named.count
        return
            "\(DropBooks.counted(count, "record")) of this file \(count == 1 ? "states" : "state") otherwise what an earlier one "
            + "stated, and the later one stands: \(names.joined(separator: ", "))\(rest > 0 ? " and \(rest) more" : "")."
    }
}
