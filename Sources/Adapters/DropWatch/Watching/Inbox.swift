import DropCore

/// What waits for the watcher's thread. Hints are merged and bounded: above the limit, the whole folder is scanned instead of
/// single names.
struct Inbox: Sendable {
    struct Hint: Sendable, Hashable {
        let folder: FolderPath
        let name: FileName
    }

    static let hintsMax = 16_384

    private var order: [Hint] = []
    /// The entries of `order`, each with how it got its name, as far as its events show.
    private var known: [Hint: Settling.Arrival] = [:]
    private var ownNames: [Hint] = []
    /// Folders to be scanned.
    private(set) var folders: Set<FolderPath> = []
    /// Folders of which more names came than are kept, so that their files must be put in order by a scan.
    private(set) var flooded: Set<FolderPath> = []
    private(set) var everything = false
    private(set) var signals: [EventStream.Signal] = []
    private(set) var claims: [(SettledFile, ClaimResult)] = []
    private(set) var requests: [Request] = []
    var stopping = false

    /// Work that somebody else wants done on the watcher's thread.
    typealias Request = @Sendable (WatchLoop) -> Void

    init() {}

    var isEmpty: Bool {
        order.isEmpty && ownNames.isEmpty && folders.isEmpty && flooded.isEmpty && !everything && signals.isEmpty
            && claims.isEmpty
            && requests.isEmpty && !stopping
    }

    mutating func hint(_ folder: FolderPath, _ name: FileName, arrival: Settling.Arrival = .unknown) {
        // A scan does not find our own names, because the probe file is gone by then. They are few, so they are never replaced by
        // a scan.
        if name.bytes.starts(with: NameRule.ownPrefix) {
            if ownNames.count < Self.hintsMax { ownNames.append(Hint(folder: folder, name: name)) }
            return
        }
        if flooded.contains(folder) { return }
        guard order.count < Self.hintsMax else {
            order.removeAll { hint in
                guard hint.folder == folder else { return false }
                known[hint] = nil
                return true
            }
            flooded.insert(folder)
            return
        }
        let hint = Hint(folder: folder, name: name)
        if let before = known[hint] {
            // What was renamed and then written to was complete before.
            if arrival != .unknown, before != .renamed { known[hint] = arrival }
        } else {
            known[hint] = arrival
            order.append(hint)
        }
    }

    mutating func scan(_ folder: FolderPath) { folders.insert(folder) }

    /// Everything will be scanned again, so single names are not needed.
    mutating func scanEverything() {
        everything = true
        folders = []
        flooded = []
        order = []
        known = [:]
    }

    mutating func signal(_ signal: EventStream.Signal) { signals.append(signal) }

    mutating func note(_ claimed: [(SettledFile, ClaimResult)]) { claims += claimed }

    mutating func ask(_ request: @escaping Request) { requests.append(request) }

    /// Takes everything that waits. Afterwards the inbox is empty, except for `stopping`.
    mutating func take() -> (Inbox, hints: [(hint: Hint, arrival: Settling.Arrival)]) {
        let all = self
        self = Inbox()
        stopping = all.stopping
        return (all, all.ownNames.map { ($0, .unknown) } + all.order.map { ($0, all.known[$0] ?? .unknown) })
    }
}
