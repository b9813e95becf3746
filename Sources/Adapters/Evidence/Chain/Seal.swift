import CodecKit
import DropCore
import TwinModel

/// A tree head: the chain had this size and root at this time. Its file is canonical JSON and a newline.
struct Seal: Equatable {
    /// Bytes of `chain.log` that it covers, and records.
    let bytes: UInt64
    let size: UInt64
    let root: ContentDigest
    let time: UTCTime
    /// SHA-256 of the file of the seal before it; of the first, 32 zero bytes.
    let previous: ContentDigest
    /// The place of a signature over the file's JSON without this member; null until sealing keys exist.
    let signature: JSON

    init(bytes: UInt64, size: UInt64, root: ContentDigest, time: UTCTime, previous: ContentDigest, signature: JSON = .null) {
        self.bytes = bytes
        self.size = size
        self.root = root
        self.time = time
        self.previous = previous
        self.signature = signature
    }

    /// Relative to the archive: `seals/2026-11-21/1000.json`.
    var name: String { "seals/\(time.date)/\(size).json" }

    var file: [UInt8] { Array(json.text(.canonical).utf8) + [UInt8(ascii: "\n")] }

    /// SHA-256 of the file.
    var digest: ContentDigest { StreamHash.digest(of: file) }

    private var json: JSON {
        .object([
            .init("bytes", .int(Int64(clamping: bytes))), .init("previous", .string(previous.description)),
            .init("root", .string(root.description)), .init("signature", signature), .init("size", .int(Int64(clamping: size))),
            .init("time", .string(time.description)), .init("v", 1),
        ])
    }

    /// Nil unless the bytes are exactly what `file` writes.
    init?(file: [UInt8]) {
        // Text that is not JSON is not a seal; the caller says which file it was.
        guard let json = try? JSON(parsing: file), let bytes = json["bytes"]?.int, let size = json["size"]?.int, bytes >= 0,
            size >= 0,
            let root = json["root"]?.string.flatMap({ ContentDigest(hex: $0) }),
            let previous = json["previous"]?.string.flatMap({ ContentDigest(hex: $0) }),
            let time = json["time"]?.string.flatMap({ UTCTime(Array($0.utf8)) }), let signature = json["signature"]
        else { return nil }
        self.init(
            bytes: UInt64(bytes), size: UInt64(size), root: root, time: time, previous: previous, signature: signature)
        guard self.file == file else { return nil }
    }

    static let fileBytesMax: UInt64 = 16_384

    /// Names of all seal files, by the size in their names; also those that are no seals (size nil).
    static func names(in places: ArchivePlaces) throws(DropError) -> [(name: String, size: UInt64?)] {
        var found: [(name: String, size: UInt64?)] = []
        for day in try Storage.names(in: places.seals) {
            for file in try Storage.names(in: places.seals + "/" + day) where !file.hasSuffix(".tmp") {
                let size = file.hasSuffix(".json") ? UInt64(file.dropLast(5)) : nil
                found.append(("seals/\(day)/\(file)", size))
            }
        }
        return found.sorted { ($0.size ?? .max, $0.name) < ($1.size ?? .max, $1.name) }
    }

    /// The newest seal of the archive; nil if there is none. Throws when its file is not a seal.
    static func newest(in places: ArchivePlaces) throws(DropError) -> Seal? {
        guard let name = try names(in: places).last(where: { $0.size != nil })?.name else { return nil }
        let file = try StorageFile(places.path(of: name), .read).readAll(bytesMax: fileBytesMax)
        guard let seal = Seal(file: file), seal.name == name else {
            throw .unsound("\(places.path(of: name)) was changed: it is no seal as TwinDrop writes them.")
        }
        return seal
    }
}

/// What the writer last made durable. Readers beside a running writer stop there, and a start continues from there. It is a hint,
/// not evidence: it counts only as far as the chain confirms it.
struct ChainHead: Equatable {
    var bytes: UInt64 = 0
    var tree = MerkleTree()
    var lastLeaf = ChainRecord.origin
    var lastLabel: UInt64 = 0
    /// The last container in the chain, and the one that is about to be renamed in.
    var container: String?
    var pending: String?
    /// Digest of the newest seal's file, and how many records it covers.
    var seal: ContentDigest?
    var sealed: UInt64 = 0

    init() {}

    var file: [UInt8] {
        var members: [JSON.Member] = [
            .init("bytes", .int(Int64(clamping: bytes))), .init("leaf", .string(lastLeaf.description)),
            .init("label", .int(Int64(clamping: lastLabel))), .init("peaks", .array(tree.peaks.map { .string($0.description) })),
            .init("sealed", .int(Int64(clamping: sealed))), .init("size", .int(Int64(clamping: tree.size))), .init("v", 1),
        ]
        if let container { members.append(.init("container", .string(container))) }
        if let pending { members.append(.init("pending", .string(pending))) }
        if let seal { members.append(.init("seal", .string(seal.description))) }
        return Array(JSON.object(members).text(.canonical).utf8) + [UInt8(ascii: "\n")]
    }

    /// Nil if the bytes are not a head.
    init?(file: [UInt8]) {
        // A head that cannot be read is not an error: the chain itself is read instead.
        guard let json = try? JSON(parsing: file), json["v"]?.int == 1, let bytes = json["bytes"]?.int, bytes >= 0,
            let size = json["size"]?.int, size >= 0, let leaf = json["leaf"]?.string.flatMap({ ContentDigest(hex: $0) }),
            let label = json["label"]?.int, label >= 0, let sealed = json["sealed"]?.int, sealed >= 0,
            let peaks = json["peaks"]?.elements?.compactMap({ $0.string.flatMap { ContentDigest(hex: $0) } }),
            let tree = MerkleTree(size: UInt64(size), peaks: peaks)
        else { return nil }
        self.bytes = UInt64(bytes)
        self.tree = tree
        lastLeaf = leaf
        lastLabel = UInt64(label)
        container = json["container"]?.string
        pending = json["pending"]?.string
        seal = json["seal"]?.string.flatMap { ContentDigest(hex: $0) }
        self.sealed = UInt64(sealed)
    }

    /// The head of the archive; nil if there is none that can be read.
    static func read(_ places: ArchivePlaces) throws(DropError) -> ChainHead? {
        guard try Storage.exists(places.head) else { return nil }
        return ChainHead(file: try StorageFile(places.head, .read).readAll(bytesMax: 65_536))
    }
}

extension ArchiveHead {
    init(_ head: ChainHead) {
        self.init(bytes: head.bytes, records: head.tree.size, leaf: head.lastLeaf, root: head.tree.root, seal: head.seal)
    }
}
