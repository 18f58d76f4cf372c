-- A row without a payload is the trace of a removal: older values may not be written over it.
CREATE TABLE cache_entry (
    region        TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    schema        INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    ttl_ms        INTEGER NOT NULL,
    max_stale_ms  INTEGER NOT NULL,
    stamp         INTEGER NOT NULL,
    tags          BLOB    NOT NULL,
    payload       BLOB,
    bytes         INTEGER NOT NULL,
    checksum      INTEGER NOT NULL,
    PRIMARY KEY (region, key)
) WITHOUT ROWID;
CREATE INDEX cache_entry_by_stamp ON cache_entry (stamp, bytes);
CREATE TABLE cache_mark (
    scope TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    stamp INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;
