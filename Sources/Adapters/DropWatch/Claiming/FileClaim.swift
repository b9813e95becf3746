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
    private let folder: LandingFolders.OpenFolder
    private let descriptor: Descriptor
    private let facts: FileFacts
    /// Claimed by copy, not by rename: always so while a writer has it open.
    let copies: Bool
    private let lease: (CInt) -> ReadLease.Answer
    /// Room that copies leave on the spool's file system.
    private let reserve: SpaceReserve
    enum Synced { case not, done, failed }

    /// Whether nobody can write to the file until its rename is done.
    private var isLeased = false
    /// Whether the file was made durable, alone or together with others.
    var synced = Synced.not
    /// The original still has to be removed.
    private(set) var isCopied = false

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
        let landing = folder.descriptor.number
        do {
            try SystemCall.rename(name, in: spool, to: file.name, in: landing)
        } catch  where error.isTaken {
            let other = Array(id.description.utf8) + [UInt8(ascii: ".")] + file.name.bytes.suffix(255 - 27)
            try SystemCall.rename(name, in: spool, to: FileName(bytes: other), in: landing)
        }
        try SystemCall.sync(landing, folderPath.description)
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
                let bytes = try copyBytes(to: temporary, in: spool)
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

    /// The size of the copy, which keeps the holes of the file; nil when the file changed meanwhile.
    private func copyBytes(to name: FileName, in spool: CInt) throws(SystemError) -> UInt64? {
        let target = try SystemCall.createFile(name, in: spool)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var done: UInt64 = 0
        while let data = try SystemCall.dataRange(descriptor.number, from: done, bytes: facts.bytes) {
            try SystemCall.seek(target.number, to: data.lowerBound)
            done = data.lowerBound
            while done < data.upperBound {
                let count = try SystemCall.read(descriptor.number, into: &buffer, at: done)
                if count == 0 { return nil }  // It was cut off under us.
                try SystemCall.write(buffer, count: count, to: target.number)
                done += UInt64(count)
                if done > facts.bytes { return nil }  // It grows under us: no need to copy all of that.
            }
        }
        // What is at the end, and all that lies between, is a hole.
        try SystemCall.setLength(target.number, facts.bytes)
        let now = try SystemCall.facts(of: descriptor.number)
        guard now == facts else { return nil }
        done = facts.bytes
        try SystemCall.sync(target.number, name.description)
        return done
    }

    /// The last step of a copy, once it is durable: the original goes, if it is still the file that was copied. It is first moved
    /// to a name of ours, so that a file renamed over it in this moment is not the one removed.
    func removeOriginal(spool: CInt) -> ClaimResult {
        if file.isStillOpen { return .claimed(id, bytes: facts.bytes) }  // Its writer may go on: then it is a drop of its own.
        let landing = folder.descriptor.number
        let aside = FileName(".twindrop-taking-" + id.description)
        do {
            try SystemCall.rename(file.name, in: landing, to: aside, in: landing)
            let now = try SystemCall.facts(of: aside, in: landing)
            guard now.hasSameContent(as: facts), now.links == facts.links else {
                do { try SystemCall.rename(aside, in: landing, to: file.name, in: landing) } catch  where error.isTaken {
                    let other = Array(id.description.utf8) + [UInt8(ascii: ".")] + file.name.bytes.suffix(255 - 27)
                    try SystemCall.rename(aside, in: landing, to: FileName(bytes: other), in: landing)
                }
                discardCopy(spool)
                return .notYet(WaitingReason(.changed, "It changed while it was copied."))
            }
            try SystemCall.unlink(aside, in: landing)
            removeMarker()
            return .claimed(id, bytes: facts.bytes)
        } catch  where error.isMissing {
            return .claimed(id, bytes: facts.bytes)  // Its sender removed it; we have its bytes.
        } catch {
            discardCopy(spool)
            return Self.result(of: error, file)
        }
    }

    /// A copy that cannot be removed is adopted after the next start and found to be a duplicate.
    private func discardCopy(_ spool: CInt) { try? SystemCall.unlink(FileName(id.description), in: spool) }

    /// A marker whose removal fails is found without its data, and reported.
    private func removeMarker() {
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
    private static func result(of error: SystemError, _ file: SettledFile) -> ClaimResult {
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
