import DropCore
import GRDB
import Synchronization
import TwinModel

/// Drops as rows of the table `drops`.
enum DropRows {
    static let columns = """
        id, source, file_name, bytes, digest, state, claimed_at, changed_at, device, inode, change_time, reason_code, \
        reason_message, reason_hint, link_kind, link_drop, released, books, plugin, container, member, closed_drop, closed_how
        """

    /// Writes a drop; the row keeps its number and, when `scope` is nil, its scope.
    static func upsert(_ drop: DropRecord, number: UInt64, scope: String?, _ database: Database) throws(DropError) {
        let row = try RawStatement.cached(
            """
            INSERT INTO drops(no, \(columns), scope, outcome)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(id) DO UPDATE SET bytes = excluded.bytes, digest = excluded.digest, state = excluded.state,
                changed_at = excluded.changed_at, reason_code = excluded.reason_code,
                reason_message = excluded.reason_message, reason_hint = excluded.reason_hint,
                link_kind = excluded.link_kind, link_drop = excluded.link_drop, released = excluded.released,
                books = excluded.books, plugin = excluded.plugin, container = excluded.container,
                member = excluded.member, closed_drop = excluded.closed_drop, closed_how = excluded.closed_how,
                scope = coalesce(excluded.scope, scope), outcome = excluded.outcome
            """, database)
        row.bind(1, Int64(number))
        row.bind(text: 2, drop.id.description)
        row.bind(text: 3, drop.source.text)
        row.bind(blob: 4, drop.fileName.bytes)
        row.bind(5, Int64(bitPattern: drop.bytes))
        if let digest = drop.digest { row.bind(blob: 6, digest.bytes) } else { row.bindNull(6) }
        row.bind(text: 7, drop.state.rawValue)
        row.bind(8, Int64(drop.claimedAt))
        row.bind(9, Int64(drop.changedAt))
        row.bind(10, Int64(bitPattern: drop.intake.device))
        row.bind(11, Int64(bitPattern: drop.intake.inode))
        row.bind(12, drop.intake.changeTime)
        row.bind(text: 13, drop.reason?.code.text)
        row.bind(text: 14, drop.reason?.message)
        row.bind(text: 15, drop.reason?.hint)
        row.bind(text: 16, drop.link?.kind.rawValue)
        row.bind(text: 17, drop.link?.drop.description)
        let flags: Int64 = (drop.released ? 1 : 0) + (drop.forced ? 2 : 0)
        row.bind(18, flags)
        row.bind(text: 19, drop.books?.text)
        row.bind(text: 20, drop.plugin?.text)
        row.bind(text: 21, drop.container)
        row.bind(text: 22, drop.member)
        row.bind(text: 23, drop.closedBy?.drop.description)
        row.bind(text: 24, drop.closedBy?.how.rawValue)
        row.bind(text: 25, scope.flatMap { $0.isEmpty ? nil : $0 })
        row.bind(text: 26, drop.outcome?.rawValue)
        try row.run()
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
                changeTime: row[10]), released: (row[16] as Int64) & 1 != 0, forced: (row[16] as Int64) & 2 != 0)
        if !row.hasNull(atIndex: 4) {
            let digest = RawBlob.bytes(row, 4)
            guard digest.count == 32 else { throw StorageFailure.damaged("the digest of the drop \(id) has not 32 bytes") }
            drop.digest = ContentDigest(bytes: digest)
        }
        if let code = row[11] as String? {
            drop.reason = DropReason(
                code: DropError.Code(stored: code), message: row[12] as String? ?? "", hint: row[13] as String? ?? "")
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
        if let other = (row[21] as String?).flatMap({ DropID($0) }),
            let how = (row[22] as String?).flatMap(DropClosing.How.init(rawValue:))
        {
            drop.closedBy = DropClosing(drop: other, how: how)
        }
        return drop
    }
}

extension DropBooks {
    private static let members: [(String, any WritableKeyPath<DropBooks, UInt64> & Sendable)] = [
        ("recordsRead", \.recordsRead), ("recordsUsed", \.recordsUsed), ("recordsFiltered", \.recordsFiltered),
        ("recordsRejected", \.recordsRejected), ("created", \.created), ("updated", \.updated), ("unchanged", \.unchanged),
        ("deleted", \.deleted), ("rejected", \.rejected), ("superseded", \.superseded),
        ("deletedByAbsence", \.deletedByAbsence), ("deletedWithTwins", \.deletedWithTwins), ("withheldTwins", \.withheldTwins),
        ("withheldRelationships", \.withheldRelationships), ("firstRejected", \.firstRejected), ("waiting", \.waiting),
        ("bytesAccounted", \.bytesAccounted),
        ("bytesUnaccounted", \.bytesUnaccounted),
    ]

    /// The books as they are stored: a JSON object, without what is 0. Written for each drop, so without key paths.
    var text: String {
        var text = "{"
        text.reserveCapacity(192)
        func add(_ name: String, _ count: UInt64) {
            guard count != 0 else { return }
            text += text.utf8.count == 1 ? "\"" : ",\""
            text += name
            text += "\":"
            text += String(count)
        }
        add("recordsRead", recordsRead)
        add("recordsUsed", recordsUsed)
        add("recordsFiltered", recordsFiltered)
        add("recordsRejected", recordsRejected)
        add("created", created)
        add("updated", updated)
        add("unchanged", unchanged)
        add("deleted", deleted)
        add("rejected", rejected)
        add("superseded", superseded)
        add("deletedByAbsence", deletedByAbsence)
        add("deletedWithTwins", deletedWithTwins)
        add("withheldTwins", withheldTwins)
        add("withheldRelationships", withheldRelationships)
        add("firstRejected", firstRejected)
        add("waiting", waiting)
        add("bytesAccounted", bytesAccounted)
        add("bytesUnaccounted", bytesUnaccounted)
        if !skipped.isEmpty {
            if text.utf8.count > 1 { text += "," }
            text += "\"skipped\":" + JSON.array(skipped.map(\.json)).text()
        }
        return text + "}"
    }

    /// Members that are missing count 0.
    init(json: JSON) {
        self.init()
        for (name, path) in Self.members { self[keyPath: path] = UInt64(max(0, json[name]?.int ?? 0)) }
        skipped = (json["skipped"]?.elements ?? []).map { SkippedPart(json: $0) }
    }
}

extension SkippedPart {
    /// A part as it is stored with its drop.
    fileprivate var json: JSON {
        [
            "name": .string(name), "parts": .int(Int64(clamping: parts)), "bytes": .int(Int64(clamping: bytes)),
            "offset": .int(Int64(clamping: offset)),
        ]
    }

    fileprivate init(json: JSON) {
        func count(_ name: String) -> UInt64 { UInt64(max(0, json[name]?.int ?? 0)) }
        self.init(name: json["name"]?.string ?? "", parts: count("parts"), bytes: count("bytes"), offset: count("offset"))
    }
}

extension TransformSummary {
    private static let texts = Mutex<[(summary: TransformSummary, text: String)]>([])
    private static let textsMax = 16

    /// As it is stored with its drop. Most drops have what one of the last had: those texts are kept, unless a plugin logged.
    var text: String {
        guard log.isEmpty else { return json.text() }
        if let known = Self.texts.withLock({ texts in texts.first { $0.summary == self }?.text }) { return known }
        let text = json.text()
        Self.texts.withLock { texts in
            if texts.count == Self.textsMax { texts.removeFirst() }
            texts.append((self, text))
        }
        return text
    }

    var json: JSON {
        .object([
            .init("id", .string(pluginID)), .init("version", .string(pluginVersion)),
            .init("digest", .string(pluginDigest.description)),
            .init("epoch", transformDigest.map { .string($0.description) } ?? .null),
            .init("rules", rules.map { .string($0) } ?? .null),
            .init("log", .array(log.map { .string($0) })),
        ])
    }

    init?(json: JSON) {
        guard let id = json["id"]?.string, let version = json["version"]?.string,
            let digest = json["digest"]?.string.flatMap({ ContentDigest(hex: $0) })
        else { return nil }
        self.init(
            pluginID: id, pluginVersion: version, pluginDigest: digest,
            transformDigest: json["epoch"]?.string.flatMap { ContentDigest(hex: $0) }, rules: json["rules"]?.string,
            log: json["log"]?.elements?.compactMap(\.string) ?? [])
    }
}

// MARK: - Conditions

extension DropRows {
    /// For few drops among very many there is an index, which SQLite takes when the query repeats its condition.
    static func condition(_ states: Set<DropState>) -> String {
        let condition = "state IN (\(list(states)))"
        if states.isSubset(of: [.held, .quarantined, .retried, .resolved, .discarded, .duplicate]) {
            return "\(condition) AND \(StoreSchema.setAsideSQL)"
        }
        if states.isSubset(of: [.claimed, .registered, .applied, .archived, .held]) {
            return "\(condition) AND \(StoreSchema.unfinishedSQL)"
        }
        return condition
    }

    private static func list(_ states: Set<DropState>) -> String {
        states.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
    }
}
