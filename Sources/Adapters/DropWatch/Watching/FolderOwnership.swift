import CodecKit
package import DropCore
import SystemKit

/// Prevents two instances from using one landing folder, and this one from using a wrong folder (docs/failure-model.md,
/// "Instances and owners").
///
/// A folder that is taken over gets a file `.twindrop-owner` with the instance's id. The state folder keeps which folders were
/// ever taken over. The two decide together (docs/decisions/0031):
///
///     owner file   on record            then
///     ours         -                    it is ours; a record that a kill prevented is made up for
///     none         no                   taken over
///     none         on the state's mount, and is there still: the folder was made again, or lost its file: taken over again
///     none         else                 probably an empty mount point: refused
///     another's    as one we wrote, in a folder of our own home: the database is a new one: taken over again
///     another's    else                 refused
///
/// A person can allow a refused folder: `adopt`. Blocking; one caller at a time.
package struct FolderOwnership: Sendable {
    package static let ownerFile = FileName(".twindrop-owner")
    private static let temporaryFile = FileName(".twindrop-owner.new")

    private let instance: String
    private let stateFolder: String
    private let homeFolder: String?
    private let locks = OwnerLocks()

    /// - Parameters:
    ///   - instance: this home's id: printable ASCII, at most 64 bytes. Empty if a home has none yet: then folders can only be
    ///     looked at.
    ///   - stateFolder: absolute; holds `landing-folders.json`.
    ///   - homeFolder: absolute; folders in it are no other instance's. Nil: none are known to be ours.
    package init(instance: String, stateFolder: String, homeFolder: String? = nil) {
        precondition(instance.utf8.count <= 64 && instance.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        self.instance = instance
        self.stateFolder = stateFolder
        self.homeFolder = homeFolder
    }

    /// What `take` or `adopt` did.
    package enum Taking: Sendable, Equatable {
        case wasOurs
        /// For the first time.
        case taken
        /// A folder that was made again, or whose owner file was lost.
        case again
        /// The owner file of this instance was in it.
        case over(String)
    }

    /// What to do about a folder, by what is there.
    private enum Verdict {
        case ours, new, again
        case over(String)
        case refuse(DropError)
    }

    /// Takes the folder over, or finds that it is ours already. `name` is its name in `twindrop source adopt`. As long as this
    /// value is there, others see that its owner lives.
    ///
    /// Errors: `folder-missing`, `folder-not-permitted`, `folder-owned`, `folder-unmounted`.
    @discardableResult
    package func take(_ path: String, for name: String? = nil) throws(DropError) -> Taking {
        let taking = try act(on: path, for: name, force: false)
        let folder = try open(path)
        locks.take(path, folder.number)
        return taking
    }

    /// Takes the folder over as it is, whoever owned it, because a person decided so.
    package func adopt(_ path: String) throws(DropError) -> Taking { try act(on: path, for: nil, force: true) }

    /// Why the folder should not be adopted yet: another instance has it, and runs. Nil where none does, or where that cannot be
    /// told: an instance of an earlier version, a file system without locks.
    package func refusalInUse(_ path: String, for name: String?) throws(DropError) -> DropError? {
        let folder = try open(path)
        guard let owner = try? Self.owner(of: folder.number), !owner.utf8.elementsEqual(instance.utf8),
            OwnerLocks.isHeld(in: folder.number)
        else { return nil }
        return Self.failure(
            .folderOwned,
            "The landing folder \(Escaping.visible(path)) belongs to another TwinDrop instance "
                + "(\(Escaping.visible(owner, scalarsMax: 64))), which runs and serves it.",
            "Stop that instance, or take the folder out of its configuration, and adopt it again. "
                + "`twindrop source adopt \(name ?? "--all") --while-in-use` takes it all the same: the other one stops at its next "
                + "claim.")
    }

    /// Why a folder that was ours is not any more; nil where it is, or has no owner file.
    func strangers(_ path: String, _ folder: CInt, _ name: String?) -> DropError? {
        guard let owner = try? Self.owner(of: folder), !owner.utf8.elementsEqual(instance.utf8) else { return nil }
        return Self.foreign(Escaping.visible(path), owner, Self.adoption(name))
    }

    /// Whether this home took the folder over at some time. A record that cannot be read counts as none.
    package func wasTaken(_ path: String) -> Bool { ((try? records()) ?? []).contains { $0.isOf(path) } }

    /// Whether the folder is there, was taken over before, and is probably an empty mount point now, which `take` refuses.
    package func isUnmounted(_ path: String) -> Bool {
        // What cannot be opened or read has a reason of its own.
        guard let folder = try? SystemCall.openFolder(path), let known = (try? records())?.first(where: { $0.isOf(path) }),
            let owner = try? Optional.some(Self.owner(of: folder.number)), owner == nil
        else { return false }
        return known.mount != .state || mount(of: folder.number) != .state
    }

    /// Why `take` would refuse the folder; nil: it would not. Changes nothing.
    package func refusal(of path: String, for name: String? = nil) -> DropError? {
        do throws(DropError) {
            let folder = try open(path)
            try checkPermission(path, folder.number)
            do throws(SystemError) {
                if case .refuse(let error) = try verdict(on: path, folder.number, name) { return error }
                return nil
            } catch {
                return Self.notPermitted(path, error)
            }
        } catch { return error }
    }

    /// Whether the folder has our owner file already, so that adopting it changes nothing.
    package func isOurs(_ path: String) -> Bool {
        guard let folder = try? open(path) else { return false }  // What cannot be opened is told by `adopt`.
        return holds(folder.number)
    }

    /// Whether the folder is still the one that was taken over: its owner file is there and is ours.
    package func holds(_ folder: CInt) -> Bool {
        // An unreadable file counts as missing: the folder is checked again.
        guard let owner = try? Self.owner(of: folder) else { return false }
        return owner.utf8.elementsEqual(instance.utf8)
    }

    private func act(on path: String, for name: String?, force: Bool) throws(DropError) -> Taking {
        let folder = try open(path)
        try checkPermission(path, folder.number)
        do {
            let records = try records()
            switch try verdict(on: path, folder.number, name) {
            case .ours:
                try record(path, folder.number, among: records)
                return .wasOurs
            case .new:
                // The order matters: a folder that is on record and has no owner file needs care.
                try writeOwner(in: folder.number)
                try record(path, folder.number, among: records)
                return .taken
            case .again:
                try writeOwner(in: folder.number)
                try record(path, folder.number, among: records)
                return .again
            case .over(let owner):
                try writeOwner(in: folder.number, replacing: true)
                try record(path, folder.number, among: records)
                return .over(owner)
            case .refuse(let error):
                guard force else { throw error }
                let owner = try Self.owner(of: folder.number)
                try writeOwner(in: folder.number, replacing: true)
                try record(path, folder.number, among: records)
                return owner.map { .over($0) } ?? .again
            }
        } catch let error as DropError { throw error } catch {
            throw Self.notPermitted(path, error)
        }
    }

    private func verdict(on path: String, _ folder: CInt, _ name: String?) throws(SystemError) -> Verdict {
        let shown = Escaping.visible(path)
        let owner = try Self.owner(of: folder)
        if let owner, owner.utf8.elementsEqual(instance.utf8) { return .ours }
        let known = try records().first { $0.isOf(path) }
        if let owner {
            let isOurHome = homeFolder.map { path.utf8.starts(with: ($0 + "/").utf8) } ?? false
            if isOurHome, let recorded = known?.owner, recorded.utf8.elementsEqual(owner.utf8) { return .over(owner) }
            return .refuse(Self.foreign(shown, owner, Self.adoption(name)))
        }
        guard let known else { return .new }
        if known.mount == .state, mount(of: folder) == .state { return .again }
        return .refuse(
            Self.failure(
                .folderUnmounted,
                "The landing folder \(shown) was taken over before, and its .twindrop-owner file is gone.",
                "Mount the file system it is on. If the folder is right as it is, \(Self.adoption(name)) takes it over."))
    }

    private static func adoption(_ name: String?) -> String { "`twindrop source adopt \(name ?? "--all")`" }

    private func open(_ path: String) throws(DropError) -> Descriptor {
        do { return try SystemCall.openFolder(path) } catch {
            if error.isDenied { throw Self.closed(path) }
            throw Self.failure(
                .folderMissing,
                "The landing folder \(Escaping.visible(path)) cannot be opened: \(SystemError.text(error.number)).",
                "Create it, or correct the source's folder.")
        }
    }

    /// The error for a folder that the user may not open, or not reach.
    static func closed(_ path: String) -> DropError {
        failure(
            .folderNotPermitted, "TwinDrop may not open the landing folder \(Escaping.visible(path)): Permission denied.",
            "Let the user TwinDrop runs as read and write in the folder, and pass the folders above it.")
    }

    /// The id in the folder's owner file; nil when there is none.
    static func owner(of folder: CInt) throws(SystemError) -> String? {
        do {
            let file = try SystemCall.openFile(ownerFile, in: folder)
            let bytes = try SystemCall.contents(file.number, bytesMax: 4096) ?? []
            // A power cut can leave this of a file that was not synced. Files of TwinDrop are always whole.
            if bytes.isEmpty { return nil }
            return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        } catch  where error.isMissing {
            return nil
        }
    }

    /// In a sticky folder of another owner, and in one that we cannot write to, we cannot rename or unlink files of others.
    private func checkPermission(_ path: String, _ folder: CInt) throws(DropError) {
        let hint = "Let the user TwinDrop runs as write in the folder (and clear its sticky bit), or make it the folder's owner."
        guard SystemCall.mayAccess(path, [.read, .write, .pass]) else {
            throw Self.failure(
                .folderNotPermitted, "TwinDrop may not read and write the folder \(Escaping.visible(path)).", hint)
        }
        // An open descriptor can be asked; if not, claims report it.
        guard let facts = try? SystemCall.facts(of: folder) else { return }
        let sticky = facts.mode & 0o1000 != 0
        guard sticky, facts.owner != System.effectiveUserID, System.effectiveUserID != 0 else { return }
        throw Self.failure(
            .folderNotPermitted,
            "The folder \(Escaping.visible(path)) is sticky and another user's: files in it cannot be claimed.",
            hint)
    }

    private func writeOwner(in folder: CInt, replacing: Bool = false) throws(SystemError) {
        let isThere = try SystemCall.exists(Self.ownerFile, in: folder)
        let isEmpty = isThere ? try Self.owner(of: folder) == nil : false
        for name in replacing || isEmpty ? [Self.ownerFile, Self.temporaryFile] : [Self.temporaryFile] {
            do { try SystemCall.unlink(name, in: folder) } catch  where error.isMissing {}
        }
        let file = try SystemCall.createFile(Self.temporaryFile, in: folder)
        let text = Array((instance + "\n").utf8)
        try SystemCall.write(text, count: text.count, to: file.number)
        try SystemCall.setMode(file.number, 0o644)  // An instance of another user must be able to read it.
        try SystemCall.sync(file.number, "owner file")
        // Does not replace the file of another instance that was faster.
        try SystemCall.rename(Self.temporaryFile, in: folder, to: Self.ownerFile, in: folder)
        try SystemCall.sync(folder, "landing folder")
    }

    /// Whether the folder is on the state folder's mount; nil if the kernel does not say.
    private func mount(of folder: CInt) -> LandingRecord.Mount? {
        guard let state = try? SystemCall.openFolder(stateFolder), let ours = SystemCall.mountNumber(of: state.number),
            let its = SystemCall.mountNumber(of: folder)
        else { return nil }
        return ours == its ? .state : .other
    }

    /// None in a home that never ran.
    private func records() throws(SystemError) -> [LandingRecord] {
        do {
            let state = try SystemCall.openFolder(stateFolder)
            return try LandingRecord.read(in: state.number)
        } catch  where error.isMissing {
            return []
        }
    }

    private func record(_ path: String, _ folder: CInt, among records: [LandingRecord]) throws(SystemError) {
        let record = LandingRecord(folder: path, owner: instance, mount: mount(of: folder))
        if records.contains(record) { return }
        let state = try SystemCall.openFolder(stateFolder)
        try LandingRecord.write(records.filter { !$0.isOf(path) } + [record], in: state.number)
    }

    private static func foreign(_ shown: String, _ owner: String, _ adoption: String) -> DropError {
        failure(
            .folderOwned,
            "The landing folder \(shown) belongs to another TwinDrop instance (\(Escaping.visible(owner, scalarsMax: 64))).",
            "Give each instance a folder of its own. If the other one does not exist any more, or was this home with another "
                + "database, \(adoption) takes the folder over.")
    }

    private static func notPermitted(_ path: String, _ error: any Error) -> DropError {
        failure(
            .folderNotPermitted, "The landing folder \(Escaping.visible(path)) cannot be taken over: \(error).",
            "Let the user TwinDrop runs as write in it and in the state folder.")
    }

    private static func failure(_ code: DropError.Code, _ message: String, _ hint: String) -> DropError {
        DropError(code, message, hint: hint, remedy: .suspendSource)
    }
}
