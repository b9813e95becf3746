package import DropCore
import Evidence
import HomeConfiguration

extension DropRecord {
    /// A held drop whose bytes are not in the spool, as the next start will judge it: the archive closed it already, as after a
    /// restore, or its bytes are gone. Its reason says which. Any other drop as it is.
    package func judged(in home: Home) -> DropRecord {
        let path = "\(home.paths.state)/spool/in/\(id)"
        // Where it cannot be told, it is not certain.
        guard state == .held, FileCalls.isMissing(path) else { return self }
        var row = self
        // An archive that cannot be read proves nothing; the verifier says so.
        if Folders.exists(home.paths.archive + "/chain.log"), let place = try? ArchiveCatalogue(root: home.paths.archive).find(id)
        {
            row.reason = ByteLoss.archivedBefore(self, kind: place.kind, container: place.container)
            if place.kind == DropState.discarded.rawValue { row.state = .discarded }
        } else {
            let missing = ByteLoss.missing(path)
            row.reason = DropReason(
                code: missing.code, message: missing.message,
                hint: "Put them back there before the next start, as from a backup of state/spool. Else "
                    + "`twindrop retry \(id) --with FILE` runs the sender's file in its place, `twindrop discard \(id)` gives it up."
            )
        }
        return row
    }
}
