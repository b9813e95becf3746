/// Shows hostile text safely.
package enum Escaping {
    /// `bytes` as text without control, format, private-use or undecodable characters: those are written as `\u{…}` or `\x…`, and
    /// the backslash as `\\`. At most `scalarsMax` scalars are shown, then `…`.
    package static func visible(_ bytes: some Sequence<UInt8>, scalarsMax: Int = 1024) -> String {
        var rest = Array(bytes)[...]
        if rest.count <= scalarsMax, rest.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) {
            return String(decoding: rest, as: UTF8.self)
        }
        var out = ""
        var shown = 0
        var decoder = UTF8()
        while !rest.isEmpty {
            guard shown < scalarsMax else { return out + "…" }
            shown += 1
            var iterator = rest.makeIterator()
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar):
                rest = rest.dropFirst(UTF8.width(scalar))
                append(scalar, to: &out)
            case .error, .emptyInput:
                let byte = rest.removeFirst()
                out += "\\x" + Hex.text(byte)
            }
            decoder = UTF8()
        }
        return out
    }

    /// A sentence for people: an invisible character, or a blank other than the usual one, is written as its code point. A
    /// backslash does not change, so a sentence may be passed through here twice.
    package static func sentence(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar == "\\" { out.unicodeScalars.append(scalar) } else { append(scalar, to: &out) }
        }
        return out
    }

    /// `text`, shown as `visible(_:)` shows bytes.
    package static func visible(_ text: String, scalarsMax: Int = 1024) -> String {
        visible(text.utf8, scalarsMax: scalarsMax)
    }

    private static func append(_ scalar: Unicode.Scalar, to out: inout String) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            out += "\\u{" + String(scalar.value, radix: 16) + "}"
        case .spaceSeparator where scalar != " ":
            out += "\\u{" + String(scalar.value, radix: 16) + "}"
        default:
            if scalar == "\\" { out += "\\\\" } else { out.unicodeScalars.append(scalar) }
        }
    }
}
