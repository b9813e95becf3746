package import DropCore
import Glibc
import TwinModel

/// Keeps two instances out of one landing folder, and us out of the wrong one (failure-model: section 12; hazards 6 and 111).
///
/// A folder that is taken over gets a file `.twindrop-owner` with the instance's id. Which folders were ever taken over is kept
/// in the state folder: when the owner file is gone from one of them, it is probably an empty mount point, and is refused.
/// Blocking; one caller at a time.
package struct FolderOwnership: Sendable {
    package static let ownerFile = FileName(".twindrop-owner")
    private static let temporaryFile = FileName(".twindrop-owner.new")
    private static let recordFile = FileName("landing-folders.json")

    private let instance: String
    private let stateFolder: String
    private let force: Bool

    /// - Parameters:
    ///   - instance: this home's id: printable ASCII, at most 64 bytes.
    ///   - stateFolder: absolute; holds `landing-folders.json`.
    ///   - force: takes folders of others over, and ones whose owner file is missing.
    package init(instance: String, stateFolder: String, force: Bool = false) {
        precondition(!instance.isEmpty && instance.utf8.count <= 64 && instance.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        self.instance = instance
        self.stateFolder = stateFolder
        self.force = force
    }

    /// Takes the folder over, or finds it ours already. Errors: `folder-missing`, `folder-not-permitted`, `folder-owned`,
    /// `folder-unmounted`.
    package func take(_ path: String) throws(DropError) {
        let shown = Escaping.visible(path)
        let folder: Descriptor
        do { folder = try SystemCall.openFolder(path) } catch {
            throw Self.failure(
                "folder-missing", "The landing folder \(shown) cannot be opened: \(SystemCallError.text(error.number)).",
                "Create it, or correct the source's folder.")
        }
        try checkPermission(path, folder.number)
        do {
            if let owner = try Self.owner(of: folder.number) {
                guard owner.utf8.elementsEqual(instance.utf8) || force else {
                    throw Self.foreign(shown, owner)
                }
                if !owner.utf8.elementsEqual(instance.utf8) { try writeOwner(in: folder.number) }
                // A kill may have come between the two.
                try record(path, among: try takenFolders())
            } else {
                let taken = try takenFolders()
                guard force || !taken.contains(where: { $0.utf8.elementsEqual(path.utf8) }) else {
                    throw Self.failure(
                        "folder-unmounted",
                        "The landing folder \(shown) was taken over before, and its .twindrop-owner file is gone.",
                        "Mount the file system it is on; if the folder was emptied on purpose, start once with --force.")
                }
                // This order: a folder that is on record and has no owner file is refused.
                try writeOwner(in: folder.number)
                try record(path, among: taken)
            }
        } catch let error as DropError { throw error } catch {
            throw Self.failure(
                "folder-not-permitted", "The landing folder \(shown) cannot be taken over: \(error).",
                "Let the user TwinDrop runs as write in it and in the state folder.")
        }
    }

    /// Whether the folder is still the one that was taken over: its owner file is there and is ours.
    package func holds(_ folder: CInt) -> Bool {
        // Unreadable is as good as gone: it is looked at again.
        guard let owner = try? Self.owner(of: folder) else { return false }
        return owner.utf8.elementsEqual(instance.utf8)
    }

    /// The id in the folder's owner file; nil when there is none.
    static func owner(of folder: CInt) throws(SystemCallError) -> String? {
        do {
            let file = try SystemCall.openFile(ownerFile, in: folder)
            let bytes = try SystemCall.contents(file.number, bytesMax: 4096) ?? []
            if bytes.isEmpty { return nil }  // What a power cut leaves of a file that was not synced; ours appear whole.
            return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        } catch  where error.number == ENOENT {
            return nil
        }
    }

    /// A sticky folder of another owner lets us neither rename nor unlink files of others; nor does one we cannot write to.
    private func checkPermission(_ path: String, _ folder: CInt) throws(DropError) {
        let hint = "Let the user TwinDrop runs as write in the folder (and clear its sticky bit), or make it the folder's owner."
        guard SystemCall.mayAccess(path, R_OK | W_OK | X_OK) else {
            throw Self.failure(
                "folder-not-permitted", "TwinDrop may not read and write the folder \(Escaping.visible(path)).", hint)
        }
        // An open descriptor can be asked; if not, claims report it.
        guard let facts = try? SystemCall.facts(of: folder) else { return }
        let sticky = facts.mode & 0o1000 != 0
        guard sticky, facts.owner != geteuid(), geteuid() != 0 else { return }
        throw Self.failure(
            "folder-not-permitted",
            "The folder \(Escaping.visible(path)) is sticky and another user's: files in it cannot be claimed.",
            hint)
    }

    private func writeOwner(in folder: CInt) throws(SystemCallError) {
        let isThere = try SystemCall.exists(Self.ownerFile, in: folder)
        let isEmpty = isThere ? try Self.owner(of: folder) == nil : false
        for name in force || isEmpty ? [Self.ownerFile, Self.temporaryFile] : [Self.temporaryFile] {
            do { try SystemCall.unlink(name, in: folder) } catch  where error.number == ENOENT {}
        }
        let file = try SystemCall.createFile(Self.temporaryFile, in: folder)
        let text = Array((instance + "\n").utf8)
        try SystemCall.write(text, count: text.count, to: file.number)
        try SystemCall.setMode(file.number, 0o644)  // Another instance, run by another user, has to be able to read it.
        try SystemCall.sync(file.number, "owner file")
        // Refuses to replace the file of an instance that was faster.
        try SystemCall.rename(Self.temporaryFile, in: folder, to: Self.ownerFile, in: folder)
        try SystemCall.sync(folder, "landing folder")
    }

    private func takenFolders() throws(SystemCallError) -> [String] {
        let state = try SystemCall.openFolder(stateFolder)
        do {
            let file = try SystemCall.openFile(Self.recordFile, in: state.number)
            let bytes = try SystemCall.contents(file.number, bytesMax: 16 << 20) ?? []
            // A damaged record counts as empty: it only guards against an empty mount point.
            let json = try? JSON(parsing: bytes)
            return json?.elements?.compactMap(\.string) ?? []
        } catch  where error.number == ENOENT {
            return []
        }
    }

    private func record(_ path: String, among taken: [String]) throws(SystemCallError) {
        if taken.contains(where: { $0.utf8.elementsEqual(path.utf8) }) { return }
        let state = try SystemCall.openFolder(stateFolder)
        let temporary = FileName("landing-folders.json.tmp")
        do { try SystemCall.unlink(temporary, in: state.number) } catch  where error.number == ENOENT {}
        let file = try SystemCall.createFile(temporary, in: state.number)
        let bytes = Array((JSON.array((taken + [path]).map(JSON.string)).text() + "\n").utf8)
        try SystemCall.write(bytes, count: bytes.count, to: file.number)
        try SystemCall.sync(file.number, "landing-folders.json")
        try SystemCall.replace(Self.recordFile, with: temporary, in: state.number)
        try SystemCall.sync(state.number, "state folder")
    }

    private static func foreign(_ shown: String, _ owner: String) -> DropError {
        failure(
            "folder-owned",
            "The landing folder \(shown) belongs to another TwinDrop instance (\(Escaping.visible(owner, scalarsMax: 64))).",
            "Give each instance a folder of its own; if the other one is gone for good, start once with --force.")
    }

    private static func failure(_ code: DropError.Code, _ message: String, _ hint: String) -> DropError {
        DropError(code, message, hint: hint, remedy: .suspendSource)
    }
}
