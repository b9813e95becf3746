import DropCore
import HomeReports
import Logging
import ThreadKit

/// Logs files and drops that stay, each with its reason: a line a file, as long as they are not too many at once.
final class LeftLog: Sendable {
    private struct State {
        var second: UInt64 = 0
        var lines = 0
        var suppressed = 0
        var drops: Set<DropID> = []
        /// Source and reason of files that have waited for long.
        var old: Set<String> = []
    }

    private let log: Logger
    private let state = Monitor(State())
    /// Lines in one second.
    private static let linesMax = 50

    init(_ log: Logger) { self.log = log }

    /// A file whose reason to wait has changed.
    func note(_ file: WaitingFile) {
        let isUrgent = file.reason.code.attention == .atOnce
        let level: Logger.Level = isUrgent ? .warning : .debug
        guard log.logLevel <= level, hasRoom() else { return }
        log.log(
            level: level, isUrgent ? "A file stays where it is." : "A file waits.",
            metadata: metadata(file.reason).merging(
                ["file": "\(file.folder)/\(file.name)", "source": "\(file.source?.text ?? "-")"]
            ) { first, _ in first })
    }

    /// Drops that do not go on, and files that should have gone on by now: those that were not told of yet.
    func note(_ report: WaitingReport) {
        let (drops, groups) = state.with { state in
            let new = report.drops.filter { drop in
                !state.drops.contains(drop.record.id) && drop.needsPerson && !drop.reason.code.isOfStorage
            }
            state.drops = Set(report.drops.filter(\.needsPerson).map(\.record.id))
            let old = report.groups.filter { $0.needsPerson && $0.code.attention == .whenOld }
            let names = old.map { "\($0.source ?? "")\n\($0.code.rawValue)" }
            let fresh = zip(names, old).filter { !state.old.contains($0.0) }.map(\.1)
            state.old = Set(names)
            return (new, fresh)
        }
        for drop in drops where hasRoom() {
            log.warning(
                "A drop waits.",
                metadata: metadata(drop.reason).merging(
                    [
                        "drop.id": "\(drop.record.id)", "file": "\(drop.record.fileName)", "source": "\(drop.record.source)",
                    ]
                ) { first, _ in first })
        }
        for group in groups {
            log.warning(
                "Files have waited for long.",
                metadata: metadata(group.reason).merging(
                    [
                        "source": "\(group.source ?? "-")", "files": "\(group.files)", "seconds": "\(group.oldestSeconds)",
                        "file": "\(group.names)",
                    ]
                ) { first, _ in first })
        }
    }

    func metadata(_ reason: WaitingReason) -> Logger.Metadata {
        ["reason": "\(reason.code.rawValue)", "why": "\(reason.message)", "next": "\(reason.hint)"]
    }

    private func hasRoom() -> Bool {
        let now = WallClock.milliseconds() / 1000
        let (hasRoom, suppressed) = state.with { state in
            var suppressed = 0
            if state.second != now {
                (state.second, state.lines, suppressed, state.suppressed) = (now, 0, state.suppressed, 0)
            }
            state.lines += 1
            if state.lines > Self.linesMax { state.suppressed += 1 }
            return (state.lines <= Self.linesMax, suppressed)
        }
        if suppressed > 0 {
            log.warning("More files stay where they are than are logged one by one.", metadata: ["files": "\(suppressed)"])
        }
        return hasRoom
    }
}
