import CodecKit

extension JSON {
    /// How a JSON text is laid out.
    package enum Layout: Sendable {
        /// RFC 8785: members sorted by their UTF-16 names, no white space. Equal values give equal bytes.
        case canonical
        /// One line, members in their own order.
        case compact
        /// As `compact`, and a double that is whole keeps its fraction (`1.0`), so that a number comes back as it was sent.
        case wire
        /// Two blanks of indentation, members in their own order; for people.
        case pretty
    }

    /// This value as text.
    package func text(_ layout: Layout = .compact) -> String { String(decoding: utf8(layout), as: UTF8.self) }

    /// This value as UTF-8.
    package func utf8(_ layout: Layout = .compact) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(512)
        write(to: &out, layout, depth: 0)
        return out
    }

    private func write(to out: inout [UInt8], _ layout: Layout, depth: Int) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .int(let value): out += String(value).utf8
        case .double(let value):
            out += JSON.numberText(value).utf8
            if layout == .wire, value == value.rounded(), abs(value) < 1e15 { out += ".0".utf8 }
        case .string(let value): JSON.quote(value, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for index in elements.indices {
                JSON.begin(index, &out, layout, depth)
                elements[index].write(to: &out, layout, depth: depth + 1)
            }
            JSON.end(elements.count, UInt8(ascii: "]"), &out, layout, depth)
        case .object(let members):
            let ordered =
                layout == .canonical
                ? members.sorted { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) } : members
            out.append(UInt8(ascii: "{"))
            for index in ordered.indices {
                JSON.begin(index, &out, layout, depth)
                JSON.quote(ordered[index].name, to: &out)
                out.append(UInt8(ascii: ":"))
                if layout == .pretty { out.append(UInt8(ascii: " ")) }
                ordered[index].value.write(to: &out, layout, depth: depth + 1)
            }
            JSON.end(ordered.count, UInt8(ascii: "}"), &out, layout, depth)
        }
    }

    /// What stands before an element or a member.
    private static func begin(_ index: Int, _ out: inout [UInt8], _ layout: Layout, _ depth: Int) {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        if layout == .pretty { newLine(depth + 1, &out) }
    }

    private static func end(_ count: Int, _ close: UInt8, _ out: inout [UInt8], _ layout: Layout, _ depth: Int) {
        if layout == .pretty, count > 0 { newLine(depth, &out) }
        out.append(close)
    }

    private static func newLine(_ depth: Int, _ out: inout [UInt8]) {
        out.append(UInt8(ascii: "\n"))
        for _ in 0..<depth * 2 { out.append(UInt8(ascii: " ")) }
    }

    /// A double as ECMAScript would write it (RFC 8785 §3.2.2.3): `1`, `0.1`, `1e+21`, `1e-7`; `null` if it is not
    /// finite, which no stored value is.
    package static func numberText(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == 0 { return "0" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        let (digits, exponent) = shortestDigits(abs(value))
        let sign = value < 0 ? "-" : ""
        let count = digits.count
        switch exponent {
        case count...21: return sign + digits + String(repeating: "0", count: exponent - count)
        case 1..<max(count, 1): return sign + digits.prefix(exponent) + "." + digits.dropFirst(exponent)
        case -5...0: return sign + "0." + String(repeating: "0", count: -exponent) + digits
        default:
            let power = exponent - 1
            let mantissa = count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
            return sign + mantissa + "e" + (power < 0 ? "-" : "+") + String(abs(power))
        }
    }

    /// The shortest digits that read back as `value`, and the exponent for `0.digits × 10^exponent`.
    private static func shortestDigits(_ value: Double) -> (digits: String, exponent: Int) {
        let text = value.description.lowercased()  // Swift prints the shortest digits that read back.
        let parts = text.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let power = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        let all = String(mantissa[0]) + fraction
        let leading = all.prefix { $0 == "0" }.count
        var digits = all.dropFirst(leading)
        while digits.last == "0" { digits.removeLast() }
        return (String(digits), mantissa[0].count - leading + power)
    }

    /// Appends `text` in quotes, with the escapes of RFC 8785 §3.2.2.2.
    package static func quote(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        // Most texts have nothing to escape: they are copied whole.
        if hasEscaped(text.utf8.span) {
            for byte in text.utf8 { quote(byte, to: &out) }
        } else {
            out += text.utf8
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func hasEscaped(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return true }
        }
        return false
    }

    private static func quote(_ byte: UInt8, to out: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
        case 0x20...: out.append(byte)
        case 0x08: out += "\\b".utf8
        case 0x0C: out += "\\f".utf8
        case 0x0A: out += "\\n".utf8
        case 0x0D: out += "\\r".utf8
        case 0x09: out += "\\t".utf8
        default: out += ("\\u00" + Hex.text(byte)).utf8
        }
    }
}
