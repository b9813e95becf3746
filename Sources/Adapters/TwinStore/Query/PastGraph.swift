import DropCore
import TwinModel

/// What is different between the present graph and that after an earlier commit: everything a later commit changed, made or
/// deleted. The rest is as it is now, so that a query about the past costs what the present one does and what has changed since.
///
/// Used inside one access.
final class PastGraph {
    private let store: StoreEngine
    private let database: StoreTransaction
    let sequence: UInt64
    private let twins: Set<UInt32>
    private let relationships: Set<UInt32>
    /// Of the changed ones that existed then, ascending.
    let changedTwins: [UInt32]
    let changedRelationships: [UInt32]
    private var drops: [UInt64: Bool] = [:]
    private var lastDrop: (number: UInt64, wasCommitted: Bool) = (0, false)
    /// Changed relationships as they were, by the twin at that side; made when a query first follows one.
    private var bySide: (source: [UInt32: [GraphLink]], target: [UInt32: [GraphLink]])?

    init(_ store: StoreEngine, _ database: StoreTransaction, _ sequence: UInt64) throws(DropError) {
        self.store = store
        self.database = database
        self.sequence = sequence
        let lookups = QueryLookups(database)
        let start = try lookups.firstRevision(after: sequence)
        changedTwins = try lookups.changed(.twin, since: start)
        changedRelationships = try lookups.changed(.relationship, since: start)
        twins = Set(changedTwins)
        relationships = Set(changedRelationships)
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
        guard let record = try QueryLookups(database).relationshipRecord(number) else { return false }
        return try wasMade(record)
    }

    /// The changed relationships that a twin had then.
    func links(_ side: GraphSide, of twin: UInt32) throws(DropError) -> [GraphLink] {
        if bySide == nil { bySide = try collect() }
        return (side == .source ? bySide!.source[twin] : bySide!.target[twin]) ?? []
    }

    private func collect() throws(DropError) -> (source: [UInt32: [GraphLink]], target: [UInt32: [GraphLink]]) {
        var source: [UInt32: [GraphLink]] = [:]
        var target: [UInt32: [GraphLink]] = [:]
        for number in changedRelationships {
            guard let entity = try entity(.relationship, number) else { continue }
            var link = GraphLink(
                number: number, name: entity.key, other: entity.target, source: entity.source, target: entity.target)
            source[entity.source, default: []].append(link)
            link.other = entity.source
            target[entity.target, default: []].append(link)
        }
        return (source, target)
    }
}
