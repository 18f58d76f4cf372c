//! Writing jobs that were found in order, in the transaction that adds them.

use std::time::Duration;

use store::StoreError;
use store::rusqlite::{CachedStatement, OptionalExtension, Transaction};

use crate::tally::{Tally, open_jobs};
use crate::{AddError, Added, JobId, Priority, State, Unique};

/// A job whose every value is in its range.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) kind: &'static str,
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
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The adding of jobs in one transaction; it must be [finished](Adding::finish) in it.
pub(crate) struct Adding<'a> {
    pub(crate) tx: &'a Transaction<'a>,
    pub(crate) tally: Tally,
    insert: CachedStatement<'a>,
    /// The queues as the transaction found them.
    queues: Vec<Found>,
}

struct Found {
    queue: String,
    draining: bool,
    open: u64,
}

impl<'a> Adding<'a> {
    pub(crate) fn new(tx: &'a Transaction<'a>) -> Result<Self, StoreError> {
        let insert = tx.prepare_cached(
            "INSERT INTO job (kind, queue, priority, state, about, key, payload, attempts, timeout_ms, overall_ms,
                              created_at_ms, run_at_ms, batch, parent, children_open, deadline_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?11 + ?10)",
        )?;
        Ok(Self { tx, tally: Tally::default(), insert, queues: Vec::new() })
    }

    /// Adds this one, where its key is not taken and its queue takes it.
    pub(crate) fn add(&mut self, job: &Ready, kin: Kin) -> Result<Result<Added, AddError>, StoreError> {
        if let Some(existing) = job.existing(self.tx)? {
            return Ok(Ok(job.join(self.tx, existing, &mut self.tally)?));
        }
        if let Err(refusal) = self.admit(job)? {
            return Ok(Err(refusal));
        }
        let state = match kin.children {
            1.. => State::Blocked,
            0 if job.run_at_ms > job.now_ms => State::Scheduled,
            0 => State::Waiting,
        };
        let id = self.insert.insert((
            job.kind,
            &job.queue,
            job.priority as i64,
            state as i64,
            &job.about,
            &job.key,
            &job.payload,
            job.attempts,
            job.timeout_ms,
            job.overall_ms,
            job.now_ms,
            job.run_at_ms,
            &job.batch,
            kin.parent.map(|parent| parent.0),
            kin.children,
        ))?;
        self.tally.add(&job.queue, state, job.priority, 1);
        Ok(Ok(Added { id: JobId(id), existing: false }))
    }

    pub(crate) fn finish(self) -> Result<(), StoreError> {
        self.tally.write(self.tx)
    }

    fn admit(&mut self, job: &Ready) -> Result<Result<(), AddError>, StoreError> {
        let Found { draining, open, .. } = *self.find(&job.queue)?;
        let open = open.saturating_add_signed(self.tally.open(&job.queue));
        let queue = || job.queue.clone();
        Ok(if draining {
            Err(AddError::Draining { queue: queue() })
        } else if open >= job.bound {
            Err(AddError::QueueFull { queue: queue(), bound: job.bound, retry_after: RETRY_AFTER })
        } else if job.loaded && job.priority == Priority::Low && open >= job.bound.div_ceil(2) {
            Err(AddError::Overloaded { queue: queue(), retry_after: RETRY_AFTER })
        } else {
            Ok(())
        })
    }

    fn find(&mut self, queue: &str) -> Result<&Found, StoreError> {
        if let Some(at) = self.queues.iter().position(|found| found.queue == queue) {
            return Ok(&self.queues[at]);
        }
        let (draining, open) = (is_draining(self.tx, queue)?, open_jobs(self.tx, queue)?);
        Ok(self.queues.push_mut(Found { queue: queue.to_owned(), draining, open }))
    }
}

/// Whether the queue takes no more.
pub(crate) fn is_draining(tx: &Transaction<'_>, queue: &str) -> Result<bool, StoreError> {
    let mut select = tx.prepare_cached("SELECT draining FROM job_queue WHERE name = ?1")?;
    Ok(select.query_row([queue], |row| row.get(0)).optional()?.unwrap_or(false))
}
