import DropCore

/// What is handed over next: the files that wait for their turn, by owner, and the batch that is handed over next
/// (docs/decisions/0046). It has no clock, thread or file.
///
/// An owner is a source, or nil: files of which a plugin must say whose they are. Each owner's files leave in the order of their
/// places. None leaves while the owner pauses because its folders are read as a whole, nor while the owner has no room.
struct ReadyFiles {
    /// A file that waits for its turn: it is looked at only then.
    struct Turn: Comparable, Sendable {
        let file: Inbox.Hint
        /// Its change time when it was put here. Of a file that changed since, this is not the turn.
        let changed: Int64
        fileprivate let place: Place

        static func == (left: Self, right: Self) -> Bool { left.place == right.place && left.file.folder == right.file.folder }

        static func < (left: Self, right: Self) -> Bool {
            left.place != right.place
                ? left.place < right.place : left.file.folder.bytes.lexicographicallyPrecedes(right.file.folder.bytes)
        }
    }

    /// How many more files of a source the receiver takes; nil: it waits by itself.
    private let room: ((SourceName) -> Int)?
    /// Sources in the order of names.
    private let byName: Set<SourceName>
    private var turns: [SourceName?: MinHeap<Turn>] = [:]
    /// How many reasons there are for an owner to pause.
    private var pauses: [SourceName?: Int] = [:]
    private var batch: [SettledFile] = []
    private var inBatch: [SourceName: Int] = [:]

    init(byName: Set<SourceName> = [], room: ((SourceName) -> Int)? = nil) {
        self.byName = byName
        self.room = room
    }

    // MARK: Turns

    /// Owners whose files wait, in the order of their names.
    var owners: [SourceName?] { turns.keys.sorted { ($0?.text ?? "") < ($1?.text ?? "") } }

    func isInOrderOfNames(_ owner: SourceName?) -> Bool { owner.map(byName.contains) ?? false }

    /// How many of the owner's files wait for their turn.
    func waiting(of owner: SourceName?) -> Int { turns[owner]?.count ?? 0 }

    /// Whether a file that comes now must wait for its turn: there are others before it, or there may be.
    func isBusy(_ owner: SourceName?) -> Bool { turns[owner] != nil || pauses[owner] != nil }

    /// Whether another file of the owner may be handed over now.
    func hasRoom(_ owner: SourceName?) -> Bool {
        guard let room, let owner else { return true }
        return room(owner) > inBatch[owner] ?? 0
    }

    /// Whether a file could have its turn now.
    func hasNext(of owner: SourceName?) -> Bool { turns[owner] != nil && pauses[owner] == nil && hasRoom(owner) }

    mutating func add(_ file: Inbox.Hint, changed: Int64, of owner: SourceName?) {
        let place = Place(changed: changed, name: file.name, byName: isInOrderOfNames(owner))
        turns[owner, default: MinHeap()].add(Turn(file: file, changed: changed, place: place))
    }

    /// The file of the owner whose turn it is; nil while there is none, or none may leave.
    mutating func next(of owner: SourceName?) -> Turn? {
        guard hasNext(of: owner) else { return nil }
        let turn = turns[owner]?.popFirst()
        if turns[owner]?.isEmpty == true { turns[owner] = nil }
        return turn
    }

    // MARK: Pausing

    /// No file of these owners has its turn until as many calls of `resume` name them.
    mutating func pause(_ owners: [SourceName?]) {
        for owner in owners { pauses[owner, default: 0] += 1 }
    }

    mutating func resume(_ owners: [SourceName?]) {
        for owner in owners {
            let left = (pauses[owner] ?? 0) - 1
            precondition(left >= 0, "an owner goes on that does not pause")
            pauses[owner] = left == 0 ? nil : left
        }
    }

    // MARK: The batch

    /// Files in the batch.
    var count: Int { batch.count }

    mutating func append(_ file: SettledFile) {
        batch.append(file)
        inBatch[file.source, default: 0] += 1
    }

    /// The batch, each source's files in their order.
    mutating func takeBatch() -> [SettledFile] {
        guard !batch.isEmpty else { return [] }
        let places = batch.map { Place(changed: $0.identity.changeTime, name: $0.name, byName: byName.contains($0.source)) }
        let files = batch.indices.sorted { places[$0] < places[$1] }.map { batch[$0] }
        batch.removeAll(keepingCapacity: true)
        inBatch.removeAll(keepingCapacity: true)
        return files
    }
}
