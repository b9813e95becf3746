package import DropCore
import ThreadKit

/// Watches the landing folders and delivers complete files (docs/failure-model.md, "When a file is complete").
///
/// It has two threads: one reads the helper's events into a bounded inbox, the other decides. Events only wake it; the folders
/// are the truth. All methods are safe from any thread.
package final class DropWatcher: Sendable {
    private struct State {
        var inbox = Inbox()
        var isWatching = false
        var status: [SourceStatus] = []
        var counters = WatchCounters()
    }

    private let sources: [WatchedSource]
    private let dropZone: String?
    private let ownership: FolderOwnership?
    private let timing: WatchTiming
    private let handler: WatchHandler
    private let truncation: TruncationRule
    private let owner: Routing.Owner
    private let events: EventStream?
    private let state: Monitor<State>
    private let thread = Monitor<NamedThread?>(nil)

    /// - Parameters:
    ///   - sources: their folders are absolute. Sources may share a folder, and folders may be inside one another.
    ///   - dropZone: the drop zone's root, whose own files are routed by the sources' patterns; nil to leave it alone.
    ///   - helperPath: `twindrop-watch`, absolute; nil polls only.
    ///   - ownership: nil takes folders over without asking (tests).
    ///   - truncation: which files are doubted since a power cut. They are delivered with that defect.
    ///   - owner: the source of a drop, asked about names of corrected rejects that no pattern of a shared folder fits; nil where
    ///     it is not known. Called on the watcher's thread.
    package init(
        sources: [WatchedSource], dropZone: String? = nil, helperPath: String?, ownership: FolderOwnership? = nil,
        timing: WatchTiming = WatchTiming(), truncation: TruncationRule = TruncationRule(),
        owner: @escaping @Sendable (DropID) -> SourceName? = { _ in nil }, handler: WatchHandler
    ) {
        self.sources = sources
        self.dropZone = dropZone
        self.ownership = ownership
        self.timing = timing
        self.handler = handler
        self.truncation = truncation
        self.owner = owner
        let state = Monitor(State())
        self.state = state
        let watchRoots = WatchRoot.all(sources, dropZone: dropZone, at: .now)
        // A folder inside another tree is watched with that tree.
        let watched = watchRoots.filter { watchRoot in
            !watchRoots.contains { $0.recursive && $0.root != watchRoot.root && $0.covers(watchRoot.root) }
        }.map { (path: $0.root, recursive: $0.recursive) }
        events = helperPath.map { path in
            EventStream(path: path, folders: watched, pause: timing.restart) { signals in
                state.with { state in for signal in signals { Self.take(signal, into: &state.inbox) } }
            }
        }
    }

    /// Starts watching. Once.
    package func start() {
        if events == nil { state.with { $0.inbox.signal(.down("Events are switched off.", failures: 2)) } }
        events?.start()
        thread.with { $0 = NamedThread("drop-watch") { [self] in run() } }
    }

    /// Waits until what happens in the folders is noticed, by events or by polling; false when it takes longer than `timeout`.
    package func waitUntilWatching(timeout: Duration) -> Bool {
        state.wait(until: { $0.isWatching }, timeout: timeout) { $0.isWatching }
    }

    /// Stops. No call to the handler is running when it returns.
    package func stop() {
        state.with { $0.inbox.stopping = true }
        events?.stop()
        thread.with { $0 }?.join()
    }

    /// Looks at all folders now.
    package func rescanNow() { state.with { $0.inbox.scanEverything() } }

    /// Reports what happened to delivered files. A file that could not be claimed is checked again, a refused one when it
    /// changes.
    package func noteClaims(_ results: [(SettledFile, ClaimResult)]) { state.with { $0.inbox.note(results) } }

    /// Per source; the last known state while a full pipeline blocks the watcher.
    package func status() -> [SourceStatus] {
        ask({ $0.answers.status() }) ?? state.with { $0.status }
    }

    package func counters() -> WatchCounters { state.with { $0.counters } }

    /// The first `limit` files that wait, each with its reason, and the folders that are not scanned; nil while a full pipeline
    /// blocks the watcher.
    package func waiting(limit: Int) -> Waiting? {
        ask { Waiting(files: $0.answers.waiting(limit: limit), folders: $0.answers.unusedFolders()) }
    }

    /// What waits in the landing folders.
    package struct Waiting: Sendable, Equatable {
        package let files: [WaitingFile]
        package let folders: [UnusedFolder]

        package init(files: [WaitingFile], folders: [UnusedFolder]) {
            self.files = files
            self.folders = folders
        }
    }

    /// What the watcher knows about a file; nil when it knows nothing, or a full pipeline blocks it.
    func knowledge(of name: FileName, in folder: FolderPath) -> FileReasons.Knowledge? {
        ask { $0.answers.knowledge(of: name, in: folder) } ?? nil
    }

    /// The helper's process id, for tests.
    var helperProcess: Int32? { events?.helperProcess }

    private func ask<Answer: Sendable>(_ question: @escaping @Sendable (WatchLoop) -> Answer) -> Answer? {
        let answer = Monitor<Answer?>(nil)
        state.with { state in
            state.inbox.ask { loop in
                let value = question(loop)
                answer.with { $0 = value }
            }
        }
        return answer.wait(until: { $0 != nil }, timeout: .seconds(1)) { $0 }
    }

    private static func take(_ signal: EventStream.Signal, into inbox: inout Inbox) {
        guard case .frame(.event(let mask, let folder, let name)) = signal else { return inbox.signal(signal) }
        // A folder that matters has its own frame; the scan reports the others.
        if mask & HelperFrame.isFolder != 0 { return inbox.scan(folder) }
        let arrival: Settling.Arrival =
            mask & HelperFrame.movedTo != 0 ? .renamed : mask & HelperFrame.closedAfterWriting != 0 ? .written : .unknown
        inbox.hint(folder, name, arrival: arrival)
    }

    private func run() {
        let loop = WatchLoop(
            sources: sources, dropZone: dropZone, ownership: ownership, timing: timing, handler: handler,
            truncation: truncation, purpose: .watching, owner: owner)
        var idle = true
        while true {
            let timeout: Duration? = idle ? loop.nextDue.map { max($0 - .now, .zero) } : .zero
            let (inbox, hints) = state.wait(until: { !$0.inbox.isEmpty }, timeout: timeout) { $0.inbox.take() }
            if inbox.stopping { return }
            idle = loop.turn(inbox, hints: hints)
            state.with { state in
                state.isWatching = loop.isWatching
                state.counters = loop.state.counters
            }
        }
    }
}

extension DropWatcher {
    /// A file that is known to be complete, whatever its source's rule.
    package struct CompleteFile: Sendable, Equatable {
        let folder: FolderPath
        let name: FileName
        let inode: UInt64

        init(folder: FolderPath, name: FileName, inode: UInt64) {
            (self.folder, self.name, self.inode) = (folder, name, inode)
        }

        /// - Parameter folder: absolute.
        package init(folder: String, name: FileName, inode: UInt64) {
            self.init(folder: FolderPath(folder), name: name, inode: inode)
        }
    }

    /// Takes every file that is there now, without events: each has at most one settle interval to become complete (`run
    /// --once`). Returns what was left, and the folders that were not scanned.
    ///
    /// Runs on the caller's thread, in place of `start`. `claims` is called between deliveries, and returns what happened to
    /// delivered files since the last call. Files whose claim was not possible are tried again until the interval is over. While
    /// `mayClaim`, it waits for the result of every delivered file.
    ///
    /// - Parameter complete: a file whose writer is the caller, who knows that nothing more comes: it has no interval to wait
    ///   for.
    package func takePresent(
        complete: CompleteFile? = nil, claims: () -> [(SettledFile, ClaimResult)] = { [] }, mayClaim: () -> Bool = { false }
    ) -> Waiting {
        let loop = WatchLoop(
            sources: sources, dropZone: dropZone, ownership: ownership, timing: timing, handler: handler,
            truncation: truncation, purpose: .once, owner: owner)
        loop.looks.complete = complete
        let settle = (sources.map(\.readiness.settle) + (dropZone == nil ? [] : [ReadinessRule().settle])).max() ?? .zero
        let slack = Duration.milliseconds(50)
        var end: Instant?
        while true {
            var inbox = Inbox()
            inbox.note(claims())
            let idle = loop.turn(inbox, hints: [])
            if end == nil, idle {
                // Counted from the end of the scan, so that the last file found has its interval too.
                end = .now + settle + slack
                // A second timer scan would take files that came later.
                for watchRoot in loop.state.folders.roots { watchRoot.nextScan = Instant(nanoseconds: .max) }
            }
            if idle {
                let isPending = loop.answers.hasDelivered && mayClaim()
                let due = loop.state.due.earliest.flatMap { due in end.flatMap { due <= $0 ? due : nil } }
                guard isPending || due != nil else { break }
                let pause = due.map { max($0 - .now, .zero) } ?? .milliseconds(10)
                Monitor(()).wait(until: { false }, timeout: isPending ? min(pause, .milliseconds(10)) : pause) { _ in }
            }
        }
        state.with { $0.counters = loop.state.counters }
        return Waiting(files: loop.answers.leftFiles(), folders: loop.answers.unusedFolders())
    }

    /// Why the file at `path` (absolute) was or was not taken.
    package func why(_ path: String, named given: FileName? = nil) -> Explanation {
        let (folder, last) = Explainer.split(path)
        let name = given ?? last
        let explainer = Explainer(
            sources: sources, dropZone: dropZone, ownership: ownership, truncation: truncation, owner: owner)
        let found = explainer.explain(folder: folder, name: name, knowledge: knowledge(of: name, in: folder))
        // The watcher runs, but has not looked at it yet.
        guard found.reason?.code == .ready else { return found }
        return explainer.say(WaitingReason(.queued), found.source, found.age)
    }
}
