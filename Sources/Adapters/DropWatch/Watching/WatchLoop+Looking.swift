import DropCore
import SystemKit

extension WatchLoop {
    /// Looks at one name: decides whether the file is complete, and what to do about it if it is not.
    ///
    /// - Parameters:
    ///   - arrival: how it came to its name, as far as an event told just now.
    ///   - occasion: why it is looked at.
    func look(
        at name: FileName, in folder: WatchedFolder, arrival: Settling.Arrival = .unknown, on occasion: Occasion = .event
    ) {
        let answer = folder.routing.answer(for: name)
        if case .ours = answer { return noteOwnName(name, in: folder) }
        guard folder.watchRoot.isUsable else { return }
        if case .marker(let member) = answer { return lookAtMarker(name, in: folder, of: member, on: occasion) }
        if arrival != .unknown { note(arrival, of: name, in: folder) }
        do {
            let descriptor = try descriptor(of: folder)
            let facts = try SystemCall.facts(of: name, in: descriptor)
            if facts.kind == .folder, !isNamedByPattern(name, in: folder) {
                return lookAtSubfolder(name, in: folder, descriptor, facts)
            }
            // A link that leads to a source's folder is that source's folder.
            if facts.kind != .file, watchRoots.contains(where: { $0.root == folder.path.appending(name) }) { return }
            switch answer {
            case .ours, .marker: return
            case .ignored, .unmatched, .several:
                guard let (reason, source) = reason(byNameOf: name, in: folder) else { return }
                leave(name, in: folder, reason, source: source, facts.identity)
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
            failed(error, name, in: folder)
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

    /// The sources that a file may belong to, and the rule by which it is complete.
    struct Candidate {
        let members: [Routing.Member]
        let rule: ReadinessRule

        /// The only source; nil if plugins must be asked.
        var source: WatchedSource? { members.count == 1 && !isAsked ? members[0].source : nil }
        var bytesMax: UInt64 { members.map(\.source.fileBytesMax).max() ?? .max }
        private let isAsked: Bool

        init(members: [Routing.Member], rule: ReadinessRule, isAsked: Bool = false) {
            self.members = members
            self.rule = rule
            self.isAsked = isAsked
        }
    }

    private func note(_ arrival: Settling.Arrival, of name: FileName, in folder: WatchedFolder) {
        guard let known = folder.entries[name] else { return }
        if known.arrival != .renamed { folder.entries[name]?.arrival = arrival }
    }

    private func isNamedByPattern(_ name: FileName, in folder: WatchedFolder) -> Bool {
        folder.routing.members.contains { $0.names.matchesPattern(name) }
    }

    /// An ordinary subfolder. It is reported if it is not empty and no source scans it.
    private func lookAtSubfolder(_ name: FileName, in folder: WatchedFolder, _ descriptor: CInt, _ facts: FileFacts) {
        let path = folder.path.appending(name)
        if self.folder(at: path) != nil || watchRoots.contains(where: { $0.root.components(below: path) != nil }) { return }
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
        leave(
            name, in: folder, WaitingReason(.notWatched, sentence, hint: "Move what is in it into a source's folder."),
            source: source, facts.identity)
    }

    /// Why a file of this name is never taken; nil if the name does not prevent it.
    func reason(byNameOf name: FileName, in folder: WatchedFolder) -> (WaitingReason, source: SourceName?)? {
        let names = folder.routing.members.map(\.source.name)
        let only = names.count == 1 && !folder.routing.isRoot ? names[0] : nil
        switch folder.routing.answer(for: name) {
        case .ours, .data, .marker, .ask: return nil
        case .ignored(let pattern):
            let sentence = "\(name) matches \(pattern), a pattern of temporary names, so it is never taken."
            return (WaitingReason(.temporaryName, sentence), only)
        case .several(let sources):
            let all = sources.map(\.text).joined(separator: " and of ")
            return (WaitingReason(.severalRoutes, "\(name) fits the patterns of \(all)."), nil)
        case .unmatched:
            if folder.routing.isRoot {
                let sentence = "\(name) lies in the drop zone itself, and no source's patterns fit its name."
                return (WaitingReason(.noRoute, sentence), nil)
            }
            let owner = only.map { "source \($0)" } ?? "sources " + names.map(\.text).joined(separator: ", ")
            return (WaitingReason(.unmatchedName, "No pattern of \(owner) matches \(name), so it stays where it is."), only)
        }
    }

    /// Files that can never be taken as they are.
    private static func refusal(of name: FileName, _ facts: FileFacts, _ candidate: Candidate) -> WaitingReason? {
        guard facts.kind == .file else {
            return WaitingReason(.notAFile, "\(name) is a \(facts.kind.rawValue), not a file.")
        }
        let bytes = max(facts.bytes, facts.bytesAllocated > facts.bytes + (64 << 20) ? facts.bytesAllocated : 0)
        guard bytes <= candidate.bytesMax else {
            return WaitingReason(.tooBig, "\(name) has \(bytes) bytes; the source takes at most \(candidate.bytesMax).")
        }
        return nil
    }

    private func look(
        at name: FileName, in folder: WatchedFolder, _ candidate: Candidate, _ descriptor: CInt, _ facts: FileFacts,
        on occasion: Occasion, _ arrival: Settling.Arrival
    ) throws(SystemError) {
        if let reason = Self.refusal(of: name, facts, candidate) {
            return leave(name, in: folder, reason, source: candidate.source?.name, facts.identity)
        }
        let now = Instant.now
        let isNew = folder.entries[name]?.isSettling != true
        guard var settling = settling(name, in: folder, candidate, facts, on: occasion, at: now) else { return }
        if arrival != .unknown { note(arrival, of: name, in: folder) }
        let owner = candidate.source?.name
        if isNew, mustWait(owner, on: occasion) {
            return queue(name, in: folder, changed: facts.changed, of: owner, since: nil)
        }
        let vouching = vouching(for: name, candidate, descriptor)
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
        if purpose == .looking { return false }
        return switch occasion {
        case .event: ready.isBusy(owner)
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
            if !isUnchanged, !ready.isInOrderOfNames(owner) {
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
        if folder.entries[name] == nil { counters.seen += 1 }
        let rule = candidate.rule
        let polled = purpose == .watching && folder.watchRoot.isPolled(folder.path)
        let age = Duration.nanoseconds(max(0, SystemClock.wall() - facts.changed))
        let isComplete =
            complete == DropWatcher.CompleteFile(folder: folder.path, name: name, inode: facts.identity.inode)
        let settle = polled ? max(rule.settle, timing.settleWithoutEvents) : rule.settle
        let settling = Settling(
            rule: rule, settle: isComplete ? .zero : settle, at: now,
            stillSince: purpose == .looking ? Instant(nanoseconds: now.nanoseconds - age.wholeNanoseconds) : stillSince)
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
            return leave(name, in: folder, WaitingReason(.notRenamed), source: candidate.source?.name, facts.identity)
        }
        entry.phase = .settling(settling, waiting)
        entry.due = until
        if let until, purpose != .looking { due.add(Inbox.Hint(folder: folder.path, name: name), due: until) }
        if case .marker(let markers) = waiting { for marker in markers { folder.awaiting[marker, default: []].insert(name) } }
        let isNew = entry.lastReason != waiting.code
        entry.lastReason = waiting.code
        folder.entries[name] = entry
        if isNew { emit(name, in: folder) }
        let timeout = candidate.rule.writerTimeout
        if purpose != .looking, case .writer = waiting, !entry.isStillOpen, let held = settling.heldStill(at: .now),
            held >= timeout, let source = candidate.source
        {
            quarantine(name, in: folder, source, facts, Self.stillOpen(name, timeout))
        }
    }

    private static func stillOpen(_ name: FileName, _ timeout: Duration) -> DropError {
        DropError(
            SettledFile.stillOpen, "A program has had \(name) open for writing for \(timeout.shown) without changing it.",
            hint:
                "What it holds now is kept. End the program (`fuser` names it): the file stays, and is taken when it is closed.",
            remedy: .quarantine)
    }

    /// Delivers a file with a defect, so that it is quarantined.
    private func quarantine(
        _ name: FileName, in folder: WatchedFolder, _ source: WatchedSource, _ facts: FileFacts, _ defect: DropError
    ) {
        guard let path = folder.path.text else { return }
        folder.entries[name]?.due = nil
        folder.entries[name]?.isStillOpen = defect.code == SettledFile.stillOpen
        folder.entries[name]?.phase = .delivered(facts.identity, again: false)
        ready.append(
            SettledFile(
                source: source.name, folder: path, name: name, bytes: facts.bytes, identity: facts.identity, defect: defect))
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
            source?.readiness.provesEnd != true && truncation.doubts(facts.identity, isVouchedFor: marker != nil)
        let defect = isDoubted ? TruncationRule.defect(of: name) : nil
        if purpose == .looking {
            let sentence = defect.map { "\($0.message) It goes to quarantine." }
            let reason = copying?.reason(for: name, facts) ?? WaitingReason(.ready, sentence, hint: defect?.hint)
            entry.phase = .left(reason, facts.identity)
            folder.entries[name] = entry
            return
        }
        folder.entries[name] = entry
        guard !mustWait(source?.name, on: occasion), ready.hasRoom(source?.name) else {
            return queue(name, in: folder, changed: facts.changed, of: source?.name, since: found.stillSince)
        }
        folder.entries[name]?.phase = .delivered(facts.identity, again: false)
        guard let source else {
            unrouted.append(
                UnroutedFile(
                    folder: path, name: name, bytes: facts.bytes, identity: facts.identity, defect: defect,
                    candidates: candidate.members.map(\.source.name)))
            return
        }
        ready.append(
            SettledFile(
                source: source.name, folder: path, name: name, bytes: facts.bytes, identity: facts.identity, marker: marker,
                expectedDigest: digest, defect: defect))
    }

    // MARK: Markers

    private func vouching(for name: FileName, _ candidate: Candidate, _ descriptor: CInt) -> Settling.Vouching {
        guard candidate.rule.kind == .marker, let member = candidate.members.first else { return .notAsked }
        return Self.vouching(member.names.markers(for: name), in: descriptor)
    }

    /// Reads the first marker there is.
    private static func vouching(_ candidates: [FileName], in folder: CInt) -> Settling.Vouching {
        for marker in candidates {
            do {
                let file = try SystemCall.openFile(marker, in: folder)
                guard try SystemCall.facts(of: file.number).kind == .file else { return .unreadable(marker, "it is not a file") }
                // Its writer has not finished, so it may be incomplete.
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
                if !error.isMissing { return .unreadable(marker, SystemError.text(error.number)) }
            }
        }
        return .missing(candidates)
    }

    private func lookAtMarker(
        _ name: FileName, in folder: WatchedFolder, of member: Routing.Member, on occasion: Occasion
    ) {
        if folder.entries[name] == nil {
            folder.entries[name] = WatchedFolder.Entry(
                .marker, source: member.source.name, at: .now, generation: folder.generation)
            if let facts = (try? descriptor(of: folder)).flatMap({ try? SystemCall.facts(of: name, in: $0) }) {
                folder.entries[name]!.changed = facts.changed
            }
        }
        var waiting = folder.awaiting[name] ?? []
        waiting.insert(member.names.stem(of: name))
        for data in waiting {
            if case .data = folder.routing.answer(for: data) { look(at: data, in: folder, on: occasion) }
        }
    }

    /// A marker stays until its data comes; after the writer timeout it is quarantined.
    func quarantineMarkersWithoutData(in folder: WatchedFolder) {
        let now = Instant.now
        var vouchedFor: Set<FileName>?
        for (name, entry) in folder.entries {
            guard case .marker = entry.phase, case .marker(let member) = folder.routing.answer(for: name) else { continue }
            let limit = member.rule.writerTimeout
            guard now - entry.firstSeen >= limit else { continue }
            let known =
                vouchedFor
                ?? Set(
                    folder.entries.keys.flatMap { data -> [FileName] in
                        if case .data(let owner) = folder.routing.answer(for: data) { owner.names.markers(for: data) } else { [] }
                    })
            vouchedFor = known
            // Gone, or not readable: the next scan reports it.
            guard !known.contains(name),
                let facts = (try? descriptor(of: folder)).flatMap({ try? SystemCall.facts(of: name, in: $0) }),
                facts.kind == .file
            else { continue }
            counters.markersWithoutData += 1
            quarantine(
                name, in: folder, member.source, facts,
                DropError(
                    SettledFile.markerWithoutData,
                    "The marker \(name) was there for more than \(limit.shown), and its data file did not come.",
                    hint: "Deliver the data file with a new marker.", remedy: .quarantine))
        }
    }
}
