-- tier 0: one row in 10 s, kept 48 h. tier 1: one row in 5 min, kept 31 days. A NULL was not measured.
CREATE TABLE sample (
    tier           INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    load           REAL,
    cpu            REAL,
    memory         REAL,
    cache_memory   REAL,
    cache_database REAL,
    cache_origin   REAL,
    queue_critical REAL,
    queue_high     REAL,
    queue_normal   REAL,
    queue_low      REAL,
    PRIMARY KEY (tier, at_ms)
) WITHOUT ROWID;
