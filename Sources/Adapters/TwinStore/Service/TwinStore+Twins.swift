package import DropCore
import GRDB
import Synchronization
package import TwinModel

/// How many of what the store has.
package struct StoreCounts: Sendable, Equatable {
    package let twins: Int
    package let relationships: Int
    package let revisions: Int
    /// Relationships that wait for their ends.
    package let pending: Int
    package let drops: Int
    package let commits: UInt64
}

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

extension TwinStore {
    /// The twin as the twin service shows it: `$dtId`, `$etag`, `$metadata` (model, and for each property when it was last set),
    /// then
    /// its properties; a property `component/name` stands inside the object `component`. Nil when there is (or was) no such twin.
    ///
    /// Errors: `pruned` (quarantine is not meant: the caller tells the person) where the history before `moment` is gone.
    package func twin(_ id: String, asOf moment: Moment = .now) throws(DropError) -> JSON? {
        try reading { (database) throws(DropError) in
            let sequence = try resolve(moment, database)
            guard let entity = try twinEntity(id, asOf: sequence, database) else { return nil }
            return try twinJSON(entity, database)
        }
    }

    /// The relationships that start at a twin, as the twin service shows them; in the order of their ids.
    package func relationships(of id: String, asOf moment: Moment = .now) throws(DropError) -> [JSON] {
        try reading { (database) throws(DropError) in
            let sequence = try resolve(moment, database)
            guard let twin = try twinEntity(id, asOf: sequence, database) else { return [] }
            var result: [(String, JSON)] = []
            for entity in try relationshipEntities(from: twin.number, asOf: sequence, database) {
                result.append((entity.id, try relationshipJSON(entity, source: id, database)))
            }
            return result.sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) }.map(\.1)
        }
    }

    /// Calls `body` with every twin of a moment, those deleted since included, in no promised order. The callback must not use
    /// the store.
    package func forEachTwin(asOf moment: Moment = .now, _ body: (JSON) -> Void) throws(DropError) {
        try reading { (database) throws(DropError) in
            let sequence = try resolve(moment, database)
            for sql in ["SELECT no, id FROM twin", "SELECT no, id FROM gone WHERE kind = 0"] {
                if sequence == nil, sql.contains("gone") { continue }
                let query = try RawStatement(sql, database)
                defer { query.reset() }
                while try query.step() {
                    let number = UInt32(truncatingIfNeeded: query.integer(0))
                    guard let entity = try state(ofTwin: number, id: query.text(1), asOf: sequence, database) else { continue }
                    body(try twinJSON(entity, database))
                }
            }
        }
    }

    package func counts() throws(DropError) -> StoreCounts {
        try reading { (database) throws(DropError) in
            func count(_ table: String) throws(DropError) -> Int {
                let query = try RawStatement.cached("SELECT count(*) FROM \(table)", database)
                defer { query.reset() }
                return try query.step() ? Int(query.integer(0)) : 0
            }
            return StoreCounts(
                twins: try count("twin"), relationships: try count("relationship"), revisions: try count("revision"),
                pending: try count("pending"), drops: try count("drops"),
                commits: UInt64(try count("drop_commit")))
        }
    }

    /// The newest commit: its number and its time in milliseconds since 1970; both 0 before the first. A store that only reads
    /// tells how it was when it was opened.
    package var newestCommit: (sequence: UInt64, time: UInt64) { counters.withLock { ($0.sequence, $0.lastTime) } }

    // MARK: States

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
        let number = isWithoutIndex ? try scan(for: id, database) : twins.number(of: hash.identity(Array(id.utf8)))
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
        if isWithoutIndex {
            let query = try RawStatement.cached("SELECT no FROM relationship WHERE source = ? AND id = ?", database)
            query.bind(1, source.number)
            query.bind(text: 2, Array(id.utf8))
            defer { query.reset() }
            number = try query.step() ? UInt32(truncatingIfNeeded: query.integer(0)) : 0
        } else {
            number = relationships.number(of: relationshipHash(source: Array(source.id.utf8), id: Array(id.utf8)))
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
        var patch: RevisionPatch
    }

    func revision(_ number: UInt64, _ database: Database) throws(DropError) -> StoredRevision? {
        let query = try RawStatement.cached("SELECT drop_no, record, patch FROM revision WHERE no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        guard try query.step() else { return nil }
        return StoredRevision(
            number: number, drop: UInt64(query.integer(0)), record: UInt64(query.integer(1)),
            patch: try RevisionPatch(query.bytes(2)))
    }
}

extension StoredEntity {
    /// Goes back to the state before a revision.
    mutating func undo(_ patch: RevisionPatch) {
        record = patch.undone(from: record)
        if let old = patch.key { key = old }
        if let ends = patch.ends { (source, target) = ends }
    }
}
