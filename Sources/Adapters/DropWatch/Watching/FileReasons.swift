import DropCore
import SystemKit

/// What is known about a file, in the words that everybody is told.
struct FileReasons {
    let state: WatchState

    /// What the watcher knows about one file.
    package enum Knowledge: Sendable, Equatable {
        /// Delivered to the pipeline, which will take it soon.
        case delivered
        case waiting(WaitingReason, source: SourceName?, age: Duration)
    }

    func knowledge(of name: FileName, in path: FolderPath) -> Knowledge? {
        guard let folder = state.folders[path], let entry = folder.entries[name] else { return nil }
        if entry.isDelivered { return .delivered }
        let file = waitingFile(name, entry, in: folder, at: .now)
        return .waiting(file.reason, source: file.source, age: file.age)
    }

    func waitingFile(
        _ name: FileName, _ entry: WatchedFolder.Entry, in folder: WatchedFolder, at now: Instant
    ) -> WaitingFile {
        let seen = now - entry.firstSeen
        let age = entry.changed == 0 ? seen : max(seen, .nanoseconds(max(0, SystemClock.wall() - entry.changed)))
        return WaitingFile(
            source: entry.source, folder: folder.path.description, name: name,
            reason: reason(entry, in: folder, at: now), age: age)
    }

    private func reason(_ entry: WatchedFolder.Entry, in folder: WatchedFolder, at now: Instant) -> WaitingReason {
        switch entry.phase {
        case .delivered, .queued: WaitingReason(.queued)
        case .left(let reason, _): reason
        case .marker: WaitingReason(.marker)
        case .settling(_, nil): WaitingReason(.settling)
        case .settling(let settling, let waiting?):
            if case .stable(let since, let needed) = waiting, needed > settling.asked {
                whilePolled(folder, still: now - since, needed, settling.asked)
            } else {
                waiting.reason(of: entry.source.map { "source \($0)" } ?? "the drop zone", at: now)
            }
        }
    }

    /// Of a file that has to be still for longer than its source asks for, because no events would tell of a change.
    private func whilePolled(
        _ folder: WatchedFolder, still: Duration, _ needed: Duration, _ asked: Duration
    ) -> WaitingReason {
        let why = folder.watchRoot.whyPolled(folder.path).map { " (\($0))" } ?? ""
        let later =
            folder.watchRoot.remote == nil
            ? " Events are tried again by themselves; once they arrive, \(asked.shown) are enough, as configured." : ""
        return WaitingReason(
            .settling,
            "Its folder is polled\(why), so it must be unchanged for \(needed.shown). \(still.shown) have passed.",
            hint: "It is taken then.\(later)")
    }
}

extension WatchedFolder.Entry {
    var isSettling: Bool { if case .settling = phase { true } else { false } }

    var isDelivered: Bool { if case .delivered = phase { true } else { false } }
}

extension Settling.Waiting {
    /// The reason that everybody is told.
    func reason(of owner: String, at now: Instant) -> WaitingReason {
        switch self {
        case .stable(let since, let needed):
            WaitingReason(
                .settling, "It has been unchanged for \((now - since).shown) of the \(needed.shown) that \(owner) asks for.")
        case .marker(let names):
            WaitingReason(
                .markerMissing, "It waits for \(names.map(\.description).joined(separator: " or ")), which is not there.")
        case .manifest(let name, let why): WaitingReason(.manifest, "Its manifest \(name) does not agree with it: \(why).")
        case .writer(let since):
            WaitingReason(
                .writer,
                (now - since) > .seconds(1)
                    ? "A program has it open for writing, for at least \((now - since).shown)."
                    : "A program has it open for writing.")
        case .rename: WaitingReason(.notRenamed)
        case .claim(let reason): reason
        }
    }

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
