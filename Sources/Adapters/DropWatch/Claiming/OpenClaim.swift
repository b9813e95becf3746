import DropCore
import SystemKit
import ThreadKit

/// The open files of one batch, on their way into the spool: steps 2 and 3 of `Claimer`.
final class OpenClaim: PreparedClaim {
    private typealias Place = (index: Int, claim: FileClaim)

    let openings: [ClaimOpening]
    private(set) var leasedDescriptor: CInt?
    private let spool: Descriptor
    private let spoolFolder: String
    private let folders: LandingFolders
    private let ordered: Set<SourceName>
    private let side: SideThread
    /// Files that were ready, with their places among all.
    private var ready: [Place] = []
    /// Of sources that keep an order: behind a file of theirs that cannot be claimed now the others wait.
    private var stopped: Set<SourceName>
    private var results: [ClaimResult?] = []
    /// Folders that files were moved out of.
    private var landings: Set<FolderPath> = []
    /// Whether the bytes of each file that is to be renamed are durable.
    private var filesSynced: SideJob<[Bool]>?
    private var spoolSynced: SideJob<Result<Void, SystemError>>?

    init(
        _ files: [FileClaim.Opening], _ stopped: Set<SourceName>, spool: consuming Descriptor, _ spoolFolder: String,
        _ folders: LandingFolders, _ ordered: Set<SourceName>, _ side: SideThread
    ) {
        (self.spoolFolder, self.folders, self.ordered, self.side) = (spoolFolder, folders, ordered, side)
        self.spool = spool
        self.stopped = stopped
        openings = files.map { file in
            switch file {
            case .ready(let claim): .ready(bytes: claim.bytes)
            case .not(let result): .not(result)
            }
        }
        for (index, file) in files.enumerated() {
            if case .ready(let claim) = file { ready.append((index, claim)) }
            if case .not(let result) = file { results.append(result) } else { results.append(nil) }
        }
        if files.count == 1 { leasedDescriptor = ready.first?.claim.keepLease() }
        let toSync = ready.filter { !$0.claim.copies }.map(\.claim.toSync)
        if !toSync.isEmpty {
            filesSynced = side.start { [number = self.spool.number] in FileToSync.sync(toSync, number) }
        }
    }

    /// Nobody syncs a descriptor that is closed, and may be another file's by then.
    deinit { close() }

    // MARK: - Step 2

    func commit() throws(DropError) -> [ClaimResult?] {
        if let filesSynced {
            let isSynced = filesSynced.wait()
            for (place, isSynced) in zip(ready.filter({ !$0.claim.copies }), isSynced) {
                place.claim.synced = isSynced ? .done : .failed
            }
        }
        for (index, claim) in ready {
            guard !isBehind(claim, at: index) else {
                results[index] = .behind
                continue
            }
            do { results[index] = try claim.move(into: spool.number) } catch {
                // Storage failed: the claims before this one are made durable as far as they are, recovery sorts out the rest.
                startSync()
                try? waitForSync()
                throw error
            }
            if case .claimed? = results[index] {
                landings.insert(claim.folderPath)
            } else if ordered.contains(claim.file.source) {
                stopped.insert(claim.file.source)
            }
        }
        startSync()
        return movedForGood
    }

    /// Whether a file before this one, of a source that keeps an order, stays where it is.
    private func isBehind(_ claim: FileClaim, at place: Int) -> Bool {
        guard stopped.contains(claim.file.source) else { return false }
        return ready.contains { $0.index < place && $0.claim.file.source == claim.file.source && isStop(results[$0.index]) }
    }

    private func isStop(_ result: ClaimResult?) -> Bool { if case .notYet? = result { true } else { false } }

    /// What may be told of before the syncs are done: no copies, whose originals are there still, and in a source that keeps an
    /// order no file behind one.
    private var movedForGood: [ClaimResult?] {
        var moved = results
        var waiting: Set<SourceName> = []
        for (index, claim) in ready {
            if claim.isCopied, ordered.contains(claim.file.source) { waiting.insert(claim.file.source) }
            if claim.isCopied || waiting.contains(claim.file.source) { moved[index] = nil }
        }
        return moved
    }

    // MARK: - Step 3

    func finish() throws(DropError) -> [ClaimResult] {
        try waitForSync()
        let copied = ready.filter(\.claim.isCopied)
        if !copied.isEmpty { try removeOriginals(of: copied) }
        if !copied.isEmpty {
            startSync()
            try waitForSync()
        }
        return results.map { $0! }
    }

    /// The copies are durable: their originals go. One that its writer uses again stays, and with it, in a source that keeps an
    /// order, all behind it.
    private func removeOriginals(of copied: [Place]) throws(DropError) {
        for (index, claim) in copied {
            if let result = claim.setAside(spool: spool.number) { results[index] = result }
        }
        if copied.contains(where: \.claim.isOpenToWriters) { Self.pause() }
        var stopped: Set<SourceName> = []
        for (index, claim) in ready {
            if case .claimed? = results[index] {
                if stopped.contains(claim.file.source), try claim.takeBack(from: spool.number) {
                    results[index] = .behind
                } else if claim.isCopied {
                    results[index] = claim.removeAside(spool: spool.number)
                }
            }
            guard claim.isCopied, ordered.contains(claim.file.source), isStop(results[index]) else { continue }
            stopped.insert(claim.file.source)
        }
    }

    /// Without a lease, one who opened a file before it lost its name is seen by what he writes. Most write at once: this is how
    /// long they have.
    private static func pause() {
        Monitor(()).wait(until: { _ in false }, timeout: .milliseconds(10)) { _ in }
    }

    /// One fsync of the spool folder, while the caller does something else.
    private func startSync() {
        guard !landings.isEmpty else { return }
        spoolSynced = side.start { [number = spool.number, spoolFolder] in
            Result { () throws(SystemError) in try SystemCall.sync(number, spoolFolder) }
        }
    }

    /// Beside that, one of each landing folder. A failure stops the daemon: what a failed fsync lost is not known.
    private func waitForSync() throws(DropError) {
        guard let spoolSynced else { return }
        self.spoolSynced = nil
        let landed = Result { () throws(SystemError) in
            for landing in landings {
                guard let folder = folders.opened(landing) else { continue }
                try SystemCall.sync(folder, landing.description)
            }
        }
        let spooled = spoolSynced.wait()
        do {
            try spooled.get()
            try landed.get()
        } catch { throw Claimer.storage(error) }
    }

    /// The descriptors are closed, and with them goes the lease; whoever syncs them must be done.
    func close() {
        _ = filesSynced?.wait()
        _ = spoolSynced?.wait()
        (filesSynced, spoolSynced, leasedDescriptor) = (nil, nil, nil)
        ready = []
    }
}
