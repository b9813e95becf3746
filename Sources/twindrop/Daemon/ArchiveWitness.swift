import DropCore
import Evidence
import Foundation
import TwinModel
import TwinStore

/// What database and archive know of one another, and neither can tell alone: that the archive is gone, rolled back as a whole or
/// another's (design: section 11), and that the database has forgotten what the archive proves.
struct ArchiveWitness {
    /// The drop in the newest container of the database's recent drops; nil where nothing was archived yet.
    private let newest: (drop: DropRecord, container: String)?
    private let register: any DropRegister
    private let root: String

    /// How many drops, the newest ones, are looked through for the newest container: drops are archived nearly in order.
    private static let recentDrops = 512

    /// - Parameter root: the archive folder, absolute.
    init(_ register: any DropRegister, root: String) throws(DropError) {
        self.register = register
        self.root = root
        let ended: Set<DropState> = [.archived, .clean, .duplicate, .quarantined, .discarded]
        let recent = try register.page(source: nil, states: ended, before: nil, limit: Self.recentDrops)
        newest = recent.compactMap { drop in drop.container.map { (drop, $0) } }
            .max { $0.1.utf8.lexicographicallyPrecedes($1.1.utf8) }
    }

    /// True where the database knows of no archived drop.
    var isEmpty: Bool { newest == nil }

    /// What the archive lacks; nil where the newest container is there. Its content is the verifier's matter.
    var missing: VerifyFinding? {
        guard let newest, !Folders.exists(root + "/" + newest.container) else { return nil }
        return VerifyFinding(
            "behind-database",
            "The database has drop \(newest.drop.id) (\(newest.drop.fileName)) in \(newest.container), which is not in \(root): "
                + "the archive is another, an older one, or away.",
            container: newest.container, drop: newest.drop.id)
    }

    /// What the database lacks: drops at the end of the chain that it does not know, or takes for unfinished. So it is after a
    /// backup was restored, and after somebody removed `twin.db-wal`.
    func forgotten() throws(DropError) -> VerifyFinding? {
        var unknown: [ArchivedDrop] = []
        for drop in try ArchiveCatalogue(root: root).newest() {
            let row = try register.drop(drop.drop)
            if row == nil || row?.state == .claimed || row?.state == .registered { unknown.append(drop) }
        }
        guard let last = unknown.last else { return nil }
        return VerifyFinding(
            "ahead-of-database",
            "The archive proves drops that the database has forgotten, \(unknown.count) or more, the newest of them "
                + "\(last.drop) (\(last.file) of \(last.source)): the graph is older than the archive. Deliver them again: "
                + "`twindrop archive extract` gives them back.",
            container: last.container, drop: last.drop)
    }

    /// Stops a start that would begin another archive beside the one the database knows.
    func check() throws(DropError) {
        guard let missing else { return }
        throw DropError(
            "archive", missing.message,
            hint:
                "Mount the archive folder, or restore it from a backup. If it is lost for good, `twindrop run --new-archive` goes "
                + "on with what is there, and the gap stays visible.", remedy: .stop)
    }
}
