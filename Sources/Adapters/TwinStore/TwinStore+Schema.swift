import DropCore
import GRDB
import Synchronization
import TwinModel

extension TwinStore {
    /// Number of the newest schema; see `migrations`.
    static let schemaVersion = 8

    /// Bytes a page has, measured: see docs/decisions/0010-twin-storage.md.
    static let pageBytes = 4096
    /// KiB of pages each connection keeps.
    private static let cacheKiB = 32 * 1024
    /// The write-ahead log is checkpointed by the writer when it passes this, and while idle when it passes the second.
    static let walBytesMax = 256 << 20
    static let walBytesIdle = 16 << 20
    /// What its file is made long ahead of use.
    static let walBytesReserved = 20 << 20

    /// Connections that only read, beside a running daemon or without one.
    static func openReadOnly(_ path: String) throws(DropError) -> DatabasePool {
        var configuration = configuration()
        configuration.readonly = true
        configuration.maximumReaderCount = 2
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            let version = try pool.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
            guard version == schemaVersion else { throw StorageFailure.otherVersion(version, known: schemaVersion) }
            return pool
        } catch {
            throw StorageFailure.error(error)
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = 6 + queriesMax
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { database in
            for pragma in [
                "page_size = \(pageBytes)", "cache_size = -\(database.configuration.readonly ? cacheKiB / 4 : cacheKiB)",
                "mmap_size = 0",
                "cell_size_check = ON", "trusted_schema = OFF", "wal_autocheckpoint = 0", "temp_store = MEMORY",
            ] { try database.execute(sql: "PRAGMA \(pragma)") }
            try RecordFunctions.register(on: database)
        }
        return configuration
    }

    /// - Parameters:
    ///   - use: kept up to date about the write-ahead log; lives as long as the pool.
    ///   - isCopy: nothing is kept of an older schema.
    static func openPool(_ path: String, _ use: WriteAheadLog.Use, isCopy: Bool) throws(DropError) -> DatabasePool {
        try WriteAheadLog.gatherWrites()
        let configuration = configuration()
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                // GRDB sets NORMAL; a power cut would then lose commits whose files are gone.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.execute(sql: "PRAGMA secure_delete = OFF")
                WriteAheadLog.watch(database, use)
                try migrate(database) { isCopy ? nil : "\(path).schema-\($0)" }
            }
            return pool
        } catch {
            throw StorageFailure.error(error)
        }
    }

    /// What a drop still has to do: used by the index and by `unfinished`.
    static let unfinishedSQL = """
        (state IN ('claimed', 'registered', 'applied', 'archived', 'held') \
        OR (container IS NULL AND state IN ('quarantined', 'retried', 'resolved', 'discarded', 'duplicate')))
        """

    /// Drops that did not go the usual way: few among many, with an index of their own.
    static let setAsideSQL = "(state IN ('held', 'quarantined', 'retried', 'resolved', 'discarded', 'duplicate'))"

    /// Drops with refused records that nobody has corrected since: few among many, with an index of their own.
    /// A drop of which nothing was usable is one of them where it was not held, or was released.
    static let openRejectsSQL = """
        (outcome IN ('applied-with-rejects', 'nothing-usable') AND state IN ('applied', 'archived', 'done') \
        AND closed_drop IS NULL)
        """

    /// Each brings the schema from its index to the next number. Never edited once released. An empty one is a number that was
    /// never given out.
    static let migrations = [
        """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO meta VALUES('instance', lower(hex(randomblob(8))));
        CREATE TABLE key(no INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
        CREATE TABLE source(name TEXT PRIMARY KEY, is_bare INTEGER NOT NULL DEFAULT 0,
            changed_by_others INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
        CREATE TABLE source_key(source TEXT NOT NULL, no INTEGER NOT NULL, key INTEGER NOT NULL REFERENCES key(no),
            PRIMARY KEY(source, no)) STRICT, WITHOUT ROWID;
        CREATE TABLE twin(no INTEGER PRIMARY KEY, id TEXT NOT NULL, model INTEGER, rec BLOB NOT NULL) STRICT;
        CREATE TABLE relationship(no INTEGER PRIMARY KEY, id TEXT NOT NULL, source INTEGER NOT NULL REFERENCES twin(no),
            target INTEGER NOT NULL REFERENCES twin(no), name INTEGER NOT NULL, rec BLOB NOT NULL) STRICT;
        CREATE INDEX relationship_source ON relationship(source);
        CREATE INDEX relationship_target ON relationship(target);
        CREATE TABLE revision(no INTEGER PRIMARY KEY, kind INTEGER NOT NULL, entity INTEGER NOT NULL, drop_no INTEGER NOT NULL,
            record INTEGER NOT NULL, prev INTEGER NOT NULL, patch BLOB NOT NULL) STRICT;
        CREATE TABLE gone(kind INTEGER NOT NULL, no INTEGER NOT NULL, id TEXT NOT NULL, source INTEGER NOT NULL,
            last_revision INTEGER NOT NULL, PRIMARY KEY(kind, no)) STRICT, WITHOUT ROWID;
        CREATE INDEX gone_id ON gone(id);
        CREATE INDEX gone_source ON gone(source) WHERE kind = 1;
        CREATE INDEX gone_revision ON gone(last_revision);
        CREATE TABLE drops(no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, file_name BLOB NOT NULL,
            bytes INTEGER NOT NULL, digest BLOB, state TEXT NOT NULL, claimed_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL, change_time INTEGER NOT NULL,
            reason_code TEXT, reason_message TEXT, reason_hint TEXT, link_kind TEXT, link_drop TEXT,
            released INTEGER NOT NULL, books TEXT, plugin TEXT, container TEXT, member TEXT, scope TEXT) STRICT;
        CREATE INDEX drops_source ON drops(source, id);
        CREATE INDEX drops_state ON drops(state, id);
        CREATE INDEX drops_digest ON drops(digest, source);
        CREATE INDEX drops_intake ON drops(inode, device);
        CREATE INDEX drops_file_name ON drops(file_name);
        CREATE INDEX drops_unfinished ON drops(id) WHERE \(unfinishedSQL);
        CREATE TABLE drop_commit(sequence INTEGER PRIMARY KEY, drop_no INTEGER NOT NULL UNIQUE REFERENCES drops(no),
            time INTEGER NOT NULL, first_revision INTEGER NOT NULL) STRICT;
        CREATE INDEX drop_commit_time ON drop_commit(time);
        CREATE TABLE pending(no INTEGER PRIMARY KEY, drop_no INTEGER NOT NULL, record INTEGER NOT NULL, source TEXT NOT NULL,
            source_id TEXT NOT NULL, name INTEGER NOT NULL, target_id TEXT NOT NULL, id TEXT NOT NULL, rec BLOB NOT NULL,
            expires INTEGER NOT NULL, UNIQUE(source_id, id)) STRICT;
        CREATE INDEX pending_target ON pending(target_id);
        CREATE INDEX pending_expires ON pending(expires);
        CREATE TABLE outbox(no INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL,
            twin TEXT NOT NULL, body BLOB NOT NULL, attempts INTEGER NOT NULL DEFAULT 0) STRICT;
        CREATE TABLE horizon(sequence INTEGER NOT NULL) STRICT;
        INSERT INTO horizon VALUES(0);
        """,
        // The twin service. A call has a number of the same row of numbers as drops, and so a place in `drop_commit`.
        """
        CREATE TABLE call(no INTEGER PRIMARY KEY, caller TEXT NOT NULL, what TEXT NOT NULL) STRICT;
        CREATE TABLE commits(sequence INTEGER PRIMARY KEY, drop_no INTEGER NOT NULL UNIQUE, time INTEGER NOT NULL,
            first_revision INTEGER NOT NULL, ticks INTEGER NOT NULL DEFAULT 0) STRICT;
        INSERT INTO commits(sequence, drop_no, time, first_revision)
            SELECT sequence, drop_no, time, first_revision FROM drop_commit;
        DROP TABLE drop_commit;
        ALTER TABLE commits RENAME TO drop_commit;
        CREATE INDEX drop_commit_time ON drop_commit(time);
        CREATE TABLE model(id TEXT PRIMARY KEY, text BLOB NOT NULL, uploaded INTEGER NOT NULL,
            is_decommissioned INTEGER NOT NULL DEFAULT 0, call_no INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE event_route(id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, filter TEXT NOT NULL, call_no INTEGER NOT NULL)
            STRICT, WITHOUT ROWID;
        """,
        "",
        // A drop changes its state three times, and almost every drop ends `clean`: an index of all states was the dearest part
        // of a small file's row.
        """
        DROP INDEX drops_state;
        CREATE INDEX drops_set_aside ON drops(state, id) WHERE \(setAsideSQL);
        DROP INDEX drops_digest;
        CREATE INDEX drops_digest ON drops(digest, source) WHERE digest IS NOT NULL;
        """,
        // How a relationship that waits is checked when its ends have come.
        """
        ALTER TABLE pending ADD COLUMN validation TEXT NOT NULL DEFAULT 'known';
        """,
        // What corrected rejects and late drops are judged by (docs/decisions/0025, 0026).
        """
        CREATE TABLE refusal(drop_no INTEGER PRIMARY KEY, source TEXT NOT NULL, records BLOB NOT NULL, headers BLOB NOT NULL)
            STRICT;
        CREATE TABLE correction(drop_no INTEGER NOT NULL, record INTEGER NOT NULL, by_drop INTEGER NOT NULL, row BLOB NOT NULL,
            PRIMARY KEY(drop_no, record)) STRICT, WITHOUT ROWID;
        CREATE TABLE delivered(drop_no INTEGER PRIMARY KEY, source TEXT NOT NULL, scope TEXT NOT NULL, place TEXT NOT NULL,
            place_no INTEGER NOT NULL, kind INTEGER NOT NULL, twins BLOB NOT NULL, relationships BLOB NOT NULL,
            absent BLOB NOT NULL, keys BLOB NOT NULL, all_keys BLOB NOT NULL) STRICT;
        CREATE INDEX delivered_place ON delivered(source, place, place_no);
        """,
        oneLife,
        // Drops of which nothing was usable count among those with refused records.
        """
        DROP INDEX drops_open_rejects;
        CREATE INDEX drops_open_rejects ON drops(source, id) WHERE \(openRejectsSQL);
        """,
    ]

    /// Rebuilds what the process keeps.
    func load() throws(DropError) {
        try reading { (database) throws(DropError) in
            try loadCounters(database)
            try loadSources(database)
            try loadModels(database)
            try loadTwins(database)
            try loadRelationships(database)
            try loadWaiting(database)
            try loadIndexes(database)
        }
    }

    /// What a reader keeps: names and counters, no identities.
    func loadNames(withModels: Bool) throws(DropError) {
        try reading { (database) throws(DropError) in
            try loadCounters(database)
            try loadSources(database)
            try loadIndexes(database)
            if withModels { try loadModels(database) }
        }
    }

    private func loadCounters(_ database: Database) throws(DropError) {
        func number(_ sql: String) throws(DropError) -> Int64 {
            let query = try RawStatement(sql, database)
            defer { query.reset() }
            return try query.step() ? query.integer(0) : 0
        }
        var loaded = Counters()
        let twin = try max(number("SELECT max(no) FROM twin"), number("SELECT max(no) FROM gone WHERE kind = 0"))
        let relationship = try max(
            number("SELECT max(no) FROM relationship"), number("SELECT max(no) FROM gone WHERE kind = 1"))
        loaded.nextTwin = UInt32(twin + 1)
        loaded.nextRelationship = UInt32(relationship + 1)
        loaded.nextDrop = UInt64(try max(number("SELECT max(no) FROM drops"), number("SELECT max(no) FROM call")) + 1)
        loaded.sequence = UInt64(try number("SELECT max(sequence) FROM drop_commit"))
        loaded.lastTime = UInt64(try number("SELECT max(time) FROM drop_commit"))
        loaded.lastTicks = try number("SELECT time * 10000 + ticks FROM drop_commit ORDER BY sequence DESC LIMIT 1")
        let revision = try max(
            number("SELECT max(no) + 1 FROM revision"), number("SELECT max(first_revision) FROM drop_commit"))
        loaded.nextRevision = UInt64(max(1, revision))
        let fixed = loaded
        counters.withLock { $0 = fixed }
        var names: [(number: UInt32, name: String)] = []
        let query = try RawStatement("SELECT no, name FROM key ORDER BY no", database)
        while try query.step() { names.append((UInt32(truncatingIfNeeded: query.integer(0)), query.text(1))) }
        query.reset()
        keys.load(names)
    }

    private func loadSources(_ database: Database) throws(DropError) {
        let drops = try RawStatement(
            "SELECT d.no, d.source, d.scope FROM drops d JOIN drop_commit c ON c.drop_no = d.no", database)
        while try drops.step() {
            guard let source = SourceName(drops.text(1)) else { throw StorageFailure.damaged("a source has no valid name") }
            note(drop: UInt64(drops.integer(0)), of: source, scope: drops.text(2))
        }
        drops.reset()
        let sources = try RawStatement("SELECT name, is_bare FROM source", database)
        while try sources.step() {
            guard let source = SourceName(sources.text(0)) else { throw StorageFailure.damaged("a source has no valid name") }
            memory(of: source).isBare = sources.integer(1) != 0
        }
        sources.reset()
        let refusals = try RawStatement("SELECT DISTINCT source FROM refusal", database)
        while try refusals.step() { SourceName(refusals.text(0)).map { memory(of: $0).hasRefusals = true } }
        refusals.reset()
        let unfinished =
            "state IN ('claimed', 'registered') AND (released <> 0 OR link_kind = 'retries') AND \(Self.unfinishedSQL)"
        let setAside = try RawStatement(
            """
            SELECT DISTINCT source FROM drops WHERE state IN ('held', 'quarantined') AND \(Self.setAsideSQL)
            UNION SELECT DISTINCT source FROM drops WHERE \(unfinished)
            """, database)
        while try setAside.step() { SourceName(setAside.text(0)).map { memory(of: $0).noteSetAside() } }
        setAside.reset()
        let names = try RawStatement("SELECT source, key FROM source_key ORDER BY source, no", database)
        while try names.step() {
            guard let source = SourceName(names.text(0)) else { throw StorageFailure.damaged("a source has no valid name") }
            memory(of: source).persistedKeys.append(keys.name(UInt32(truncatingIfNeeded: names.integer(1))))
        }
        names.reset()
    }

    /// What the drop that owns something made it part of.
    private func owned(by drop: UInt64) -> SourceMemory.Owned? {
        guard let source = source(ofDrop: drop) else { return nil }
        return memory(of: source).owned(scope(ofDrop: drop))
    }

    private func loadTwins(_ database: Database) throws(DropError) {
        var last: (drop: UInt64, owned: SourceMemory.Owned?) = (0, nil)
        let query = try RawStatement("SELECT no, id, rec, model FROM twin", database)
        while try query.step() {
            let number = UInt32(truncatingIfNeeded: query.integer(0))
            _ = twins.enter(query.identity(1, hash), number)
            twinVersions[number] = 1
            twinModels.load(number, model: UInt32(truncatingIfNeeded: query.integer(3)))
            let owner = try query.ownerDrop(2)
            if owner != last.drop { last = (owner, owned(by: owner)) }
            last.owned?.twins.insert(number)
        }
        query.reset()
        twinModels.loaded(counters.withLock { $0.sequence })
    }

    private func loadRelationships(_ database: Database) throws(DropError) {
        let query = try RawStatement(
            "SELECT r.no, t.id, r.id, r.rec FROM relationship r JOIN twin t ON t.no = r.source", database)
        while try query.step() {
            let number = UInt32(truncatingIfNeeded: query.integer(0))
            _ = relationships.enter(relationshipHash(source: query.bytes(1), id: query.bytes(2)), number)
            relationshipVersions[number] = 1
            owned(by: try query.ownerDrop(3))?.relationships.insert(number)
        }
        query.reset()
    }

    func loadWaiting(_ database: Database) throws(DropError) {
        var ids: Set<IdentityHash> = []
        var own: Set<IdentityHash> = []
        let query = try RawStatement("SELECT source_id, target_id, id FROM pending", database)
        while try query.step() {
            ids.formUnion([hash.identity(query.bytes(0)), hash.identity(query.bytes(1))])
            own.insert(relationshipHash(source: query.bytes(0), id: query.bytes(2)))
        }
        query.reset()
        let (ends, relationships) = (ids, own)
        waiting.withLock { ($0.twins, $0.relationships) = (ends, relationships) }
    }
}
