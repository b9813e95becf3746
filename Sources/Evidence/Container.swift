import ArchiveKit
import DropCore
import TwinModel

/// A drop's part of a container, as it was written: what the reread must find, and what its chain record says.
struct ContainerEntry: Equatable {
    let record: DropRecord
    let kind: String
    let digest: ContentDigest
    let header: (name: String, bytes: UInt64, digest: ContentDigest)
    /// Nil where the bytes are those of `sameBytesAs`.
    let contentName: String?
    /// Where its bytes were read.
    let path: String
    let sameBytesAs: DropID?

    /// The member that stands for the drop.
    var member: String { contentName ?? header.name }

    static func == (left: Self, right: Self) -> Bool { left.record == right.record && left.header == right.header }
}

/// A container in the making: one temporary file. One thread at a time; the file goes when the object goes.
final class Container {
    private static let blockBytes = 1 << 18

    let path: String
    private let file: StorageFile
    private let tar: TarZstdWriter
    private(set) var entries: [ContainerEntry] = []

    /// - Parameter level: zstd's, 1 … 19.
    init(path: String, level: Int) throws(DropError) {
        self.path = path
        try Storage.remove(path)
        let file = try StorageFile(path, .create)
        self.file = file
        tar = try wrapping(path) { () throws(ArchiveKitError) in
            try TarZstdWriter(descriptor: file.descriptor, level: level)
        }
    }

    deinit {
        // Best effort: recovery empties the folder of temporary files anyway.
        try? Storage.remove(path)
    }

    /// Writes the drop's header member and its bytes, hashing what is read.
    ///
    /// - Throws: `content-changed` (remedy quarantine) where the bytes are not those the register knows: the container is then
    ///   of no use any more. `unreadable`, `missing`, storage errors likewise.
    func append(_ item: ArchiveItem, at label: UInt64) throws(DropError) {
        let record = item.record
        guard let digest = record.digest else { preconditionFailure("only registered drops are archived") }
        let headerText = Self.header(of: item, archivedAt: label)
        let header = (
            name: MemberName.header(record.id, record.source), bytes: UInt64(headerText.count),
            digest: StreamHash.digest(of: headerText)
        )
        try member(header.name, bytes: header.bytes, at: record.claimedAt) { (tar) throws(ArchiveKitError) in
            try tar.write(headerText, count: headerText.count)
        }
        var contentName: String?
        if item.sameBytesAs == nil {
            contentName = MemberName.content(record.id, record.source, record.fileName)
            try copy(item, digest: digest, to: contentName!)
        }
        entries.append(
            ContainerEntry(
                record: record, kind: item.kind, digest: digest, header: header, contentName: contentName, path: item.path,
                sameBytesAs: item.sameBytesAs))
    }

    /// Ends the container, makes it durable, and reads it back: every member must be, byte for byte, what was written.
    ///
    /// - Returns: size and SHA-256 of the compressed file.
    func finish() throws(DropError) -> (bytes: UInt64, sha256: ContentDigest) {
        try wrapping(path) { () throws(ArchiveKitError) in try tar.finish() }
        try file.sync()
        return try Reread(path: path, entries: entries).result()
    }

    private func copy(_ item: ArchiveItem, digest: ContentDigest, to name: String) throws(DropError) {
        let input = try StorageFile(item.path, .read)
        let bytes = item.record.bytes
        guard try input.size() == bytes else { throw Self.changed(item) }
        var hash = StreamHash()
        var position: UInt64 = 0
        var block = [UInt8](repeating: 0, count: Int(min(bytes, UInt64(Self.blockBytes))))
        try wrapping(path) { () throws(ArchiveKitError) in
            try tar.beginMember(name: name, bytes: bytes, modifiedAt: Int64(item.record.claimedAt / 1000))
        }
        while position < bytes {
            let count = try input.read(into: &block, at: position)
            guard count > 0, position + UInt64(count) <= bytes else { throw Self.changed(item) }
            hash.update(block, count: count)
            do { try tar.write(block, count: count) } catch { throw DropError(error, path) }
            position += UInt64(count)
        }
        guard hash.digest == digest else { throw Self.changed(item) }
        try wrapping(path) { () throws(ArchiveKitError) in try tar.endMember() }
    }

    private func member(
        _ name: String, bytes: UInt64, at label: UInt64, _ write: (TarZstdWriter) throws(ArchiveKitError) -> Void
    ) throws(DropError) {
        try wrapping(path) { () throws(ArchiveKitError) in
            try tar.beginMember(name: name, bytes: bytes, modifiedAt: Int64(label / 1000))
            try write(tar)
            try tar.endMember()
        }
    }

    /// The header member: everything the register knows, and the lineage, as JSON for people.
    private static func header(of item: ArchiveItem, archivedAt label: UInt64) -> [UInt8] {
        var members: [JSON.Member] = [.init("format", 1), .init("kind", .string(item.kind))]
        members += DropFacts.members(of: item.record)
        members.append(.init("archivedAt", .string(UTCTime(milliseconds: label).description)))
        if let same = item.sameBytesAs { members.append(.init("sameBytesAs", .string(same.description))) }
        members.append(.init("lineage", item.lineage))
        return JSON.object(members).utf8(.pretty) + [UInt8(ascii: "\n")]
    }

    private static func changed(_ item: ArchiveItem) -> DropError {
        DropError(
            "content-changed",
            "\(item.path) (drop \(item.record.id), \(item.record.fileName)) no longer has the "
                + "\(item.record.bytes) bytes with the SHA-256 it was registered with.",
            hint: "Somebody changed the spool, or the medium fails: check both, and have the file delivered again.",
            remedy: .quarantine)
    }
}

/// What a container holds, read whole by the restricted reader.
struct ContainerContents {
    struct Member: Equatable {
        let name: String
        let bytes: UInt64
        let digest: ContentDigest

        static func == (left: Self, right: Self) -> Bool {
            left.bytes == right.bytes && left.digest == right.digest && left.name.utf8.elementsEqual(right.name.utf8)
        }
    }

    private(set) var members: [Member] = []
    /// Texts of the header members, by name.
    private(set) var headers: [String: [UInt8]] = [:]
    private(set) var compressedBytes: UInt64 = 0
    private(set) var sha256 = ChainRecord.origin

    private static let headerBytesMax: UInt64 = 1 << 20

    /// - Parameters:
    ///   - expandedBytesMax: all members together; more is refused.
    ///   - keepsHeaders: also keep the header members' texts.
    ///   - fromMedium: forget what memory holds of the file first.
    init(
        path: String, expandedBytesMax: UInt64, membersMax: Int, keepsHeaders: Bool = false, fromMedium: Bool = false
    ) throws(DropError) {
        let file = try StorageFile(path, .read)
        if fromMedium { file.forgetCached() }
        var limits = TarZstdReader.Limits()
        limits.expandedBytesMax = expandedBytesMax
        limits.membersMax = membersMax
        // Sizes are known beforehand, so that the ratio needs no tighter bound than zstd's own.
        limits.ratioMax = 200_000
        let whole = HashBox()
        do {
            let reader = try TarZstdReader(descriptor: file.descriptor, limits: limits) { whole.hash.update($0) }
            while let member = try reader.nextMember() {
                var hash = StreamHash()
                var text: [UInt8] = []
                let isHeader = keepsHeaders && member.name.hasSuffix(".drop.json") && member.bytes <= Self.headerBytesMax
                try reader.read { block in
                    hash.update(block)
                    if isHeader { text += Bytes.array(block) }
                }
                members.append(Member(name: member.name, bytes: member.bytes, digest: hash.digest))
                if isHeader { headers[member.name] = text }
            }
            try reader.finish()
            compressedBytes = reader.compressedBytes
        } catch let error as ArchiveKitError {
            throw DropError(error, path)
        } catch {
            preconditionFailure("the closure above throws nothing else")
        }
        sha256 = whole.hash.digest
    }
}

/// A hash that a closure can go on with.
final class HashBox {
    var hash = StreamHash()
}

/// Runs a call of the kit and says which file it was about.
func wrapping<T>(_ path: String, _ body: () throws(ArchiveKitError) -> T) throws(DropError) -> T {
    do { return try body() } catch { throw DropError(error, path) }
}

extension DropError {
    init(_ error: ArchiveKitError, _ path: String) {
        switch error.kind {
        case .storage: self = .storage("written or read", path, error.errorNumber)
        case .damaged, .limit, .refused: self = .unsound("\(Escaping.visible(path)): \(Escaping.visible(error.message)).")
        }
    }
}
