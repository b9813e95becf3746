import DropCore

/// What was applied of a source from a certain place on, for a drop that comes too late to be the newest.
struct Lateness {
    let later: [DeliveredRow]
    private let laterDrops: Set<UInt64>
    /// The commit up to which others' changes are older.
    let floor: UInt64

    init(later: [DeliveredRow], floor: UInt64) {
        self.later = later
        laterDrops = Set(later.map(\.drop))
        self.floor = floor
    }

    /// What became of everything the drop says, where the newer drops are snapshots of the scope.
    enum Snapshot { case none, superseded(UInt64), undecided(UInt64) }

    func snapshot(of scope: String) -> Snapshot {
        let inScope = later.filter { $0.scope == scope && $0.kind != .increment }
        if let whole = list(of: scope) { return .superseded(whole) }
        return inScope.last.map { .undecided($0.drop) } ?? .none
    }

    /// The newest complete list of a scope: of what is there and part of it, it lists all.
    func list(of scope: String) -> UInt64? { later.last { $0.scope == scope && $0.kind == .snapshot }?.drop }

    /// The newest of those that spoke of the twin; nil: none did.
    func speaker(ofTwin number: UInt32) -> UInt64? { later.last { $0.twins.contains(number) }?.drop }

    func speaker(ofRelationship number: UInt32) -> UInt64? { later.last { $0.relationships.contains(number) }?.drop }

    /// The newest of those that deleted the twin or relationship by name.
    func deleter(of id: [UInt8]) -> UInt64? { later.last { $0.names.contains(id) }?.drop }

    /// The newest of those that deleted the relationship by name, or stated it when it had to wait: then it has no number.
    func speaker(ofRelationship id: [UInt8], of twin: [UInt8]) -> UInt64? {
        let (deleted, waited) = (SpokenNames.deleted(id, of: twin), SpokenNames.waiting(id, of: twin))
        return later.last { $0.names.contains(deleted) || $0.names.contains(waited) }?.drop
    }

    /// Whether a newer drop deleted the twin by name.
    func deletes(_ drop: UInt64, twin id: [UInt8]) -> Bool { later.contains { $0.drop == drop && $0.names.contains(id) } }

    func isLater(_ drop: UInt64) -> Bool { laterDrops.contains(drop) }

    /// What newer drops said of a property of a twin: nothing, something, or perhaps something, because some of what such a drop
    /// said has the property and some has not.
    enum Word { case none, whole(UInt64), perhaps(UInt64) }

    func statement(of key: UInt32, ofTwin number: UInt32) -> Word {
        let speakers = later.filter { $0.twins.contains(number) }
        if let drop = speakers.last(where: { $0.keys.contains(key) }) { return .whole(drop.drop) }
        return speakers.last { $0.allKeys.contains(key) }.map { .perhaps($0.drop) } ?? .none
    }

    /// Whether what this drop or call did is newer.
    func isNewer(
        _ drop: UInt64, _ cache: SourceCache, _ store: StoreEngine, _ database: StoreTransaction
    ) throws(DropError) -> Bool {
        if store.sources.isDrop(drop, of: cache) { return laterDrops.contains(drop) }
        guard let sequence = try HistoryLookups(database).sequence(ofDrop: drop) else { return false }
        return sequence > floor
    }
}

extension Lateness {
    /// What was applied before `job` and comes behind it; nil when it is the newest.
    static func of(_ job: ApplyJob, _ database: StoreTransaction) throws(DropError) -> Lateness? {
        guard job.amends != nil || job.place != nil || job.origin != nil else { return nil }
        let deliveries = DeliveryRows(database)
        var place = DeliveryPlace(key: job.place ?? "", number: .max >> 1)
        var amended: UInt64?
        if let amends = job.amends {
            guard let (found, number) = try deliveries.place(of: amends) else { return nil }
            (place, amended) = (found, number)
        } else if let number = try job.origin.flatMap({ (drop) throws(DropError) in try deliveries.place(of: drop)?.1 }) {
            place.number = number
        }
        let later = try deliveries.later(than: place, of: job.source)
        if later.isEmpty, job.amends == nil { return nil }
        // What others did behind the first of the newer ones is newer than that, and so than this one, whenever what is older
        // than both was committed.
        let end = try deliveries.firstLater(than: place, of: job.source)
        let floor = try max(lastOwn(place, amended, job, before: end, database), min(arrival(of: job, deliveries), end - 1))
        return Lateness(later: later, floor: floor)
    }

    /// The last commit before the delivery came, of a drop that keeps its place.
    private static func arrival(of job: ApplyJob, _ deliveries: DeliveryRows) throws(DropError) -> UInt64 {
        guard job.amends == nil, let origin = job.origin else { return 0 }
        return try deliveries.lastCommit(beforeClaimOf: origin)
    }

    /// The commit of the newest drop of the source at or before the place, of those that came before `end`: what others did after
    /// it is newer.
    private static func lastOwn(
        _ place: DeliveryPlace, _ amended: UInt64?, _ job: ApplyJob, before end: UInt64, _ database: StoreTransaction
    ) throws(DropError) -> UInt64 {
        if let amended {
            let own = try HistoryLookups(database).sequence(ofDrop: amended) ?? 0
            if own < end { return own }
        }
        return try DeliveryRows(database).lastCommit(upTo: place, of: job.source, before: end)
    }
}
