import DropCore
import Synchronization

/// What a drop is compared for and with: the same from its first operation to the end of its commit.
///
/// Whoever has it is known to the source's cache as one comparison under way (`SourceCache.note`).
final class ComparisonContext {
    let store: StoreEngine
    let job: ApplyJob
    let dropNumber: UInt64
    let cache: SourceCache
    /// Of fingerprints: the transform digest, and what else decides what the same bytes mean.
    let seed: UInt64
    /// Commits up to this one are in what it compares with.
    let startSequence: UInt32
    /// The writer's connection, when a change set is compared again inside a commit.
    let writer: StoreTransaction?
    /// What is newer than the place of this drop; nil where it is the newest.
    let lateness: Lateness?
    /// True when the drop is to leave word of what it spoke of.
    let isTracked: Bool
    /// Whether what the source said last may be taken for what is so: not where every statement must be looked at.
    let trustsMemory: Bool

    init(store: StoreEngine, job: ApplyJob, writer: StoreTransaction?) throws(DropError) {
        self.store = store
        self.job = job
        self.writer = writer
        let cache = store.sources.cache(of: job.source)
        self.cache = cache
        dropNumber = try store.dropNumber(of: job.drop, writer)
        seed = Self.seed(of: job, store)
        startSequence = store.numbers.state.withLock { UInt32(truncatingIfNeeded: $0.sequence) }
        let isTracked = Self.speaksInParts(job) && (job.place != nil || cache.tracking.isOn)
        let lateness = try Self.lateness(of: job, store, writer)
        (self.isTracked, self.lateness) = (isTracked, lateness)
        trustsMemory = lateness == nil && !isTracked
    }

    private static func lateness(
        of job: ApplyJob, _ store: StoreEngine, _ writer: StoreTransaction?
    ) throws(DropError) -> Lateness? {
        if let writer { return try Lateness.of(job, writer) }
        guard job.amends != nil || job.place != nil || job.origin != nil else { return nil }
        return try store.reading { (database) throws(DropError) in try Lateness.of(job, database) }
    }

    private static func seed(of job: ApplyJob, _ store: StoreEngine) -> UInt64 {
        var seeded = job.transformDigest.bytes
        seeded += Array(job.policy.validation.rawValue.utf8) + [0]
        for text in job.policy.models + ["\u{1}"] + job.policy.twinPrefixes { seeded += Array(text.utf8) + [0] }
        return store.identities.hash.seed(of: seeded)
    }

    /// Whether what the drop does not name is as it was: not so of a list.
    static func speaksInParts(_ job: ApplyJob) -> Bool { job.policy.mode == .incremental || job.amends != nil }

    /// The comparison is over: its names are let go, and the source has one less under way. Once.
    func release(_ keys: StreamKeys) {
        keys.release(to: store.keys)
        cache.forget(self)
    }

    /// Whether a record is one of the drop's own; an amendment has only some of the file it completes.
    func isOfDrop(_ record: UInt64) -> Bool { job.amendment.map { $0.rows[record] != nil } ?? true }

    /// Whether a drop is one of this source.
    func isOwn(_ drop: UInt64) -> Bool { store.sources.isDrop(drop, of: cache) }

    /// Notes that the source spoke of an operation's twin or relationship now.
    @inline(__always)
    func follow(_ operation: RecordOperation) {
        guard writer == nil else { return }
        cache.order.follow(operation.isOfTwin ? .init(twin: operation.number) : .init(relationship: operation.number))
    }

    /// Runs `body` on a reader, or on the writer's connection inside a commit.
    func reading<T>(_ body: (StoreTransaction) throws(DropError) -> T) throws(DropError) -> T {
        if let writer { return try body(writer) }
        return try store.reading(body)
    }

    /// A committed twin: its record and its model's key; nil where it is not there.
    func twin(_ number: UInt32) throws(DropError) -> (record: TwinRecord, model: UInt32)? {
        try reading { (database) throws(DropError) in
            let query = try TwinQuery(database)
            defer { query.reset() }
            return try query.find(number) ? (try query.record(), query.model) : nil
        }
    }

    /// A committed relationship's record; nil where it is not there.
    func relationship(_ number: UInt32) throws(DropError) -> TwinRecord? {
        guard store.versions.relationships[number] != 0 else { return nil }
        return try reading { (database) throws(DropError) in
            let query = try RelationshipQuery(database)
            defer { query.reset() }
            return try query.find(number) ? try query.record() : nil
        }
    }
}
