package import DropCore
import TwinModel

/// What a marker file says about its data file: nothing, or `{"size": bytes, "sha256": "hex"}` (both optional, others ignored).
package struct Manifest: Sendable, Equatable {
    package let bytes: UInt64?
    package let digest: ContentDigest?

    /// A longer file is not a manifest, and not a marker either.
    package static let bytesMax = 65_536

    package init(bytes: UInt64? = nil, digest: ContentDigest? = nil) {
        self.bytes = bytes
        self.digest = digest
    }

    /// Reads a marker's content. Content that does not start as a JSON object states nothing. The error is a sentence for people.
    package static func parse(_ content: [UInt8]) -> Result<Manifest, ManifestError> {
        let first = content.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        guard first == UInt8(ascii: "{") else { return .success(Manifest()) }
        let json: JSON
        do {
            json = try JSON(parsing: content)
        } catch {
            return .failure(ManifestError("it is not valid JSON at byte \(error.offset): \(error.message)"))
        }
        var bytes: UInt64?
        if let size = json["size"] {
            guard let number = size.int, number >= 0 else {
                return .failure(ManifestError("its size is not a whole number of bytes"))
            }
            bytes = UInt64(number)
        }
        var digest: ContentDigest?
        if let hex = json["sha256"] {
            guard let text = hex.string, let value = ContentDigest(hex: text) else {
                return .failure(ManifestError("its sha256 is not 64 hexadecimal digits"))
            }
            digest = value
        }
        return .success(Manifest(bytes: bytes, digest: digest))
    }
}

/// Why a manifest cannot be used.
package struct ManifestError: Error, Sendable, Equatable {
    package let message: String
    init(_ message: String) { self.message = message }
}
