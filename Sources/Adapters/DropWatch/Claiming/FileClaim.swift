import Crypto
import DropCore
import SystemKit

/// One file on its way into the spool.
final class FileClaim {
    enum Opening {
        case ready(FileClaim)
        case not(ClaimResult)
    }

    let id: DropID
    let file: SettledFile
    let folderPath: FolderPath
    let folder: LandingFolders.OpenFolder
    let descriptor: Descriptor
    /// When it was opened.
    let facts: FileFacts
    /// Claimed by copy, not by rename: always so while a writer has it open.
    let copies: Bool
    let lease: (CInt) -> ReadLease.Answer
    /// Room that copies leave on the spool's file system.
    private let reserve: SpaceReserve
    enum Synced { case not, done, failed }

    /// Whether nobody can write to the file until its rename is done, or the original of its copy is gone.
    var isLeased = false
    /// Whether the file was made durable, alone or together with others.
    var synced = Synced.not
    /// The original still has to be removed.
    private(set) var isCopied = false
    /// The original of a copy when it had been set aside.
    var aside: FileFacts?

    private init(
        _ file: SettledFile, id: DropID, folder: LandingFolders.OpenFolder, path: FolderPath, descriptor: consuming Descriptor,
        facts: FileFacts, copies: Bool, reserve: SpaceReserve, lease: @escaping (CInt) -> ReadLease.Answer
    ) {
        self.file = file
        self.id = id
        self.folder = folder
        folderPath = path
        self.descriptor = descriptor
        self.facts = facts
        self.copies = copies
        self.reserve = reserve
        self.lease = lease
    }

    /// Step 1: opens the file and checks that it is the one that settled, and that nobody has it open.
    static func open(
        _ file: SettledFile, id: DropID, folders: LandingFolders, spoolDevice: UInt64, reserve: SpaceReserve,
        lease: @escaping (CInt) -> ReadLease.Answer
    ) -> Opening {
        let path = FolderPath(file.folder)
        do {
            let folder = try folders.open(path, of: file.source)
            if let refusal = folder.refusal { return .not(.notYet(WaitingReason(refusal))) }
            let descriptor = try SystemCall.openFile(file.name, in: folder.descriptor.number)
            let facts = try SystemCall.facts(of: descriptor.number)
            guard facts.kind == .file, facts.identity == file.identity, facts.bytes == file.bytes else {
                return .not(.notYet(WaitingReason(.changed, "It changed after it had settled.")))
            }
            let answer = lease(descriptor.number)
            switch answer {
            case .writerHasIt where !file.isStillOpen: return .not(.notYet(WaitingReason(.writer)))
            case .granted where file.isStillOpen: return .not(.notYet(WaitingReason(.changed, "Its writer has closed it.")))
            default: break
            }
            // A file that could not be removed from its folder would be copied again and again.
            guard file.isStillOpen || SystemCall.mayAccess(FileName("."), in: folder.descriptor.number, [.write, .pass]) else {
                return .not(.refused(Self.folderClosed(file)))
            }
            let copies = answer != .granted || facts.links > 1 || facts.device != spoolDevice
            if let expected = file.expectedDigest {
                guard try Self.digest(descriptor.number) == expected else { return .not(.refused(mismatch(file))) }
            }
            return .ready(
                FileClaim(
                    file, id: id, folder: folder, path: path, descriptor: descriptor, facts: facts, copies: copies,
                    reserve: reserve, lease: lease))
        } catch {
            return .not(result(of: error, file))
        }
    }

    /// Keeps writers out until the rename is done, so that what is read now is what the spool will have: the open file's
    /// descriptor. Not where the file is to be copied: what cannot be synced is read anew.
    func keepLease() -> CInt? {
        guard !copies, ReadLease.take(descriptor.number) == .granted, (try? SystemCall.facts(of: descriptor.number)) == facts
        else { return nil }
        isLeased = true
        return descriptor.number
    }

    /// At the claim.
    var bytes: UInt64 { facts.bytes }

    /// For another thread, as long as this claim is open.
    var toSync: FileToSync { FileToSync(descriptor: descriptor.number, name: file.name.description) }

    /// Step 3, after the sync. Only storage that cannot be trusted is thrown.
    func move(into spool: CInt) throws(DropError) -> ClaimResult {
        // Where the sync failed, a new artefact is made from what can be read.
        guard !copies, synced == .done else { return try copy(into: spool) }
        do {
            try SystemCall.rename(file.name, in: folder.descriptor.number, to: FileName(id.description), in: spool)
        } catch  where error.kind == .otherFileSystem || error.isDenied {
            return try copy(into: spool)
        } catch {
            return Self.result(of: error, file)
        }
        do { return try finishRename(in: spool) } catch { throw Claimer.storage(error) }
    }

    /// After the rename: is it the file we opened, is it closed, is what we synced all of it?
    private func finishRename(in spool: CInt) throws(SystemError) -> ClaimResult {
        let name = FileName(id.description)
        let moved = try SystemCall.facts(of: name, in: spool)
        guard moved.inode == facts.inode, moved.device == facts.device else {
            // Somebody renamed another file over the name between our open and our rename (docs/failure-model.md, "When a file is
            // complete").
            try putBack(name, from: spool)
            return .notYet(WaitingReason(.changed, "It was replaced while it was claimed."))
        }
        // A lease that is to be broken, or was after its time, is no proof any more of what was read while it was held.
        let isBroken = isLeased && !ReadLease.isUnbroken(descriptor.number)
        if lease(descriptor.number) == .writerHasIt || isBroken {
            try putBack(name, from: spool)
            return .notYet(WaitingReason(.writer, "A program opened it for writing while it was claimed."))
        }
        let now = try SystemCall.facts(of: descriptor.number)
        if now.links > 1 {
            // Whoever writes by the other name would write into the spool. The next claim of it makes a copy.
            try putBack(name, from: spool)
            return .notYet(WaitingReason(.changed, "It was given a second name while it was claimed."))
        }
        if isLeased, !now.hasSameContent(as: facts) {
            try putBack(name, from: spool)
            return .notYet(WaitingReason(.writer, "A program opened it for writing while it was claimed."))
        }
        if !now.hasSameContent(as: facts) {
            // Written and closed between our fsync and our rename: this is new data, so a first fsync of it, not a repeated one.
            try SystemCall.sync(descriptor.number, file.name.description)
        }
        if now.mode != 0o600 { try SystemCall.setMode(descriptor.number, 0o600) }
        removeMarker()
        return .claimed(id, bytes: now.bytes)
    }

    /// Returns the file to its folder: under its name, or, where a newer file has that, under one made of the drop's id and its
    /// name.
    private func putBack(_ name: FileName, from spool: CInt) throws(SystemError) {
        _ = try Self.giveBack(name, in: spool, to: file.name, in: folder.descriptor.number, id)
        try SystemCall.sync(folder.descriptor.number, folderPath.description)
    }

    /// Behind a file that stays, in a source that keeps an order: this one stays as well. False where it cannot go back as it
    /// was, since its marker is gone.
    func takeBack(from spool: CInt) throws(DropError) -> Bool {
        if isCopied {
            discardCopy(spool)
            returnAside()
            return true
        }
        guard file.marker == nil else { return false }
        do { try putBack(FileName(id.description), from: spool) } catch { throw Claimer.storage(error) }
        return true
    }

    /// Renames a file of ours to the name its sender gave it, or, where a newer file has that, to one made of the drop's id and
    /// that name: which it is.
    static func giveBack(
        _ name: FileName, in folder: CInt, to wanted: FileName, in landing: CInt, _ id: DropID
    ) throws(SystemError) -> FileName {
        do {
            try SystemCall.rename(name, in: folder, to: wanted, in: landing)
            return wanted
        } catch  where error.isTaken {
            let other = FileName(bytes: Array(id.description.utf8) + [UInt8(ascii: ".")] + wanted.bytes.suffix(255 - 27))
            try SystemCall.rename(name, in: folder, to: other, in: landing)
            return other
        }
    }

    /// Claim by copy: another file system, a second link, or a lease that is not ours to ask for. At most three artefacts.
    /// Whether there is room is judged before: a file that can never fit is not read once.
    private func copy(into spool: CInt) throws(DropError) -> ClaimResult {
        if let space = try? SystemCall.freeSpace(of: spool) {
            let floor = reserve.floor(of: space)
            let usable = space.bytesFree > floor ? space.bytesFree - floor : 0
            if usable < facts.bytes { return .notYet(noRoom(in: spool, above: floor)) }
        }
        let final = FileName(id.description)
        for attempt in 1...3 {
            let temporary = FileName(id.description + ".tmp" + (attempt == 1 ? "" : String(attempt)))
            do {
                let bytes = try FileCopy.make(of: descriptor.number, facts, as: temporary, in: spool)
                guard let bytes else {
                    try SystemCall.unlink(temporary, in: spool)
                    return .notYet(WaitingReason(.changed, "It changed while it was copied."))
                }
                try SystemCall.rename(temporary, in: spool, to: final, in: spool)
                isCopied = true
                return .claimed(id, bytes: bytes)
            } catch {
                try? SystemCall.unlink(temporary, in: spool)  // Left behind it is removed by recovery.
                switch error.kind {
                case .full: return .notYet(noRoom(in: spool, above: 0))
                case .noDescriptors: return .notYet(WaitingReason(.unreadable, "Too many files are open."))
                default: if attempt == 3 || error.call != "fsync" { throw Claimer.storage(error) }
                }
            }
        }
        preconditionFailure("the third attempt returns or throws")
    }

    private func noRoom(in spool: CInt, above floor: UInt64) -> WaitingReason {
        let free = (try? SystemCall.freeSpace(of: spool))?.bytesFree ?? 0
        return WaitingReason(noRoomFor: file.name, facts.bytes, free: free, above: floor)
    }

    /// A copy that cannot be removed is adopted after the next start and found to be a duplicate.
    func discardCopy(_ spool: CInt) { try? SystemCall.unlink(FileName(id.description), in: spool) }

    /// A marker whose removal fails is found without its data, and reported.
    func removeMarker() {
        guard let marker = file.marker else { return }
        try? SystemCall.unlink(marker, in: folder.descriptor.number)
    }

    private static func digest(_ descriptor: CInt) throws(SystemError) -> ContentDigest {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var done: UInt64 = 0
        while true {
            let count = try SystemCall.read(descriptor, into: &buffer, at: done)
            if count == 0 { return ContentDigest(bytes: Array(hash.finalize())) }
            hash.update(data: buffer[..<count])
            done += UInt64(count)
        }
    }

    private static func mismatch(_ file: SettledFile) -> DropError {
        DropError(
            .manifestMismatch, "\(file.name) has another SHA-256 than its manifest \(file.marker?.description ?? "") states.",
            hint: "Deliver the file again, or correct the manifest.", remedy: .quarantine)
    }

    private static func folderClosed(_ file: SettledFile) -> DropError {
        DropError(
            .permissionDenied, "\(file.name) cannot be claimed: TwinDrop may not write in its folder.",
            hint: "Let the user TwinDrop runs as write in the folder.", remedy: .retry(after: .seconds(30)))
    }

    /// What a failed call on the landing side means.
    static func result(of error: SystemError, _ file: SettledFile) -> ClaimResult {
        switch error.kind {
        case .missing, .noFolder: .notYet(WaitingReason(.changed, "It is gone."))
        case .link: .notYet(WaitingReason(.changed, "It was replaced by a symbolic link."))
        case .lockedAway, .forbidden:
            .refused(
                DropError(
                    .permissionDenied, "\(file.name) cannot be claimed: \(SystemError.text(error.number)).",
                    hint: "Let the user TwinDrop runs as read it, and write in its folder.", remedy: .retry(after: .seconds(30))))
        default: .notYet(WaitingReason(.unreadable, "\(file.name) cannot be taken now: \(error)."))
        }
    }
}
