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
        return Base64URL.text(bytes + Self.seal(bytes, hash))
    }

    /// Nil where the text is no token of this graph.
    init?(_ text: String, _ hash: KeyedHash) {
        guard let bytes = Base64URL.bytes(text), bytes.count > 16 + 5 else { return nil }
        let body = Array(bytes.dropLast(16))
        guard Self.seal(body, hash) == Array(bytes.suffix(16)), body[0] == Self.version else { return nil }
        var at = 2
        func number() -> UInt64 {
            var (value, shift) = (UInt64(0), UInt64(0))
            while at < body.count {
                let byte = body[at]
                at += 1
                value |= UInt64(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            return value
        }
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

/// Base 64 with the alphabet for URLs and without padding (RFC 4648, section 5).
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    static func text(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 4 / 3 + 4)
        var (bits, count) = (UInt32(0), 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                out.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { out.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nil where the text has another character, or cannot be the text of whole bytes.
    static func bytes(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for letter in text.utf8 {
            let value = values[Int(letter)]
            guard value != 0xFF else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        guard count < 6, bits & ((1 << UInt32(count)) - 1) == 0 else { return nil }
        return out
    }
}
