-- Jobs joined the engine.
ALTER TABLE sample ADD COLUMN jobs_per_minute REAL;
ALTER TABLE sample ADD COLUMN jobs_failed REAL;
ALTER TABLE sample ADD COLUMN jobs_wait_p95_ms REAL;
ALTER TABLE sample ADD COLUMN jobs_run_p95_ms REAL;
