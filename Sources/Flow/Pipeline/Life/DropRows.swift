import DropCore

/// The rows of a drop, from one state to the next. Nothing else in the flow makes a drop's state another one
/// (docs/decisions/0038-one-life-cycle.md).
extension DropRecord {
    // MARK: - The usual way

    /// S2: known by its content.
    func registered(as digest: ContentDigest) -> DropRecord {
        var row = self
        row.digest = digest
        row.state = .registered
        return row
    }

    /// S4, as the commit writes it.
    func applied(at now: UInt64) -> DropRecord { with(.applied, at: now) }

    /// The commit did not take it. It is processed again.
    func notApplied() -> DropRecord {
        var row = self
        row.state = .registered
        return row
    }

    /// S6: its container is durable. Another state than `applied` stays.
    func archived(in place: ArchivedItem, at now: UInt64) -> DropRecord {
        var row = placed(in: place)
        if row.state == .applied {
            row.state = .archived
            row.changedAt = now
        }
        return row
    }

    /// S7, and what the receipt says already: it is the last word to the sender.
    func done() -> DropRecord {
        var row = self
        if row.state == .archived { row.state = .done }
        return row
    }

    /// What is written where a receipt is owed that says `done`.
    func notDone() -> DropRecord {
        var row = self
        if row.state == .done { row.state = .archived }
        return row
    }

    // MARK: - Other ends

    func held(because reason: DropReason, at now: UInt64) -> DropRecord { with(.held, reason, at: now) }

    func quarantined(because reason: DropReason, at now: UInt64) -> DropRecord { with(.quarantined, reason, at: now) }

    /// It says what `first` said.
    func repeating(_ first: DropRecord, at now: UInt64) -> DropRecord {
        let reason = DropReason(
            code: .duplicate, message: "The same bytes as drop \(first.id) (\(first.fileName)); nothing was applied.",
            hint: "Nothing is to be done. Set duplicates: process in the source to apply repetitions.")
        var row = with(.duplicate, reason, at: now)
        row.link = DropLink(kind: .duplicates, drop: first.id)
        return row
    }

    /// A person gave it up before it was applied.
    func givenUp(at now: UInt64) -> DropRecord {
        with(
            .discarded,
            DropReason(
                code: .discarded, message: "A person gave it up before it was applied.",
                hint: "Its bytes are in the archive; drop the file again if it is wanted after all."), at: now)
    }

    // MARK: - Acts of people

    /// A held drop goes on, without its guards.
    func released(force: Bool, at now: UInt64) -> DropRecord {
        var row = with(.registered, at: now)
        row.released = true
        row.forced = force
        row.reason = nil
        row.books = nil
        row.plugin = nil
        return row
    }

    /// A correction that was held because its drop was: that goes on, so this one does.
    func noLongerHeld(at now: UInt64) -> DropRecord {
        var row = with(.registered, at: now)
        row.reason = nil
        return row
    }

    /// The new drop that runs the bytes of this one again.
    func retrying(as id: DropID, force: Bool, at now: UInt64) -> DropRecord {
        DropRecord(
            id: id, source: source, fileName: fileName, bytes: bytes, digest: digest, state: .claimed, claimedAt: now,
            changedAt: now, intake: intake, link: DropLink(kind: .retries, drop: self.id), forced: force)
    }

    /// The drop `id` runs its bytes again: one delivery, one open drop.
    func retried(by id: DropID, at now: UInt64) -> DropRecord {
        var row = with(.retried, at: now)
        row.closedBy = DropClosing(drop: id, how: .retry)
        return row
    }

    /// The new drop of a corrected file that takes the place of this one.
    func replacing(as id: DropID, bytes: UInt64, force: Bool, at now: UInt64) -> DropRecord {
        var row = retrying(as: id, force: force, at: now)
        (row.bytes, row.digest) = (bytes, nil)
        return row
    }

    /// A held drop gives its place to the drop `id`.
    func replaced(by id: DropID, at now: UInt64) -> DropRecord {
        var row = discarded(at: now)
        row.closedBy = DropClosing(drop: id, how: .retry)
        return row
    }

    /// A held or quarantined drop is given up.
    func discarded(at now: UInt64) -> DropRecord { with(.discarded, at: now) }

    /// An applied drop that the archive cannot take is done without it. Its reason stays.
    func endedWithoutBytes(at now: UInt64) -> DropRecord {
        var row = with(.done, at: now)
        row.reason = reason.map {
            DropReason(
                code: $0.code, message: $0.message,
                hint: "What it says is in the graph and stays there. A person ended the drop: it is not in the archive, and what "
                    + "is left of its bytes lies in state/quarantine.")
        }
        return row
    }

    // MARK: - At a start

    /// The drop that was to run its bytes again came to nothing.
    func reopened() -> DropRecord {
        var row = self
        row.state = .quarantined
        row.closedBy = nil
        return row
    }

    /// Quarantined drops whose bytes are back, or could not be read, take their way again.
    func takenUpAgain() -> DropRecord {
        var row = self
        row.state = digest == nil ? .claimed : .registered
        // A defect is about what came before the claim: it is quarantined for it again, now with its bytes in the archive.
        if let reason, !SettledFile.defects.contains(reason.code) { row.reason = nil }
        return row
    }

    /// The archive closed the drop already, by what the chain says of it.
    func closed(in place: ArchivedItem, because reason: DropReason, at now: UInt64) -> DropRecord {
        let isDiscarded = place.kind == DropState.discarded.rawValue
        var row = placed(in: place).with(isDiscarded ? .discarded : .quarantined, reason, at: now)
        row.digest = place.content ?? digest
        return row
    }

    /// What is left of an archived drop is known: its place, and that it is done.
    func finished(in place: ArchivedItem?) -> DropRecord {
        var row = place.map(placed(in:)) ?? self
        if row.state.isApplied { row.state = .done }
        return row
    }

    private func placed(in place: ArchivedItem) -> DropRecord {
        var row = self
        row.container = place.container
        row.member = place.member
        return row
    }

    private func with(_ state: DropState, at now: UInt64) -> DropRecord {
        var row = self
        row.state = state
        row.changedAt = now
        return row
    }

    private func with(_ state: DropState, _ reason: DropReason, at now: UInt64) -> DropRecord {
        var row = with(state, at: now)
        row.reason = reason
        return row
    }
}
