import DropCore
import SystemKit

/// Reads folders, a piece at a time. Where what lies there may be older than what events tell of, the files are gathered first
/// (docs/decisions/0046).
final class FolderScans {
    /// Entries read from a folder before the next root has its turn.
    private static let pieceMax = 512
    /// When this many files of a source wait, its folder is not read again, unless names may have been missed.
    private static let waitingMax = 4096

    private let state: WatchState

    /// Whoever watches gathers first.
    init(_ state: WatchState) {
        self.state = state
        for watchRoot in state.folders.roots {
            if state.purpose == .looking { watchRoot.scans.gathering = .none } else { pause(watchRoot) }
        }
    }

    /// A piece of a folder.
    struct Piece {
        let scan: ScanJob
        var entries: [FolderReader.Entry] = []
        /// Whether it is the folder's last one.
        var isLast = false
    }

    /// Events may be lost. What they told of must not come after what later ones tell of.
    func scanEverything() {
        for watchRoot in state.folders.roots {
            gather(watchRoot)
            watchRoot.nextScan = .now
        }
    }

    func scan(_ path: FolderPath, deep: Bool, gathers: Bool) {
        guard let folder = state.folders.folder(at: path), folder.watchRoot.isUsable else { return }
        queueScan(of: path, in: folder.watchRoot, deep: deep, gathers: gathers)
    }

    func queueScan(of path: FolderPath, in watchRoot: WatchRoot, deep: Bool, gathers: Bool) {
        let gathers = gathers && state.purpose != .looking
        if gathers {
            if watchRoot.scans.gathering == .none { pause(watchRoot) }
            if watchRoot.scans.gathering == .none || path == watchRoot.root { watchRoot.scans.gathering = .running }
        }
        watchRoot.scans.add(path, deep: deep, gathers: gathers)
    }

    /// Reads the next piece of the root's scan; nil when there is none.
    func next(of watchRoot: WatchRoot) -> Piece? {
        if watchRoot.scans.current == nil { startScan(of: watchRoot) }
        guard let scan = watchRoot.scans.current else { return nil }
        var piece = Piece(scan: scan)
        do {
            piece.isLast = try !scan.reader.next(max: Self.pieceMax, into: &piece.entries)
        } catch {
            state.handler.alarm("The folder \(scan.folder.path) cannot be read: \(error).")
            watchRoot.scans.current = nil
            return nil
        }
        if piece.isLast { watchRoot.scans.current = nil }
        return piece
    }

    /// Whether there is more to read at once.
    func hasMore(of watchRoot: WatchRoot) -> Bool {
        watchRoot.scans.current != nil || watchRoot.scans.hasNext(others: !isFull(watchRoot))
    }

    private func startScan(of watchRoot: WatchRoot) {
        // While many files of a source wait, the landing folder is the queue: it is read again when the source has room.
        guard let next = watchRoot.scans.next(others: !isFull(watchRoot)) else { return }
        let path = next.folder
        guard let folder = state.folders.folder(at: path) else { return }
        do {
            let reader = try FolderReader(FileName("."), in: try state.folders.descriptor(of: folder))
            folder.generation &+= 1
            watchRoot.scans.current = ScanJob(folder, deep: next.deep, gathers: next.gathers, reader: reader)
        } catch {
            folder.handle = nil
            if error.isMissing, path != watchRoot.root { return state.forget(folder) }
            if !error.isMissing, state.purpose != .looking {
                state.handler.alarm("The folder \(path) cannot be read: \(SystemError.text(error.number)).")
            }
            if path == watchRoot.root { watchRoot.nextScan = min(watchRoot.nextScan, Instant.now + state.timing.rescanRemote) }
        }
    }

    /// Whether so many files of the root's sources wait that its folders are not read again for now.
    func isFull(_ watchRoot: WatchRoot) -> Bool {
        watchRoot.sources.contains { state.ready.waiting(of: $0.name) >= Self.waitingMax }
    }

    /// None of the root's owners hands over a file until its folders were read as a whole: what lies there may be older than what
    /// events tell of.
    func gather(_ watchRoot: WatchRoot) {
        guard state.purpose != .looking, watchRoot.isUsable else { return }
        switch watchRoot.scans.gathering {
        case .none:
            pause(watchRoot)
            watchRoot.scans.gathering = .announced
        case .announced: break
        case .running:
            // Files leave in between: whoever causes loss after loss must not stop them for good.
            if !watchRoot.scans.willGather(watchRoot.root) { watchRoot.scans.gathersAgain = true }
        }
    }

    private func pause(_ watchRoot: WatchRoot) {
        watchRoot.scans.paused = watchRoot.owners
        state.ready.pause(watchRoot.owners)
    }

    /// A file of the owner lies in the root: while the root's files are gathered, the owner pauses too.
    func noteFound(_ owner: SourceName?, in watchRoot: WatchRoot) {
        guard watchRoot.scans.gathering == .running, !watchRoot.scans.paused.contains(owner) else { return }
        watchRoot.scans.paused.append(owner)
        state.ready.pause([owner])
    }

    func endGathering(of watchRoot: WatchRoot) {
        watchRoot.scans.gathersAgain = false
        guard watchRoot.scans.gathering != .none else { return }
        watchRoot.scans.gathering = .none
        state.ready.resume(watchRoot.scans.paused)
        watchRoot.scans.paused = []
    }

    func endGatheringWhenRead(_ watchRoot: WatchRoot) {
        guard watchRoot.scans.gathering == .running, !watchRoot.scans.isGathering else { return }
        let again = watchRoot.scans.gathersAgain
        endGathering(of: watchRoot)
        guard again else { return }
        watchRoot.scans.gathersAgain = true
        watchRoot.nextScan = .now
    }
}
