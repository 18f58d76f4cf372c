//! Adding a job whose key is taken.

use store::StoreError;
use store::rusqlite::{OptionalExtension, Transaction};

use crate::clock::millis;
use crate::insert::Ready;
use crate::tally::Tally;
use crate::{Added, JobId, OnDuplicate, Priority, State};

impl Ready {
    /// The latest job of this key that counts. All adding is one after the other, also from other processes, so
    /// there is never a second one.
    pub(crate) fn existing(&self, tx: &Transaction<'_>) -> Result<Option<(JobId, State)>, StoreError> {
        let Some(key) = &self.key else { return Ok(None) };
        let since_ms =
            self.unique.within.map_or(i64::MIN, |within| self.now_ms.saturating_sub(millis(within)));
        // One look for each state: a key may have any number of jobs that ended.
        let mut select = tx.prepare_cached(
            "SELECT id, created_at_ms FROM job INDEXED BY job_by_key
             WHERE kind = ?1 AND key = ?2 AND state = ?3 ORDER BY id DESC LIMIT 1",
        )?;
        let mut latest = None;
        for state in State::ALL.into_iter().filter(|state| self.unique.among.contains(*state)) {
            let found = select
                .query_row((self.kind, key, state as i64), |row| {
                    Ok((JobId(row.get(0)?), row.get::<_, i64>(1)?))
                })
                .optional()?;
            if let Some((id, _)) = found.filter(|(_, created_at_ms)| *created_at_ms > since_ms) {
                latest = latest.max(Some((id, state)));
            }
        }
        Ok(latest)
    }

    pub(crate) fn join(
        &self,
        tx: &Transaction<'_>,
        (id, state): (JobId, State),
        tally: &mut Tally,
    ) -> Result<Added, StoreError> {
        match (self.unique.policy, state) {
            (OnDuplicate::RunOnceMore, State::Running) => {
                tx.prepare_cached("UPDATE job SET again = ?2 WHERE id = ?1")?
                    .execute((id.0, &self.payload))?;
            }
            (OnDuplicate::Replace, State::Waiting | State::Scheduled | State::Snoozed) => {
                self.replace(tx, id, state, tally)?;
            }
            _ => {}
        }
        Ok(Added { id, existing: true })
    }

    fn replace(
        &self,
        tx: &Transaction<'_>,
        id: JobId,
        from: State,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let old: (String, i64) = tx
            .prepare_cached("SELECT queue, priority FROM job WHERE id = ?1")?
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let to = if self.run_at_ms > self.now_ms { State::Scheduled } else { State::Waiting };
        tx.prepare_cached(
            "UPDATE job SET payload = ?2, about = ?3, priority = ?4, run_at_ms = ?5, state = ?6, queue = ?7,
                            hold = NULL, error = NULL WHERE id = ?1",
        )?
        .execute((
            id.0,
            &self.payload,
            &self.about,
            self.priority as i64,
            self.run_at_ms,
            to as i64,
            &self.queue,
        ))?;
        tally.add(&old.0, from, Priority::from_code(old.1), -1);
        tally.add(&self.queue, to, self.priority, 1);
        Ok(())
    }
}
