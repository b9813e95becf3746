package import DropCore
import DropSpooling
import Evidence
import HomeConfiguration

extension DropRecord {
    /// A drop that had not ended, and whose bytes are not in the spool, as the next start will judge it: the archive closed it
    /// already, as after a restore, or the bytes of a held one are gone. Its reason says which. Any other drop as it is.
    package func judged(in home: Home) -> DropRecord {
        let path = "\(home.paths.state)/spool/in/\(id)"
        // Where it cannot be told, it is not certain.
        guard isJudgedAtStart, FileCalls.isMissing(path) else { return self }
        // A daemon has drops on their way whose bytes are not in the spool yet, or no longer.
        guard state == .held || !HomeLock.isHeld(state: home.paths.state) else { return self }
        var row = self
        // An archive that cannot be read proves nothing; the verifier says so.
        if Folders.exists(home.paths.archive + "/chain.log"), let place = try? ArchiveCatalogue(root: home.paths.archive).find(id)
        {
            row.reason = ByteLoss.archivedBefore(self, kind: place.kind, container: place.container)
            if place.kind == DropState.discarded.rawValue {
                row.state = .discarded
            } else if state != .held {
                row.state = .quarantined
            }
        } else if state == .held {
            let missing = ByteLoss.missing(path)
            row.reason = DropReason(
                code: missing.code, message: missing.message,
                hint: "Put them back there before the next start, as from a backup of state/spool. Else "
                    + "`twindrop retry \(id) --with FILE` runs the sender's file in its place, `twindrop discard \(id)` gives it up."
            )
        }
        return row
    }

    /// Whether the next start goes on with it, or sets it aside with the way to have it again: the database knows it, whatever
    /// else the archive says of it. A retry that was about to begin is withdrawn, as if it had never been asked for.
    package var isJudgedAtStart: Bool {
        switch state {
        case .held, .registered: true
        case .claimed: link?.kind != .retries
        default: false
        }
    }
}
