import DropCore
import TwinModel

/// The graph as one query sees it: one snapshot of the database, at one moment of its history. Used inside one access.
final class QueryGraph {
    let store: StoreEngine
    let database: StoreTransaction
    /// The state before all changes after a commit; nil: the present.
    let past: PastGraph?
    /// Rows of the database that were looked at.
    private(set) var work = 0
    private let deadline: QueryDeadline
    private let twinCursor: EntityCursor
    private let relationshipCursor: EntityCursor
    private let outgoing: LinkCursor
    private let incoming: LinkCursor

    init(
        _ store: StoreEngine, _ database: StoreTransaction, asOf sequence: UInt64?, until deadline: QueryDeadline
    ) throws(DropError) {
        self.store = store
        self.database = database
        self.deadline = deadline
        twinCursor = try EntityCursor(of: .twin, database)
        relationshipCursor = try EntityCursor(of: .relationship, database)
        outgoing = try LinkCursor(.source, database)
        incoming = try LinkCursor(.target, database)
        if let sequence {
            past = try PastGraph(store, database, sequence)
        } else {
            past = nil
        }
    }

    /// Counts a row that is looked at; every now and then looks at the clock.
    @inline(__always)
    func count() throws(DropError) {
        work &+= 1
        if work & 511 == 0 { try deadline.check() }
    }

    /// Loads what a row is bound to; false where that does not exist at this moment.
    func load(_ row: QueryRow) throws(DropError) -> Bool {
        if row.isLoaded { return true }
        try count()
        if let past, past.isChanged(row.kind, row.number) {
            guard let entity = try past.entity(row.kind, row.number) else { return false }
            row.bind(entity)
            return true
        }
        let cursor = row.kind == .twin ? twinCursor : relationshipCursor
        defer { cursor.reset() }
        guard try cursor.find(row.number) else { return false }
        row.take(cursor)
        guard let past else { return true }
        return try past.wasMade(row.record)
    }

    /// The relationships at one side of a twin, ascending.
    func links(_ side: GraphSide, of twin: UInt32) throws(DropError) -> [GraphLink] {
        var links: [GraphLink] = []
        let cursor = side == .source ? outgoing : incoming
        cursor.begin(twin)
        defer { cursor.reset() }
        while let link = try cursor.next(of: twin) {
            try count()
            if let past {
                if past.isChanged(.relationship, link.number) { continue }
                guard try past.relationshipWasMade(link.number) else { continue }
            }
            links.append(link)
        }
        guard let past else { return links }
        links += try past.links(side, of: twin)
        return links.sorted { $0.number < $1.number }
    }

    /// The numbers of twins by their ids, ascending; ids that no twin has (or had then) are left out.
    func twins(_ ids: [[UInt8]]) throws(DropError) -> [UInt32] {
        var numbers: [UInt32] = []
        if try !isIndexed() {
            numbers = try QueryLookups(database).presentTwins(ids)
        } else {
            numbers = ids.map { store.identities.twins.number(of: store.identities.hash.identity($0)) }.filter { $0 != 0 }
        }
        if past != nil { numbers += try QueryLookups(database).goneTwins(ids) }
        return Set(numbers).sorted()
    }

    /// The newest commit this query sees.
    func newestSequence() throws(DropError) -> UInt64 { try QueryLookups(database).newestSequence() }

    /// True when the process's index of ids is that of this database: of one that another process writes it is out of date.
    private func isIndexed() throws(DropError) -> Bool {
        if store.identities.isWithoutIndex { return false }
        guard store.connection.isReadOnly else { return true }
        return store.versions.twinModels.isCurrent(try newestSequence())
    }
}
