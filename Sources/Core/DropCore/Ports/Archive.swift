package import TwinModel

/// One drop to be archived.
package struct ArchiveItem: Sendable {
    package let record: DropRecord
    /// The spooled file, absolute.
    package let path: String
    /// How the drop ended: `applied`, `duplicate`, `quarantined`, `discarded`.
    package let kind: String
    /// What else determines its result, for replay: digests of mapping, settings, lookups, plugin; commit sequence.
    package let lineage: JSON
    /// The archived drop with the same bytes, if there is one. The bytes are then not stored again, and `path` is not read.
    package let sameBytesAs: DropID?

    package init(record: DropRecord, path: String, kind: String, lineage: JSON, sameBytesAs: DropID? = nil) {
        self.record = record
        self.path = path
        self.kind = kind
        self.lineage = lineage
        self.sameBytesAs = sameBytesAs
    }
}

/// Where an item is, once its container is durable.
package struct ArchivedItem: Sendable, Equatable {
    package let drop: DropID
    /// Relative to the archive: `2026/11/21/000001.tar.zst`.
    package let container: String
    package let member: String
    /// Index of its leaf in the chain.
    package let leaf: UInt64
    /// SHA-256 of its bytes, and how it ended (`ArchiveItem.kind`), by the chain; nil if nobody asked the chain.
    package let content: ContentDigest?
    package let kind: String?

    package init(
        drop: DropID, container: String, member: String, leaf: UInt64, content: ContentDigest? = nil, kind: String? = nil
    ) {
        self.drop = drop
        self.container = container
        self.member = member
        self.leaf = leaf
        self.content = content
        self.kind = kind
    }
}

/// The state of the archive when the database last noted it. Each record names the leaf of the record before it, so `leaf` fixes
/// everything before it. One look later shows whether something was changed, cut off or inserted.
package struct ArchiveHead: Sendable, Equatable {
    /// Bytes of the chain, and its records.
    package let bytes: UInt64
    package let records: UInt64
    /// Of the last record, and of the tree over all of them.
    package let leaf: ContentDigest
    package let root: ContentDigest

    /// SHA-256 of the file of the newest seal; nil before the first, and where an earlier version noted the head.
    package let seal: ContentDigest?

    package init(bytes: UInt64, records: UInt64, leaf: ContentDigest, root: ContentDigest, seal: ContentDigest? = nil) {
        self.seal = seal
        self.bytes = bytes
        self.records = records
        self.leaf = leaf
        self.root = root
    }

    /// Four words, and a fifth where there is a seal.
    package var text: String { "\(bytes) \(records) \(leaf) \(root)" + (seal.map { " \($0)" } ?? "") }

    /// Nil for anything but a `text`.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 4 || words.count == 5, let bytes = UInt64(words[0]), let records = UInt64(words[1]),
            let leaf = ContentDigest(hex: String(words[2])), let root = ContentDigest(hex: String(words[3]))
        else { return nil }
        let seal = words.count == 5 ? ContentDigest(hex: String(words[4])) : nil
        guard words.count == 4 || seal != nil else { return nil }
        self.init(bytes: bytes, records: records, leaf: leaf, root: root, seal: seal)
    }
}
