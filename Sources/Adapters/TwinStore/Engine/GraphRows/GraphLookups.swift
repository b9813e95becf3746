import DropCore

/// Ids and ends of committed twins and relationships, by number. Used inside one access.
struct GraphLookups {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// The id of a twin; nil where there is none of that number.
    func twinID(_ number: UInt32) throws(DropError) -> [UInt8]? {
        let query = try RawStatement.cached("SELECT id FROM twin WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        return try query.step() ? query.bytes(0) : nil
    }

    /// The id of a twin and its record.
    func twin(_ number: UInt32) throws(DropError) -> (id: [UInt8], record: TwinRecord)? {
        let query = try RawStatement.cached("SELECT id, rec FROM twin WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        guard try query.step() else { return nil }
        return (query.bytes(0), try TwinRecord(query.bytes(1)))
    }

    /// The id of a relationship and of the twin it starts at.
    func relationshipIDs(_ number: UInt32) throws(DropError) -> (source: [UInt8], id: [UInt8])? {
        let query = try RawStatement.cached(
            "SELECT t.id, r.id FROM relationship r JOIN twin t ON t.no = r.source WHERE r.no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        return try query.step() ? (query.bytes(0), query.bytes(1)) : nil
    }

    func relationship(_ number: UInt32) throws(DropError) -> StoredEntity? {
        let query = try RawStatement.cached("SELECT id, source, target, name, rec FROM relationship WHERE no = ?", database)
        query.bind(1, number)
        defer { query.reset() }
        guard try query.step() else { return nil }
        return StoredEntity(
            number: number, id: query.text(0), key: UInt32(truncatingIfNeeded: query.integer(3)),
            source: UInt32(truncatingIfNeeded: query.integer(1)), target: UInt32(truncatingIfNeeded: query.integer(2)),
            record: try TwinRecord(query.bytes(4)))
    }

    /// The relationships that start or end at a twin.
    func relationships(at twin: UInt32) throws(DropError) -> [UInt32] {
        let query = try RawStatement.cached("SELECT no FROM relationship WHERE source = ?1 OR target = ?1", database)
        query.bind(1, twin)
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers
    }

    /// Whether a relationship of `set` starts or ends at a twin.
    func hasRelationship(of set: NumberSet, at twin: UInt32) throws(DropError) -> Bool {
        for column in ["source", "target"] {
            let query = try RawStatement.cached("SELECT no FROM relationship WHERE \(column) = ?", database)
            query.bind(1, twin)
            defer { query.reset() }
            while try query.step() {
                if set.contains(UInt32(truncatingIfNeeded: query.integer(0))) { return true }
            }
        }
        return false
    }
}
