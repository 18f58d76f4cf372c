-- Calls to outside services that still count in a window. `ended_at_ms` is NULL while a call is in flight.
CREATE TABLE service_call (
    service     TEXT    NOT NULL,
    id          INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER,
    PRIMARY KEY (service, id)
) WITHOUT ROWID;
CREATE INDEX service_call_by_end ON service_call (service, ended_at_ms);
CREATE TABLE service_memory (
    service       TEXT PRIMARY KEY,
    month         INTEGER NOT NULL DEFAULT 0,
    month_calls   INTEGER NOT NULL DEFAULT 0,
    hold_until_ms INTEGER
) WITHOUT ROWID;
-- What the program remembers by itself; what a person configures stands in the configuration file.
CREATE TABLE remembered (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
