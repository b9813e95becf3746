package import DropCore
package import Evidence
import Foundation
import TwinModel
package import TwinStore

/// What database and archive know of one another, and neither can tell alone: that the archive is gone, rolled back, rewritten or
/// another's (docs/operations.md, "A database that is gone or older"), and that the database has forgotten what the archive
/// proves.
package struct ArchiveConsistency {
    /// The drop in the newest container of the database's recent drops; nil where nothing was archived yet.
    private let newest: (drop: DropRecord, container: String)?
    private let store: TwinStore
    private let root: String

    /// How many drops, the newest ones, are looked through for the newest container: drops are archived nearly in order.
    private static let recentDrops = 512

    /// - Parameter root: the archive folder, absolute.
    package init(_ store: TwinStore, root: String) throws(DropError) {
        self.store = store
        self.root = root
        let ended: Set<DropState> = [.archived, .done, .duplicate, .quarantined, .retried, .resolved, .discarded]
        let recent = try store.register.page(source: nil, states: ended, before: nil, limit: Self.recentDrops)
        newest = recent.compactMap { drop in drop.container.map { (drop, $0) } }
            .max { $0.1.utf8.lexicographicallyPrecedes($1.1.utf8) }
    }

    /// True where the database knows of no archived drop.
    package var isEmpty: Bool { newest == nil }

    /// What the archive lacks; nil where it has the newest container, and what was before it as it was. Its content is the
    /// verifier's matter.
    package func missing() throws(DropError) -> VerifyFinding? {
        if let newest, !Folders.exists(root + "/" + newest.container) {
            return VerifyFinding(
                .behindDatabase,
                "The database has drop \(newest.drop.id) (\(newest.drop.fileName)) in \(newest.container), which is not in \(root): "
                    + "the archive is another, an older one, or away.",
                container: newest.container, drop: newest.drop.id)
        }
        guard let head = try store.facts.archiveHead(), try !hasAll(before: head) else { return nil }
        return VerifyFinding(
            .otherThanDatabase,
            "The first \(head.records) records of \(root)/chain.log are not those that the database saw there (leaf \(head.leaf)): "
                + "somebody rewrote the archive, cut it off, or put another in its place.", record: head.records - 1)
    }

    /// A chain that cannot be read has nothing.
    private func hasAll(before head: ArchiveHead) throws(DropError) -> Bool {
        do throws(DropError) { return try ArchiveCatalogue(root: root).has(head) } catch {
            guard error.remedy == .stop else { throw error }
            return false
        }
    }

    /// What every record of the archive is compared with.
    package func register() throws(DropError) -> RegisteredArchive {
        RegisteredArchive(head: try store.facts.archiveHead()) { [store] drop throws(DropError) in try store.register.drop(drop) }
    }

    /// What the database lacks, and whether a person has accepted that.
    package struct Forgotten {
        /// What stands in each such message.
        package static let words = "that the database has forgotten"

        /// One sentence, and the ways out.
        package let message: String
        /// The database may be older than the archive.
        package let isAccepted: Bool
        /// Something of it is still to be delivered again: nobody did, or said that it need not be.
        package let isOpen: Bool
    }

    /// Drops at the end of the chain that the database does not know, or takes for unfinished; nil where there are none. So it is
    /// after a backup was restored, and after somebody removed `twin.db` or `twin.db-wal`, or put an older copy back.
    ///
    /// - Parameter exactly: reads the whole chain where something is forgotten, so that the message has the true number.
    package func forgotten(exactly: Bool = false) throws(DropError) -> Forgotten? {
        // A chain that cannot be read proves nothing; that it cannot, the verifier says, and the writer refuses it.
        var unknown: [ArchivedDrop] = []
        for drop in (try? ArchiveCatalogue(root: root).newest()) ?? [] { if try isUnknown(drop) { unknown.append(drop) } }
        guard let last = unknown.last else { return nil }
        let accepted = try store.facts.acceptedArchive()
        var missing: [ArchivedDrop] = []
        for drop in unknown { if try isMissed(drop) { missing.append(drop) } }
        let what = try store.facts.isEmpty() ? "The database is empty, but the archive" : "The archive"
        let newest = missing.last ?? last
        let number = exactly ? "\(max(try missed().count, 1)) in all" : "\(max(missing.count, 1)) or more"
        let message =
            "\(what) proves drops that the database has forgotten, \(number), the newest of them "
            + "\(newest.drop) (\(newest.file) of \(newest.source)): the graph is older than the archive. Deliver them again: "
            + "`twindrop archive extract DROP --into DIR --keep-name` gives one back under its name, `twindrop archive list` "
            + "marks them all."
        let isAccepted = accepted.map { last.leaf <= $0 } ?? false
        return Forgotten(message: message, isAccepted: isAccepted, isOpen: !isAccepted || !missing.isEmpty)
    }

    /// Every drop of the archive, however old, that is to be delivered again; the oldest first. Reads the whole chain.
    package func missed() throws(DropError) -> [ArchivedDrop] {
        guard Folders.exists(root + "/chain.log") else { return [] }
        var drops: [ArchivedDrop] = []
        // As in `forgotten`, a chain that cannot be read proves nothing.
        try? ArchiveCatalogue(root: root).list(damaged: true) { drop in
            drops.append(drop)
            return true
        }
        var missed: [ArchivedDrop] = []
        for drop in drops {
            guard try isUnknown(drop), try isMissed(drop) else { continue }
            missed.append(drop)
        }
        return missed
    }

    /// The database has no row of it, or one that says it was never finished.
    package func isUnknown(_ drop: ArchivedDrop) throws(DropError) -> Bool {
        guard let row = try store.register.drop(drop.drop) else { return true }
        return [.claimed, .registered, .held].contains(row.state)
    }

    /// Of an unknown drop: whether anything is to be done about it. What was given up or repeated another said nothing. One that
    /// came again is as good as known, and so is what a person does without.
    private func isMissed(_ drop: ArchivedDrop) throws(DropError) -> Bool {
        guard ["applied", "quarantined"].contains(drop.kind), try !isJudgedAtStart(drop) else { return false }
        if let waived = try store.facts.waivedArchive(), drop.leaf <= waived { return false }
        return try !cameAgain(drop)
    }

    /// Whether the database lacks a drop, and what it said did not come again either: what `archive list` marks.
    package func isForgotten(_ drop: ArchivedDrop) throws(DropError) -> Bool {
        guard try isUnknown(drop), try !isJudgedAtStart(drop) else { return false }
        return try !cameAgain(drop)
    }

    /// What the database takes for unfinished is judged there (`DropRecord.judged`).
    private func isJudgedAtStart(_ drop: ArchivedDrop) throws(DropError) -> Bool {
        try store.register.drop(drop.drop)?.isJudgedAtStart ?? false
    }

    /// Whether the bytes of an unknown drop were delivered again. Corrected rejects name a drop that the database may not know:
    /// then its bytes come again, and other corrections with them.
    private func cameAgain(_ drop: ArchivedDrop) throws(DropError) -> Bool {
        if let again = try store.register.applied(with: drop.content, of: drop.source), again.id > drop.drop { return true }
        if let original = try unknownOriginal(of: drop) {
            let again = try store.register.applied(with: original.content, of: original.source)
            if let again, again.id > drop.drop, again.closedBy?.how == .amendment { return true }
        }
        // Who delivers again what could not be processed gets another drop that waits for a person.
        guard drop.kind == "quarantined", let again = try store.register.archived(with: drop.content) else { return false }
        return again > drop.drop
    }

    /// The drop that corrected rejects are of, as their name says, where the database does not know it: they cannot be delivered
    /// again as they are.
    package func unknownOriginal(of drop: ArchivedDrop) throws(DropError) -> ArchivedDrop? {
        guard let name = FileName(escaped: drop.file), let id = FileName.amendedDrop(in: name), id != drop.drop,
            try store.register.drop(id) == nil
        else { return nil }
        // As in `forgotten`, a chain that cannot be read proves nothing.
        return try? ArchiveCatalogue(root: root).find(id)
    }

    /// Drops that wait for a person, and that a person has given up: the chain has that, and the database, which is older, has
    /// not. Reads the whole chain.
    package func forgottenDiscards() throws(DropError) -> [(act: Act, drop: DropRecord)] {
        let open = Dictionary(try store.register.drops(in: [.held, .quarantined]).map { ($0.id, $0) }) { first, _ in first }
        guard !open.isEmpty, Folders.exists(root + "/chain.log") else { return [] }
        let known = Set(try store.lists.acts().map(\.id))
        // As in `forgotten`, a chain that cannot be read proves nothing.
        return ((try? ArchiveCatalogue(root: root).acts()) ?? []).compactMap { act in
            guard act.kind == .discard, !known.contains(act.id), let drop = act.drop.flatMap({ open[$0] }) else { return nil }
            return (act, drop)
        }
    }

    /// Acts of people that the database knows to be in the chain, and that are not there.
    ///
    /// - Parameter acts: the acts' records in the chain.
    package func lostActs(_ acts: [DropID: UInt64]) throws(DropError) -> [VerifyFinding] {
        return try store.lists.acts().filter { $0.leaf != nil && acts[$0.id] != $0.leaf }.map { act in
            VerifyFinding(
                .actMissing,
                "The chain lacks the act \(act.id): \(act.kind.rawValue) by \(act.by.description) at \(Times.text(act.at)).",
                record: act.leaf, drop: act.drop)
        }
    }

    /// Compares the two before anything is done with either.
    ///
    /// - Parameters:
    ///   - acceptsArchive: a person says that the archive may be another one from now on.
    ///   - acceptsDatabase: a person says that the database may be older than the archive.
    /// - Returns: what does not fit and is accepted, in sentences: about the archive, about the database.
    /// - Throws: `archive` or `database` (stop), with the ways out.
    package func check(acceptsArchive: Bool, acceptsDatabase: Bool) throws(DropError) -> (archive: String?, database: String?) {
        var accepted: (archive: String?, database: String?)
        if let missing = try missing() {
            guard acceptsArchive else {
                throw DropError(
                    .archive, missing.message,
                    hint: "Mount the archive folder, or restore it from a backup. If it is lost for good, "
                        + "`twindrop run --new-archive` goes on with what is there, and the gap stays visible.", remedy: .stop)
            }
            try store.facts.forgetArchiveHead()
            accepted.archive = missing.message
        }
        if let forgotten = try forgotten() {
            if !forgotten.isAccepted {
                guard acceptsDatabase else { throw Self.refusal(forgotten.message) }
            }
            if acceptsDatabase, let last = try ArchiveCatalogue(root: root).newest().last {
                try store.facts.accept(archived: last.leaf, forGood: true)
            }
            if forgotten.isOpen { accepted.database = forgotten.message }
        }
        return accepted
    }

    /// Refuses a home without a database whose archive is not empty: to make an empty one would hide that one is lost.
    package static func checkForDatabase(state: String, archive root: String) throws(DropError) {
        guard !TwinStore.exists(folder: state), let last = try ArchiveCatalogue(root: root).newest().last else { return }
        throw refusal(
            "There is no database \(state)/twin.db, but the archive \(root) holds drops, the newest of them \(last.drop) "
                + "(\(last.file) of \(last.source)).",
            hint: "Where \(state) is on a file system of its own, mount that. Else: ")
    }

    private static func refusal(_ message: String, hint: String = "") -> DropError {
        DropError(
            .database, message,
            hint: hint + "Put state/twin.db and state/twin.db-wal back as they were, or restore the newest backup with "
                + "`twindrop restore FILE`; what earlier restores replaced is kept as state/twin.db.before-restore-N. If there is "
                + "none, `twindrop run --accept-database` goes on with the database as it is.",
            remedy: .stop)
    }
}
