import DropCore
import GRDB

/// What a commit says to SQLite, prepared once per connection by GRDB's cache.
final class CommitStatements {
    let insertTwin: RawStatement
    let selectTwin: RawStatement
    let updateTwin: RawStatement
    let deleteTwin: RawStatement
    let insertRelationship: RawStatement
    let selectRelationship: RawStatement
    let updateRelationship: RawStatement
    let deleteRelationship: RawStatement
    let relationshipsFrom: RawStatement
    let relationshipsTo: RawStatement
    let insertRevision: RawStatement
    let insertGone: RawStatement
    let dropState: RawStatement
    let insertCommit: RawStatement
    let noteSource: RawStatement
    let noteChangeByOthers: RawStatement
    let noteChangeOfBare: RawStatement
    let savepoint: RawStatement
    let release: RawStatement

    init(_ database: Database) throws(DropError) {
        func prepare(_ sql: String) throws(DropError) -> RawStatement { try RawStatement.cached(sql, database) }
        insertTwin = try prepare("INSERT INTO twin(no, id, model, rec) VALUES(?, ?, ?, ?)")
        selectTwin = try prepare("SELECT id, model, rec FROM twin WHERE no = ?")
        updateTwin = try prepare("UPDATE twin SET model = ?, rec = ? WHERE no = ?")
        deleteTwin = try prepare("DELETE FROM twin WHERE no = ?")
        insertRelationship = try prepare(
            "INSERT INTO relationship(no, id, source, target, name, rec) VALUES(?, ?, ?, ?, ?, ?)")
        selectRelationship = try prepare("SELECT id, source, target, name, rec FROM relationship WHERE no = ?")
        updateRelationship = try prepare("UPDATE relationship SET target = ?, name = ?, rec = ? WHERE no = ?")
        deleteRelationship = try prepare("DELETE FROM relationship WHERE no = ?")
        relationshipsFrom = try prepare("SELECT no FROM relationship WHERE source = ?")
        relationshipsTo = try prepare("SELECT no FROM relationship WHERE target = ?")
        insertRevision = try prepare(
            "INSERT INTO revision(no, kind, entity, drop_no, record, prev, patch) VALUES(?, ?, ?, ?, ?, ?, ?)")
        insertGone = try prepare("INSERT INTO gone(kind, no, id, source, last_revision) VALUES(?, ?, ?, ?, ?)")
        dropState = try prepare("SELECT state FROM drops WHERE id = ?")
        insertCommit = try prepare("INSERT INTO drop_commit(sequence, drop_no, time, first_revision) VALUES(?, ?, ?, ?)")
        noteSource = try prepare(
            """
            INSERT INTO source(name, is_bare) VALUES(?, ?)
            ON CONFLICT(name) DO UPDATE SET is_bare = max(is_bare, excluded.is_bare)
            """)
        noteChangeByOthers = try prepare(
            """
            INSERT INTO source(name, changed_by_others) VALUES(?, ?)
            ON CONFLICT(name) DO UPDATE SET changed_by_others = excluded.changed_by_others
            """)
        noteChangeOfBare = try prepare("UPDATE source SET changed_by_others = ? WHERE is_bare = 1 AND name <> ?")
        savepoint = try prepare("SAVEPOINT member")
        release = try prepare("RELEASE member")
    }
}
