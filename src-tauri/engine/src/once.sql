-- Requests sent with an idempotency key, for a day: the key, the request as JSON, and the job that it made.
CREATE TABLE job_request (
    key     TEXT    NOT NULL PRIMARY KEY,
    request TEXT    NOT NULL,
    job     INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_request_by_time ON job_request (at_ms);
