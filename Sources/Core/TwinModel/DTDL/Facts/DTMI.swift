/// The syntax of digital-twin model identifiers (docs/dtdl-rules.md, "Identifiers").
package struct DTMI: Sendable, Equatable {
    /// The whole text.
    package let text: String
    /// The labels between the colons.
    package let labels: [String]
    /// 0 if there is none.
    package let major: Int
    /// 0 if there is none.
    package let minor: Int
    /// What follows `#`; nil without one.
    package let fragment: String?
    /// The text before the version.
    package var versionless: String { "dtmi:" + labels.joined(separator: ":") }
    /// Whether a label begins with an underscore: such identifiers are generated, never written.
    package var isReserved: Bool { labels.contains { $0.utf8.first == UInt8(ascii: "_") } }
    /// Whether there is a version.
    package var hasVersion: Bool { major > 0 }

    /// Reads `dtmi:`, labels, `;` and a version of one or two numbers, `#` and a fragment; nil if the text is not an identifier.
    package init?(_ text: String) {
        self.text = text
        guard text.utf8.starts(with: "dtmi:".utf8) else { return nil }
        var rest = Array(text.utf8)[5...]
        if let at = rest.firstIndex(of: UInt8(ascii: "#")) {
            fragment = String(decoding: rest[(at + 1)...], as: UTF8.self)
            guard rest[(at + 1)...].allSatisfy({ ValueText.isLetter($0) || ValueText.isDigit($0) || $0 == 0x5F }) else {
                return nil
            }
            rest = rest[..<at]
        } else {
            fragment = nil
        }
        var version: (Int, Int) = (0, 0)
        if let at = rest.firstIndex(of: UInt8(ascii: ";")) {
            guard let read = Self.version(rest[(at + 1)...]) else { return nil }
            version = read
            rest = rest[..<at]
        }
        (major, minor) = version
        var labels: [String] = []
        for label in rest.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard Self.isLabel(label) else { return nil }
            labels.append(String(decoding: label, as: UTF8.self))
        }
        self.labels = labels
    }

    /// Whether a document of that language version may use it as an id or a reference: no fragment, no reserved label; version 2
    /// of the language wants a version without a minor one.
    package func isUsable(in version: Int) -> Bool {
        guard fragment == nil, !isReserved else { return false }
        return version >= 3 || hasVersion && minor == 0
    }

    /// Whether `text` is an identifier that a document of that language version may write.
    static func isUsable(_ text: String, in version: Int) -> Bool { DTMI(text)?.isUsable(in: version) ?? false }

    private static func version(_ text: ArraySlice<UInt8>) -> (Int, Int)? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let major = number(parts[0], digitsMax: 9) else { return nil }
        guard parts.count == 2 else { return (major, 0) }
        guard let minor = number(parts[1], digitsMax: 6) else { return nil }
        return (major, minor)
    }

    private static func number(_ text: ArraySlice<UInt8>, digitsMax: Int) -> Int? {
        guard (1...digitsMax).contains(text.count), text.first != UInt8(ascii: "0"), text.allSatisfy({ ValueText.isDigit($0) })
        else { return nil }
        return Int(String(decoding: text, as: UTF8.self))
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        guard let first = label.first, let last = label.last, last != 0x5F, !ValueText.isDigit(first) else { return false }
        return label.allSatisfy { ValueText.isLetter($0) || ValueText.isDigit($0) || $0 == 0x5F }
    }

    /// `id` with `segments` before its version: how elements without an `@id` get one.
    static func appending(_ segments: String, to id: String) -> String {
        guard let at = id.utf8.lastIndex(of: UInt8(ascii: ";")) else { return "\(id):\(segments)" }
        return "\(id[..<at]):\(segments)\(id[at...])"
    }
}

extension String {
    /// Whether this is a name: a letter, then letters, digits and underscores, the last no underscore.
    var isDTDLName: Bool {
        guard let first = utf8.first, let last = utf8.last, ValueText.isLetter(first), last != 0x5F else { return false }
        return utf8.allSatisfy { ValueText.isLetter($0) || ValueText.isDigit($0) || $0 == 0x5F }
    }
}
