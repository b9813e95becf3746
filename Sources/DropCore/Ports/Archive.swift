package import TwinModel

/// One drop to be archived.
package struct ArchiveItem: Sendable {
    package let record: DropRecord
    /// The spooled file, absolute.
    package let path: String
    /// How the drop ended: `applied`, `duplicate`, `quarantined`, `discarded`.
    package let kind: String
    /// Whatever else determines what it did, for replay: digests of mapping, settings, lookups, plugin; commit sequence.
    package let lineage: JSON
    /// The archived drop that has the same bytes, where there is one: they are then not stored again, and `path` is not read.
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

    package init(drop: DropID, container: String, member: String, leaf: UInt64) {
        self.drop = drop
        self.container = container
        self.member = member
        self.leaf = leaf
    }
}
