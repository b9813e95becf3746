import DropCore
import SystemKit

/// Looks at single files: decides whether one is complete, and what is to be done about it if it is not.
final class FileLooks {
    private let state: WatchState
    private let left: LeftFiles
    private let health: RootHealth
    private let scans: FolderScans
    private let markers: Markers
    /// Only for looking: whether there is room for files that must be copied.
    var copying: CopyRoom?
    /// Known to be complete: see `DropWatcher.takePresent`.
    var complete: DropWatcher.CompleteFile?

    init(_ state: WatchState, left: LeftFiles, health: RootHealth, scans: FolderScans) {
        (self.state, self.left, self.health, self.scans) = (state, left, health, scans)
        markers = Markers(state: state)
    }

    /// Looks at one name: decides whether the file is complete, and what to do about it if it is not.
    ///
    /// - Parameters:
    ///   - arrival: how it came to its name, as far as an event told just now.
    ///   - occasion: why it is looked at.
    func look(
        at name: FileName, in folder: WatchedFolder, arrival: Settling.Arrival = .unknown, on occasion: Occasion = .event
    ) {
        let answer = folder.routing.answer(for: name)
        if case .ours = answer { return health.noteOwnName(name, in: folder) }
        guard folder.watchRoot.isUsable else { return }
        if case .marker(let member) = answer {
            for data in markers.note(name, in: folder, of: member) {
                if case .data = folder.routing.answer(for: data) { look(at: data, in: folder, on: occasion) }
            }
            return
        }
        if arrival != .unknown { note(arrival, of: name, in: folder) }
        do {
            let descriptor = try state.folders.descriptor(of: folder)
            let facts = try SystemCall.facts(of: name, in: descriptor)
            // What waited was a file, and this is another thing.
            if facts.kind != .file, case .queued? = folder.entries[name]?.phase { folder.entries[name] = nil }
            if facts.kind == .folder, !folder.isNamedByPattern(name) {
                return lookAtSubfolder(name, in: folder, descriptor, facts)
            }
            // A link that leads to a source's folder is that source's folder.
            if facts.kind != .file, state.folders.roots.contains(where: { $0.root == folder.path.appending(name) }) { return }
            switch answer {
            case .ours, .marker: return
            case .ignored, .unmatched, .several:
                guard let (reason, source) = folder.reason(byNameOf: name) else { return }
                left.leave(name, in: folder, reason, source: source, facts.identity)
            case .data(let member):
                let candidate = Candidate(members: [member], rule: member.rule)
                try look(at: name, in: folder, candidate, descriptor, facts, on: occasion, arrival)
            case .ask(let members):
                let rule = members.count == 1 ? members[0].rule : Routing.askedRule
                let isAsked = folder.entries[name]?.isAsked == true
                try look(
                    at: name, in: folder, Candidate(members: members, rule: rule, isAsked: true), descriptor, facts,
                    on: isAsked ? .turn(.now) : occasion, arrival)
            }
        } catch {
            left.failed(error, name, in: folder)
        }
    }

    /// Why a file is looked at.
    enum Occasion {
        /// An event told of it, or its time has come.
        case event
        /// A scan found its name. What the scan finds beside it may come before it.
        case scan
        /// It waited for its turn, and this is when it has it.
        case turn(Instant)
    }

    private func note(_ arrival: Settling.Arrival, of name: FileName, in folder: WatchedFolder) {
        guard let known = folder.entries[name] else { return }
        if known.arrival != .renamed { folder.entries[name]?.arrival = arrival }
    }

    /// An ordinary subfolder. It is reported if it is not empty and no source scans it.
    private func lookAtSubfolder(_ name: FileName, in folder: WatchedFolder, _ descriptor: CInt, _ facts: FileFacts) {
        let path = folder.path.appending(name)
        if state.folders.folder(at: path) != nil
            || state.folders.roots.contains(where: { $0.root.components(below: path) != nil })
        {
            return
        }
        if case .ignored = folder.routing.answer(for: name) { return }
        var entries: [FolderReader.Entry] = []
        // A folder that cannot be read has nothing that could be taken.
        guard let reader = try? FolderReader(name, in: descriptor), (try? reader.next(max: 1, into: &entries)) != nil,
            !entries.isEmpty
        else { return }
        let source = folder.routing.isRoot ? nil : folder.routing.members.first?.source.name
        let sentence =
            source.map { "\(name) is a subfolder of source \($0), which does not look into subfolders (recursive: false)." }
            ?? "\(name) is a folder of no source."
        left.leave(
            name, in: folder, WaitingReason(.notWatched, sentence, hint: "Move what is in it into a source's folder."),
            source: source, facts.identity)
    }

    private func look(
        at name: FileName, in folder: WatchedFolder, _ candidate: Candidate, _ descriptor: CInt, _ facts: FileFacts,
        on occasion: Occasion, _ arrival: Settling.Arrival
    ) throws(SystemError) {
        if let reason = candidate.refusal(of: name, facts) {
            return left.leave(name, in: folder, reason, source: candidate.source?.name, facts.identity)
        }
        let now = Instant.now
        let isNew = folder.entries[name]?.isSettling != true
        guard var settling = settling(name, in: folder, candidate, facts, on: occasion, at: now) else { return }
        if arrival != .unknown { note(arrival, of: name, in: folder) }
        let owner = candidate.source?.name
        if isNew, mustWait(owner, on: occasion) {
            if case .scan = occasion { scans.noteFound(owner, in: folder.watchRoot) }
            return queue(name, in: folder, changed: facts.changed, of: owner, since: nil)
        }
        let vouching = Markers.vouching(for: name, candidate, descriptor)
        let known = folder.entries[name]?.arrival ?? .unknown
        var verdict = settling.look(facts, vouching: vouching, arrival: known, at: now)
        if verdict == .probe {
            let file = try SystemCall.openFile(name, in: descriptor)
            let opened = try SystemCall.facts(of: file.number)
            verdict = settling.probed(ReadLease.probe(file.number), opened, at: now)
        }
        switch verdict {
        case .ready, .probe:
            let found = Found(candidate: candidate, facts: facts, vouching: vouching, stillSince: settling.stillSince)
            ready(name, in: folder, found, on: occasion)
        case .wait(let waiting, let until): wait(name, in: folder, candidate, settling, facts, waiting, until: until)
        }
    }

    /// Whether a file has to wait for its turn: others may come before it.
    private func mustWait(_ owner: SourceName?, on occasion: Occasion) -> Bool {
        if state.purpose == .looking { return false }
        return switch occasion {
        case .event: state.ready.isBusy(owner)
        case .scan: true
        case .turn: false
        }
    }

    /// The state of the file's settling; nil when there is nothing to decide now.
    private func settling(
        _ name: FileName, in folder: WatchedFolder, _ candidate: Candidate, _ facts: FileFacts, on occasion: Occasion,
        at now: Instant
    ) -> Settling? {
        switch folder.entries[name]?.phase {
        case .settling(let known, _):
            folder.entries[name]!.changed = facts.changed
            return known
        case .queued(let since):
            guard case .turn(let turn) = occasion else { return nil }
            let owner = candidate.source?.name
            let isUnchanged = folder.entries[name]?.changed == facts.changed
            if !isUnchanged, !state.ready.isInOrderOfNames(owner) {
                queue(name, in: folder, changed: facts.changed, of: owner, since: nil)  // It has another place now.
                return nil
            }
            return begin(name, in: folder, candidate, facts, at: now, stillSince: isUnchanged ? since ?? turn : turn)
        case .delivered(let identity, _):
            folder.entries[name]!.phase = .delivered(identity, again: true)
            return nil
        case .left(let reason, let identity):
            // A reason that is not about the file itself may be over.
            let mayHavePassed = reason.code == .permissionDenied || reason.code.isOfFolder
            if identity == facts.identity, !mayHavePassed { return nil }
            return begin(name, in: folder, candidate, facts, at: now)
        case .marker, nil: return begin(name, in: folder, candidate, facts, at: now)
        }
    }

    private func begin(
        _ name: FileName, in folder: WatchedFolder, _ candidate: Candidate, _ facts: FileFacts, at now: Instant,
        stillSince: Instant? = nil
    ) -> Settling {
        if folder.entries[name] == nil { state.counters.seen += 1 }
        let rule = candidate.rule
        let polled = state.purpose == .watching && folder.watchRoot.isPolled(folder.path)
        let age = Duration.nanoseconds(max(0, SystemClock.wall() - facts.changed))
        let isComplete =
            complete == DropWatcher.CompleteFile(folder: folder.path, name: name, inode: facts.identity.inode)
        let settle = polled ? max(rule.settle, state.timing.settleWithoutEvents) : rule.settle
        let settling = Settling(
            rule: rule, settle: isComplete ? .zero : settle, at: now,
            stillSince: state.purpose == .looking ? Instant(nanoseconds: now.nanoseconds - age.wholeNanoseconds) : stillSince)
        var entry = WatchedFolder.Entry(
            .settling(settling, nil), source: candidate.source?.name, at: folder.entries[name]?.firstSeen ?? now,
            generation: folder.generation)
        entry.changed = facts.changed
        entry.arrival = folder.entries[name]?.arrival ?? .unknown
        entry.refusals = folder.entries[name]?.refusals ?? 0
        entry.lastReason = folder.entries[name]?.lastReason
        folder.entries[name] = entry
        return settling
    }

    private func wait(
        _ name: FileName, in folder: WatchedFolder, _ candidate: Candidate, _ settling: Settling, _ facts: FileFacts,
        _ waiting: Settling.Waiting, until: Instant?
    ) {
        guard var entry = folder.entries[name] else { return }
        if case .rename = waiting {
            return left.leave(name, in: folder, WaitingReason(.notRenamed), source: candidate.source?.name, facts.identity)
        }
        entry.phase = .settling(settling, waiting)
        entry.due = until
        if let until, state.purpose != .looking { state.due.add(Inbox.Hint(folder: folder.path, name: name), due: until) }
        if case .marker(let markers) = waiting { for marker in markers { folder.awaiting[marker, default: []].insert(name) } }
        let isNew = entry.lastReason != waiting.code
        entry.lastReason = waiting.code
        folder.entries[name] = entry
        if isNew { left.emit(name, in: folder) }
        let timeout = candidate.rule.writerTimeout
        if state.purpose != .looking, case .writer = waiting, !entry.isStillOpen, let held = settling.heldStill(at: .now),
            held >= timeout, let source = candidate.source
        {
            left.quarantine(name, in: folder, source, facts, Self.stillOpen(name, timeout))
        }
    }

    private static func stillOpen(_ name: FileName, _ timeout: Duration) -> DropError {
        DropError(
            SettledFile.stillOpen, "A program has had \(name) open for writing for \(timeout.shown) without changing it.",
            hint:
                "What it holds now is kept. End the program (`fuser` names it): the file stays, and is taken when it is closed.",
            remedy: .quarantine)
    }

    /// A complete file.
    private struct Found {
        let candidate: Candidate
        let facts: FileFacts
        let vouching: Settling.Vouching
        let stillSince: Instant
    }

    private func ready(_ name: FileName, in folder: WatchedFolder, _ found: Found, on occasion: Occasion) {
        guard let path = folder.path.text, var entry = folder.entries[name] else { return }
        let (candidate, facts, vouching) = (found.candidate, found.facts, found.vouching)
        entry.due = nil
        for member in candidate.members { for marker in member.names.markers(for: name) { folder.awaiting[marker] = nil } }
        var marker: FileName?
        var digest: ContentDigest?
        if case .present(let name, let manifest) = vouching { (marker, digest) = (name, manifest.digest) }
        let source = candidate.source
        let isDoubted =
            source?.readiness.provesEnd != true && state.truncation.doubts(facts.identity, isVouchedFor: marker != nil)
        let defect = isDoubted ? TruncationRule.defect(of: name) : nil
        if state.purpose == .looking {
            let sentence = defect.map { "\($0.message) It goes to quarantine." }
            let reason = copying?.reason(for: name, facts) ?? WaitingReason(.ready, sentence, hint: defect?.hint)
            entry.phase = .left(reason, facts.identity)
            folder.entries[name] = entry
            return
        }
        folder.entries[name] = entry
        guard !mustWait(source?.name, on: occasion), state.ready.hasRoom(source?.name) else {
            return queue(name, in: folder, changed: facts.changed, of: source?.name, since: found.stillSince)
        }
        folder.entries[name]?.phase = .delivered(facts.identity, again: false)
        guard let source else {
            state.unrouted.append(
                UnroutedFile(
                    folder: path, name: name, bytes: facts.bytes, identity: facts.identity, defect: defect,
                    candidates: candidate.members.map(\.source.name)))
            return
        }
        state.ready.append(
            SettledFile(
                source: source.name, folder: path, name: name, bytes: facts.bytes, identity: facts.identity, marker: marker,
                expectedDigest: digest, defect: defect))
    }

    /// Puts the file among those of its owner that wait for their turn.
    ///
    /// - Parameter since: of a complete file, since when it has not changed.
    private func queue(_ name: FileName, in folder: WatchedFolder, changed: Int64, of owner: SourceName?, since: Instant?) {
        folder.entries[name]?.phase = .queued(since: since)
        folder.entries[name]?.due = nil
        folder.entries[name]?.changed = changed
        state.ready.add(Inbox.Hint(folder: folder.path, name: name), changed: changed, of: owner)
    }
}
