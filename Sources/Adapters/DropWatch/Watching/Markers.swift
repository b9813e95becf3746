import DropCore
import SystemKit

/// The files beside data files that say they are complete.
struct Markers {
    let state: WatchState

    static func vouching(for name: FileName, _ candidate: Candidate, _ descriptor: CInt) -> Settling.Vouching {
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

    /// Takes note of a marker; the data files that may be complete by it.
    func note(_ name: FileName, in folder: WatchedFolder, of member: Routing.Member) -> Set<FileName> {
        if folder.entries[name] == nil {
            folder.entries[name] = WatchedFolder.Entry(
                .marker, source: member.source.name, at: .now, generation: folder.generation)
            if let facts = (try? state.folders.descriptor(of: folder)).flatMap({ try? SystemCall.facts(of: name, in: $0) }) {
                folder.entries[name]!.changed = facts.changed
            }
        }
        var waiting = folder.awaiting[name] ?? []
        waiting.insert(member.names.stem(of: name))
        return waiting
    }

    /// A marker stays until its data comes; after the writer timeout it is quarantined.
    func quarantineAlone(in folder: WatchedFolder, _ left: LeftFiles) {
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
                let facts = (try? state.folders.descriptor(of: folder)).flatMap({ try? SystemCall.facts(of: name, in: $0) }),
                facts.kind == .file
            else { continue }
            state.counters.markersWithoutData += 1
            left.quarantine(
                name, in: folder, member.source, facts,
                DropError(
                    SettledFile.markerWithoutData,
                    "The marker \(name) was there for more than \(limit.shown), and its data file did not come.",
                    hint: "Deliver the data file with a new marker.", remedy: .quarantine))
        }
    }
}
