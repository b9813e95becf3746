import DropCore
import TwinService

/// What the twin service and the commands ask of the graph as a whole. Used inside one access.
struct ServiceLookups {
    private let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    // MARK: Twins

    /// Calls `body` with each twin, in the order of their numbers.
    func forEachTwin(_ body: (StoredEntity) throws -> Void) throws {
        let twins = try RawStatement("SELECT no, id, model, rec FROM twin ORDER BY no", database)
        defer { twins.reset() }
        while try twins.step() {
            try body(
                StoredEntity(
                    number: UInt32(truncatingIfNeeded: twins.integer(0)), id: twins.text(1),
                    key: UInt32(truncatingIfNeeded: twins.integer(2)), record: try TwinRecord(twins.bytes(3))))
        }
    }

    /// Calls `body` with the number and the id of each twin, or of each that is gone.
    func forEachID(gone: Bool, _ body: (UInt32, String) throws(DropError) -> Void) throws(DropError) {
        let query = try RawStatement(
            gone ? "SELECT no, id FROM gone WHERE kind = 0" : "SELECT no, id FROM twin", database)
        defer { query.reset() }
        while try query.step() { try body(UInt32(truncatingIfNeeded: query.integer(0)), query.text(1)) }
    }

    /// The numbers of those of `ids` that are twins. One look through the table, for all of them.
    func numbers(of ids: [String]) throws(DropError) -> [(id: String, number: UInt32)] {
        let present = try RawStatement(
            "SELECT no, id FROM twin WHERE id IN (\(Array(repeating: "?", count: ids.count).joined(separator: ", ")))", database)
        for (index, id) in ids.enumerated() { present.bind(text: Int32(index + 1), Array(id.utf8)) }
        defer { present.reset() }
        var found: [(id: String, number: UInt32)] = []
        while try present.step() { found.append((present.text(1), UInt32(truncatingIfNeeded: present.integer(0)))) }
        return found
    }

    /// Whether a twin had this id and is gone.
    func wasTwin(_ id: String) throws(DropError) -> Bool {
        let gone = try RawStatement.cached("SELECT 1 FROM gone WHERE id = ? AND kind = 0 LIMIT 1", database)
        gone.bind(text: 1, Array(id.utf8))
        defer { gone.reset() }
        return try gone.step()
    }

    /// Calls `body` with each number that a twin has in a property. Looks through the whole table.
    func forEachNumber(in key: UInt32, _ body: (StoredNumber) -> Void) throws(DropError) {
        let query = try RawStatement("SELECT td_value(rec, ?) FROM twin", database)
        query.bind(1, key)
        defer { query.reset() }
        while try query.step() { if let number = query.number(0) { body(number) } }
    }

    /// What is counted.
    enum Table: String { case twin, relationship, revision, pending, drops, commits = "drop_commit" }

    func count(_ table: Table) throws(DropError) -> Int {
        let query = try RawStatement.cached("SELECT count(*) FROM \(table.rawValue)", database)
        defer { query.reset() }
        return try query.step() ? Int(query.integer(0)) : 0
    }

    /// The lowest numbers of twins or of relationships.
    func lowest(_ limit: Int, of kind: NumberReservation.Kind) throws(DropError) -> [UInt32] {
        let table = kind == .twins ? "twin" : "relationship"
        let query = try RawStatement.cached("SELECT no FROM \(table) ORDER BY no LIMIT ?", database)
        query.bind(1, Int64(limit))
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers
    }

    // MARK: Relationships

    /// Those at one end of a twin, behind a number, in the order of their numbers.
    ///
    /// - Parameter name: the key of their name; nil: of any.
    func relationships(
        at end: RelationshipEnd, of twin: UInt32, named name: UInt32?, after: Int64, limit: Int
    ) throws(DropError) -> [(place: Int64, entity: StoredEntity)] {
        let query = try RawStatement.cached(
            """
            SELECT no, id, source, target, name, rec FROM relationship
            WHERE \(end.column) = ?1 AND no > ?2 AND (?3 IS NULL OR name = ?3) ORDER BY no LIMIT ?4
            """, database)
        query.bind(1, twin)
        query.bind(2, after)
        if let name { query.bind(3, name) } else { query.bindNull(3) }
        query.bind(4, Int64(limit))
        defer { query.reset() }
        var found: [(place: Int64, entity: StoredEntity)] = []
        while try query.step() { found.append((query.integer(0), try Self.relationship(query))) }
        return found
    }

    /// Whether so many relationships are at one end of a twin.
    func hasRelationships(_ count: Int, at end: RelationshipEnd, of twin: UInt32) throws(DropError) -> Bool {
        let query = try RawStatement.cached(
            "SELECT 1 FROM relationship WHERE \(end.column) = ? LIMIT 1 OFFSET ?", database)
        query.bind(1, twin)
        query.bind(2, Int64(count - 1))
        defer { query.reset() }
        return try query.step()
    }

    /// A relationship with the ids and the models of its ends; a model is a key, 0 for none.
    struct Joined {
        let entity: StoredEntity
        let source: String
        let target: String
        let models: (source: UInt32, target: UInt32)
    }

    /// Calls `body` with each relationship, in the order of their numbers.
    func forEachRelationship(_ body: (Joined) throws -> Void) throws {
        let query = try RawStatement(
            """
            SELECT r.no, r.id, r.source, r.target, r.name, r.rec, s.id, t.id, s.model, t.model FROM relationship r
            JOIN twin s ON s.no = r.source JOIN twin t ON t.no = r.target ORDER BY r.no
            """, database)
        defer { query.reset() }
        while try query.step() {
            try body(
                Joined(
                    entity: try Self.relationship(query), source: query.text(6), target: query.text(7),
                    models: (
                        UInt32(truncatingIfNeeded: query.integer(8)), UInt32(truncatingIfNeeded: query.integer(9))
                    )))
        }
    }

    /// The relationship in the first six columns.
    private static func relationship(_ query: RawStatement) throws(DropError) -> StoredEntity {
        StoredEntity(
            number: UInt32(truncatingIfNeeded: query.integer(0)), id: query.text(1),
            key: UInt32(truncatingIfNeeded: query.integer(4)), source: UInt32(truncatingIfNeeded: query.integer(2)),
            target: UInt32(truncatingIfNeeded: query.integer(3)), record: try TwinRecord(query.bytes(5)))
    }

    // MARK: Models and event routes

    /// The ids of all stored models, sorted.
    func modelIDs() throws(DropError) -> [String] {
        let query = try RawStatement("SELECT id FROM model ORDER BY id", database)
        defer { query.reset() }
        var ids: [String] = []
        while try query.step() { ids.append(query.text(0)) }
        return ids
    }

    func eventRoutes(after: String, limit: Int) throws(DropError) -> [EventRoute] {
        let query = try RawStatement.cached(
            "SELECT id, endpoint, filter FROM event_route WHERE id > ? ORDER BY id LIMIT ?", database)
        query.bind(text: 1, Array(after.utf8))
        query.bind(2, Int64(limit))
        defer { query.reset() }
        var routes: [EventRoute] = []
        while try query.step() { routes.append(Self.eventRoute(query)) }
        return routes
    }

    func eventRoute(_ id: String) throws(DropError) -> EventRoute? {
        let query = try RawStatement.cached("SELECT id, endpoint, filter FROM event_route WHERE id = ?", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        return try query.step() ? Self.eventRoute(query) : nil
    }

    private static func eventRoute(_ query: RawStatement) -> EventRoute {
        EventRoute(id: query.text(0), endpoint: query.text(1), filter: query.text(2))
    }

    func countEventRoutes(besides id: String) throws(DropError) -> Int {
        let query = try RawStatement.cached("SELECT count(*) FROM event_route WHERE id <> ?", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        return try query.step() ? Int(query.integer(0)) : 0
    }
}

extension RelationshipEnd {
    /// The column of the table `relationship`.
    fileprivate var column: StaticString { self == .source ? "source" : "target" }
}
