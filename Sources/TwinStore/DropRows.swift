import DropCore
import GRDB
import TwinModel

/// Drops as rows of the table `drops`.
enum DropRows {
    static let columns = """
        id, source, file_name, bytes, digest, state, claimed_at, changed_at, device, inode, change_time, reason_code, \
        reason_message, reason_hint, link_kind, link_drop, released, books, plugin, container, member
        """

    /// Writes a drop; the row keeps its number and, when `scope` is nil, its scope.
    static func upsert(_ drop: DropRecord, number: UInt64, scope: String?, _ database: Database) throws {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO drops(no, \(columns), scope)
                VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT(id) DO UPDATE SET bytes = excluded.bytes, digest = excluded.digest, state = excluded.state,
                    changed_at = excluded.changed_at, reason_code = excluded.reason_code,
                    reason_message = excluded.reason_message, reason_hint = excluded.reason_hint,
                    link_kind = excluded.link_kind, link_drop = excluded.link_drop, released = excluded.released,
                    books = excluded.books, plugin = excluded.plugin, container = excluded.container,
                    member = excluded.member, scope = coalesce(excluded.scope, scope)
                """)
        try statement.execute(arguments: arguments(drop, number, scope))
    }

    private static func arguments(_ drop: DropRecord, _ number: UInt64, _ scope: String?) -> StatementArguments {
        var values: [(any DatabaseValueConvertible)?] = [
            Int64(number), drop.id.description, drop.source.text, blob(drop.fileName.bytes), Int64(bitPattern: drop.bytes),
            drop.digest.map { blob($0.bytes) }, drop.state.rawValue, Int64(drop.claimedAt), Int64(drop.changedAt),
        ]
        values += [
            Int64(bitPattern: drop.intake.device), Int64(bitPattern: drop.intake.inode), drop.intake.changeTime,
            drop.reason?.code.text, drop.reason?.message, drop.reason?.hint, drop.link?.kind.rawValue,
            drop.link?.drop.description,
        ]
        values += [
            drop.released, drop.books.map { $0.json.text() }, drop.plugin.map { $0.json.text() }, drop.container, drop.member,
            scope.flatMap { $0.isEmpty ? nil : $0 },
        ]
        return StatementArguments(values)
    }

    /// A blob, whatever its length: an empty array of bytes must not become NULL.
    static func blob(_ bytes: [UInt8]) -> DatabaseValue { RawBlob.value(bytes) }

    /// Runs a query for `columns` with text, blob and integer arguments.
    static func fetch(_ tail: String, _ arguments: [DatabaseValue], _ database: Database) throws(DropError) -> [DropRecord] {
        do {
            let rows = try Row.fetchAll(
                database, sql: "SELECT \(columns) FROM drops \(tail)", arguments: StatementArguments(arguments))
            var drops: [DropRecord] = []
            for row in rows { drops.append(try drop(row)) }
            return drops
        } catch {
            throw StorageFailure.error(error)
        }
    }

    private static func drop(_ row: Row) throws(DropError) -> DropRecord {
        guard let id = DropID(row[0] as String), let source = SourceName(row[1] as String),
            let state = DropState(rawValue: row[5])
        else { throw StorageFailure.damaged("the row of the drop \(row[0] as String) cannot be read") }
        var drop = DropRecord(
            id: id, source: source, fileName: FileName(bytes: RawBlob.bytes(row, 2)), bytes: UInt64(bitPattern: row[3] as Int64),
            state: state, claimedAt: UInt64(row[6] as Int64), changedAt: UInt64(row[7] as Int64),
            intake: FileIdentity(
                device: UInt64(bitPattern: row[8] as Int64), inode: UInt64(bitPattern: row[9] as Int64),
                changeTime: row[10]), released: row[16])
        if !row.hasNull(atIndex: 4) {
            let digest = RawBlob.bytes(row, 4)
            guard digest.count == 32 else { throw StorageFailure.damaged("the digest of the drop \(id) has not 32 bytes") }
            drop.digest = ContentDigest(bytes: digest)
        }
        if let code = row[11] as String? {
            drop.reason = DropReason(
                code: DropError.Code(code), message: row[12] as String? ?? "", hint: row[13] as String? ?? "")
        }
        if let kind = (row[14] as String?).flatMap(DropLink.Kind.init(rawValue:)),
            let other = (row[15] as String?).flatMap({ DropID($0) })
        {
            drop.link = DropLink(kind: kind, drop: other)
        }
        drop.books = (row[17] as String?).flatMap { try? JSON(parsing: $0) }.map(DropBooks.init(json:))
        drop.plugin = (row[18] as String?).flatMap { try? JSON(parsing: $0) }.flatMap(TransformSummary.init(json:))
        drop.container = row[19]
        drop.member = row[20]
        return drop
    }
}

extension DropBooks {
    private static var members: [(String, WritableKeyPath<DropBooks, UInt64>)] {
        [
            ("recordsRead", \.recordsRead), ("recordsUsed", \.recordsUsed), ("recordsFiltered", \.recordsFiltered),
            ("recordsRejected", \.recordsRejected), ("created", \.created), ("updated", \.updated), ("unchanged", \.unchanged),
            ("deleted", \.deleted), ("rejected", \.rejected), ("superseded", \.superseded),
            ("deletedByAbsence", \.deletedByAbsence), ("waiting", \.waiting), ("bytesAccounted", \.bytesAccounted),
            ("bytesUnaccounted", \.bytesUnaccounted),
        ]
    }

    /// The books as they are stored.
    var json: JSON { .object(Self.members.map { JSON.Member($0.0, .int(Int64(self[keyPath: $0.1]))) }) }

    /// Members that are missing count 0.
    init(json: JSON) {
        self.init()
        for (name, path) in Self.members { self[keyPath: path] = UInt64(max(0, json[name]?.int ?? 0)) }
    }
}

extension TransformSummary {
    var json: JSON {
        .object([
            .init("id", .string(pluginID)), .init("version", .string(pluginVersion)),
            .init("digest", .string(pluginDigest.description)),
            .init("epoch", epoch.map { .string($0.description) } ?? .null),
            .init("log", .array(log.map { .string($0) })),
        ])
    }

    init?(json: JSON) {
        guard let id = json["id"]?.string, let version = json["version"]?.string,
            let digest = json["digest"]?.string.flatMap({ ContentDigest(hex: $0) })
        else { return nil }
        self.init(
            pluginID: id, pluginVersion: version, pluginDigest: digest,
            epoch: json["epoch"]?.string.flatMap { ContentDigest(hex: $0) },
            log: json["log"]?.elements?.compactMap(\.string) ?? [])
    }
}
