/// The tables of the database, and the steps that made them.
enum StoreSchema {
    /// Number of the newest schema; see `migrations`.
    static let version = 8

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
}
