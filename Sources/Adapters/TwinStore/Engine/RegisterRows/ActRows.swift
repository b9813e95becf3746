import DropCore
import GRDB
import TwinModel

/// Acts of people as rows of the table `act`.
enum ActRows {
    /// Writes an act; one that is there already stays as it is.
    static func insert(_ act: Act, _ database: Database) throws(DropError) {
        let row = try RawStatement.cached(
            """
            INSERT INTO act(id, kind, at, person, reason, drop_id, source, facts, leaf) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(id) DO NOTHING
            """, database)
        row.bind(text: 1, act.id.description)
        row.bind(text: 2, act.kind.rawValue)
        row.bind(3, Int64(act.at))
        row.bind(text: 4, act.by.json.text())
        row.bind(text: 5, act.reason)
        row.bind(text: 6, act.drop?.description)
        row.bind(text: 7, act.source?.text)
        row.bind(text: 8, JSON.object(act.facts).text())
        if let leaf = act.leaf { row.bind(9, Int64(leaf)) } else { row.bindNull(9) }
        try row.run()
    }

    /// Those that the chain does not have yet, oldest first.
    static func unrecorded(_ database: Database) throws(DropError) -> [Act] {
        try fetch("INDEXED BY act_unrecorded WHERE leaf IS NULL ORDER BY id", [], database)
    }

    /// What people did to a drop, oldest first.
    static func acts(on drop: DropID, _ database: Database) throws(DropError) -> [Act] {
        try fetch("WHERE drop_id = ? ORDER BY id", [drop.description.databaseValue], database)
    }

    /// All that people did, oldest first.
    static func all(_ database: Database) throws(DropError) -> [Act] { try fetch("ORDER BY id", [], database) }

    /// Notes where the chain has an act.
    static func noteRecorded(_ act: DropID, leaf: UInt64, _ database: Database) throws(DropError) {
        let row = try RawStatement.cached("UPDATE act SET leaf = ? WHERE id = ?", database)
        row.bind(1, Int64(leaf))
        row.bind(text: 2, act.description)
        try row.run()
    }

    private static func fetch(_ tail: String, _ arguments: [DatabaseValue], _ database: Database) throws(DropError) -> [Act] {
        do {
            let rows = try Row.fetchAll(
                database, sql: "SELECT id, kind, at, person, reason, drop_id, source, facts, leaf FROM act \(tail)",
                arguments: StatementArguments(arguments))
            var acts: [Act] = []
            for row in rows { acts.append(try act(row)) }
            return acts
        } catch {
            throw StorageFailure.error(error)
        }
    }

    private static func act(_ row: Row) throws(DropError) -> Act {
        guard let id = DropID(row[0] as String), let kind = Act.Kind(rawValue: row[1] as String),
            let person = (try? JSON(parsing: row[3] as String)).flatMap(Person.init(json:)),
            let facts = (try? JSON(parsing: row[7] as String))?.members
        else { throw StorageFailure.damaged("the row of the act \(row[0] as String) cannot be read") }
        return Act(
            id: id, kind: kind, at: UInt64(row[2] as Int64), by: person, reason: row[4],
            drop: (row[5] as String?).flatMap { DropID($0) }, source: (row[6] as String?).flatMap { SourceName($0) },
            facts: facts, leaf: (row[8] as Int64?).map { UInt64($0) })
    }
}
