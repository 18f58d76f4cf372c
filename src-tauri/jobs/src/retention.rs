//! Removing jobs that ended long ago, a few at a time.

use store::StoreError;
use store::rusqlite::Transaction;

use crate::clock::millis;
use crate::config::Retention;
use crate::tally::{AllCounts, Tally};
use crate::{Priority, State};

/// How many of a state one step looks at, so that no writer waits long behind it.
const AT_ONCE: i64 = 500;

/// Removes what is too old or too much; returns how many, at most a few hundred of each state.
pub(crate) fn sweep(tx: &Transaction<'_>, keep: Retention, now_ms: i64) -> Result<usize, StoreError> {
    let mut tally = Tally::default();
    let mut removed = 0;
    let counts = AllCounts::read(tx)?;
    for (state, span) in
        [(State::Done, keep.done), (State::Failed, keep.failed), (State::Cancelled, keep.cancelled)]
    {
        let too_many = counts.in_state(state).saturating_sub(keep.most).min(AT_ONCE as u64);
        let before_ms = now_ms.saturating_sub(millis(span));
        // Those added first ended first, more or less.
        let mut select = tx.prepare_cached(
            "SELECT id, queue, priority, ended_at_ms < ?2 FROM job INDEXED BY job_by_state
             WHERE state = ?1 ORDER BY id LIMIT ?3",
        )?;
        let rows: Vec<(i64, String, i64, bool)> = select
            .query_map((state as i64, before_ms, AT_ONCE), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Option<bool>>(3)?.unwrap_or(false)))
            })?
            .collect::<Result<_, _>>()?;
        let mut delete = tx.prepare_cached("DELETE FROM job WHERE id = ?1")?;
        for (at, (id, queue, priority, old)) in rows.into_iter().enumerate() {
            if old || (at as u64) < too_many {
                delete.execute([id])?;
                tally.add(&queue, state, Priority::from_code(priority), -1);
                removed += 1;
            }
        }
    }
    tally.write(tx)?;
    Ok(removed)
}
