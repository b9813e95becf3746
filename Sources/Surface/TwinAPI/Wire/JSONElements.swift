/// Where the elements of a JSON array are in its text, so that each can be kept as it was sent.
enum JSONElements {
    /// The texts of the elements of `bytes`, which is a well-formed JSON array; white space around them is left out.
    static func texts(of bytes: [UInt8]) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        var (depth, start, inString, escaped) = (0, -1, false, false)
        func close(at end: Int) {
            guard start >= 0 else { return }
            var last = end
            while last > start, isBlank(bytes[last - 1]) { last -= 1 }
            if last > start { texts.append(Array(bytes[start..<last])) }
        }
        for (at, byte) in bytes.enumerated() {
            if inString {
                if escaped { escaped = false } else if byte == 0x5C { escaped = true } else if byte == 0x22 { inString = false }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { close(at: at) }
            case UInt8(ascii: ",") where depth == 1:
                close(at: at)
                start = -1
                continue
            default: break
            }
            if depth >= 1, start < 0, !isBlank(byte), !(depth == 1 && byte == UInt8(ascii: "[")) { start = at }
        }
        return texts
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
