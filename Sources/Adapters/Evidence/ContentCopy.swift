import ArchiveKit
import DropCore

/// Where the bytes of a drop are in the spool, and their expected digest.
struct ContentSource {
    let record: DropRecord
    /// Absolute path of the spooled file.
    let path: String
    /// Of the registered bytes.
    let digest: ContentDigest

    /// - Parameter record: of a registered drop: it has a digest.
    init(of record: DropRecord, at path: String) {
        guard let digest = record.digest else { preconditionFailure("only registered drops are archived") }
        self.record = record
        self.path = path
        self.digest = digest
    }

    /// Of the content member.
    var name: String { MemberName.content(record.id, record.source, record.fileName) }

    /// Begins the content member.
    func begin(in tar: TarZstdWriter) throws(ArchiveKitError) {
        try tar.beginMember(name: name, bytes: record.bytes, modifiedAt: Int64(record.claimedAt / 1000))
    }

    /// The bytes are not those that were registered.
    var changed: DropError { ByteLoss.changed(path, known: digest, found: nil) }

    /// Opens the bytes of a drop. Errors: `bytes-missing` (quarantine); storage errors.
    static func open(_ path: String) throws(DropError) -> StorageFile {
        do throws(DropError) { return try StorageFile(path, .read) } catch {
            // Something else in their place is a problem of this drop only, and not a reason to stop.
            if error.code == .unsound { throw ByteLoss.missing(path, isOther: true) }
            throw error.code == .missing ? ByteLoss.missing(path) : error
        }
    }
}

/// Copies a drop's bytes into its member, block by block, hashing what is read. One thread at a time.
struct ContentCopy {
    private static let blockBytes = 1 << 18

    private let source: ContentSource
    private let input: StorageFile
    private var hash = StreamHash()
    private var position: UInt64 = 0
    private var block: [UInt8]

    /// - Throws: `content-changed` if the file has another size than the register says; `bytes-missing`; errors of opening.
    init(of source: ContentSource) throws(DropError) {
        self.source = source
        input = try ContentSource.open(source.path)
        guard try input.size() == source.record.bytes else { throw source.changed }
        block = [UInt8](repeating: 0, count: Int(min(source.record.bytes, UInt64(Self.blockBytes))))
    }

    /// Copies one more block; after the last, checks the digest and ends the member.
    ///
    /// - Parameter container: path of the file that is written, for errors.
    /// - Returns: false after the last block.
    /// - Throws: `content-changed` (remedy quarantine); storage errors. The member is of no use then.
    mutating func advance(into tar: TarZstdWriter, of container: String) throws(DropError) -> Bool {
        let bytes = source.record.bytes
        if position < bytes {
            let count = try input.read(into: &block, at: position)
            guard count > 0, position + UInt64(count) <= bytes else { throw source.changed }
            hash.update(block, count: count)
            do { try tar.write(block, count: count) } catch { throw DropError(error, container) }
            position += UInt64(count)
            return true
        }
        guard hash.digest == source.digest else { throw source.changed }
        try wrapping(container) { () throws(ArchiveKitError) in try tar.endMember() }
        return false
    }
}
