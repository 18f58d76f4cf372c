//! The history of a job's attempts.

use store::StoreError;
use store::rusqlite::Transaction;

use crate::JobId;

/// An attempt that did not end well, for the job's history.
pub(crate) struct Attempted<'a> {
    pub(crate) job: JobId,
    pub(crate) start: i64,
    pub(crate) attempt: u32,
    pub(crate) outcome: &'a str,
    pub(crate) error: Option<&'a str>,
}

/// How many attempts of a job are kept; one that is put off again and again would gather them without end.
pub(crate) const ATTEMPTS_KEPT: i64 = 100;

impl Attempted<'_> {
    pub(crate) fn note(
        &self,
        tx: &Transaction<'_>,
        (started_at_ms, ended_at_ms): (i64, i64),
    ) -> Result<(), StoreError> {
        tx.prepare_cached(
            "INSERT OR REPLACE INTO job_attempt (job, start, attempt, started_at_ms, ended_at_ms, outcome, error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            self.job.0,
            self.start,
            self.attempt,
            started_at_ms,
            ended_at_ms,
            self.outcome,
            self.error,
        ))?;
        if self.start > ATTEMPTS_KEPT {
            tx.prepare_cached("DELETE FROM job_attempt WHERE job = ?1 AND start <= ?2")?
                .execute((self.job.0, self.start - ATTEMPTS_KEPT))?;
        }
        Ok(())
    }
}
