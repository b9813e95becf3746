import ArchiveKit

extension TarZstdWriter {
    /// Writes the first `count` bytes of a block.
    func write(_ block: [UInt8], count: Int) throws(ArchiveKitError) {
        try write(unsafe block.span.bytes.extracting(0..<count))
    }
}

extension StreamHash {
    /// Hashes the first `count` bytes of a block.
    mutating func update(_ block: [UInt8], count: Int) { update(unsafe block.span.bytes.extracting(0..<count)) }
}
