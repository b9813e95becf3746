internal import Crypto
package import DropCore

/// A SHA-256 over bytes that come in pieces.
package struct StreamHash {
    private var state = SHA256()

    package init() {}

    mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { bytes in unsafe state.update(bufferPointer: bytes) }
    }

    package mutating func update(_ bytes: [UInt8]) { unsafe update(bytes.span.bytes) }

    /// The digest of all bytes so far; more bytes can follow.
    package var digest: ContentDigest { ContentDigest(bytes: Array(state.finalize())) }

    static func digest(of bytes: [UInt8]) -> ContentDigest {
        var hash = Self()
        hash.update(bytes)
        return hash.digest
    }
}

extension StreamHash {
    /// The SHA-256 of the file at `path`, read from the medium and not from memory.
    static func digest(ofFile path: String) throws(DropError) -> ContentDigest {
        let file = try StorageFile(path, .read)
        file.forgetCached()
        return try digest(of: file)
    }

    static func digest(of file: StorageFile) throws(DropError) -> ContentDigest {
        var hash = Self()
        var block = [UInt8](repeating: 0, count: 1 << 18)
        var position: UInt64 = 0
        while true {
            let count = try file.read(into: &block, at: position)
            guard count > 0 else { return hash.digest }
            hash.update(unsafe block.span.bytes.extracting(0..<count))
            position += UInt64(count)
        }
    }
}

enum Bytes {
    static func array(_ span: RawSpan) -> [UInt8] { unsafe span.withUnsafeBytes { bytes in unsafe Array(bytes) } }
}
