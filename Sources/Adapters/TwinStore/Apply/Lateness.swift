import CodecKit
import DropCore
import GRDB

/// Numbers of twins or relationships as ascending runs: what one drop spoke of, small enough to be kept with it.
struct NumberRuns: Equatable {
    private var runs: [ClosedRange<UInt32>] = []

    init() {}

    /// - Parameter numbers: in any order.
    init(_ numbers: some Sequence<UInt32>) {
        for number in numbers.sorted() {
            if let last = runs.last, number <= last.upperBound { continue }
            if let last = runs.last, number == last.upperBound + 1 {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
    }

    /// All of them, ascending.
    var numbers: [UInt32] { runs.flatMap { Array($0) } }

    func contains(_ number: UInt32) -> Bool {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].contains(number)
    }

    /// Gap and length of each run, as varints.
    var encoded: [UInt8] {
        var out: [UInt8] = []
        var end: UInt32 = 0
        for run in runs {
            out.append(varint: UInt64(run.lowerBound - end))
            out.append(varint: UInt64(run.upperBound - run.lowerBound))
            end = run.upperBound
        }
        return out
    }

    init(encoded bytes: [UInt8]) throws(DropError) {
        let span = bytes.span
        var reader = OperationReader(end: bytes.count)
        var end: UInt64 = 0
        while !reader.isAtEnd {
            let low = end + (try reader.varint(span))
            end = low + (try reader.varint(span))
            guard end <= UInt64(UInt32.max) else { throw StorageFailure.damaged("a list of numbers cannot be read") }
            runs.append(UInt32(low)...UInt32(end))
        }
    }
}

/// Where a drop stands among those of its source: the key its file name has by `sequence` (empty where the source has none), then
/// the number of the drop; an amendment stands where the drop it amends stands.
struct DeliveryPlace: Equatable {
    var key: String
    var number: UInt64
}

/// What was applied of a source from a certain place on, for a drop that comes too late to be the newest.
struct Lateness {
    /// A drop of the source that comes behind and was applied before.
    struct Later {
        let drop: UInt64
        let scope: String
        let kind: DeliveredKind
        let twins: NumberRuns
        let relationships: NumberRuns
        /// What it deleted by name, whether it was there or not: ids of twins, and of relationships behind their twin's and a 1.
        /// Behind their twin's and a 2 the relationships it stated that waited.
        let names: Set<[UInt8]>
        /// Global keys that each of its statements about a twin has, and those that any has.
        let keys: Set<UInt32>
        let allKeys: Set<UInt32>
    }

    let later: [Later]
    private let laterDrops: Set<UInt64>
    /// The commit up to which others' changes are older.
    let floor: UInt64

    init(later: [Later], floor: UInt64) {
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
    func isNewer(_ drop: UInt64, _ cache: SourceCache, _ store: StoreEngine, _ database: Database) throws(DropError) -> Bool {
        if store.sources.isDrop(drop, of: cache) { return laterDrops.contains(drop) }
        let query = try RawStatement.cached("SELECT sequence FROM drop_commit WHERE drop_no = ?", database)
        query.bind(1, Int64(drop))
        defer { query.reset() }
        return try query.step() && UInt64(query.integer(0)) > floor
    }
}

/// What a delivered drop was.
enum DeliveredKind: Int64 {
    case increment = 0
    /// A complete list that withheld nothing, or whose refused records have all been corrected.
    case snapshot = 1
    /// A list of which something is not known.
    case openSnapshot = 2
}

extension Lateness {
    /// What was applied before `job` and comes behind it; nil when it is the newest.
    static func of(_ job: ApplyJob, _ database: Database) throws(DropError) -> Lateness? {
        guard job.amends != nil || job.place != nil || job.origin != nil else { return nil }
        var place = DeliveryPlace(key: job.place ?? "", number: .max >> 1)
        var amended: UInt64?
        if let amends = job.amends {
            guard let (found, number) = try Self.place(of: amends, database) else { return nil }
            (place, amended) = (found, number)
        } else if let number = try job.origin.flatMap({ (drop) throws(DropError) in try Self.place(of: drop, database)?.1 }) {
            place.number = number
        }
        let later = try Self.later(than: place, job.source, database)
        if later.isEmpty, job.amends == nil { return nil }
        // What others did behind the first of the newer ones is newer than that, and so than this one, whenever what is older
        // than both was committed.
        let end = try firstLater(than: place, job.source, database)
        let floor = try max(floor(place, amended, job.source, before: end, database), min(arrival(of: job, database), end - 1))
        return Lateness(later: later, floor: floor)
    }

    /// The commit of the first that came of those behind the place; far beyond all where there is none.
    private static func firstLater(
        than place: DeliveryPlace, _ source: SourceName, _ database: Database
    ) throws(DropError) -> UInt64 {
        let query = try RawStatement.cached(
            """
            SELECT min(c.sequence) FROM delivered v JOIN drop_commit c ON c.drop_no = v.drop_no
            WHERE v.source = ?1 AND (v.place > ?2 OR (v.place = ?2 AND v.place_no > ?3))
            """, database)
        query.bind(text: 1, source.text)
        query.bind(text: 2, place.key)
        query.bind(3, Int64(place.number))
        defer { query.reset() }
        let found = try query.step() ? query.integer(0) : 0
        return found > 0 ? UInt64(found) : .max >> 1
    }

    /// The last commit before the delivery came, of a drop that keeps its place.
    private static func arrival(of job: ApplyJob, _ database: Database) throws(DropError) -> UInt64 {
        guard job.amends == nil, let origin = job.origin else { return 0 }
        let query = try RawStatement.cached(
            """
            SELECT sequence FROM drop_commit WHERE time < (SELECT claimed_at FROM drops WHERE id = ?)
            ORDER BY time DESC, sequence DESC LIMIT 1
            """, database)
        query.bind(text: 1, origin.description)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 0
    }

    /// Where a drop stands, and its number.
    static func place(of drop: DropID, _ database: Database) throws(DropError) -> (DeliveryPlace, UInt64)? {
        let query = try RawStatement.cached(
            """
            SELECT d.no, coalesce(v.place, ''), coalesce(v.place_no, d.no) FROM drops d LEFT JOIN delivered v ON v.drop_no = d.no
            WHERE d.id = ?
            """, database)
        query.bind(text: 1, drop.description)
        defer { query.reset() }
        guard try query.step() else { return nil }
        return (DeliveryPlace(key: query.text(1), number: UInt64(query.integer(2))), UInt64(query.integer(0)))
    }

    private static func later(
        than place: DeliveryPlace, _ source: SourceName, _ database: Database
    ) throws(DropError) -> [Later] {
        let query = try RawStatement.cached(
            """
            SELECT drop_no, scope, kind, twins, relationships, absent, keys, all_keys FROM delivered
            WHERE source = ?1 AND (place > ?2 OR (place = ?2 AND place_no > ?3)) ORDER BY place, place_no, drop_no
            """, database)
        query.bind(text: 1, source.text)
        query.bind(text: 2, place.key)
        query.bind(3, Int64(place.number))
        defer { query.reset() }
        var later: [Later] = []
        while try query.step() {
            var names: Set<[UInt8]> = []
            var rest = query.bytes(5)[...]
            while let end = rest.firstIndex(of: 0) {
                names.insert(Array(rest[..<end]))
                rest = rest[(end + 1)...]
            }
            let keys = try [6, 7].map { (column) throws(DropError) in
                Set(try NumberRuns(encoded: query.bytes(Int32(column))).numbers)
            }
            later.append(
                Later(
                    drop: UInt64(query.integer(0)), scope: query.text(1),
                    kind: DeliveredKind(rawValue: query.integer(2)) ?? .openSnapshot,
                    twins: try NumberRuns(encoded: query.bytes(3)), relationships: try NumberRuns(encoded: query.bytes(4)),
                    names: names, keys: keys[0], allKeys: keys[1]))
        }
        return later
    }

    /// The commit of the newest drop of the source at or before the place, of those that came before `end`: what others did after
    /// it is newer.
    private static func floor(
        _ place: DeliveryPlace, _ amended: UInt64?, _ source: SourceName, before end: UInt64, _ database: Database
    ) throws(DropError) -> UInt64 {
        if let amended {
            let query = try RawStatement.cached("SELECT sequence FROM drop_commit WHERE drop_no = ?", database)
            query.bind(1, Int64(amended))
            defer { query.reset() }
            let own = try query.step() ? UInt64(max(0, query.integer(0))) : 0
            if own < end { return own }
        }
        let query = try RawStatement.cached(
            """
            SELECT max(c.sequence) FROM delivered v JOIN drop_commit c ON c.drop_no = v.drop_no
            WHERE v.source = ?1 AND (v.place < ?2 OR (v.place = ?2 AND v.place_no <= ?3)) AND c.sequence < ?4
            """, database)
        query.bind(text: 1, source.text)
        query.bind(text: 2, place.key)
        query.bind(3, Int64(place.number))
        query.bind(4, Int64(end))
        defer { query.reset() }
        return try query.step() ? UInt64(max(0, query.integer(0))) : 0
    }
}
