import CodecKit
import DropCore
import GRDB
import Synchronization
import TwinModel

/// Compares the operations of one drop with the graph as they come, and keeps what would change.
///
/// Used by one thread at a time. Its files: `+Records` (records and rejections), `+Twins`, `+Relationships` (operations),
/// `+Finish`.
final class DropComparison: ChangeSetBuilder {
    /// An operation of the current record.
    struct Pending {
        var verb: OperationVerb
        var head: OperationHead
        var hash: IdentityHash
        var fingerprint: Fingerprint
        /// 0 when the identity has no number.
        var number: UInt32
        /// The source said the same before, and nobody changed it since.
        var isKnown: Bool
        /// Global keys of the properties ascend.
        var isAscending = false
        var hasAbsent = false
        /// The bytes of the properties are a stored record's.
        var isCanonical: Bool { isAscending && !hasAbsent }
    }

    /// An operation on a committed twin or relationship that must be compared with its record, at the end of the frame.
    struct Evaluation {
        var operation: Pending
        var record: UInt64
    }

    static let rejectionsMax = 200_000
    /// Of a reason for refusing a record, as it comes; what is longer is cut, and what is shown is shorter still.
    static let reasonBytesMax = 4096

    let store: TwinStore
    let job: ApplyJob
    let dropNumber: UInt64
    let memory: SourceMemory
    let seed: UInt64
    /// Commits up to this one are in what it compares with.
    let startSequence: UInt32
    /// The writer's connection, when a change set is compared again inside a commit.
    let writer: Database?

    package var books = DropBooks()
    package var rejections: [Rejection] = []
    package var spans: [FileSpan] = []

    var log: ChangeLog
    /// By number: the place of the live entry in the log, `evaluating` for one in this frame, 0 for none.
    var twinPlaces = PlaceTable()
    var relationshipPlaces = PlaceTable()
    static let evaluating = UInt32.max
    /// Committed twins and relationships the drop spoke about.
    var seenTwins = NumberSet()
    var seenRelationships = NumberSet()
    var reservedTwins: NumberReservation
    var reservedRelationships: NumberReservation
    /// Identities whose absence decided something.
    var absentTwins: [IdentityHash] = []
    var absentRelationships: [IdentityHash] = []
    /// Places of relationships with an end that was not there when they were stated, or on its way with another drop.
    var unresolved: [UInt32] = []
    /// Twins that were deleted in vain, or of which a late delete took only a part: what waits for them goes all the same.
    var goneInWord: [IdentityHash] = []
    /// Relationships of twins that a late delete did not take, because somebody newer goes on with these.
    var relationshipsCut: [UInt32] = []
    /// What a snapshot leaves out.
    var twinsGone: [UInt32] = []
    var relationshipsGone: [UInt32] = []
    /// Refused records of which it is not known what they list.
    var unknownRecords = 0
    var deletedTwins = 0
    var deletedRelationships = 0
    var isBare = false

    var scope = ""
    /// Wire key number → global; element 0 is 0.
    var keys: [UInt32] = [0]
    var keyNames: [String] = []
    /// Numbers of names that only drops under way have used.
    var heldKeys: [UInt32] = []
    var keysAreEqual = true
    var keysAreNew = false
    /// A key of the stream is neither a name nor a path as DTDL has them, nor the id of a model.
    var hasOddNames = false
    /// By global key: whether the policy allows the model.
    var modelIsAllowed: [UInt32: Bool] = [:]
    /// What is newer than the place of this drop; nil where it is the newest.
    let lateness: Lateness?
    /// True when the drop is to leave word of what it spoke of.
    let isTracked: Bool
    /// Operations that something newer left without effect, by the drop whose statement stands (0: others than drops), those that
    /// a later record of the same file overrules, and the records of which it cannot be told.
    var overruled: [UInt64: Int] = [:]
    var overruledByRecords = 0
    var undecided: Set<UInt64> = []
    var undecidedBy: UInt64?
    var lateReason: DropReason?
    /// What the records of the amended file name that the amendment does not have.
    var passed: (twins: NumberSet, relationships: NumberSet)?
    /// Of a tracked drop: global keys that all its statements about twins have, those that any has, and the names of what it
    /// deleted, each with a NUL behind it (`Lateness.Later.deletes`).
    var commonKeys: Set<UInt32>?
    var allKeys: Set<UInt32> = []
    var deletedNames: [UInt8] = []
    /// A complete list, all of whose records are known: what its source said before and it does not list is over.
    var isWholeList = false
    /// Nil where operations are not checked against models.
    var validation: DropValidation?

    var budget: DropBudget
    /// Bytes of the log that are in the budget already.
    var scratchSpent = 0
    var current = CurrentRecord()
    var operations: [Pending] = []
    /// An operation was given, of whatever became of its record.
    var hasOperations = false
    var evaluations: [Evaluation] = []
    /// Records in a row that were not what the order of the source made expect.
    var surprises = 0
    /// How many statements about committed twins were compared with their records, and how many of them changed one.
    var compared = 0
    var foundChanged = 0
    var isSampled = false
    /// End of the last record or span in the file.
    var filePosition: UInt64 = 0
    var streamPosition: UInt64 = 0
    /// What came, for the case that others change twins of it before the commit.
    var kept: KeptFrames
    var deferred = DeferredRecords()
    var isReplayingDeferred = false
    var isEnded = false

    init(store: TwinStore, job: ApplyJob, writer: Database? = nil) throws(DropError) {
        self.store = store
        self.job = job
        self.writer = writer
        budget = DropBudget(bytes: job.bytes, operationsFree: job.policy.operationsFree)
        memory = store.memory(of: job.source)
        dropNumber = try store.dropNumber(of: job.drop, writer)
        var seeded = job.epoch.bytes
        seeded += Array(job.policy.validation.rawValue.utf8) + [0]
        for text in job.policy.models + ["\u{1}"] + job.policy.twinPrefixes { seeded += Array(text.utf8) + [0] }
        seed = store.hash.seed(of: seeded)
        startSequence = store.counters.withLock { UInt32(truncatingIfNeeded: $0.sequence) }
        log = ChangeLog(folder: job.scratchFolder)
        reservedTwins = NumberReservation(.twins, store)
        reservedRelationships = NumberReservation(.relationships, store)
        kept = writer == nil ? KeptFrames(folder: memory.isContested(by: job.drop) ? job.scratchFolder : nil) : .none
        validation = DropValidation(job.policy.validation, store.catalog)
        isTracked = Self.speaksInParts(job) && (job.place != nil || memory.isTracked)
        if let writer {
            lateness = try Lateness.of(job, writer)
        } else if job.amends != nil || job.place != nil || job.origin != nil {
            lateness = try store.reading { (database) throws(DropError) in try Lateness.of(job, database) }
        } else {
            lateness = nil
        }
        memory.note([], of: self)
    }

    /// Whether what the drop does not name is as it was: not so of a list.
    static func speaksInParts(_ job: ApplyJob) -> Bool { job.policy.mode == .incremental || job.amends != nil }

    /// Whether what the source said last may be taken for what is so: not where every statement must be looked at.
    var trustsMemory: Bool { lateness == nil && !isTracked }

    deinit {
        if !isEnded { abandon() }
    }

    package func absorb(_ entries: RawSpan) throws(DropError) {
        try absorb(frame: Span<UInt8>(_bytes: entries))
    }

    func absorb(frame bytes: borrowing Span<UInt8>) throws(DropError) {
        precondition(!isEnded, "a change set takes no operations after its end")
        kept.keep(bytes)
        store.publication.beginReading()
        defer { store.publication.endReading() }
        try read(bytes)
        streamPosition += UInt64(bytes.count)
    }

    package func restart() throws(DropError) {
        releaseNumbers()
        log = ChangeLog(folder: job.scratchFolder)
        scratchSpent = 0
        twinPlaces = PlaceTable()
        relationshipPlaces = PlaceTable()
        seenTwins = NumberSet()
        seenRelationships = NumberSet()
        reservedTwins = NumberReservation(.twins, store)
        reservedRelationships = NumberReservation(.relationships, store)
        (books, rejections, spans) = (DropBooks(), [], [])
        (absentTwins, absentRelationships, unresolved, goneInWord) = ([], [], [], [])
        (twinsGone, relationshipsGone, relationshipsCut, isWholeList) = ([], [], [], false)
        (unknownRecords, deletedTwins, deletedRelationships, isBare, scope) = (0, 0, 0, false, "")
        store.keys.release(heldKeys)
        (keys, keyNames, heldKeys, keysAreEqual, keysAreNew) = ([0], [], [], true, false)
        (hasOddNames, modelIsAllowed) = (false, [:])
        memory.note([], of: self)
        validation = DropValidation(job.policy.validation, store.catalog)
        (current, operations, evaluations) = (CurrentRecord(), [], [])
        hasOperations = false
        (compared, foundChanged, surprises, isSampled) = (0, 0, 0, false)
        passed = nil
        (overruled, overruledByRecords, undecided, undecidedBy, lateReason) = ([:], 0, [], nil, nil)
        (commonKeys, allKeys, deletedNames) = (nil, [], [])
        (filePosition, streamPosition) = (0, 0)
        kept = writer == nil ? KeptFrames(folder: memory.isContested(by: job.drop) ? job.scratchFolder : nil) : .none
        deferred = DeferredRecords()
        budget = DropBudget(bytes: job.bytes, operationsFree: job.policy.operationsFree)
    }

    package func abandon() {
        guard !isEnded else { return }
        releaseNumbers()
        end()
    }

    /// Nothing more comes, and nothing is held for it.
    func end() {
        isEnded = true
        kept.forget()
        store.keys.release(heldKeys)
        heldKeys = []
        memory.forget(self)
    }

    /// Takes the identities this drop introduced out of the indexes again.
    func releaseNumbers() {
        store.release(log, places: twinPlaces, relationshipPlaces)
        reservedTwins.giveBack()
        reservedRelationships.giveBack()
    }

    // MARK: Entries

    private func read(_ bytes: borrowing Span<UInt8>) throws(DropError) {
        var reader = OperationReader(end: bytes.count, base: streamPosition)
        while !reader.isAtEnd {
            if bytes[reader.at] == OperationEntry.record.rawValue {
                try endRecord(bytes)
                try takeRepeated(&reader, bytes)
            }
            guard let entry = try reader.entry(bytes) else { break }
            switch entry {
            case .record(let gap, let length):
                try beginRecord(gap, length, reader)
            case .operation(let verb, _, let body):
                guard current.isActive else { throw reader.failure("an operation stands outside a record") }
                try take(verb, body, bytes)
            case .span(let kind, let gap, let length, let name):
                try endRecord(bytes)
                let offset = try advance(gap, length, reader)
                try budget.spend(1, on: .spans)
                try budget.spend(UInt64(name.count), on: .names)
                if kind == .header { try budget.spend(length, on: .headers) }
                spans.append(FileSpan(kind: kind, offset: offset, length: length, name: text(bytes, name)))
            case .reject(let code, let message):
                guard current.isActive else { throw reader.failure("a reject stands outside a record") }
                if current.rejection == nil {
                    current.rejection = (text(bytes, code.prefix(64)), text(bytes, message.prefix(Self.reasonBytesMax)))
                }
            case .key(let name): try define(text(bytes, name), reader)
            case .scope(let name):
                guard !hasOperations else {
                    throw reader.failure("a scope stands after the first operation")
                }
                scope = text(bytes, name)
            }
        }
        try endRecord(bytes)
        try evaluate(bytes)
        try budget.spend(UInt64(log.byteCount - scratchSpent), on: .scratch)
        scratchSpent = log.byteCount
    }

    /// Enters the next key of the stream.
    private func define(_ name: String, _ reader: OperationReader) throws(DropError) {
        guard keys.count <= 65535 else { throw reader.failure("more than 65535 keys") }
        let wire = keys.count
        if wire <= memory.persistedKeys.count {
            guard memory.persistedKeys[wire - 1].utf8.elementsEqual(name.utf8) else {
                throw reader.failure(
                    "key \(wire) is defined anew: it was \"\(Escaping.visible(memory.persistedKeys[wire - 1]))\"")
            }
        } else {
            keysAreNew = true
        }
        let (global, isHeld) = store.keys.hold(name)
        if isHeld { heldKeys.append(global) }
        keys.append(global)
        keyNames.append(name)
        if !hasOddNames, MemberName.kind(of: name) == .other, !name.utf8.starts(with: "dtmi:".utf8) { hasOddNames = true }
        if Int(global) != wire { keysAreEqual = false }
    }

    func text(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> String {
        String(decoding: array(bytes, range), as: UTF8.self)
    }

    func array(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        RawBytes.copy(bytes, range)
    }

    /// The global key of a wire key; a number the stream did not define is a protocol error.
    @inline(__always)
    func global(_ wire: UInt32) throws(DropError) -> UInt32 {
        guard Int(wire) < keys.count else { throw undefined(wire) }
        return keys[Int(wire)]
    }

    /// The error for a wire key that the stream did not define.
    func undefined(_ wire: UInt32) -> DropError {
        OperationReader.failure("key \(wire) is used and not defined", streamPosition, 0)
    }
}
