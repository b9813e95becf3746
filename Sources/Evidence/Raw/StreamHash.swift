internal import Crypto
import DropCore

/// A SHA-256 over bytes that come in pieces.
struct StreamHash {
    private var state = SHA256()

    mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { bytes in unsafe state.update(bufferPointer: bytes) }
    }

    mutating func update(_ bytes: [UInt8]) { unsafe update(bytes.span.bytes) }

    /// The digest of all bytes so far; the state can go on.
    var digest: ContentDigest { ContentDigest(bytes: Array(state.finalize())) }

    static func digest(of bytes: [UInt8]) -> ContentDigest {
        var hash = Self()
        hash.update(bytes)
        return hash.digest
    }
}

enum Bytes {
    static func array(_ span: RawSpan) -> [UInt8] { unsafe span.withUnsafeBytes { bytes in unsafe Array(bytes) } }
}
