import DropCore
import SystemKit

/// Hands complete files over, and takes what became of them.
final class HandOver {
    /// Files handed over in one call.
    static let batchMax = 256

    private let state: WatchState
    private let left: LeftFiles
    private let looks: FileLooks

    init(_ state: WatchState, left: LeftFiles, looks: FileLooks) {
        (self.state, self.left, self.looks) = (state, left, looks)
    }

    /// Delivers complete files, each source's in their order. Blocks while the pipeline is full, unless the handler says how much
    /// room it has.
    func deliver() {
        if !state.unrouted.isEmpty {
            let files = state.unrouted
            state.unrouted = []
            for (file, answer) in zip(files, state.handler.route(files)) { route(file, answer) }
        }
        let files = state.ready.takeBatch()
        guard !files.isEmpty else { return }
        state.counters.settled += files.count
        state.handler.settled(files)
    }

    private func route(_ file: UnroutedFile, _ answer: RouteAnswer) {
        guard let folder = state.folders[FolderPath(file.folder)], folder.entries[file.name] != nil else { return }
        switch answer {
        case .source(let name):
            folder.entries[file.name]!.source = name
            state.ready.append(file.settled(for: name))
        case .nobody(let reason):
            folder.entries[file.name]!.phase = .marker  // Not delivered after all.
            left.leave(file.name, in: folder, reason, source: nil, file.identity)
        case .later:
            let at = Instant.now
            folder.entries[file.name]!.phase = .queued(since: at)
            folder.entries[file.name]!.due = at + .seconds(5)
            folder.entries[file.name]!.isAsked = true
            state.due.add(Inbox.Hint(folder: folder.path, name: file.name), due: at + .seconds(5))
        }
    }

    /// The results of files that were delivered.
    func note(_ file: SettledFile, _ result: ClaimResult) {
        guard let folder = state.folders[FolderPath(file.folder)], let entry = folder.entries[file.name],
            case .delivered(let identity, let again) = entry.phase, identity == file.identity
        else {
            if case .claimed = result { state.counters.claimed += 1 }
            return
        }
        let rule = state.sources.first { $0.name == file.source }?.readiness ?? ReadinessRule()
        switch result {
        case .claimed where entry.isStillOpen, .refused where entry.isStillOpen:
            // A copy is in quarantine; the file itself is taken when its writer closes it.
            let at = Instant.now
            let settling = Settling(rule: rule, settle: rule.settle, at: at)
            retry(file.name, in: folder, settling, .writer(since: at), at + state.timing.claimRetry)
        case .notYet where isMarker(file.name, in: folder), .refused where isMarker(file.name, in: folder):
            folder.entries[file.name]!.phase = .marker
        case .claimed:
            state.counters.claimed += 1
            folder.entries[file.name] = nil
            if let marker = file.marker { folder.entries[marker] = nil }
            if again { looks.look(at: file.name, in: folder) }
        case .notYet(let reason):
            let at = Instant.now
            folder.entries[file.name]!.isStillOpen = false
            if reason.code == .folderOwned { folder.watchRoot.nextScan = at }  // Another's since a moment: the root is checked.
            let isRoom = reason.code == .noRoom || reason.code == .diskFull
            let refusals = isRoom ? entry.refusals + 1 : 0
            folder.entries[file.name]!.refusals = refusals
            // Somebody must make room. So the watcher asks less and less often, at least once a minute.
            let pause =
                isRoom ? min(state.timing.roomRetry * (1 << min(refusals - 1, 12)), .seconds(60)) : state.timing.claimRetry
            retry(file.name, in: folder, Settling(rule: rule, settle: rule.settle, at: at), .claim(reason), at + pause)
        case .refused(let error):
            folder.entries[file.name]!.phase = .settling(Settling(rule: rule, settle: .zero, at: .now), nil)
            left.leave(file.name, in: folder, WaitingReason(error), source: file.source, file.identity)
            if again { looks.look(at: file.name, in: folder) }
        }
    }

    private func retry(
        _ name: FileName, in folder: WatchedFolder, _ settling: Settling, _ waiting: Settling.Waiting, _ at: Instant
    ) {
        let isNew = folder.entries[name]?.lastReason != waiting.code
        folder.entries[name]!.phase = .settling(settling, waiting)
        folder.entries[name]!.lastReason = waiting.code
        folder.entries[name]!.due = at
        state.due.add(Inbox.Hint(folder: folder.path, name: name), due: at)
        if isNew { left.emit(name, in: folder) }
    }

    private func isMarker(_ name: FileName, in folder: WatchedFolder) -> Bool {
        if case .marker = folder.routing.answer(for: name) { true } else { false }
    }
}
