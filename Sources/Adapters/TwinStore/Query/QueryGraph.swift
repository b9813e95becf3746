import DropCore
import GRDB
import TwinModel

/// The graph as one query sees it: one snapshot of the database, at one moment of its history. Used inside one access.
final class QueryGraph {
    /// A relationship seen from one of its ends.
    struct Link {
        var number: UInt32
        var name: UInt32
        /// The twin at the other end.
        var other: UInt32
        var source: UInt32
        var target: UInt32
    }

    enum Side { case source, target }

    let store: StoreEngine
    let database: Database
    /// The state before all changes after a commit; nil: the present.
    let past: PastGraph?
    /// Rows of the database that were looked at.
    private(set) var work = 0
    private let deadline: ContinuousClock.Instant
    private let isWanted: @Sendable () -> Bool
    private let begin = ContinuousClock.now
    private let statements: Statements
    private let renderer: TwinRenderer

    private struct Statements {
        let twin: RawStatement
        let relationship: RawStatement
        let outgoing: RawStatement
        let incoming: RawStatement

        init(_ database: Database) throws(DropError) {
            twin = try .cached("SELECT id, model, rec FROM twin WHERE no = ?", database)
            relationship = try .cached("SELECT id, name, rec, source, target FROM relationship WHERE no = ?", database)
            outgoing = try .cached("SELECT no, name, target FROM relationship WHERE source = ? ORDER BY no", database)
            incoming = try .cached("SELECT no, name, source FROM relationship WHERE target = ? ORDER BY no", database)
        }
    }

    init(
        _ store: StoreEngine, _ database: Database, asOf sequence: UInt64?, deadline: ContinuousClock.Instant,
        isWanted: @escaping @Sendable () -> Bool = { true }
    ) throws(DropError) {
        self.store = store
        self.database = database
        self.deadline = deadline
        self.isWanted = isWanted
        statements = try Statements(database)
        renderer = TwinRenderer(store, database, store.catalog.keyed)
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
        if work & 511 == 0 { try checkTime() }
    }

    private func checkTime() throws(DropError) {
        let now = ContinuousClock.now
        guard now < deadline else { throw Self.late }
        // A short query is answered whether or not its client has closed its own side of the connection already.
        guard now < begin + .milliseconds(250) || isWanted() else { throw Self.unwanted }
    }

    private static let unwanted = DropError(
        timeoutCode, "The query was ended: its client has hung up.", hint: "Ask again.", remedy: .retry(after: .seconds(1)))

    private static var late: DropError {
        DropError(
            timeoutCode, "The query took too long.",
            hint: "Narrow it: by $dtId, by model, or by a property that the configuration declares indexed.",
            remedy: .retry(after: .seconds(1)))
    }

    static let timeoutCode: DropError.Code = .queryTimeout

    // MARK: Rows

    /// Loads what a row is bound to; false where that does not exist at this moment.
    func load(_ row: QueryRow) throws(DropError) -> Bool {
        if row.isLoaded { return true }
        try count()
        if let past, past.isChanged(row.kind, row.number) {
            guard let entity = try past.entity(row.kind, row.number) else { return false }
            row.bind(entity)
            return true
        }
        let query = row.kind == .twin ? statements.twin : statements.relationship
        query.bind(1, row.number)
        defer { query.reset() }
        guard try query.step() else { return false }
        query.copy(0, into: &row.id)
        row.key = UInt32(truncatingIfNeeded: query.integer(1))
        query.copy(2, into: &row.record)
        if row.kind == .relationship {
            row.source = UInt32(truncatingIfNeeded: query.integer(3))
            row.target = UInt32(truncatingIfNeeded: query.integer(4))
        }
        row.isLoaded = true
        guard let past else { return true }
        return try past.wasMade(row.record)
    }

    /// The relationships at one side of a twin, ascending.
    func links(_ side: Side, of twin: UInt32) throws(DropError) -> [Link] {
        var links: [Link] = []
        let query = side == .source ? statements.outgoing : statements.incoming
        query.bind(1, twin)
        defer { query.reset() }
        while try query.step() {
            try count()
            let number = UInt32(truncatingIfNeeded: query.integer(0))
            let other = UInt32(truncatingIfNeeded: query.integer(2))
            if let past {
                if past.isChanged(.relationship, number) { continue }
                guard try past.relationshipWasMade(number) else { continue }
            }
            links.append(
                Link(
                    number: number, name: UInt32(truncatingIfNeeded: query.integer(1)), other: other,
                    source: side == .source ? twin : other, target: side == .source ? other : twin))
        }
        guard let past else { return links }
        links += try past.links(side, of: twin)
        return links.sorted { $0.number < $1.number }
    }

    /// The numbers of twins by their ids, ascending; ids that no twin has (or had then) are left out.
    func twins(_ ids: [[UInt8]]) throws(DropError) -> [UInt32] {
        var numbers: [UInt32] = []
        if try !isIndexed() {
            numbers = try scan(for: ids, in: "twin")
        } else {
            numbers = ids.map { store.identities.twins.number(of: store.identities.hash.identity($0)) }.filter { $0 != 0 }
        }
        if past != nil { numbers += try scan(for: ids, in: "gone") }
        return Set(numbers).sorted()
    }

    /// The newest commit this query sees.
    func newestSequence() throws(DropError) -> UInt64 {
        let query = try RawStatement.cached("SELECT coalesce(max(sequence), 0) FROM drop_commit", database)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 0
    }

    /// True when the process's index of ids is that of this database: of one that another process writes it is out of date.
    private func isIndexed() throws(DropError) -> Bool {
        if store.identities.isWithoutIndex { return false }
        guard store.connection.isReadOnly else { return true }
        return store.versions.twinModels.isCurrent(try newestSequence())
    }

    private func scan(for ids: [[UInt8]], in table: String) throws(DropError) -> [UInt32] {
        guard !ids.isEmpty else { return [] }
        let marks = Array(repeating: "?", count: ids.count).joined(separator: ", ")
        let query = try RawStatement(
            "SELECT no FROM \(table) WHERE id IN (\(marks))" + (table == "gone" ? " AND kind = 0" : ""), database)
        for (index, id) in ids.enumerated() { query.bind(text: Int32(index + 1), id) }
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers
    }

    // MARK: Values

    /// The whole of a row as the twin service shows it.
    func document(_ row: QueryRow) throws(DropError) -> JSON {
        if let known = row.document { return known }
        guard try load(row) else { return .null }
        let entity = try row.entity()
        let document =
            row.kind == .twin
            ? try renderer.document(twin: entity)
            : try renderer.document(relationship: entity, source: try store.states.twinID(entity.source, database))
        row.document = document
        return document
    }

    /// A value as JSON; nil where it is missing.
    func value(_ path: RowPath, _ rows: [QueryRow]) throws(DropError) -> JSON? {
        let row = rows[path.variable]
        switch path.head {
        case .nowhere: return nil
        case .document(let names): return Self.inside(try document(row), names)
        case .sourceID, .targetID, .relationshipName:
            if !row.hasEnds { guard try load(row) else { return nil } }
            switch path.head {
            case .sourceID: return .string(try store.states.twinID(row.source, database))
            case .targetID: return .string(try store.states.twinID(row.target, database))
            default: return .string(store.keys.name(row.key))
            }
        case .twinID, .relationshipID:
            guard try load(row) else { return nil }
            return .string(String(decoding: row.id, as: UTF8.self))
        case .model:
            guard try load(row), row.key != 0 else { return nil }
            return .string(store.keys.name(row.key))
        case .etag:
            guard try load(row) else { return nil }
            return .string(store.states.etag(try row.entity(), kind: row.kind == .twin ? 0 : 1))
        case .properties(let candidates):
            guard try load(row) else { return nil }
            for (key, rest) in candidates {
                guard let entry = try RecordScan.find(key, in: row.record.span) else { continue }
                let value = try RecordScan.json(entry, row.record)
                return rest.isEmpty ? value : Self.inside(value, rest)
            }
            guard let names = path.fallback else { return nil }
            return Self.inside(try document(row), names)
        }
    }

    /// A value inside another, by names compared as bytes.
    static func inside(_ value: JSON, _ names: [String]) -> JSON? {
        names.reduce(value as JSON?) { value, name in
            guard case .object(let members)? = value else { return nil }
            return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
        }
    }
}
