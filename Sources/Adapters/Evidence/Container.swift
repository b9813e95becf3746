import ArchiveKit
import CodecKit
import DropCore
import TwinModel

/// The part of a drop in a container, as it was written: reading it back must give this, and its chain record says it.
struct ContainerEntry: Equatable {
    let record: DropRecord
    let kind: String
    let digest: ContentDigest
    let header: (name: String, bytes: UInt64, digest: ContentDigest)
    /// Nil if the bytes are those of `sameBytesAs`.
    let contentName: String?
    /// Where its bytes were read.
    let path: String
    let sameBytesAs: DropID?

    /// The member of the drop.
    var member: String { contentName ?? header.name }

    static func == (left: Self, right: Self) -> Bool { left.record == right.record && left.header == right.header }
}

/// An unfinished container: one temporary file, which is removed with the object. One thread at a time.
final class Container {
    let path: String
    private let file: StorageFile
    /// Nil if the content of its only drop was compressed ahead.
    private let tar: TarZstdWriter?
    private(set) var entries: [ContainerEntry] = []
    /// SHA-256 of the frame of `ContentAhead`, if that was read back already.
    private var checkedFrame: ContentDigest?

    /// True when it takes no more drops.
    var isComplete: Bool { tar == nil }

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

    /// The container of one drop whose content was compressed ahead. Its header is written before the content, in a separate
    /// frame. A frame that readers skip fills the rest of the room.
    ///
    /// - Returns: nil if the header is too long for the room; `content` is then useless.
    /// - Throws: what `ContentAhead.finish` throws; storage errors.
    init?(_ content: ContentAhead, _ item: ArchiveItem, level: Int, at label: UInt64) throws(DropError) {
        let header = Self.header(of: item, archivedAt: label)
        guard header.text.count <= ContentAhead.headerBytesMax else { return nil }
        let (path, file, checked) = try content.finish()
        self.path = path
        self.file = file
        tar = nil
        checkedFrame = checked
        entries = [Self.entry(of: item, digest: content.digest, header, contentName: content.name)]
        try file.seek(to: 0)
        try wrapping(path) { () throws(ArchiveKitError) in
            let front = try TarZstdWriter(descriptor: file.descriptor, level: level)
            try Self.write(header, of: item, to: front)
            try front.finish(endsTar: false)
        }
        let end = try file.position()
        let skipped = TarZstdWriter.skippedHead(bytes: UInt32(ContentAhead.startBytes - end - 8))
        try file.write(skipped, at: end)
    }

    deinit {
        // Best effort: recovery empties the folder of temporary files anyway.
        try? Storage.remove(path)
    }

    /// Writes the drop's header member and its bytes, hashing what is read.
    ///
    /// - Throws: `content-changed` (remedy quarantine) if the bytes are not those the register knows: the container is then
    ///   of no use any more. `unreadable`, `missing`, storage errors likewise.
    func append(_ item: ArchiveItem, at label: UInt64) throws(DropError) {
        guard let tar else { preconditionFailure("a complete container takes no more drops") }
        let header = Self.header(of: item, archivedAt: label)
        try wrapping(path) { () throws(ArchiveKitError) in try Self.write(header, of: item, to: tar) }
        var contentName: String?
        let source = ContentSource(of: item.record, at: item.path)
        if item.sameBytesAs == nil {
            contentName = source.name
            var copy = try ContentCopy(of: source)
            try wrapping(path) { () throws(ArchiveKitError) in try source.begin(in: tar) }
            while try copy.advance(into: tar, of: path) {}
        }
        entries.append(Self.entry(of: item, digest: source.digest, header, contentName: contentName))
    }

    /// Ends the container, makes it durable, and reads it back: every member must equal what was written, byte for byte.
    ///
    /// - Returns: size and SHA-256 of the compressed file.
    func finish() throws(DropError) -> (bytes: UInt64, sha256: ContentDigest) {
        if let tar { try wrapping(path) { () throws(ArchiveKitError) in try tar.finish() } }
        try file.sync()
        let reread = Reread(path: path, entries: entries)
        guard let checkedFrame else { return try reread.result() }
        return try reread.result(behind: ContentAhead.startBytes, frame: checkedFrame)
    }

    private typealias Header = (name: String, text: [UInt8])

    private static func write(_ header: Header, of item: ArchiveItem, to tar: TarZstdWriter) throws(ArchiveKitError) {
        let bytes = UInt64(header.text.count)
        try tar.beginMember(name: header.name, bytes: bytes, modifiedAt: Int64(item.record.claimedAt / 1000))
        try tar.write(header.text, count: header.text.count)
        try tar.endMember()
    }

    private static func entry(
        of item: ArchiveItem, digest: ContentDigest, _ header: Header, contentName: String?
    ) -> ContainerEntry {
        ContainerEntry(
            record: item.record, kind: item.kind, digest: digest,
            header: (header.name, UInt64(header.text.count), StreamHash.digest(of: header.text)), contentName: contentName,
            path: item.path, sameBytesAs: item.sameBytesAs)
    }

    /// The header member: everything the register knows, and the lineage, as JSON for people.
    private static func header(of item: ArchiveItem, archivedAt label: UInt64) -> Header {
        var members: [JSON.Member] = [.init("format", 1), .init("kind", .string(item.kind))]
        members += DropFacts.members(of: item.record)
        members.append(.init("archivedAt", .string(UTCTime(milliseconds: label).description)))
        if let same = item.sameBytesAs { members.append(.init("sameBytesAs", .string(same.description))) }
        members.append(.init("lineage", item.lineage))
        let text = JSON.object(members).utf8(.pretty) + [UInt8(ascii: "\n")]
        return (MemberName.header(item.record.id, item.record.source), text)
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
        try inContainer(path) {
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
        }
        sha256 = whole.hash.digest
    }
}

/// A hash that a closure can continue.
final class HashBox {
    var hash = StreamHash()
}

/// Runs a call of the kit and says which file it was about.
func wrapping<T>(_ path: String, _ body: () throws(ArchiveKitError) -> T) throws(DropError) -> T {
    do { return try body() } catch { throw DropError(error, path) }
}

/// Runs `body`, which reads the container at `path`, and says of its errors what they mean for the archive.
func inContainer<T>(_ path: String, _ body: () throws -> T) throws(DropError) -> T {
    do { return try body() } catch let error as ArchiveKitError {
        throw DropError(error, path)
    } catch let error as DropError {
        throw error
    } catch {
        preconditionFailure("readers of containers throw nothing else")
    }
}

extension DropError {
    init(_ error: ArchiveKitError, _ path: String) {
        switch error.kind {
        case .storage: self = .storage("written or read", path, error.errorNumber)
        case .damaged, .limit, .refused: self = .unsound("\(Escaping.visible(path)): \(Escaping.visible(error.message)).")
        }
    }
}
