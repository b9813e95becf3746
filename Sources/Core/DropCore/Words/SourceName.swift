/// The name of a source, as configured: 1 to 64 of `a`–`z`, `0`–`9` and `-`, starting with a letter or digit.
package struct SourceName: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String

    /// Nil unless `text` follows the rule above; so it is safe as a folder name.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard (1...64).contains(bytes.count), bytes.first != UInt8(ascii: "-"), bytes.allSatisfy(Self.allows) else { return nil }
        self.text = text
    }

    package var description: String { text }

    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    private static func allows(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "-")
    }
}
