/// A strict JSON reader for settings: small files, read once.
struct SettingsParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// One value and nothing after it.
    mutating func document() throws(PluginError) -> SettingsValue.Content {
        let value = try parseValue()
        skipBlanks()
        guard position == bytes.count else { throw error("something follows the value") }
        return value
    }

    private mutating func parseValue() throws(PluginError) -> SettingsValue.Content {
        skipBlanks()
        guard position < bytes.count else { throw error("a value is missing") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try nested { (parser: inout Self) throws(PluginError) in try parser.parseObject() }
        case UInt8(ascii: "["): return try nested { (parser: inout Self) throws(PluginError) in try parser.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        default: return try parseNumber()
        }
    }

    private mutating func nested(
        _ body: (inout Self) throws(PluginError) -> SettingsValue.Content
    ) throws(PluginError) -> SettingsValue.Content {
        depth += 1
        guard depth <= 64 else { throw error("more than 64 levels deep") }
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func parseObject() throws(PluginError) -> SettingsValue.Content {
        var members: [SettingsValue.Member] = []
        position += 1
        skipBlanks()
        if take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            skipBlanks()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw error("a member name is missing") }
            let name = try parseString()
            guard !members.contains(where: { SettingsValue.same($0.name, name) }) else { throw error("'\(name)' stands twice") }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw error("':' is missing") }
            members.append(SettingsValue.Member(name: name, value: try parseValue()))
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("'}' is missing") }
        return .object(members)
    }

    private mutating func parseArray() throws(PluginError) -> SettingsValue.Content {
        var elements: [SettingsValue.Content] = []
        position += 1
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .array([]) }
        repeat {
            elements.append(try parseValue())
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("']' is missing") }
        return .array(elements)
    }

    private mutating func parseString() throws(PluginError) -> String {
        var out: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw error("a text is no valid UTF-8") }
                return text
            case UInt8(ascii: "\\"): try parseEscape(into: &out)
            case 0..<0x20: throw error("a control character stands in a text")
            default: out.append(byte)
            }
        }
        throw error("a text does not end")
    }

    private mutating func parseEscape(into out: inout [UInt8]) throws(PluginError) {
        guard position < bytes.count else { throw error("a text does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(8)
        case UInt8(ascii: "f"): out.append(12)
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "u"):
            var unit = try parseHex()
            if (0xD800..<0xDC00).contains(unit) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw error("half a surrogate pair") }
                let low = try parseHex()
                guard (0xDC00..<0xE000).contains(low) else { throw error("half a surrogate pair") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw error("half a surrogate pair") }
            out.append(contentsOf: UTF8.encode(scalar)!)
        default: throw error("an unknown escape in a text")
        }
    }

    private mutating func parseHex() throws(PluginError) -> UInt32 {
        guard position + 4 <= bytes.count,
            let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw error("\\u needs four hexadecimal digits") }
        position += 4
        return value
    }

    private mutating func parseNumber() throws(PluginError) -> SettingsValue.Content {
        let start = position
        while position < bytes.count, !",]} \n\r\t".utf8.contains(bytes[position]) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        var digits = Array(text.utf8)[...]
        if digits.first == UInt8(ascii: "-") { digits = digits.dropFirst() }
        guard let first = digits.first, (0x30...0x39).contains(first), digits.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }),
            first != 0x30 || digits.count == 1 || ".eE".utf8.contains(digits[digits.startIndex + 1]),
            digits.last != UInt8(ascii: ".")
        else { throw error("'\(text)' is no JSON value") }
        if let number = Int64(text) { return .int(number) }
        guard let number = Double(text), number.isFinite else { throw error("'\(text)' is no number") }
        return .double(number)
    }

    private mutating func parseWord(
        _ word: StaticString, _ value: SettingsValue.Content
    ) throws(PluginError) -> SettingsValue.Content {
        let length = word.utf8CodeUnitCount
        guard bytes[position...].starts(with: Bytes(word).array) else { throw error("an unknown word") }
        position += length
        return value
    }

    private mutating func skipBlanks() {
        while position < bytes.count, " \n\r\t".utf8.contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private func error(_ message: String) -> PluginError {
        PluginError(.settings, "The settings are no valid JSON: \(message), at byte \(position).")
    }
}
