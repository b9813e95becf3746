import DropCore
import SystemKit

/// The end of a claim by copy: the original goes (docs/decisions/0047-nobody-writes-unseen.md).
///
///     sender                                TwinDrop
///                                           the copy is durable under its drop's id
///     opens the file, by its name           asks for the lease: somebody writes, so the claim is withdrawn
///     opens the file, by its name           has the lease: the sender waits in `open`
///                                           gives the file a name of ours: nobody finds it any more
///                                           looks: the lease is to be broken, so the name is given back; the sender goes on
///     -                                     looks: it is the file that was copied, and nobody waits: it is removed
extension FileClaim {
    /// The name of ours that the original of a copy has before it is removed. Scans pass over it, and a start looks for it.
    static func asideName(of id: DropID) -> FileName { FileName(asidePrefix + id.description) }

    static let asidePrefix = ".twindrop-taking-"

    /// A copy whose original must be looked at for a while before it goes: no lease keeps its writers out.
    var isOpenToWriters: Bool { aside != nil && !isLeased }

    /// The copy is durable. Gives the original a name of ours, so that only who has it open already can still write to it, and a
    /// file that is renamed over its name is not the one that goes. Nil: the claim goes on; otherwise it came to nothing.
    func setAside(spool: CInt) -> ClaimResult? {
        if file.isStillOpen { return nil }  // Its writer may go on: then it is a drop of its own.
        switch lease(descriptor.number) {
        case .writerHasIt: return withdraw(spool, .writer)
        case .granted:
            isLeased = ReadLease.take(descriptor.number) == .granted
            guard isLeased else { return withdraw(spool, .writer) }
        case .notPermitted: break
        }
        let landing = folder.descriptor.number
        do {
            guard try SystemCall.facts(of: descriptor.number).isUntouched(since: facts) else { return withdraw(spool, .changed) }
            try SystemCall.rename(file.name, in: landing, to: Self.asideName(of: id), in: landing)
            // In the moment before the rename somebody may have given the name to another file.
            aside = try SystemCall.facts(of: Self.asideName(of: id), in: landing)
            return nil
        } catch {
            // Its sender removed it or gave it another name, under which it is claimed once more.
            discardCopy(spool)
            if aside == nil { returnAside() }
            return Self.result(of: error, file)
        }
    }

    /// Removes the original, if it is the file that was copied and nobody writes to it. Otherwise it gets its name back, and the
    /// claim comes to nothing.
    func removeAside(spool: CInt) -> ClaimResult {
        guard let aside else { return .claimed(id, bytes: facts.bytes) }
        let landing = folder.descriptor.number
        do {
            let now = try SystemCall.facts(of: Self.asideName(of: id), in: landing)
            // Not by the time of its change: when a file system over a network notes our rename is its own affair.
            let isSame = [aside, now].allSatisfy { $0.hasSameContent(as: facts) && $0.links == facts.links }
            let isBroken = isLeased && !ReadLease.isUnbroken(descriptor.number)
            guard isSame, !isBroken else {
                return withdraw(spool, isBroken ? .writer : .changed)
            }
            try SystemCall.unlink(Self.asideName(of: id), in: landing)
        } catch {
            discardCopy(spool)
            returnAside()
            return Self.result(of: error, file)
        }
        removeMarker()
        return .claimed(id, bytes: facts.bytes)
    }

    /// Gives the original its name back, or one beside it; nil where it has no name of ours.
    @discardableResult func returnAside() -> FileName? {
        let landing = folder.descriptor.number
        // Where that fails too, the next start finds it by the intent: the register has that until the claim is withdrawn.
        return try? Self.giveBack(Self.asideName(of: id), in: landing, to: file.name, in: landing, id)
    }

    /// The copy goes first: a crash in between finds the original, under one of its names, and no drop that has its bytes.
    private func withdraw(_ spool: CInt, _ code: WaitingReason.Code) -> ClaimResult {
        discardCopy(spool)
        let name = aside == nil ? nil : returnAside()
        let what =
            code == .writer ? "A program opened it for writing while it was claimed" : "It changed while it was copied"
        let place = name.flatMap { $0 == file.name ? nil : "; a newer file has its name, so it lies beside that as \($0)" } ?? ""
        return .notYet(WaitingReason(code, what + place + "."))
    }
}
