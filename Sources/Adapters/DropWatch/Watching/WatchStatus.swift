package import DropCore

/// How a source learns of new files.
package enum WatchMode: Sendable, Equatable, CustomStringConvertible {
    /// The helper process has not answered yet.
    case starting
    /// Events wake the scanner; a timer scans as well.
    case events
    /// Only a timer scans, for this reason.
    case polling(String)
    /// The folder cannot be used; tried again.
    case unavailable(DropError)

    package var description: String {
        switch self {
        case .starting: "starting"
        case .events: "events"
        case .polling(let reason): "polling (\(reason))"
        case .unavailable(let error):
            "not watched (\(error.code)): \(error.message.hasSuffix(".") ? String(error.message.dropLast()) : error.message)"
        }
    }
}

/// One source as `status` shows it.
package struct SourceStatus: Sendable, Equatable {
    package let source: SourceName
    package let mode: WatchMode
    /// Sentences about what does not work fully: subtrees without a watch, a folder where renaming is not allowed.
    package let alarms: [String]
    /// Files seen that are neither claimed nor refused.
    package let waiting: Int
    /// Files that stay where they are, each with a reason that `why` prints.
    package let refused: Int
    /// How long the oldest waiting file has been known.
    package let oldestWaiting: Duration?
}

/// A landing folder that is not scanned.
package struct UnusedFolder: Sendable, Equatable {
    /// Its sources; none for the drop zone itself.
    package let sources: [SourceName]
    /// Safe to show.
    package let folder: String
    package let reason: WaitingReason
    /// How long this has lasted, as far as the watcher knows.
    package let since: Duration
}

/// What the watcher has done since it started.
package struct WatchCounters: Sendable, Equatable {
    /// Files looked at for the first time, or again after they were replaced.
    package var seen = 0
    /// Handed to the pipeline (again after a claim that was not possible).
    package var settled = 0
    /// Gone before they were claimed.
    package var vanished = 0
    package var refused = 0
    package var claimed = 0
    /// Times the kernel's queue overflowed.
    package var overflows = 0
    /// Times the helper was started again.
    package var restarts = 0
    package var scans = 0
    /// Markers whose data did not come within the writer timeout.
    package var markersWithoutData = 0

    package init() {}
}

/// A complete file that fits the patterns of no source, or of several, so that plugins must be asked.
package struct UnroutedFile: Sendable, Equatable {
    package let folder: String
    package let name: FileName
    package let bytes: UInt64
    package let identity: FileIdentity
    /// As of `SettledFile`.
    package let defect: DropError?
    /// The sources whose plugins may be asked.
    package let candidates: [SourceName]

    /// The file as one of `source`, for the pipeline.
    package func settled(for source: SourceName) -> SettledFile {
        SettledFile(source: source, folder: folder, name: name, bytes: bytes, identity: identity, defect: defect)
    }
}

/// The source of an unrouted file, by the plugins of its candidates.
package enum RouteAnswer: Sendable, Equatable {
    case source(SourceName)
    case nobody(WaitingReason)
    /// A plugin is busy: ask again.
    case later
}

/// Where the watcher delivers. All calls come from the watcher's own thread, one at a time; `room` also.
package struct WatchHandler: Sendable {
    /// Complete files, in the order of their last change. May block when there is no `room`. Nothing is scanned meanwhile: the
    /// landing folder is the queue.
    package let settled: @Sendable ([SettledFile]) -> Void
    /// The sources of files that could belong to several, in the order of the files.
    package let route: @Sendable ([UnroutedFile]) -> [RouteAnswer]
    /// A file that waits, with its reason: called when the reason changes.
    package let left: @Sendable (WaitingFile) -> Void
    /// How many more files of a source `settled` takes without blocking; nil if that is not known.
    package let room: (@Sendable (SourceName) -> Int)?
    /// A sentence for the log: a source is watched by events, the helper was restarted.
    package let note: @Sendable (String) -> Void
    /// A sentence about what does not work fully: a source is polled or cannot be used, a folder cannot be read.
    package let alarm: @Sendable (String) -> Void

    package init(
        settled: @escaping @Sendable ([SettledFile]) -> Void,
        route: @escaping @Sendable ([UnroutedFile]) -> [RouteAnswer] = { $0.map { _ in .nobody(WaitingReason(.noRoute)) } },
        left: @escaping @Sendable (WaitingFile) -> Void = { _ in }, room: (@Sendable (SourceName) -> Int)? = nil,
        note: @escaping @Sendable (String) -> Void = { _ in }, alarm: (@Sendable (String) -> Void)? = nil
    ) {
        self.settled = settled
        self.route = route
        self.left = left
        self.room = room
        self.note = note
        self.alarm = alarm ?? note
    }
}

/// The watcher's times (docs/failure-model.md, "When a file is complete").
package struct WatchTiming: Sendable, Equatable {
    /// Full scan beside events.
    package var rescan: Duration = .seconds(30)
    /// How often each landing folder is checked: is it still the same folder?
    package var glance: Duration = .seconds(1)
    /// Full scan of a network or unknown file system.
    package var rescanRemote: Duration = .seconds(5)
    /// Full scan where events should arrive and do not.
    package var rescanPolled: Duration = .seconds(2)
    /// Least settle time of a `stable` source if no events arrive.
    package var settleWithoutEvents: Duration = .seconds(10)
    /// How long the probe file's event may take.
    package var probe: Duration = .seconds(2)
    /// How long after an impossible claim the file is checked again.
    package var claimRetry: Duration = .milliseconds(500)
    /// How long after a claim for which there was no room; it doubles up to a minute.
    package var roomRetry: Duration = .seconds(1)
    /// First pause before the helper is started again; it doubles up to a minute.
    package var restart: Duration = .milliseconds(100)

    package init() {}
}
