import DropCore

/// Files of a source are handed over in their order, and no source delays another: the files that a source has in work are
/// bounded, and further files stay where they are (docs/decisions/0046).
extension WatchLoop {
    /// When this many files of a source wait, its folder is not read again, unless names may have been missed.
    private static let waitingMax = 4096
    /// Files of an owner that have their turn before the others go on.
    private static let turnsMax = 512

    /// Puts the file among those of its owner that wait for their turn.
    ///
    /// - Parameter since: of a complete file, since when it has not changed.
    func queue(_ name: FileName, in folder: WatchedFolder, changed: Int64, of owner: SourceName?, since: Instant?) {
        folder.entries[name]?.phase = .queued(since: since)
        folder.entries[name]?.due = nil
        folder.entries[name]?.changed = changed
        ready.add(Inbox.Hint(folder: folder.path, name: name), changed: changed, of: owner)
    }

    /// Looks at files whose turn it is, as far as their owners have room; whether more could have their turn at once.
    ///
    /// Those of one call have one instant, from which on they must be still: so they become complete together, in their order.
    func takeTurns() -> Bool {
        var isMore = false
        for owner in ready.owners {
            let now = Instant.now
            var left = Self.turnsMax
            while left > 0, let turn = ready.next(of: owner) {
                left -= 1
                guard let folder = folders[turn.file.folder], let entry = folder.entries[turn.file.name],
                    case .queued = entry.phase, entry.changed == turn.changed
                else { continue }
                look(at: turn.file.name, in: folder, on: .turn(now))
                if ready.count >= Self.batchMax { deliver() }
            }
            if ready.hasNext(of: owner) { isMore = true }
        }
        return isMore
    }

    /// Whether so many files of the root's sources wait that its folders are not read again for now.
    func isFull(_ watchRoot: WatchRoot) -> Bool {
        watchRoot.sources.contains { ready.waiting(of: $0.name) >= Self.waitingMax }
    }

    // MARK: Gathering

    /// None of the root's owners hands over a file until its folders were read as a whole: what lies there may be older than what
    /// events tell of.
    func gather(_ watchRoot: WatchRoot) {
        guard purpose != .looking, watchRoot.isUsable else { return }
        switch watchRoot.gathering {
        case .none:
            ready.pause(watchRoot.owners)
            watchRoot.gathering = .announced
        case .announced: break
        case .running:
            let isToCome = watchRoot.pending.contains { $0.folder == watchRoot.root && $0.gathers }
            // Files leave in between: whoever causes loss after loss must not stop them for good.
            if !isToCome { watchRoot.gathersAgain = true }
        }
    }

    func endGathering(of watchRoot: WatchRoot) {
        watchRoot.gathersAgain = false
        guard watchRoot.gathering != .none else { return }
        watchRoot.gathering = .none
        ready.resume(watchRoot.owners)
    }

    func endGatheringWhenRead(_ watchRoot: WatchRoot) {
        guard watchRoot.gathering == .running, !watchRoot.hasGatheringScan else { return }
        let again = watchRoot.gathersAgain
        endGathering(of: watchRoot)
        guard again else { return }
        watchRoot.gathersAgain = true
        watchRoot.nextScan = .now
    }
}
