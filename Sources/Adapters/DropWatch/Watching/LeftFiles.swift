import DropCore
import SystemKit

/// Files that are not taken as they are. Most stay, with a reason that is told once until it changes; some go to quarantine.
final class LeftFiles {
    /// How many names of a folder that cannot be used are looked up.
    private static let namesMax = 10_000

    private let state: WatchState
    private let reasons: FileReasons

    init(_ state: WatchState) {
        self.state = state
        reasons = FileReasons(state: state)
    }

    /// The file stays where it is.
    func leave(
        _ name: FileName, in folder: WatchedFolder, _ reason: WaitingReason, source: SourceName?, _ identity: FileIdentity
    ) {
        if case .left(let known, let seen)? = folder.entries[name]?.phase, known.code == reason.code,
            (seen.device, seen.inode) == (identity.device, identity.inode)
        {
            // The same file, still growing: report it only once.
            folder.entries[name]!.phase = .left(reason, identity)
            folder.entries[name]!.changed = identity.changeTime
            return
        }
        if case .delivered(let delivered, _)? = folder.entries[name]?.phase {
            folder.entries[name]!.phase = .delivered(delivered, again: true)
            return
        }
        var entry = WatchedFolder.Entry(
            .left(reason, identity), source: source, at: folder.entries[name]?.firstSeen ?? .now, generation: folder.generation)
        entry.changed = identity.changeTime
        entry.arrival = folder.entries[name]?.arrival ?? .unknown
        folder.entries[name] = entry
        state.counters.refused += 1
        emit(name, in: folder)
    }

    /// Reports a file that stays, with the reason in its entry.
    func emit(_ name: FileName, in folder: WatchedFolder) {
        guard state.purpose != .looking,
            case .waiting(let reason, let source, let age)? = reasons.knowledge(of: name, in: folder.path)
        else {
            return
        }
        state.handler.left(WaitingFile(source: source, folder: folder.path.description, name: name, reason: reason, age: age))
    }

    /// The root is not scanned: every name in its folder has that reason.
    func leaveAll(of watchRoot: WatchRoot, because error: DropError) {
        let reason = WaitingReason(error)
        var roots: [WatchedFolder] = []
        for folder in state.folders.all where folder.watchRoot === watchRoot { roots.append(folder) }
        for folder in roots {
            if error.code == .folderMissing {
                state.forgetFiles(of: folder)
                continue
            }
            let generation = folder.generation
            var names = Array(folder.entries.keys)
            if folder.path == watchRoot.root, let open = try? watchRoot.root.open(below: watchRoot.root),
                let reader = try? FolderReader(FileName("."), in: open.number)
            {
                var entries: [FolderReader.Entry] = []
                if (try? reader.next(max: Self.namesMax, into: &entries)) != nil {
                    names = entries.filter { $0.isFolder != true }.map(\.name)
                    folder.entries = folder.entries.filter { known in names.contains(known.key) }
                }
            }
            for name in names where !name.bytes.starts(with: NameRule.ownPrefix) {
                if case .delivered? = folder.entries[name]?.phase { continue }
                if case .left(let known, _)? = folder.entries[name]?.phase, known.code == reason.code { continue }
                if case .ignored = folder.routing.answer(for: name) { continue }
                let facts = (try? state.folders.descriptor(of: folder)).flatMap { try? SystemCall.facts(of: name, in: $0) }
                var entry = WatchedFolder.Entry(
                    .left(reason, facts?.identity ?? FileIdentity(device: 0, inode: 0, changeTime: 0)),
                    source: owner(of: name, in: folder), at: folder.entries[name]?.firstSeen ?? .now, generation: generation)
                entry.changed = facts?.changed ?? 0
                folder.entries[name] = entry
            }
        }
    }

    private func owner(of name: FileName, in folder: WatchedFolder) -> SourceName? {
        switch folder.routing.answer(for: name) {
        case .data(let member), .marker(let member): member.source.name
        default: folder.routing.isRoot ? nil : folder.routing.members.first?.source.name
        }
    }

    /// A call on the file failed.
    func failed(_ error: SystemError, _ name: FileName, in folder: WatchedFolder) {
        switch error.kind {
        case .missing, .noFolder:
            guard let entry = folder.entries[name] else { return }
            if case .delivered(let identity, _) = entry.phase {
                folder.entries[name]!.phase = .delivered(identity, again: true)
                return
            }
            if entry.isSettling { state.counters.vanished += 1 }
            folder.entries[name] = nil
        case .lockedAway, .forbidden:
            let facts = (try? state.folders.descriptor(of: folder)).flatMap { try? SystemCall.facts(of: name, in: $0) }
            let identity = facts?.identity ?? FileIdentity(device: 0, inode: 0, changeTime: 0)
            let reason = WaitingReason(
                .permissionDenied, "\(name) may not be read: \(SystemError.text(error.number)).",
                hint: "Let the user TwinDrop runs as read it.")
            if folder.entries[name]?.isSettling == true { folder.entries[name]!.due = nil }
            leave(name, in: folder, reason, source: owner(of: name, in: folder), identity)
        default:
            // It became a link just now, or something is short, or the medium failed. Look again in a second, and use its state
            // then.
            let now = Instant.now
            let again = now + .seconds(1)
            if case .delivered(let identity, _)? = folder.entries[name]?.phase {
                folder.entries[name]!.phase = .delivered(identity, again: true)
                return
            }
            let reason = WaitingReason(.unreadable, "\(name) cannot be looked at: \(error).")
            leave(
                name, in: folder, reason, source: owner(of: name, in: folder), FileIdentity(device: 0, inode: 0, changeTime: 0))
            folder.entries[name]?.due = again
            if state.purpose != .looking { state.due.add(Inbox.Hint(folder: folder.path, name: name), due: again) }
        }
    }

    /// Delivers a file with a defect, so that it is quarantined.
    func quarantine(
        _ name: FileName, in folder: WatchedFolder, _ source: WatchedSource, _ facts: FileFacts, _ defect: DropError
    ) {
        guard let path = folder.path.text else { return }
        folder.entries[name]?.due = nil
        folder.entries[name]?.isStillOpen = defect.code == SettledFile.stillOpen
        folder.entries[name]?.phase = .delivered(facts.identity, again: false)
        state.ready.append(
            SettledFile(
                source: source.name, folder: path, name: name, bytes: facts.bytes, identity: facts.identity, defect: defect))
    }
}
