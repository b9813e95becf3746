/// What the register knows about one drop. Times are milliseconds since 1970 (UTC) and never run backwards.
///
/// A value. Its facts are shared between copies until one of them changes: a record goes through every queue and event of the
/// flow, and copying twenty fields each time was a tenth of what a small file costs.
package struct DropRecord: Sendable, Equatable {
    private var shared: Shared

    package var id: DropID { shared.facts.id }
    package var source: SourceName { shared.facts.source }
    package var fileName: FileName { shared.facts.fileName }
    package var bytes: UInt64 {
        get { shared.facts.bytes }
        set { change { $0.bytes = newValue } }
    }
    /// Nil while the drop is only `claimed`.
    package var digest: ContentDigest? {
        get { shared.facts.digest }
        set { change { $0.digest = newValue } }
    }
    package var state: DropState {
        get { shared.facts.state }
        set { change { $0.state = newValue } }
    }
    /// When it was claimed, and when it reached its present state.
    package var claimedAt: UInt64 { shared.facts.claimedAt }
    package var changedAt: UInt64 {
        get { shared.facts.changedAt }
        set { change { $0.changedAt = newValue } }
    }
    /// The file's identity when it was claimed: same device, inode and ctime mean the same intake (docs/failure-model.md,
    /// "Repetition").
    package var intake: FileIdentity { shared.facts.intake }
    /// Why it is held, quarantined, discarded or a duplicate, or why a part of an applied drop was left out.
    package var reason: DropReason? {
        get { shared.facts.reason }
        set { change { $0.reason = newValue } }
    }
    /// The drop whose bytes it repeats (`duplicate`), whose place it takes (`retry`), or which it completes (`*.rejects.ULID.*`).
    package var link: DropLink? {
        get { shared.facts.link }
        set { change { $0.link = newValue } }
    }
    /// The later drop that continues its delivery, or corrected it.
    package var closedBy: DropClosing? {
        get { shared.facts.closedBy }
        set { change { $0.closedBy = newValue } }
    }
    package var released: Bool {
        get { shared.facts.released }
        set { change { $0.released = newValue } }
    }
    /// A person decided that its content is the newest: it does not keep the place it had when it came.
    package var forced: Bool {
        get { shared.facts.forced }
        set { change { $0.forced = newValue } }
    }
    /// What it did, when it is applied. For a held or discarded drop: what it would have done, as far as that is known.
    package var books: DropBooks? {
        get { shared.facts.books }
        set { change { $0.books = newValue } }
    }
    /// Which plugin ran, and what it logged, however the drop ended; nil if none ran.
    package var plugin: TransformSummary? {
        get { shared.facts.plugin }
        set { change { $0.plugin = newValue } }
    }
    /// Where its bytes are in the archive, once it is archived: `2026/11/21/000001.tar.zst`, and the member's name.
    package var container: String? {
        get { shared.facts.container }
        set { change { $0.container = newValue } }
    }
    package var member: String? {
        get { shared.facts.member }
        set { change { $0.member = newValue } }
    }

    /// Changes facts that no other copy sees.
    private mutating func change(_ body: (inout Facts) -> Void) {
        if !isKnownUniquelyReferenced(&shared) { shared = Shared(shared.facts) }
        body(&shared.facts)
    }

    package static func == (one: DropRecord, other: DropRecord) -> Bool {
        one.shared === other.shared || one.shared.facts == other.shared.facts
    }

    /// `@unchecked Sendable`: changed only by the one record that holds it.
    private final class Shared: @unchecked Sendable {
        var facts: Facts

        init(_ facts: Facts) { self.facts = facts }
    }

    private struct Facts: Sendable, Equatable {
        let id: DropID
        let source: SourceName
        let fileName: FileName
        var bytes: UInt64
        var digest: ContentDigest?
        var state: DropState
        let claimedAt: UInt64
        var changedAt: UInt64
        let intake: FileIdentity
        var reason: DropReason?
        var link: DropLink?
        var closedBy: DropClosing?
        var released: Bool
        var forced: Bool
        var books: DropBooks?
        var plugin: TransformSummary?
        var container: String?
        var member: String?
    }

    package init(
        id: DropID, source: SourceName, fileName: FileName, bytes: UInt64, digest: ContentDigest? = nil,
        state: DropState, claimedAt: UInt64, changedAt: UInt64, intake: FileIdentity, reason: DropReason? = nil,
        link: DropLink? = nil, closedBy: DropClosing? = nil, released: Bool = false, forced: Bool = false,
        books: DropBooks? = nil,
        plugin: TransformSummary? = nil,
        container: String? = nil, member: String? = nil
    ) {
        shared = Shared(
            Facts(
                id: id, source: source, fileName: fileName, bytes: bytes, digest: digest, state: state, claimedAt: claimedAt,
                changedAt: changedAt, intake: intake, reason: reason, link: link, closedBy: closedBy, released: released,
                forced: forced, books: books, plugin: plugin, container: container, member: member))
    }
}
