import ArchiveKit
import Glibc

extension TarZstdWriter {
    /// Writes the first `count` bytes of a block.
    func write(_ block: [UInt8], count: Int) throws(ArchiveKitError) {
        try write(unsafe block.span.bytes.extracting(0..<count))
    }
}

extension [UInt8] {
    /// True when its first bytes are `bytes`.
    func begins(with bytes: RawSpan) -> Bool {
        guard count >= bytes.byteCount else { return false }
        return unsafe withUnsafeBytes { own in
            unsafe bytes.withUnsafeBytes { other in
                unsafe other.isEmpty || memcmp(own.baseAddress!, other.baseAddress!, other.count) == 0
            }
        }
    }
}

extension StreamHash {
    /// Hashes the first `count` bytes of a block.
    mutating func update(_ block: [UInt8], count: Int) { update(unsafe block.span.bytes.extracting(0..<count)) }
}
