import DropCore
import Glibc

extension WatchLoop {
    /// Looks at one name: decides whether the file is complete, and what to do about it if it is not.
    func look(at name: FileName, in folder: WatchedFolder) {
        let feed = folder.feed
        switch feed.names.answer(for: name) {
        case .ours: return noteOwnName(name, in: folder)
        case .ignored, .unmatched: return
        case .marker: return lookAtMarker(name, in: folder)
        case .data: break
        }
        guard feed.isUsable else { return }
        do {
            let descriptor = try descriptor(of: folder)
            let facts = try SystemCall.facts(of: name, in: descriptor)
            if let error = Self.refusal(of: name, facts, feed) {
                if facts.kind == .folder, !feed.names.matchesPattern(name) { return }  // An ordinary subfolder.
                return refuse(name, in: folder, error, identity: facts.identity)
            }
            try look(at: name, in: folder, descriptor, facts)
        } catch {
            failed(error, name, in: folder)
        }
    }

    /// Files that can never be taken as they are.
    static func refusal(of name: FileName, _ facts: FileFacts, _ feed: Feed) -> DropError? {
        guard facts.kind == .file else {
            return DropError(
                "not-a-file", "\(name) is a \(facts.kind.rawValue), not a file.",
                hint: "Put the file itself into the folder; links, FIFOs and devices are never followed.",
                remedy: .retry(after: .seconds(30)))
        }
        let bytes = max(facts.bytes, facts.bytesAllocated > facts.bytes + (64 << 20) ? facts.bytesAllocated : 0)
        guard bytes <= feed.fileBytesMax else {
            return DropError(
                "too-big", "\(name) has \(bytes) bytes; the source takes at most \(feed.fileBytesMax).",
                hint: "Deliver it in parts, or raise the source's limit.", remedy: .retry(after: .seconds(30)))
        }
        return nil
    }

    private func look(
        at name: FileName, in folder: WatchedFolder, _ descriptor: CInt, _ facts: FileFacts
    ) throws(SystemCallError) {
        let now = Instant.now
        var settling: Settling
        switch folder.entries[name]?.phase {
        case .settling(let known, _): settling = known
        case .delivered(let identity, _):
            folder.entries[name]!.phase = .delivered(identity, again: true)
            return
        case .refused(let error, let identity):
            if identity == facts.identity, error.code != "permission-denied" { return }
            settling = begin(name, in: folder, at: now)
        case .unrouted(let identity):
            if identity == facts.identity { return }
            settling = begin(name, in: folder, at: now)
        case .marker, nil: settling = begin(name, in: folder, at: now)
        }
        let vouching = vouching(for: name, in: folder, descriptor)
        var verdict = settling.look(facts, vouching: vouching, at: now)
        if verdict == .probe {
            let file = try SystemCall.openFile(name, in: descriptor)
            let opened = try SystemCall.facts(of: file.number)
            verdict = settling.probed(ReadLease.probe(file.number), opened, at: now)
        }
        switch verdict {
        case .ready, .probe: ready(name, in: folder, facts, vouching, at: now)
        case .wait(let waiting, let until): wait(name, in: folder, settling, facts, waiting, until: until)
        }
    }

    private func begin(_ name: FileName, in folder: WatchedFolder, at now: Instant) -> Settling {
        counters.seen += 1
        let rule = folder.feed.rule
        let polled = !once && folder.feed.isPolled(folder.path)
        let settling = Settling(rule: rule, settle: polled ? max(rule.settle, timing.settleWithoutEvents) : rule.settle, at: now)
        folder.entries[name] = WatchedFolder.Entry(
            phase: .settling(settling, nil), firstSeen: now, generation: folder.generation, due: nil)
        return settling
    }

    private func wait(
        _ name: FileName, in folder: WatchedFolder, _ settling: Settling, _ facts: FileFacts, _ waiting: Settling.Waiting,
        until: Instant?
    ) {
        guard var entry = folder.entries[name] else { return }
        entry.phase = .settling(settling, waiting)
        entry.due = until
        if let until { due.add(Inbox.Hint(folder: folder.path, name: name), due: until) }
        if case .marker(let markers) = waiting { for marker in markers { folder.awaiting[marker, default: []].insert(name) } }
        folder.entries[name] = entry
        let timeout = folder.feed.rule.writerTimeout
        if case .writer = waiting, !entry.isStillOpen, let held = settling.heldStill(at: .now), held >= timeout {
            quarantine(name, in: folder, facts, Self.stillOpen(name, timeout))
        }
    }

    private static func stillOpen(_ name: FileName, _ timeout: Duration) -> DropError {
        DropError(
            SettledFile.stillOpen, "A program has had \(name) open for writing for \(timeout.shown) without changing it.",
            hint:
                "What it holds now is kept. End the program (`fuser` names it): the file stays, and is taken when it is closed.",
            remedy: .quarantine)
    }

    /// Delivers a file as one to be quarantined; where no source is responsible it is only told about.
    private func quarantine(_ name: FileName, in folder: WatchedFolder, _ facts: FileFacts, _ defect: DropError) {
        guard let path = folder.path.text, let source = source(of: name, in: folder) else {
            return tell(name, in: folder, defect)
        }
        folder.entries[name]?.due = nil
        folder.entries[name]?.isStillOpen = defect.code == SettledFile.stillOpen
        folder.entries[name]?.phase = .delivered(facts.identity, again: false)
        batch.append(
            SettledFile(
                source: source.name, folder: path, name: name, bytes: facts.bytes, identity: facts.identity, defect: defect))
    }

    /// Whose file it is by folder or name.
    private func source(of name: FileName, in folder: WatchedFolder) -> WatchedSource? {
        guard let source = folder.feed.source else { return sources.first { NameRule($0).matchesPattern(name) } }
        return sources.first { $0.name == source }
    }

    private func ready(
        _ name: FileName, in folder: WatchedFolder, _ facts: FileFacts, _ vouching: Settling.Vouching, at now: Instant
    ) {
        guard let path = folder.path.text, var entry = folder.entries[name] else { return }
        entry.due = nil
        for marker in folder.feed.names.markers(for: name) { folder.awaiting[marker] = nil }
        var marker: FileName?
        var digest: ContentDigest?
        if case .present(let name, let manifest) = vouching { (marker, digest) = (name, manifest.digest) }
        let source = source(of: name, in: folder)
        let isDoubted =
            source?.readiness.provesEnd != true && truncation.doubts(facts.identity, isVouchedFor: marker != nil)
        let defect = isDoubted ? TruncationRule.defect(of: name) : nil
        guard let source else {
            entry.phase = .unrouted(facts.identity)
            folder.entries[name] = entry
            unrouted.append(
                UnroutedFile(folder: path, name: name, bytes: facts.bytes, identity: facts.identity, defect: defect))
            return
        }
        entry.phase = .delivered(facts.identity, again: false)
        folder.entries[name] = entry
        batch.append(
            SettledFile(
                source: source.name, folder: path, name: name, bytes: facts.bytes, identity: facts.identity, marker: marker,
                expectedDigest: digest, defect: defect))
    }

    // MARK: Markers

    private func vouching(for name: FileName, in folder: WatchedFolder, _ descriptor: CInt) -> Settling.Vouching {
        let candidates = folder.feed.names.markers(for: name)
        return Self.vouching(candidates, in: descriptor, asked: folder.feed.rule.kind == .marker)
    }

    /// Reads the first marker there is.
    static func vouching(_ candidates: [FileName], in folder: CInt, asked: Bool) -> Settling.Vouching {
        guard asked else { return .notAsked }
        for marker in candidates {
            do {
                let file = try SystemCall.openFile(marker, in: folder)
                guard try SystemCall.facts(of: file.number).kind == .file else { return .unreadable(marker, "it is not a file") }
                // Its writer has not finished yet; what is in it may be half.
                if ReadLease.probe(file.number) == .writerHasIt {
                    return .unreadable(marker, "a program has it open for writing")
                }
                guard let content = try SystemCall.contents(file.number, bytesMax: Manifest.bytesMax) else {
                    return .unreadable(marker, "it has more than \(Manifest.bytesMax) bytes")
                }
                switch Manifest.parse(content) {
                case .success(let manifest): return .present(marker, manifest)
                case .failure(let error): return .unreadable(marker, error.message)
                }
            } catch {
                if error.number != ENOENT { return .unreadable(marker, SystemCallError.text(error.number)) }
            }
        }
        return .missing(candidates)
    }

    private func lookAtMarker(_ name: FileName, in folder: WatchedFolder) {
        if folder.entries[name] == nil {
            folder.entries[name] = WatchedFolder.Entry(
                phase: .marker, firstSeen: .now, generation: folder.generation, due: nil)
        }
        var waiting = folder.awaiting[name] ?? []
        waiting.insert(folder.feed.names.stem(of: name))
        for data in waiting where folder.feed.names.answer(for: data) == .data { look(at: data, in: folder) }
    }

    /// A marker stays until its data comes; past the writer timeout it is quarantined.
    func quarantineMarkersWithoutData(in folder: WatchedFolder) {
        let limit = folder.feed.rule.writerTimeout
        let now = Instant.now
        let old = folder.entries.filter { _, entry in
            if case .marker = entry.phase { now - entry.firstSeen >= limit } else { false }
        }
        guard !old.isEmpty else { return }
        let vouchedFor = Set(
            folder.entries.keys.filter { folder.feed.names.answer(for: $0) == .data }.flatMap(folder.feed.names.markers))
        for (name, _) in old where !vouchedFor.contains(name) {
            // Gone, or not to be looked at: the next scan says so.
            guard let facts = (try? descriptor(of: folder)).flatMap({ try? SystemCall.facts(of: name, in: $0) }),
                facts.kind == .file
            else { continue }
            counters.markersWithoutData += 1
            quarantine(
                name, in: folder, facts,
                DropError(
                    SettledFile.markerWithoutData,
                    "The marker \(name) was there for more than \(limit.shown), and its data file did not come.",
                    hint: "Deliver the data file with a new marker.", remedy: .quarantine))
        }
    }

    // MARK: What becomes of files

    /// The file stays where it is; said once until it changes.
    func refuse(_ name: FileName, in folder: WatchedFolder, _ error: DropError, identity: FileIdentity) {
        if case .refused(let known, identity)? = folder.entries[name]?.phase, known.code == error.code { return }
        if case .delivered(let delivered, _)? = folder.entries[name]?.phase {
            folder.entries[name]!.phase = .delivered(delivered, again: true)
            return
        }
        let now = Instant.now
        folder.entries[name] = WatchedFolder.Entry(
            phase: .refused(error, identity), firstSeen: folder.entries[name]?.firstSeen ?? now, generation: folder.generation,
            due: nil)
        counters.refused += 1
        tell(name, in: folder, error)
    }

    private func tell(_ name: FileName, in folder: WatchedFolder, _ error: DropError) {
        handler.refused(RefusedFile(source: folder.feed.source, folder: folder.path.description, name: name, error: error))
    }

    /// A call on the file failed.
    private func failed(_ error: SystemCallError, _ name: FileName, in folder: WatchedFolder) {
        switch error.number {
        case ENOENT, ENOTDIR:
            guard let entry = folder.entries[name] else { return }
            if case .delivered(let identity, _) = entry.phase {
                folder.entries[name]!.phase = .delivered(identity, again: true)
                return
            }
            if case .settling = entry.phase { counters.vanished += 1 }
            folder.entries[name] = nil
        case EACCES, EPERM:
            let facts = (try? descriptor(of: folder)).flatMap { try? SystemCall.facts(of: name, in: $0) }
            let identity = facts?.identity ?? FileIdentity(device: 0, inode: 0, changeTime: 0)
            let refusal = DropError(
                "permission-denied", "\(name) may not be read: \(SystemCallError.text(error.number)).",
                hint: "Let the user TwinDrop runs as read it.", remedy: .retry(after: .seconds(30)))
            if let entry = folder.entries[name], case .settling = entry.phase { folder.entries[name]!.due = nil }
            refuse(name, in: folder, refusal, identity: identity)
        default:
            // ELOOP: it became a link just now; EMFILE, EIO and the like pass or stay: look again in a second, by its state then.
            let now = Instant.now
            let again = now + .seconds(1)
            if folder.entries[name] == nil { _ = begin(name, in: folder, at: now) }
            folder.entries[name]!.due = again
            due.add(Inbox.Hint(folder: folder.path, name: name), due: again)
        }
    }

    /// What became of files that were delivered.
    func note(_ file: SettledFile, _ result: ClaimResult) {
        guard let folder = folders[FolderPath(file.folder)], let entry = folder.entries[file.name],
            case .delivered(let identity, let again) = entry.phase, identity == file.identity
        else {
            if case .claimed = result { counters.claimed += 1 }
            return
        }
        let isMarker = folder.feed.names.answer(for: file.name) == .marker
        switch result {
        case .claimed where entry.isStillOpen, .refused where entry.isStillOpen:
            // What it held is in quarantine; the file itself is taken when its writer closes it.
            let at = Instant.now
            folder.entries[file.name]!.phase = .settling(
                Settling(rule: folder.feed.rule, settle: folder.feed.rule.settle, at: at), .writer(since: at))
            folder.entries[file.name]!.due = at + timing.claimRetry
            due.add(Inbox.Hint(folder: folder.path, name: file.name), due: at + timing.claimRetry)
        case .notYet where isMarker, .refused where isMarker: folder.entries[file.name]!.phase = .marker
        case .claimed:
            counters.claimed += 1
            folder.entries[file.name] = nil
            if let marker = file.marker { folder.entries[marker] = nil }
            if again { look(at: file.name, in: folder) }
        case .notYet(let reason):
            let at = Instant.now
            let settling = Settling(rule: folder.feed.rule, settle: folder.feed.rule.settle, at: at)
            var entry = entry
            entry.isStillOpen = false
            entry.phase = .settling(settling, .claim(reason))
            entry.due = at + timing.claimRetry
            folder.entries[file.name] = entry
            due.add(Inbox.Hint(folder: folder.path, name: file.name), due: at + timing.claimRetry)
        case .refused(let error):
            folder.entries[file.name]!.phase = .settling(Settling(rule: folder.feed.rule, settle: .zero, at: .now), nil)
            refuse(file.name, in: folder, error, identity: file.identity)
            if again { look(at: file.name, in: folder) }
        }
    }
}
