/// Checks that bytes are one JSON value (RFC 8259), without building it.
public enum JSONSyntax {
    /// True for one value, at most `depthMax` deep, with nothing but blanks around it.
    public static func isValue(_ bytes: Bytes, depthMax: Int = 32) -> Bool {
        var checker = Checker(bytes: bytes, depthMax: depthMax)
        guard checker.value(depth: 1) else { return false }
        checker.skipBlanks()
        return checker.index == bytes.count
    }

    private struct Checker {
        let bytes: Bytes
        let depthMax: Int
        var index = 0

        mutating func value(depth: Int) -> Bool {
            skipBlanks()
            guard index < bytes.count else { return false }
            switch bytes[index] {
            case UInt8(ascii: "{"): return list(depth: depth, close: UInt8(ascii: "}"), named: true)
            case UInt8(ascii: "["): return list(depth: depth, close: UInt8(ascii: "]"), named: false)
            case UInt8(ascii: "\""): return string()
            case UInt8(ascii: "t"): return word("true")
            case UInt8(ascii: "f"): return word("false")
            case UInt8(ascii: "n"): return word("null")
            default: return number()
            }
        }

        mutating func skipBlanks() {
            while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
        }

        private mutating func list(depth: Int, close: UInt8, named: Bool) -> Bool {
            guard depth <= depthMax else { return false }
            index += 1
            skipBlanks()
            if take(close) { return true }
            repeat {
                if named {
                    skipBlanks()
                    guard index < bytes.count, bytes[index] == UInt8(ascii: "\""), string() else { return false }
                    skipBlanks()
                    guard take(UInt8(ascii: ":")) else { return false }
                }
                guard value(depth: depth + 1) else { return false }
                skipBlanks()
            } while take(UInt8(ascii: ","))
            return take(close)
        }

        private mutating func string() -> Bool {
            index += 1
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                if byte == UInt8(ascii: "\"") { return true }
                if byte < 0x20 { return false }
                guard byte == UInt8(ascii: "\\") else { continue }
                guard index < bytes.count else { return false }
                let escape = bytes[index]
                index += 1
                if escape == UInt8(ascii: "u") {
                    guard index + 4 <= bytes.count else { return false }
                    for offset in 0..<4 where !isHex(bytes[index + offset]) { return false }
                    index += 4
                } else if !Array("\"\\/bfnrt".utf8).contains(escape) {
                    return false
                }
            }
            return false
        }

        private mutating func number() -> Bool {
            _ = take(UInt8(ascii: "-"))
            if take(UInt8(ascii: "0")) {
                if index < bytes.count, bytes[index] &- 0x30 < 10 { return false }
            } else if !digits() {
                return false
            }
            if take(UInt8(ascii: ".")), !digits() { return false }
            if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
                index += 1
                if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
                return digits()
            }
            return true
        }

        private mutating func digits() -> Bool {
            let start = index
            while index < bytes.count, bytes[index] &- 0x30 < 10 { index += 1 }
            return index > start
        }

        private mutating func word(_ word: StaticString) -> Bool {
            let length = word.utf8CodeUnitCount
            guard bytes.dropFirst(index).prefix(length) == word else { return false }
            index += length
            return true
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        private func isHex(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6 }
    }
}
