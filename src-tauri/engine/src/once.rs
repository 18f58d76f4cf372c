//! Requests that were sent with an idempotency key: the same key within a day gives the same job.

use store::StoreError;
use store::rusqlite::{OptionalExtension, Transaction};

/// How long a key is remembered.
const KEPT_MS: i64 = 24 * 3_600_000;

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It came with the same request and made this job.
    Same(i64),
    /// It came with another request.
    Other,
}

/// Looks a key up; one that is older than a day is forgotten.
pub(crate) fn find(
    tx: &Transaction<'_>,
    key: &str,
    request: &str,
    now_ms: i64,
) -> Result<Option<Known>, StoreError> {
    let mut select =
        tx.prepare_cached("SELECT request = ?2, job FROM job_request WHERE key = ?1 AND at_ms > ?3")?;
    let found = select.query_row((key, request, now_ms.saturating_sub(KEPT_MS)), |row| {
        let (same, job): (bool, i64) = (row.get(0)?, row.get(1)?);
        Ok(if same { Known::Same(job) } else { Known::Other })
    });
    Ok(found.optional()?)
}

/// Remembers which job a key made; in the transaction that made it.
pub(crate) fn remember(
    tx: &Transaction<'_>,
    key: &str,
    request: &str,
    job: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    tx.prepare_cached("REPLACE INTO job_request (key, request, job, at_ms) VALUES (?1, ?2, ?3, ?4)")?
        .execute((key, request, job, now_ms))?;
    Ok(())
}

/// Forgets what is older than a day; returns how many.
pub(crate) fn forget(tx: &Transaction<'_>, now_ms: i64) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached("DELETE FROM job_request WHERE at_ms <= ?1")?;
    Ok(delete.execute([now_ms.saturating_sub(KEPT_MS)])?)
}
