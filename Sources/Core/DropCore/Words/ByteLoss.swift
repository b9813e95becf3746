/// The errors of a drop whose bytes are missing or changed. It is set aside alone. Only drops of a source that keeps an order
/// wait for it (decision 0033).
package enum ByteLoss {
    /// Neither in the spool, nor in quarantine, nor in the archive.
    package static let missing: DropError.Code = .bytesMissing
    /// Not the bytes that arrived.
    package static let changed: DropError.Code = .contentChanged
    /// The archive has closed the drop, but the database calls it unfinished: the database is older than the archive.
    package static let archivedBefore: DropError.Code = .archivedBefore

    /// Why a drop is set aside that the archive has closed.
    ///
    /// - Parameter kind: how it closed it; nil where that is not known.
    package static func archivedBefore(_ record: DropRecord, kind: String?, container: String) -> DropReason {
        let isDiscarded = kind == DropState.discarded.rawValue
        let message =
            "The archive closed this drop \(kind.map { "as \($0) " } ?? "")in \(container); the database takes it for "
            + "\(record.state.rawValue), so it is older than the archive"
        guard !isDiscarded else {
            return DropReason(
                code: archivedBefore, message: message + ".",
                hint: "Nothing is to be done: it stays discarded. `twindrop archive cat \(record.id)` prints its bytes.")
        }
        return DropReason(
            code: archivedBefore, message: message + ", and the graph may lack what the drop did.",
            hint: "`twindrop retry \(record.id)` runs its bytes again, out of the archive, as a new drop; "
                + "`twindrop discard \(record.id)` leaves the graph as it is.")
    }

    /// - Parameters:
    ///   - path: where the bytes were looked for.
    ///   - isOther: something that is not a plain file has their name.
    package static func missing(_ path: String, isOther: Bool = false) -> DropError {
        DropError(
            missing,
            isOther
                ? "The bytes must be in \(path). What is there is not a plain file, and the archive does not have them."
                : "The bytes are not in \(path), where they must be, and not in the archive.",
            hint:
                "Put the file back there and `twindrop retry` the drop. Or put the sender's file in its place, with `twindrop retry DROP "
                + "--with FILE`; or give it up with `twindrop discard`.",
            remedy: .quarantine)
    }

    /// - Parameters:
    ///   - known: of the bytes that arrived.
    ///   - found: of those that are there now; nil where their number tells already.
    package static func changed(_ path: String, known: ContentDigest, found: ContentDigest?) -> DropError {
        let now = found.map { ", and now have \($0)" } ?? ""
        return DropError(
            changed, "The bytes in \(path) are not those that arrived: those had the SHA-256 \(known)\(now).",
            hint: "Somebody changed the spool, or the medium fails: check both, and have the file delivered again.",
            remedy: .quarantine)
    }
}

extension DropReason {
    /// Of an applied drop that the archive cannot take: what it did stands, and a person ends it.
    package func ofApplied(_ drop: DropID) -> DropReason {
        DropReason(
            code: code, message: message,
            hint: "What it says is in the graph and stays there. Find out who changed or removed the bytes; then "
                + "`twindrop discard \(drop)` ends the drop without them.")
    }
}

extension DropRecord {
    /// Set aside because its bytes are gone or changed.
    package var hasLostBytes: Bool { reason?.code == ByteLoss.missing || reason?.code == ByteLoss.changed }

    /// Ended without a place in the archive: the bytes that arrived do not exist any more, and no other bytes are archived in
    /// their place. An applied drop ends so when a person says that it does.
    package var isNeverArchived: Bool { hasLostBytes && container == nil && (!state.isApplied || state == .done) }

    /// Its reason still asks somebody for something: not where a person, or what came in its place, has ended the drop since.
    package var hasOpenReason: Bool {
        switch state {
        case .discarded: reason?.code == ByteLoss.archivedBefore
        case .retried, .resolved: false
        default: true
        }
    }

    /// How the archive calls what it is.
    package var closingKind: String {
        // Ignores what closed it later: that is not how it ended.
        state.isApplied ? DropState.applied.rawValue : state.isQuarantined ? DropState.quarantined.rawValue : state.rawValue
    }
}
