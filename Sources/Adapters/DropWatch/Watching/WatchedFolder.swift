import DropCore
import SystemKit

/// What is known about the files in one folder.
final class WatchedFolder {
    struct Entry {
        enum Phase {
            indirect case settling(Settling, Settling.Waiting?)
            /// It waits for its turn, and is looked at then (`ReadyFiles`). What was complete already has not changed since
            /// `since`; of what nobody has looked at closely it is nil.
            case queued(since: Instant?)
            /// Delivered to the pipeline; `again` when something happened to the name since.
            case delivered(FileIdentity, again: Bool)
            /// Stays until it changes, or somebody does something about it.
            indirect case left(WaitingReason, FileIdentity)
            case marker
        }

        var phase: Phase
        /// Its source; nil if it belongs to none.
        var source: SourceName?
        let firstSeen: Instant
        /// When it came or changed last, by its file system's clock; 0 if nobody looked.
        var changed: Int64 = 0
        /// The last scan that saw it.
        var generation: UInt32
        /// When to check it again.
        var due: Instant?
        /// A copy went to quarantine while a writer kept it open. This must not happen a second time.
        var isStillOpen = false
        /// How it got its name, as far as events showed.
        var arrival = Settling.Arrival.unknown
        /// Claims in a row that failed for lack of room.
        var refusals = 0
        /// What was last said of it.
        var lastReason: WaitingReason.Code?
        /// It is checked again after some time, because a plugin had no answer yet.
        var isAsked = false

        init(_ phase: Phase, source: SourceName?, at now: Instant, generation: UInt32) {
            self.phase = phase
            self.source = source
            firstSeen = now
            self.generation = generation
        }
    }

    let path: FolderPath
    let watchRoot: WatchRoot
    let routing: Routing
    var entries: [FileName: Entry] = [:]
    /// Data files by the marker each waits for.
    var awaiting: [FileName: Set<FileName>] = [:]
    var generation: UInt32 = 0
    /// Opened when needed; closed when another folder may have the name.
    var handle: LandingFolders.OpenFolder?

    init(_ path: FolderPath, watchRoot: WatchRoot, routing: Routing) {
        self.path = path
        self.watchRoot = watchRoot
        self.routing = routing
    }

    func open() throws(SystemError) -> CInt {
        if let handle { return handle.descriptor.number }
        let opened = LandingFolders.OpenFolder(try path.open(below: watchRoot.root))
        handle = opened
        return opened.descriptor.number
    }
}
