import DropCore
import SystemKit

/// The results of files. Some stay, with a reason that is reported once until it changes. Others were delivered, and were taken
/// or not.
extension WatchLoop {
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
        counters.refused += 1
        emit(name, in: folder)
    }

    /// Reports a file that stays, with the reason in its entry.
    func emit(_ name: FileName, in folder: WatchedFolder) {
        guard purpose != .looking, case .waiting(let reason, let source, let age)? = knowledge(of: name, in: folder.path) else {
            return
        }
        handler.left(WaitingFile(source: source, folder: folder.path.description, name: name, reason: reason, age: age))
    }

    /// How many names of a folder that cannot be used are looked up.
    private static let namesMax = 10_000

    /// The feed is not scanned: every name in its folder has that reason.
    func leaveAll(of watchRoot: WatchRoot, because error: DropError) {
        let reason = WaitingReason(error)
        var roots: [WatchedFolder] = []
        for folder in folders.values where folder.watchRoot === watchRoot { roots.append(folder) }
        for folder in roots {
            if error.code == .folderMissing {
                forgetFiles(of: folder)
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
                let facts = (try? descriptor(of: folder)).flatMap { try? SystemCall.facts(of: name, in: $0) }
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
            if entry.isSettling { counters.vanished += 1 }
            folder.entries[name] = nil
        case .lockedAway, .forbidden:
            let facts = (try? descriptor(of: folder)).flatMap { try? SystemCall.facts(of: name, in: $0) }
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
            if purpose != .looking { due.add(Inbox.Hint(folder: folder.path, name: name), due: again) }
        }
    }

    // MARK: Delivering

    /// Delivers complete files, oldest change first. Blocks while the pipeline is full, unless the handler says how much room it
    /// has.
    func deliver() {
        if !unrouted.isEmpty {
            let files = unrouted
            unrouted = []
            for (file, answer) in zip(files, handler.route(files)) { route(file, answer) }
        }
        guard !batch.isEmpty else { return }
        // Change times are as coarse as the kernel's tick: names decide between equals.
        let files = batch.sorted {
            $0.identity.changeTime != $1.identity.changeTime
                ? $0.identity.changeTime < $1.identity.changeTime : $0.name.bytes.lexicographicallyPrecedes($1.name.bytes)
        }
        batch.removeAll(keepingCapacity: true)
        counters.settled += files.count
        handler.settled(files)
    }

    private func route(_ file: UnroutedFile, _ answer: RouteAnswer) {
        guard let folder = folders[FolderPath(file.folder)], folder.entries[file.name] != nil else { return }
        switch answer {
        case .source(let name):
            folder.entries[file.name]!.source = name
            batch.append(file.settled(for: name))
        case .nobody(let reason):
            folder.entries[file.name]!.phase = .marker  // Not delivered after all.
            leave(file.name, in: folder, reason, source: nil, file.identity)
        case .later:
            let at = Instant.now
            folder.entries[file.name]!.phase = .queued
            folder.entries[file.name]!.due = at + .seconds(5)
            folder.entries[file.name]!.isAsked = true
            due.add(Inbox.Hint(folder: folder.path, name: file.name), due: at + .seconds(5))
        }
    }

    /// The results of files that were delivered.
    func note(_ file: SettledFile, _ result: ClaimResult) {
        guard let folder = folders[FolderPath(file.folder)], let entry = folder.entries[file.name],
            case .delivered(let identity, let again) = entry.phase, identity == file.identity
        else {
            if case .claimed = result { counters.claimed += 1 }
            return
        }
        let rule = sources.first { $0.name == file.source }?.readiness ?? ReadinessRule()
        switch result {
        case .claimed where entry.isStillOpen, .refused where entry.isStillOpen:
            // A copy is in quarantine; the file itself is taken when its writer closes it.
            let at = Instant.now
            let settling = Settling(rule: rule, settle: rule.settle, at: at)
            retry(file.name, in: folder, settling, .writer(since: at), at + timing.claimRetry)
        case .notYet where isMarker(file.name, in: folder), .refused where isMarker(file.name, in: folder):
            folder.entries[file.name]!.phase = .marker
        case .claimed:
            counters.claimed += 1
            folder.entries[file.name] = nil
            if let marker = file.marker { folder.entries[marker] = nil }
            if again { look(at: file.name, in: folder) }
        case .notYet(let reason):
            let at = Instant.now
            folder.entries[file.name]!.isStillOpen = false
            if reason.code == .folderOwned { folder.watchRoot.nextScan = at }  // Another's since a moment: the root is checked.
            let isRoom = reason.code == .noRoom || reason.code == .diskFull
            let refusals = isRoom ? entry.refusals + 1 : 0
            folder.entries[file.name]!.refusals = refusals
            // Somebody must make room. So the watcher asks less and less often, at least once a minute.
            let pause = isRoom ? min(timing.roomRetry * (1 << min(refusals - 1, 12)), .seconds(60)) : timing.claimRetry
            retry(file.name, in: folder, Settling(rule: rule, settle: rule.settle, at: at), .claim(reason), at + pause)
        case .refused(let error):
            folder.entries[file.name]!.phase = .settling(Settling(rule: rule, settle: .zero, at: .now), nil)
            leave(file.name, in: folder, WaitingReason(error), source: file.source, file.identity)
            if again { look(at: file.name, in: folder) }
        }
    }

    private func retry(
        _ name: FileName, in folder: WatchedFolder, _ settling: Settling, _ waiting: Settling.Waiting, _ at: Instant
    ) {
        let isNew = folder.entries[name]?.lastReason != waiting.code
        folder.entries[name]!.phase = .settling(settling, waiting)
        folder.entries[name]!.lastReason = waiting.code
        folder.entries[name]!.due = at
        due.add(Inbox.Hint(folder: folder.path, name: name), due: at)
        if isNew { emit(name, in: folder) }
    }

    private func isMarker(_ name: FileName, in folder: WatchedFolder) -> Bool {
        if case .marker = folder.routing.answer(for: name) { true } else { false }
    }
}

extension Settling.Waiting {
    /// What of it everybody is told.
    var code: WaitingReason.Code {
        switch self {
        case .stable: .settling
        case .marker: .markerMissing
        case .manifest: .manifest
        case .writer: .writer
        case .rename: .notRenamed
        case .claim(let reason): reason.code
        }
    }
}
