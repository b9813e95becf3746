/// Base64 with the alphabet for URLs and without padding (RFC 4648 §5): survives any percent-decoding and encoding.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encoded(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 4 / 3 + 3)
        var at = 0
        while at < bytes.count {
            let group = (0..<3).map { at + $0 < bytes.count ? UInt32(bytes[at + $0]) : 0 }
            let bits = group[0] << 16 | group[1] << 8 | group[2]
            for index in 0..<min(4, bytes.count - at + 1) { out.append(alphabet[Int(bits >> (18 - 6 * UInt32(index)) & 63)]) }
            at += 3
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nil where `text` is not what `encoded` gives.
    static func decoded(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            guard let value = alphabet.firstIndex(of: byte) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return encoded(out) == text ? out : nil
    }
}
