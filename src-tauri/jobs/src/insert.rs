//! Writing a job that was found in order, in the transaction that adds it.

use std::time::Duration;

use store::StoreError;
use store::rusqlite::{OptionalExtension, Transaction};

use crate::tally::{Tally, open_jobs};
use crate::{AddError, Added, JobId, OnDuplicate, Priority, State, Unique};

/// A job whose every value is in its range.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) bound: u64,
    pub(crate) priority: Priority,
    pub(crate) about: String,
    pub(crate) key: Option<String>,
    pub(crate) unique: Unique,
    pub(crate) payload: String,
    pub(crate) attempts: u32,
    pub(crate) timeout_ms: i64,
    pub(crate) overall_ms: Option<i64>,
    pub(crate) now_ms: i64,
    pub(crate) run_at_ms: i64,
    pub(crate) batch: Option<String>,
    /// Whether the machine's load keeps low-priority work out beyond half of the bound.
    pub(crate) loaded: bool,
}

/// How a job stands to others.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kin {
    pub(crate) parent: Option<JobId>,
    pub(crate) children: u32,
}

/// When somebody who was refused for want of room may try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Ready {
    pub(crate) fn insert(
        &self,
        tx: &Transaction<'_>,
        kin: Kin,
        tally: &mut Tally,
    ) -> Result<Result<Added, AddError>, StoreError> {
        if let Some(existing) = self.existing(tx)? {
            return Ok(Ok(self.join(tx, existing, tally)?));
        }
        if let Err(refusal) = self.admit(tx)? {
            return Ok(Err(refusal));
        }
        let state = match kin.children {
            1.. => State::Blocked,
            0 if self.run_at_ms > self.now_ms => State::Scheduled,
            0 => State::Waiting,
        };
        let mut insert = tx.prepare_cached(
            "INSERT INTO job (kind, queue, priority, state, about, key, payload, attempts, timeout_ms, overall_ms,
                              created_at_ms, run_at_ms, batch, parent, children_open)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        let id = insert.insert((
            &self.kind,
            &self.queue,
            self.priority as i64,
            state as i64,
            &self.about,
            &self.key,
            &self.payload,
            self.attempts,
            self.timeout_ms,
            self.overall_ms,
            self.now_ms,
            self.run_at_ms,
            &self.batch,
            kin.parent.map(|parent| parent.0),
            kin.children,
        ))?;
        tally.add(&self.queue, state, self.priority, 1);
        Ok(Ok(Added { id: JobId(id), existing: false }))
    }

    /// The latest job of this key that counts. All adding is one after the other, also from other processes, so
    /// there is never a second one.
    fn existing(&self, tx: &Transaction<'_>) -> Result<Option<(JobId, State)>, StoreError> {
        let Some(key) = &self.key else { return Ok(None) };
        let since_ms = self.unique.within.map_or(i64::MIN, |within| self.now_ms - within.as_millis() as i64);
        let mut select = tx.prepare_cached(
            "SELECT id, state FROM job
             WHERE kind = ?1 AND key = ?2 AND (?3 >> state) & 1 AND created_at_ms > ?4
             ORDER BY id DESC LIMIT 1",
        )?;
        let found = select
            .query_row((&self.kind, key, self.unique.among.bits(), since_ms), |row| {
                Ok((JobId(row.get(0)?), State::from_code(row.get(1)?)))
            })
            .optional()?;
        Ok(found.filter(|(_, state)| self.unique.counts(*state)))
    }

    fn join(
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
                            hold = NULL WHERE id = ?1",
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

    fn admit(&self, tx: &Transaction<'_>) -> Result<Result<(), AddError>, StoreError> {
        let draining = tx
            .prepare_cached("SELECT draining FROM job_queue WHERE name = ?1")?
            .query_row([&self.queue], |row| row.get::<_, bool>(0))
            .optional()?;
        if draining == Some(true) {
            return Ok(Err(AddError::Draining { queue: self.queue.clone() }));
        }
        let open = open_jobs(tx, &self.queue)?;
        let queue = self.queue.clone();
        Ok(if open >= self.bound {
            Err(AddError::QueueFull { queue, bound: self.bound, retry_after: RETRY_AFTER })
        } else if self.loaded && self.priority == Priority::Low && open >= self.bound.div_ceil(2) {
            Err(AddError::Overloaded { queue, retry_after: RETRY_AFTER })
        } else {
            Ok(())
        })
    }
}
