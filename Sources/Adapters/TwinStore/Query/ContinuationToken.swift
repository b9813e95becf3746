import CodecKit
import TwinModel

/// What a page's continuation token holds: the query itself and how far it came. As text it has letters, digits, `-` and `_`
/// only, so that no client's way of encoding it does harm; it is sealed with a key of the database, so that only tokens of this
/// graph are taken, and none that were altered.
struct ContinuationToken: Equatable {
    var query: String
    /// The commit after which the graph is looked at; nil: the present.
    var sequence: UInt64?
    /// Rows of the pages before, for TOP.
    var rows: Int
    /// Rows of a page, as the first request asked for.
    var limit: Int
    /// Position of the last one.
    var position: [UInt32]

    private static let version: UInt8 = 2

    init(query: String, sequence: UInt64?, rows: Int, limit: Int, position: [UInt32]) {
        self.query = query
        self.limit = limit
        self.sequence = sequence
        self.rows = rows
        self.position = position
    }

    func text(_ hash: KeyedHash) -> String {
        var bytes: [UInt8] = [Self.version, sequence == nil ? 0 : 1]
        bytes.append(varint: sequence ?? 0)
        bytes.append(varint: UInt64(rows))
        bytes.append(varint: UInt64(limit))
        bytes.append(varint: UInt64(position.count))
        for number in position { bytes.append(varint: UInt64(number)) }
        bytes += query.utf8
        return Base64URL.encoded(bytes + Self.seal(bytes, hash))
    }

    /// Nil where the text is no token of this graph.
    init?(_ text: String, _ hash: KeyedHash) {
        guard let bytes = Base64URL.decoded(text), bytes.count > 16 + 5 else { return nil }
        let body = Array(bytes.dropLast(16))
        guard Self.seal(body, hash) == Array(bytes.suffix(16)), body[0] == Self.version else { return nil }
        var at = 2
        // It is sealed: a number that cannot be read is none of ours, and counts as 0.
        func number() -> UInt64 { (try? Varint.read(body.span, at: &at, end: body.count)) ?? 0 }
        let sequence = number()
        self.sequence = body[1] == 0 ? nil : sequence
        rows = Int(clamping: min(number(), 1 << 32))
        limit = Int(clamping: min(max(1, number()), 1 << 16))
        position = (0..<min(number(), UInt64(body.count))).map { _ in UInt32(truncatingIfNeeded: number()) }
        query = String(decoding: body[at...], as: UTF8.self)
    }

    private static func seal(_ bytes: [UInt8], _ hash: KeyedHash) -> [UInt8] {
        let seal = hash.identity(bytes)
        return [seal.high, seal.low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    }
}
