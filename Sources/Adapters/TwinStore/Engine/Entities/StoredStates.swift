import DropCore
import GRDB
import Synchronization
import TwinModel

/// A twin or relationship in the state it had at one moment.
package struct StoredEntity {
    var number: UInt32
    var id: String
    /// Model of a twin, name of a relationship: a global key.
    var key: UInt32
    var source: UInt32 = 0
    var target: UInt32 = 0
    var record: TwinRecord
}

/// Twins, relationships and revisions as rows, now and at an earlier commit.
///
/// Any thread, on the connection that is handed in.
struct StoredStates {
    let store: StoreEngine

    init(_ store: StoreEngine) { self.store = store }

    /// The commit a moment means; nil for now.
    func resolve(_ moment: Moment, _ database: Database) throws(DropError) -> UInt64? {
        let sequence: UInt64
        switch moment {
        case .now: return nil
        case .sequence(let number): sequence = number
        case .time(let milliseconds):
            let query = try RawStatement.cached("SELECT coalesce(max(sequence), 0) FROM drop_commit WHERE time <= ?", database)
            query.bind(1, Int64(clamping: milliseconds))
            defer { query.reset() }
            sequence = try query.step() ? UInt64(query.integer(0)) : 0
        }
        let horizon = try RawStatement.cached("SELECT max(sequence) FROM horizon", database)
        defer { horizon.reset() }
        guard try horizon.step(), UInt64(horizon.integer(0)) <= sequence else {
            throw DropError(
                .pruned, "The history before commit \(horizon.integer(0)) is gone: it was older than the configured age.",
                hint: "Ask for a later time, or replay the archive into a new home.", remedy: .hold)
        }
        return sequence
    }

    /// The sequence of the commit that a drop made; nil while it has none.
    func sequence(ofDrop number: UInt64, _ database: Database) throws(DropError) -> UInt64? {
        let query = try RawStatement.cached("SELECT sequence FROM drop_commit WHERE drop_no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : nil
    }

    func twinEntity(_ id: String, asOf sequence: UInt64?, _ database: Database) throws(DropError) -> StoredEntity? {
        let number =
            store.identities.isWithoutIndex
            ? try scan(for: id, database) : store.identities.twins.number(of: store.identities.hash.identity(Array(id.utf8)))
        if number != 0, let entity = try state(ofTwin: number, id: id, asOf: sequence, database) { return entity }
        guard sequence != nil else { return nil }
        let query = try RawStatement("SELECT no FROM gone WHERE id = ? AND kind = 0 ORDER BY no DESC", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        while try query.step() {
            let number = UInt32(truncatingIfNeeded: query.integer(0))
            if let entity = try state(ofTwin: number, id: id, asOf: sequence, database) { return entity }
        }
        return nil
    }

    /// The number of a twin by a look through the table; 0 when there is none.
    private func scan(for id: String, _ database: Database) throws(DropError) -> UInt32 {
        let known = try remembered(id, database)
        if known != 0 { return known }
        let query = try RawStatement("SELECT no FROM twin WHERE id = ?", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        guard try query.step() else { return 0 }
        let number = UInt32(truncatingIfNeeded: query.integer(0))
        remember(id, number)
        return number
    }

    /// The relationship with this id of a twin, as it is now.
    func relationshipEntity(_ id: String, of source: StoredEntity, _ database: Database) throws(DropError) -> StoredEntity? {
        let number: UInt32
        if store.identities.isWithoutIndex {
            let query = try RawStatement.cached("SELECT no FROM relationship WHERE source = ? AND id = ?", database)
            query.bind(1, source.number)
            query.bind(text: 2, Array(id.utf8))
            defer { query.reset() }
            number = try query.step() ? UInt32(truncatingIfNeeded: query.integer(0)) : 0
        } else {
            number = store.identities.relationships.number(
                of: store.identities.relationshipHash(source: Array(source.id.utf8), id: Array(id.utf8)))
        }
        guard number != 0 else { return nil }
        let query = try RawStatement.cached("SELECT source, target, name, rec FROM relationship WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        guard try query.step() else { return nil }
        return StoredEntity(
            number: number, id: id, key: UInt32(truncatingIfNeeded: query.integer(2)), source: source.number,
            target: UInt32(truncatingIfNeeded: query.integer(1)), record: try TwinRecord(query.bytes(3)))
    }

    /// The drop or call that made a revision; nil where it is forgotten.
    func revisionDrop(_ number: UInt64, _ database: Database) throws(DropError) -> UInt64? {
        let query = try RawStatement.cached("SELECT drop_no FROM revision WHERE no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : nil
    }

    /// The state of a twin, by number; nil where it did not exist then.
    func state(ofTwin number: UInt32, id: String, asOf sequence: UInt64?, _ database: Database) throws(DropError) -> StoredEntity?
    {
        let query = try RawStatement.cached("SELECT model, rec FROM twin WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        if try query.step() {
            let entity = StoredEntity(
                number: number, id: id, key: UInt32(truncatingIfNeeded: query.integer(0)), record: try TwinRecord(query.bytes(1)))
            return try undone(entity, asOf: sequence, database)
        }
        guard let sequence else { return nil }
        return try state(ofGone: 0, number, id, asOf: sequence, database)
    }

    func relationshipEntities(
        from twin: UInt32, asOf sequence: UInt64?, _ database: Database
    ) throws(DropError) -> [StoredEntity] {
        var result: [StoredEntity] = []
        let query = try RawStatement(
            "SELECT no, id, source, target, name, rec FROM relationship WHERE source = ?", database)
        query.bind(1, twin)
        while try query.step() {
            let entity = StoredEntity(
                number: UInt32(truncatingIfNeeded: query.integer(0)), id: query.text(1),
                key: UInt32(truncatingIfNeeded: query.integer(4)), source: UInt32(truncatingIfNeeded: query.integer(2)),
                target: UInt32(truncatingIfNeeded: query.integer(3)), record: try TwinRecord(query.bytes(5)))
            if let past = try undone(entity, asOf: sequence, database) { result.append(past) }
        }
        query.reset()
        guard let sequence else { return result }
        let gone = try RawStatement("SELECT no, id FROM gone WHERE kind = 1 AND source = ?", database)
        gone.bind(1, twin)
        defer { gone.reset() }
        while try gone.step() {
            let number = UInt32(truncatingIfNeeded: gone.integer(0))
            if let past = try state(ofGone: 1, number, gone.text(1), asOf: sequence, database) { result.append(past) }
        }
        return result
    }

    /// The state of a relationship, by number; nil where it did not exist then.
    func state(ofRelationship number: UInt32, asOf sequence: UInt64, _ database: Database) throws(DropError) -> StoredEntity? {
        let query = try RawStatement.cached("SELECT id, source, target, name, rec FROM relationship WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        if try query.step() {
            let entity = StoredEntity(
                number: number, id: query.text(0), key: UInt32(truncatingIfNeeded: query.integer(3)),
                source: UInt32(truncatingIfNeeded: query.integer(1)), target: UInt32(truncatingIfNeeded: query.integer(2)),
                record: try TwinRecord(query.bytes(4)))
            return try undone(entity, asOf: sequence, database)
        }
        let gone = try RawStatement.cached("SELECT id FROM gone WHERE kind = 1 AND no = ?", database)
        gone.bind(1, number)
        defer { gone.reset() }
        guard try gone.step() else { return nil }
        return try state(ofGone: 1, number, gone.text(0), asOf: sequence, database)
    }

    func state(
        ofGone kind: Int64, _ number: UInt32, _ id: String, asOf sequence: UInt64, _ database: Database
    ) throws(DropError) -> StoredEntity? {
        let query = try RawStatement.cached("SELECT last_revision FROM gone WHERE kind = ? AND no = ?", database)
        query.bind(1, kind)
        query.bind(2, number)
        defer { query.reset() }
        guard try query.step() else { return nil }
        var nothing = TwinRecord.nothing
        nothing.revision = UInt64(query.integer(0))
        return try undone(StoredEntity(number: number, id: id, key: 0, record: nothing), asOf: sequence, isGone: true, database)
    }

    /// Takes back every revision later than `sequence`; nil where the twin did not exist then.
    func undone(
        _ entity: StoredEntity, asOf sequence: UInt64?, isGone: Bool = false, _ database: Database
    ) throws(DropError) -> StoredEntity? {
        guard let sequence else { return entity }
        var entity = entity
        var exists = !isGone
        while entity.record.revision != 0 {
            guard let revision = try revision(entity.record.revision, database) else { break }
            guard let commit = try self.sequence(ofDrop: revision.drop, database), commit > sequence else { break }
            entity.undo(revision.patch)
            exists = true
        }
        guard exists, let made = try self.sequence(ofDrop: entity.record.created, database), made <= sequence else { return nil }
        return entity
    }

    struct StoredRevision {
        var number: UInt64
        var drop: UInt64
        var record: UInt64
        var patch: ReverseDelta
    }

    func revision(_ number: UInt64, _ database: Database) throws(DropError) -> StoredRevision? {
        let query = try RawStatement.cached("SELECT drop_no, record, patch FROM revision WHERE no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        guard try query.step() else { return nil }
        return StoredRevision(
            number: number, drop: UInt64(query.integer(0)), record: UInt64(query.integer(1)),
            patch: try ReverseDelta(query.bytes(2)))
    }

    // MARK: Numbers that a reader has looked up

    /// The number a reader found for an id a moment ago; 0 where it found none, or where the twin is another since.
    func remembered(_ id: String, _ database: Database) throws(DropError) -> UInt32 {
        guard let number = store.identities.lookedUp.withLock({ $0[id] }) else { return 0 }
        let query = try RawStatement.cached("SELECT id FROM twin WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        return try query.step() && query.bytes(0).elementsEqual(id.utf8) ? number : 0
    }

    func remember(_ id: String, _ number: UInt32) {
        guard store.identities.isWithoutIndex else { return }
        store.identities.lookedUp.withLock { known in
            if known.count >= 1024 { known.removeAll(keepingCapacity: true) }
            known[id] = number
        }
    }
}

extension StoredEntity {
    /// Goes back to the state before a revision.
    mutating func undo(_ patch: ReverseDelta) {
        record = patch.undone(from: record)
        if let old = patch.key { key = old }
        if let ends = patch.ends { (source, target) = ends }
    }
}
