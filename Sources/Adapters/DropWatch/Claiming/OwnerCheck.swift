import DropCore
import SystemKit
import ThreadKit

/// Whose the landing folders are, asked before each claim: a person may have given one to another instance meanwhile. The owner
/// file is read only when it is not the one that was read last.
final class OwnerCheck: Sendable {
    private let ownership: FolderOwnership
    private let known = Monitor<[FolderPath: (file: FileVersion, refusal: DropError?)]>([:])

    init(_ ownership: FolderOwnership) { self.ownership = ownership }

    /// Why nothing may be claimed below the folder. Nil where no owner file is: whether that is right the watcher finds out.
    func refusal(of root: LandingRoot) -> DropError? {
        guard let path = root.path.text, let folder = try? SystemCall.openFolder(path),
            let file = try? SystemCall.facts(of: FolderOwnership.ownerFile, in: folder.number).version
        else { return nil }
        if let known = known.withoutWaking({ $0[root.path] }), known.file == file { return known.refusal }
        let refusal = ownership.strangers(path, folder.number, root.source?.text)
        known.withoutWaking { $0[root.path] = (file, refusal) }
        return refusal
    }
}
