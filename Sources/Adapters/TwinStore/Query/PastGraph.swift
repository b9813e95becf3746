import DropCore
import GRDB
import TwinModel

/// What is different between the present graph and that after an earlier commit: everything a later commit changed, made or
/// deleted. The rest is as it is now, so that a query about the past costs what the present one does and what has changed since.
///
/// Used inside one access.
final class PastGraph {
    private let store: StoreEngine
    private let database: Database
    let sequence: UInt64
    private let twins: Set<UInt32>
    private let relationships: Set<UInt32>
    /// Of the changed ones that existed then, ascending.
    let changedTwins: [UInt32]
    let changedRelationships: [UInt32]
    private var drops: [UInt64: Bool] = [:]
    private var lastDrop: (number: UInt64, wasCommitted: Bool) = (0, false)
    /// Changed relationships as they were, by the twin at that side; made when a query first follows one.
    private var bySide: (source: [UInt32: [QueryGraph.Link]], target: [UInt32: [QueryGraph.Link]])?

    init(_ store: StoreEngine, _ database: Database, _ sequence: UInt64) throws(DropError) {
        self.store = store
        self.database = database
        self.sequence = sequence
        let first = try RawStatement(
            "SELECT first_revision FROM drop_commit WHERE sequence > ? ORDER BY sequence LIMIT 1", database)
        first.bind(1, Int64(clamping: sequence))
        defer { first.reset() }
        let start = try first.step() ? first.integer(0) : Int64.max
        changedTwins = try Self.changed(0, since: start, database)
        changedRelationships = try Self.changed(1, since: start, database)
        twins = Set(changedTwins)
        relationships = Set(changedRelationships)
    }

    /// Numbers with a revision at or after one.
    private static func changed(_ kind: Int64, since revision: Int64, _ database: Database) throws(DropError) -> [UInt32] {
        let query = try RawStatement("SELECT entity FROM revision WHERE no >= ? AND kind = ?", database)
        query.bind(1, revision)
        query.bind(2, kind)
        defer { query.reset() }
        var numbers: Set<UInt32> = []
        while try query.step() { numbers.insert(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers.sorted()
    }

    /// True when the present record is not that of then.
    func isChanged(_ kind: Query.Variable.Kind, _ number: UInt32) -> Bool {
        kind == .twin ? twins.contains(number) : relationships.contains(number)
    }

    /// A changed twin or relationship as it was; nil where it did not exist then.
    func entity(_ kind: Query.Variable.Kind, _ number: UInt32) throws(DropError) -> StoredEntity? {
        kind == .twin
            ? try store.states.state(ofTwin: number, id: store.states.twinID(number, database), asOf: sequence, database)
            : try store.states.state(ofRelationship: number, asOf: sequence, database)
    }

    /// True when the record of something unchanged since was there then.
    func wasMade(_ record: [UInt8]) throws(DropError) -> Bool {
        let drop = try RecordScan.created(record)
        if drop == lastDrop.number { return lastDrop.wasCommitted }
        let wasCommitted: Bool
        if let known = drops[drop] {
            wasCommitted = known
        } else {
            wasCommitted = try store.states.sequence(ofDrop: drop, database).map { $0 <= sequence } ?? false
            drops[drop] = wasCommitted
        }
        lastDrop = (drop, wasCommitted)
        return wasCommitted
    }

    func relationshipWasMade(_ number: UInt32) throws(DropError) -> Bool {
        let query = try RawStatement.cached("SELECT rec FROM relationship WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        guard try query.step() else { return false }
        return try wasMade(query.bytes(0))
    }

    /// The changed relationships that a twin had then.
    func links(_ side: QueryGraph.Side, of twin: UInt32) throws(DropError) -> [QueryGraph.Link] {
        if bySide == nil { bySide = try collect() }
        return (side == .source ? bySide!.source[twin] : bySide!.target[twin]) ?? []
    }

    private func collect() throws(DropError) -> (source: [UInt32: [QueryGraph.Link]], target: [UInt32: [QueryGraph.Link]]) {
        var source: [UInt32: [QueryGraph.Link]] = [:]
        var target: [UInt32: [QueryGraph.Link]] = [:]
        for number in changedRelationships {
            guard let entity = try entity(.relationship, number) else { continue }
            var link = QueryGraph.Link(
                number: number, name: entity.key, other: entity.target, source: entity.source, target: entity.target)
            source[entity.source, default: []].append(link)
            link.other = entity.source
            target[entity.target, default: []].append(link)
        }
        return (source, target)
    }
}
