import ArchiveKit
import CodecKit
import DropCore

/// Reads a container that was just written, and compares it: header members by their SHA-256, contents byte for byte with the
/// files they were read from. That is stricter and cheaper than a second SHA-256.
struct Reread {
    let path: String
    let entries: [ContainerEntry]

    /// - Returns: size and SHA-256 of the compressed file.
    /// - Throws: `unsound` where something differs; errors of reading.
    func result() throws(DropError) -> (bytes: UInt64, sha256: ContentDigest) {
        let file = try StorageFile(path, .read)
        let whole = HashBox()
        return try inContainer(path) {
            let reader = try TarZstdReader(descriptor: file.descriptor, limits: Self.limits(entries)) {
                whole.hash.update($0)
            }
            for entry in entries {
                try expectHeader(of: entry, reader)
                guard let name = entry.contentName else { continue }
                try expect(name, entry.record.bytes, reader)
                try compare(name, with: StorageFile(entry.path, .read), reader)
            }
            if let more = try reader.nextMember() { throw differs(more.name) }
            try reader.finish()
            return (reader.compressedBytes, whole.hash.digest)
        }
    }

    /// As `result`, for the container of one drop whose content frame, from `start` on, was already read back by `content`. Only
    /// the header must be checked, and that the frame has not changed since.
    func result(behind start: UInt64, frame known: ContentDigest) throws(DropError) -> (bytes: UInt64, sha256: ContentDigest) {
        let file = try StorageFile(path, .read)
        try inContainer(path) {
            let reader = try TarZstdReader(descriptor: file.descriptor, limits: Self.limits(entries)) { _ in }
            for entry in entries { try expectHeader(of: entry, reader) }
        }
        var whole = StreamHash()
        var frame = StreamHash()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        precondition(start % UInt64(block.count) == 0, "blocks end where the frame begins")
        var position: UInt64 = 0
        while true {
            let count = try file.read(into: &block, at: position)
            guard count > 0 else { break }
            whole.update(block, count: count)
            if position >= start { frame.update(block, count: count) }
            position += UInt64(count)
        }
        guard frame.digest == known else { throw differs(entries.first?.contentName ?? "") }
        return (position, whole.digest)
    }

    /// Reads back the frame with the content of a drop, at the end of the file, and compares it with the spooled bytes.
    ///
    /// - Returns: SHA-256 of the compressed frame.
    /// - Throws: `unsound` where something differs; errors of reading.
    static func content(_ source: ContentSource, in path: String, from start: UInt64) throws(DropError) -> ContentDigest {
        let reread = Self(path: path, entries: [])
        let file = try StorageFile(path, .read)
        try file.seek(to: start)
        var limits = TarZstdReader.Limits()
        limits.expandedBytesMax = source.record.bytes
        limits.membersMax = 1
        limits.ratioMax = ratioMax
        let whole = HashBox()
        return try inContainer(path) {
            let reader = try TarZstdReader(descriptor: file.descriptor, limits: limits) { whole.hash.update($0) }
            try reread.expect(source.name, source.record.bytes, reader)
            try reread.compare(source.name, with: StorageFile(source.path, .read), reader)
            if let more = try reader.nextMember() { throw reread.differs(more.name) }
            try reader.finish()
            return whole.hash.digest
        }
    }

    /// Sizes are known beforehand, so that the ratio needs no tighter bound than zstd's own.
    private static let ratioMax: UInt64 = 200_000

    private static func limits(_ entries: [ContainerEntry]) -> TarZstdReader.Limits {
        var limits = TarZstdReader.Limits()
        limits.expandedBytesMax = entries.reduce(0) { $0 + $1.header.bytes + $1.record.bytes }
        limits.membersMax = entries.count * 2
        limits.ratioMax = ratioMax
        return limits
    }

    private func expectHeader(of entry: ContainerEntry, _ reader: TarZstdReader) throws {
        try expect(entry.header.name, entry.header.bytes, reader)
        var hash = StreamHash()
        try reader.read { hash.update($0) }
        guard hash.digest == entry.header.digest else { throw differs(entry.header.name) }
    }

    private func expect(_ name: String, _ bytes: UInt64, _ reader: TarZstdReader) throws {
        guard let member = try reader.nextMember(), member.name.utf8.elementsEqual(name.utf8), member.bytes == bytes else {
            throw differs(name)
        }
    }

    private func compare(_ name: String, with source: StorageFile, _ reader: TarZstdReader) throws {
        var position: UInt64 = 0
        var block = [UInt8](repeating: 0, count: 0)
        try reader.read { (bytes) throws(DropError) in
            if block.count < bytes.byteCount { block = [UInt8](repeating: 0, count: bytes.byteCount) }
            let isRead = try source.read(into: &block, count: bytes.byteCount, at: position) == bytes.byteCount
            guard isRead, block.begins(with: bytes) else { throw differs(name) }
            position += UInt64(bytes.byteCount)
        }
    }

    private func differs(_ name: String) -> DropError {
        .unsound("\(path): member \(Escaping.visible(name)) reads back as other bytes than were written.")
    }
}
