package import DropCore
package import SystemKit
import ThreadKit

/// Takes settled files out of the drop zone into `state/spool/in` (docs/failure-model.md, "When a file is complete" and "Life
/// cycle", S1).
///
/// For a batch:
/// 1. `prepare` opens each file below its source's folder, checks that it is the settled one, asks for the read lease, chooses
///    rename or copy; of a lone file that is to be renamed the lease is kept until the rename is done, so that the caller may
///    read it meanwhile. It starts to sync the files (many of them by one `syncfs`) while the caller makes the intents durable:
///    both come before any rename, neither before the other;
/// 2. `commit` renames each file into the spool under its drop's id (or copies it), then asks for the lease again: who still
///    writes to the file would write into the spool, so the file goes back. It starts to sync the spool folder;
/// 3. `finish` syncs each landing folder beside that, and takes away what was copied.
///
/// A file that turns out to be open after the rename is put back; in the spool it would hold up its whole batch.
/// It does not wait for ever, either: past the writer timeout what it holds is copied, to be quarantined as
/// `still-open`, and it stays where it is (decision 0008).
///
/// Blocking; one caller at a time.
package final class Claimer: FileClaimer {
    private let spoolFolder: String
    let roots: [LandingRoot]
    private let ordered: Set<SourceName>
    private let stillOpen: @Sendable (CInt) -> ReadLease.Answer
    private let reserve: SpaceReserve
    private let owners: OwnerCheck?
    /// Waits for the syncs that nothing orders.
    private let side = SideThread("td-claim-side")

    /// - Parameters:
    ///   - spoolFolder: absolute path of `state/spool/in`, which exists.
    ///   - sources: their folders are where claimed files may lie.
    ///   - dropZone: the drop zone's root, whose files are routed by pattern; nil when there is none.
    ///   - ordered: sources whose files must not overtake one another: behind one that cannot be claimed now the others wait.
    ///   - reserve: room that copies leave on the spool's file system.
    ///   - ownership: says whose the folders are; nil: nobody asks (tests).
    ///   - lease: how a file is probed; tests give answers of their own.
    package init(
        spoolFolder: String, sources: [WatchedSource], dropZone: String? = nil, ordered: Set<SourceName> = [],
        reserve: SpaceReserve = SpaceReserve(share: 0, bytes: 0), ownership: FolderOwnership? = nil,
        lease: @escaping @Sendable (CInt) -> ReadLease.Answer = ReadLease.probe
    ) {
        self.spoolFolder = spoolFolder
        self.ordered = ordered
        self.reserve = reserve
        owners = ownership.map { OwnerCheck($0) }
        roots =
            sources.map { LandingRoot(source: $0.name, path: FolderPath($0.folder), recursive: $0.recursive) }
            + (dropZone.map { [LandingRoot(source: nil, path: FolderPath($0), recursive: false)] } ?? [])
        stillOpen = lease
    }

    package func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        let folders = LandingFolders(roots, owners)
        let spool = try openSpool()
        let spoolDevice: UInt64
        do { spoolDevice = try SystemCall.facts(of: spool.number).device } catch { throw Self.storage(error) }
        var openings: [FileClaim.Opening] = []
        var stopped: Set<SourceName> = []
        for (file, id) in files {
            if stopped.contains(file.source) {
                openings.append(.not(.behind))
                continue
            }
            let opening = FileClaim.open(
                file, id: id, folders: folders, spoolDevice: spoolDevice, reserve: reserve, lease: stillOpen)
            if case .not(.notYet) = opening, ordered.contains(file.source) { stopped.insert(file.source) }
            openings.append(opening)
        }
        return OpenClaim(openings, stopped, spool: spool, spoolFolder, folders, ordered, side)
    }

    func openSpool() throws(DropError) -> Descriptor {
        do { return try SystemCall.openFolder(spoolFolder) } catch { throw Self.storage(error) }
    }

    /// Storage that cannot be trusted any more.
    static func storage(_ error: SystemError) -> DropError {
        DropError(
            .storage, "The spool cannot be used: \(error).",
            hint: "Check the disk and the kernel's log, then start again; unfinished claims are recovered.", remedy: .stop)
    }
}

/// A folder that claims may reach into.
struct LandingRoot: Sendable {
    /// Nil for the drop zone's root.
    let source: SourceName?
    let path: FolderPath
    let recursive: Bool
}

/// The landing folders of one batch, each opened once.
final class LandingFolders {
    private let roots: [LandingRoot]
    private let owners: OwnerCheck?
    private var descriptors: [FolderPath: OpenFolder] = [:]

    private var refusals: [FolderPath: DropError?] = [:]

    /// A `Descriptor` that several claims share.
    final class OpenFolder {
        let descriptor: Descriptor
        /// Why nothing may be claimed out of it.
        let refusal: DropError?
        init(_ descriptor: consuming Descriptor, _ refusal: DropError? = nil) {
            self.descriptor = descriptor
            self.refusal = refusal
        }
    }

    init(_ roots: [LandingRoot], _ owners: OwnerCheck?) { (self.roots, self.owners) = (roots, owners) }

    /// Opens the folder below the source's folder, or below the drop zone's root. `ENOENT` when it lies elsewhere.
    func open(_ path: FolderPath, of source: SourceName) throws(SystemError) -> OpenFolder {
        if let open = descriptors[path] { return open }
        let root = roots.first { root in
            guard root.source == source || root.source == nil, let below = path.components(below: root.path) else { return false }
            return root.recursive || below.isEmpty
        }
        guard let root else { throw SystemError.missing("open", path.description) }
        let folder = OpenFolder(try path.open(below: root.path), refusal(of: root))
        descriptors[path] = folder
        return folder
    }

    /// Asked once for each claim.
    private func refusal(of root: LandingRoot) -> DropError? {
        if let asked = refusals[root.path] { return asked }
        let refusal = owners?.refusal(of: root)
        refusals[root.path] = .some(refusal)
        return refusal
    }

    func opened(_ path: FolderPath) -> CInt? { descriptors[path]?.descriptor.number }
}
