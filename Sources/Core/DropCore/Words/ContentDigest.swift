import CodecKit

/// The SHA-256 (FIPS 180-4) of a file's bytes: 32 bytes, shown as 64 lower-case hexadecimal digits.
package struct ContentDigest: Sendable, Hashable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// `bytes` are exactly 32.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == 32, "a SHA-256 has 32 bytes")
        self.bytes = bytes
    }

    /// Nil unless `text` is 64 hexadecimal digits.
    package init?(hex text: some StringProtocol) {
        guard text.utf8.count == 64, let bytes = Hex.bytes(text) else { return nil }
        self.bytes = bytes
    }

    package var description: String { Hex.text(bytes) }
}
