/// The step to schema 7 (decision 0028): each drop has one life, told in one list of words, and acts of people are kept.
extension StoreSchema {
    static let oneLife = """
        ALTER TABLE drops ADD COLUMN closed_drop TEXT;
        ALTER TABLE drops ADD COLUMN closed_how TEXT;
        ALTER TABLE drops ADD COLUMN outcome TEXT;
        DROP INDEX drops_unfinished;
        DROP INDEX drops_set_aside;
        UPDATE drops SET state = 'done' WHERE state = 'clean';
        UPDATE drops SET outcome = (
            WITH book(read, used, rejected, changes, waiting) AS (SELECT
                books ->> '$.recordsRead', books ->> '$.recordsUsed', books ->> '$.recordsRejected',
                (books ->> '$.created') + (books ->> '$.updated') + (books ->> '$.deleted')
                    + coalesce(books ->> '$.deletedByAbsence', 0),
                coalesce(books ->> '$.waiting', 0))
            SELECT CASE WHEN drops.state = 'duplicate' THEN 'duplicate'
                WHEN drops.state IN ('quarantined', 'discarded') THEN 'not-applied'
                WHEN drops.state NOT IN ('applied', 'archived', 'done') THEN NULL
                WHEN drops.books IS NULL THEN 'applied'
                WHEN rejected > 0 AND used = 0 THEN 'nothing-usable'
                WHEN rejected > 0 THEN 'applied-with-rejects'
                WHEN read = 0 AND changes = 0 THEN 'empty'
                WHEN changes + waiting = 0 THEN 'unchanged' ELSE 'applied' END FROM book);
        CREATE TEMP TABLE retry_of AS SELECT link_drop AS old, max(id) AS new FROM drops WHERE link_kind = 'retries'
            GROUP BY link_drop;
        UPDATE drops SET state = 'retried', closed_how = 'retry',
            closed_drop = (SELECT new FROM retry_of WHERE old = drops.id)
            WHERE state = 'quarantined' AND id IN (SELECT old FROM retry_of);
        CREATE TEMP TABLE put_right AS WITH RECURSIVE carried(id, last) AS (
            SELECT link_drop, id FROM drops WHERE link_kind = 'retries' AND state IN ('applied', 'archived', 'done')
            UNION SELECT drops.link_drop, carried.last FROM carried JOIN drops ON drops.id = carried.id
                WHERE drops.link_kind = 'retries')
            SELECT id, max(last) AS last FROM carried GROUP BY id;
        UPDATE drops SET state = 'resolved', closed_drop = (SELECT last FROM put_right WHERE put_right.id = drops.id)
            WHERE state = 'retried' AND id IN (SELECT id FROM put_right);
        DROP TABLE put_right;
        DROP TABLE retry_of;
        CREATE INDEX drops_unfinished ON drops(id) WHERE \(unfinishedSQL);
        CREATE INDEX drops_set_aside ON drops(state, id) WHERE \(setAsideSQL);
        CREATE INDEX drops_open_rejects ON drops(source, id) WHERE \(openRejectsSQL);
        CREATE TABLE act(id TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, person TEXT NOT NULL, reason TEXT,
            drop_id TEXT, source TEXT, facts TEXT NOT NULL, leaf INTEGER) STRICT, WITHOUT ROWID;
        CREATE INDEX act_drop ON act(drop_id) WHERE drop_id IS NOT NULL;
        CREATE INDEX act_unrecorded ON act(id) WHERE leaf IS NULL;
        CREATE TABLE expectation(source TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE notice(channel TEXT NOT NULL, event TEXT NOT NULL, subject TEXT NOT NULL, opened INTEGER NOT NULL,
            PRIMARY KEY(channel, event, subject)) STRICT, WITHOUT ROWID;
        """
}
