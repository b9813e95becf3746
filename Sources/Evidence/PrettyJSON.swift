import TwinModel

/// `JSON.text(.pretty)` and a newline as bytes, for files: one header and one receipt per drop are written, so it works on bytes
/// without going by Unicode scalars (36 µs a receipt before, on the machine of docs/benchmarks.md).
enum PrettyJSON {
    static func file(_ json: JSON) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(2048)
        write(json, to: &out, depth: 0)
        out.append(UInt8(ascii: "\n"))
        return out
    }

    private static func write(_ json: JSON, to out: inout [UInt8], depth: Int) {
        switch json {
        case .string(let text): quote(text, to: &out)
        case .int(let number): out.append(contentsOf: String(number).utf8)
        case .array(let elements) where !elements.isEmpty:
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                startLine(isFirst: index == 0, depth: depth + 1, to: &out)
                write(element, to: &out, depth: depth + 1)
            }
            endList(UInt8(ascii: "]"), depth: depth, to: &out)
        case .object(let members) where !members.isEmpty:
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                startLine(isFirst: index == 0, depth: depth + 1, to: &out)
                quote(member.name, to: &out)
                out.append(UInt8(ascii: ":"))
                out.append(UInt8(ascii: " "))
                write(member.value, to: &out, depth: depth + 1)
            }
            endList(UInt8(ascii: "}"), depth: depth, to: &out)
        default: out.append(contentsOf: json.text(.pretty).utf8)
        }
    }

    private static func startLine(isFirst: Bool, depth: Int, to out: inout [UInt8]) {
        if !isFirst { out.append(UInt8(ascii: ",")) }
        out.append(UInt8(ascii: "\n"))
        for _ in 0..<(2 * depth) { out.append(UInt8(ascii: " ")) }
    }

    private static func endList(_ bracket: UInt8, depth: Int, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\n"))
        for _ in 0..<(2 * depth) { out.append(UInt8(ascii: " ")) }
        out.append(bracket)
    }

    private static func quote(_ text: String, to out: inout [UInt8]) {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        guard isPlain else {
            var quoted = ""
            JSON.quote(text, to: &quoted)
            out.append(contentsOf: quoted.utf8)
            return
        }
        out.append(UInt8(ascii: "\""))
        out.append(contentsOf: text.utf8)
        out.append(UInt8(ascii: "\""))
    }
}
