-- States: 0 waiting, 1 scheduled, 2 snoozed, 3 blocked, 4 running, 5 done, 6 failed, 7 cancelled.
CREATE TABLE job (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL,
    queue           TEXT    NOT NULL,
    priority        INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    about           TEXT    NOT NULL,
    key             TEXT,
    attempt         INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL,
    -- Attempts spent before it was replayed.
    replayed_at     INTEGER NOT NULL DEFAULT 0,
    -- Grows with each start; with the session it says whose acknowledgement counts.
    starts          INTEGER NOT NULL DEFAULT 0,
    timeout_ms      INTEGER NOT NULL,
    overall_ms      INTEGER,
    -- When its overall time is up.
    deadline_ms     INTEGER,
    created_at_ms   INTEGER NOT NULL,
    run_at_ms       INTEGER NOT NULL,
    started_at_ms   INTEGER,
    ended_at_ms     INTEGER,
    -- The process that runs it.
    session         INTEGER,
    cancelling      INTEGER NOT NULL DEFAULT 0,
    error           TEXT,
    hold            TEXT,
    progress        REAL,
    progress_note   TEXT,
    batch           TEXT,
    parent          INTEGER,
    children_open   INTEGER NOT NULL DEFAULT 0,
    -- What may be long comes last: the columns before it are read without it.
    payload         TEXT    NOT NULL,
    -- The payload of one more run after the one under way.
    again           TEXT,
    result          TEXT
) STRICT;

-- Queries name the index that they need, since the planner knows neither how few jobs are due nor how many a state has.
-- Only what is due: a fetch costs the same beside any number of jobs that are not.
CREATE INDEX job_due ON job (queue, priority, run_at_ms, id) WHERE state = 0;
CREATE INDEX job_timed ON job (run_at_ms) WHERE state IN (1, 2);
-- The number of a job ends each entry: within a state, jobs are in the order in which they were added.
CREATE INDEX job_by_state ON job (state);
-- The latest of a key in each state is found at once, however many of it are kept.
CREATE INDEX job_by_key ON job (kind, key, state) WHERE key IS NOT NULL;
CREATE INDEX job_by_batch ON job (batch, state) WHERE batch IS NOT NULL;
CREATE INDEX job_by_parent ON job (parent) WHERE parent IS NOT NULL;

-- Attempts that did not end well, the latest of each job; the latest good one is told by the job's own row.
CREATE TABLE job_attempt (
    job           INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    -- Which start of the job it was.
    start         INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER NOT NULL,
    outcome       TEXT    NOT NULL,
    error         TEXT,
    PRIMARY KEY (job, start)
) STRICT, WITHOUT ROWID;

-- How many jobs are in each state, kept in the transactions that change them.
CREATE TABLE job_count (
    queue    TEXT    NOT NULL,
    state    INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    jobs     INTEGER NOT NULL,
    PRIMARY KEY (queue, state, priority)
) STRICT, WITHOUT ROWID;

-- What was changed of a queue while it ran.
CREATE TABLE job_queue (
    name        TEXT    NOT NULL PRIMARY KEY,
    paused      INTEGER NOT NULL DEFAULT 0,
    draining    INTEGER NOT NULL DEFAULT 0,
    concurrency INTEGER
) STRICT, WITHOUT ROWID;

-- Processes that run jobs. A beat that stands still tells that one is gone.
CREATE TABLE job_session (
    id   INTEGER PRIMARY KEY,
    beat INTEGER NOT NULL
) STRICT;

CREATE TABLE job_periodic (
    name       TEXT    NOT NULL PRIMARY KEY,
    cron       TEXT    NOT NULL,
    next_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
