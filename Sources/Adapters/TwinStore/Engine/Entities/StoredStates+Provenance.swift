import DropCore
import GRDB
import TwinModel

/// Who said something, and in which commit.
extension StoredStates {
    /// Who made something; of a relationship that waited for its ends: who stated it, and the commit that let it in.
    func creation(of record: TwinRecord, _ database: Database) throws(DropError) -> Provenance {
        let made = try provenance(record.created, record.base.record, database)
        guard record.origin != 0, record.origin != record.created else { return made }
        let stated = try provenance(record.origin, record.base.record, database)
        return Provenance(origin: stated.origin, sequence: made.sequence, time: made.time)
    }

    func provenance(_ drop: UInt64, _ record: UInt64, _ database: Database) throws(DropError) -> Provenance {
        let query = try RawStatement.cached(
            """
            SELECT d.id, d.source, d.file_name, d.plugin, c.sequence, c.time, d.link_drop FROM drops d
            LEFT JOIN drop_commit c ON c.drop_no = d.no WHERE d.no = ?
            """, database)
        query.bind(1, Int64(drop))
        defer { query.reset() }
        guard try query.step() else { return try provenance(ofCall: drop, database) }
        guard let id = DropID(query.text(0)), let source = SourceName(query.text(1)) else {
            throw StorageFailure.damaged("the drop with the number \(drop) has no valid id or source")
        }
        let plugin = (try? JSON(parsing: query.bytes(3))).flatMap(TransformSummary.init(json:))
        let origin = Provenance.RecordOrigin(
            drop: id, source: source, fileName: FileName(bytes: query.bytes(2)),
            corrects: try query.isNull(6) ? nil : corrected(by: drop, query.text(6), database), record: record,
            plugin: plugin.map { "\($0.pluginID) \($0.pluginVersion)" })
        return Provenance(origin: .record(origin), sequence: UInt64(query.integer(4)), time: UInt64(query.integer(5)))
    }

    /// The name of the file whose records a drop corrected: of the one it is linked to, or of the one that is linked to where it
    /// was tried again.
    private func corrected(by drop: UInt64, _ linked: String, _ database: Database) throws(DropError) -> FileName? {
        let query = try RawStatement.cached(
            """
            SELECT o.file_name FROM drops o WHERE o.id IN (?2, (SELECT link_drop FROM drops WHERE id = ?2))
            AND EXISTS (SELECT 1 FROM correction WHERE drop_no = o.no AND by_drop = ?1)
            """, database)
        query.bind(1, Int64(drop))
        query.bind(text: 2, linked)
        defer { query.reset() }
        return try query.step() ? FileName(bytes: query.bytes(0)) : nil
    }

    private func provenance(ofCall number: UInt64, _ database: Database) throws(DropError) -> Provenance {
        let query = try RawStatement.cached(
            "SELECT l.caller, l.what, c.sequence, c.time FROM call l JOIN drop_commit c ON c.drop_no = l.no WHERE l.no = ?",
            database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        guard try query.step() else {
            throw StorageFailure.damaged("the drop or call with the number \(number) is missing")
        }
        return Provenance(
            origin: .call(.init(caller: Caller(name: query.text(0)), what: query.text(1))), sequence: UInt64(query.integer(2)),
            time: UInt64(query.integer(3)))
    }
}
