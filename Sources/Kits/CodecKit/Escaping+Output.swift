extension Escaping {
    /// Whether a scalar controls a terminal or is hidden in it: controls, line and paragraph separators, scalars that change the
    /// direction of writing, invisible scalars, and undefined ones.
    package static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return scalar.value < 0x20 }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }

    /// `text` with every harmful scalar as `\u{…}`. Everything else is unchanged, the backslash too, so text that `visible` has
    /// escaped before stays as it was. For the last step before output to a person.
    ///
    /// - Parameter kept: harmful scalars that stay: the line feed, where the text has lines.
    package static func harmless(_ text: String, keeping kept: Unicode.Scalar? = nil) -> String {
        rewritten(text, keeping: kept) { "\\u{" + String($0.value, radix: 16) + "}" }
    }

    /// A JSON text with the same strings, in which harmful scalars are written as `\u202e`. Line feeds between values stay.
    package static func harmless(json text: String) -> String {
        rewritten(text, keeping: "\n") { scalar in
            UTF16.encode(scalar)!.map { "\\u" + Hex.text($0) }.joined()
        }
    }

    private static func rewritten(
        _ text: String, keeping kept: Unicode.Scalar?, _ escape: (Unicode.Scalar) -> String
    ) -> String {
        let isPlain = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) || ($0 == 0x0A && kept == "\n") }
        if isPlain { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            if isHarmful(scalar), scalar != kept { out += escape(scalar) } else { out.unicodeScalars.append(scalar) }
        }
        return out
    }
}
