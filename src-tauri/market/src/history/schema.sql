-- One row for each source, token and currency that has a history. Ids are never used again.
CREATE TABLE price_series (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    source   TEXT NOT NULL,
    token    TEXT NOT NULL,
    currency TEXT NOT NULL,
    UNIQUE (source, token, currency)
) STRICT;

-- Points as they came, for 48 hours.
CREATE TABLE price_points (
    series     INTEGER NOT NULL REFERENCES price_series (id),
    at_ms      INTEGER NOT NULL,
    price      REAL NOT NULL,
    volume_24h REAL,
    PRIMARY KEY (series, at_ms)
) STRICT, WITHOUT ROWID;

-- What happened in [start_ms, start_ms + width_ms): 5 minutes wide for 90 days, 1 hour wide for ever.
CREATE TABLE price_buckets (
    series       INTEGER NOT NULL REFERENCES price_series (id),
    width_ms     INTEGER NOT NULL,
    start_ms     INTEGER NOT NULL,
    open         REAL NOT NULL,
    open_at_ms   INTEGER NOT NULL,
    high         REAL NOT NULL,
    low          REAL NOT NULL,
    close        REAL NOT NULL,
    close_at_ms  INTEGER NOT NULL,
    volume_24h   REAL,
    volume_at_ms INTEGER,
    PRIMARY KEY (series, width_ms, start_ms)
) STRICT, WITHOUT ROWID;
